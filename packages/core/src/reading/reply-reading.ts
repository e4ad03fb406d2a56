import { type Observable, ReplaySubject, distinctUntilChanged, filter, map, mergeMap } from "rxjs";
import type { z } from "zod";
import type { DeepPartial, Instant } from "../define/instant.ts";
import type { PathIn, TextPathIn, ValueAt } from "../define/schema-path.ts";
import type { Pieces } from "../define/token-source.ts";
import { invalidField } from "../instant/invalid-field.ts";
import { PieceReader } from "../instant/piece-reader.ts";
import { readReply } from "../instant/reply-reader.ts";
import type { FieldIssue } from "../schema/field-issue.ts";
import { matchesPath } from "../schema/field-path.ts";
import { View, harmless, reportToConsole } from "../views/view.ts";
import { snapshotOf } from "./snapshot.ts";

/** Where in a reply something is. */
interface At {
  /** Such as `items[3].name`. */
  readonly path: string;
  /** The array positions in `path`, outermost first. */
  readonly indexes: readonly number[];
}

/** One signal of a field: it begins, a string goes on, it is complete and valid, or complete and not valid. */
export type ReadSignal<T> = At &
  (
    | { readonly type: "opened" }
    | { readonly type: "delta"; readonly delta: string }
    | { readonly type: "complete"; readonly value: T }
    | { readonly type: "invalid"; readonly issues: readonly FieldIssue[]; readonly raw: unknown }
  );

/** A structured reply that is read outside of a flow. Whoever subscribes late gets what is there, then what comes. */
export interface ReplyReading<S extends z.core.$ZodType = z.core.$ZodType> {
  /**
   * The whole reply, as its schema puts it out; the schema decides. Unread, it is never an unhandled rejection.
   *
   * @throws SluiceError `reply-invalid`, `reply-truncated`, `reply-no-json`, `reply-syntax`, `reply-limit`; `model-failed`, where the source gives neither text nor bytes; what the source throws
   */
  readonly done: Promise<z.output<S>>;
  /** The signals of the fields that fit a path. */
  readonly field$: <const P extends string>(path: PathIn<S, P>) => Observable<ReadSignal<ValueAt<S, P>>>;
  /** The pieces of the strings that fit a path. */
  readonly delta$: <const P extends string>(path: TextPathIn<S, P>) => Observable<string>;
  /** The values that fit a path, each when it is complete and valid: `value$("items[*]")` gives item after item. */
  readonly value$: <const P extends string>(path: PathIn<S, P>) => Observable<ValueAt<S, P>>;
  /**
   * What has been written so far, after each piece of text. Pictures are immutable and share what is finished; one costs a
   * copy of what is open, and is made only when somebody looks.
   */
  readonly snapshot$: Observable<DeepPartial<z.output<S>>>;
}

/** How a reply is read. */
export interface ReadingOptions {
  /** Ends the reading when it fires, with the signal's reason. */
  readonly abortSignal?: AbortSignal;
  /** Hears what observers throw; they are detached. @default `console.error` */
  readonly onObserverError?: (error: unknown) => void;
}

/**
 * Reads a structured reply without a flow: the same fields, deltas and checks as `ctx.instant`, as observables. It begins
 * in the next microtask and reads to the end, whoever watches. What has come is kept as long as the reading is.
 *
 * @param source anything that yields texts or bytes
 * @throws SluiceError `multi-no-array`, where the reply is defined so
 */
export function parseReply<R extends Instant>(
  reply: R,
  source: Pieces,
  { abortSignal, onObserverError = reportToConsole }: ReadingOptions = {},
): ReplyReading<R["schema"]> {
  const { name, schema, options } = reply;
  const signals = new ReplaySubject<ReadSignal<unknown>>();
  const pieces = new ReplaySubject<void>(1);
  const reader = readReply(schema, {
    strict: options.strict,
    guess: options.guess,
    limits: options.limits,
    multi: options.multi,
    where: name,
    listener: {
      opened: (path, indexes) => signals.next({ type: "opened", path, indexes }),
      delta: (path, indexes, delta) => signals.next({ type: "delta", path, indexes, delta }),
      complete: (path, indexes, value) => signals.next({ type: "complete", path, indexes, value }),
      invalid: (path, indexes, issues, raw) => {
        signals.next({ type: "invalid", path, indexes, issues, raw });
        if ((options.onInvalid ?? "report") !== "report") throw invalidField(name, path, issues, name);
      },
    },
  });
  const read = async (): Promise<unknown> => {
    await Promise.resolve();
    const decoder = new PieceReader(name);
    for await (const piece of untilAborted(source, abortSignal)) {
      reader.push(decoder.read(piece));
      pieces.next();
    }
    reader.push(decoder.rest());
    const { value } = await reader.end();
    pieces.next(); // where all of it was prose until now
    return value;
  };
  const done = read();
  done.then(
    () => [signals, pieces].forEach((one) => one.complete()),
    (error: unknown) => [signals, pieces].forEach((one) => one.error(error)),
  );
  const view = <T>(values$: Observable<T>): View<T> =>
    new View<T>((subscriber) => {
      const subscription = values$.subscribe(subscriber);
      return () => subscription.unsubscribe();
    }, harmless(onObserverError));
  const at = (path: string): Observable<ReadSignal<unknown>> => {
    const fits = matchesPath(path);
    return signals.pipe(filter((signal) => fits(signal.path)));
  };
  return {
    done,
    field$: (path: string) => view(at(path)),
    delta$: (path: string) =>
      view(at(path).pipe(mergeMap((signal) => (signal.type === "delta" ? [signal.delta] : [])))),
    value$: (path: string) =>
      view(at(path).pipe(mergeMap((signal) => (signal.type === "complete" ? [signal.value] : [])))),
    snapshot$: view(
      pieces.pipe(
        map(() => snapshotOf(reader.partial, reader.openPath)),
        filter((picture) => picture !== undefined),
        distinctUntilChanged(),
      ),
    ),
  } as unknown as ReplyReading<R["schema"]>; // the schema's types exist at compile time only
}

/** The source, left as soon as the signal fires. */
async function* untilAborted(
  source: Pieces,
  abortSignal: AbortSignal | undefined,
): AsyncGenerator<string | Uint8Array> {
  if (abortSignal === undefined) return yield* source;
  const aborted = new Promise<never>((_, reject) => {
    const stop = (): void => reject(abortSignal.reason as Error);
    if (abortSignal.aborted) stop();
    else abortSignal.addEventListener("abort", stop, { once: true });
  });
  aborted.catch(() => {}); // it is heard below, where the next piece is waited for
  const iterator = Symbol.asyncIterator in source ? source[Symbol.asyncIterator]() : source[Symbol.iterator]();
  try {
    for (;;) {
      const { done, value } = await Promise.race([aborted, Promise.resolve(iterator.next())]);
      if (done === true) return;
      yield value;
    }
  } finally {
    void iterator.return?.(); // a source that hangs does not answer
  }
}
