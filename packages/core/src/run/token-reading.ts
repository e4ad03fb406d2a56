import type { ModelCall, ModelRequest, TokenSource } from "../define/token-source.ts";
import { SluiceError, located, messageOf } from "../error/sluice-error.ts";
import { excerpt } from "../error/excerpt.ts";
import { PieceReader } from "../instant/piece-reader.ts";
import { Abort, aborted } from "./abort.ts";
import type { Attempt } from "./attempt.ts";
import type { Host } from "./host.ts";
import { ModelLog } from "./model-log.ts";
import { sourceClock } from "./source-clock.ts";

/** Ends a reading before its source. */
export interface EarlyEnd<T> {
  /** Leaves the source. @returns the tokens that were still to come, where they are known */
  readonly leave: () => number | undefined;
  /** The outcome of the reading. */
  readonly resolve: (outcome: T) => void;
}

/** Who reads the text of a source. */
export interface TextReader<T> {
  readonly request: Pick<ModelRequest, "reply">;
  /** The reply that it reads, by its id. @default none: a text */
  readonly replyId?: string;
  /** Whether nobody is shown the text while it comes. @default false */
  readonly quiet?: boolean;
  /** More text. What it throws ends the reading. */
  readonly push: (text: string) => void;
  /** A further call of the model begins: tools have run. Its text follows that of the one before. */
  readonly restart?: () => void;
  /** The text is complete. Its outcome is the reading's. */
  readonly end: () => T | Promise<T>;
  /** The reading begins, and may be ended on purpose. */
  readonly opened?: (early: EarlyEnd<T>) => void;
  /** The reading has failed, not been ended from outside. Called once. */
  readonly failed?: (error: unknown) => void;
}

/**
 * Reads a token source to its end, within an attempt: model entries, the abort signal, the chunks that the text starts.
 *
 * @returns what the reader makes of the text; rejects at once when the attempt ends.
 * @throws SluiceError `model-failed`, or what the reader throws
 */
export function readTokens<T>(host: Host, attempt: Attempt, source: TokenSource, reader: TextReader<T>): Promise<T> {
  const outcome = new Promise<T>((resolve, reject) => {
    const abort = new Abort();
    const forget = attempt.abort.onAbort((reason) => {
      abort.abort(() => reason);
      reject(reason); // also when the source never answers
    });
    const stop = (error: unknown): void => {
      if (abort.aborted) return;
      abort.abort(() => asReason(error));
      reject(error);
      reader.failed?.(error);
    };
    const ends: Ends = { abort, stop, leave: () => undefined };
    reader.opened?.({
      leave() {
        const saved = ends.leave();
        abort.abort(() => aborted(attempt.where, "its reply has been stopped"));
        return saved;
      },
      resolve,
    });
    pump(host, attempt, source, reader, ends).then(resolve, stop).finally(forget);
  });
  outcome.catch(() => {}); // whoever awaits it hears of it; a reading that nobody awaits must not end the process
  return outcome;
}

/** How a reading ends before its source. */
interface Ends {
  readonly abort: Abort;
  /** Ends it with an error, at once: a source may take its time to be left. */
  readonly stop: (error: unknown) => void;
  /** Ends the model's generation in the log. @returns the tokens that were still to come, where they are known */
  leave: () => number | undefined;
}

async function pump<T>(
  host: Host,
  attempt: Attempt,
  source: TokenSource,
  reader: TextReader<T>,
  ends: Ends,
): Promise<T> {
  const { abort, stop } = ends;
  const { quiet = false } = reader;
  const call = modelCall(source, attempt.where);
  const pieces = new PieceReader(attempt.where);
  if (call === undefined) {
    for await (const piece of source as AsyncIterable<unknown> | Iterable<unknown>) {
      if (abort.aborted) break;
      push(pieces.read(piece), stop);
    }
    const rest = pieces.rest();
    if (rest !== "" && !abort.aborted) push(rest, stop);
  } else {
    await pumpModel(call);
  }
  if (abort.reason !== undefined) throw abort.reason;
  return reader.end();

  function push(text: string, refuse: (error: unknown) => void): void {
    if (!quiet) attempt.shown = true;
    try {
      reader.push(text);
    } catch (error) {
      refuse(error);
      throw error;
    }
  }

  async function pumpModel({ model, stream }: ModelCall): Promise<void> {
    const log = new ModelLog(host, attempt, { quiet, replyId: reader.replyId });
    ends.leave = () => log.abort();
    const refuse = (error: unknown): void => {
      log.abort();
      stop(error);
    };
    try {
      const idempotencyKey = host.keyOf(attempt);
      const clock = sourceClock(host.scheduler, abort);
      const allowance = log.allowance(abort);
      const request = { ...reader.request, abortSignal: abort.signal, idempotencyKey, attempt: attempt.number, clock };
      log.generation = stream(allowance === undefined ? request : { ...request, allowance });
      const { resolved } = log.generation;
      if (resolved !== undefined) log.resolve(resolved);
      log.start(resolved?.model ?? model);
      for await (const part of log.generation) {
        if (abort.aborted) return;
        log.note(part);
        if (part.type === "text") push(pieces.read(part.delta), refuse);
        else if (part.type === "start") reader.restart?.();
      }
      if (!abort.aborted) log.end();
    } catch (error) {
      throw modelError(model, error, attempt.where);
    } finally {
      log.close();
    }
  }
}

function modelCall(source: TokenSource, where: string): ModelCall | undefined {
  if (typeof source === "string") return undefined;
  if (typeof source === "object" && source !== null) {
    if ("stream" in source && typeof source.stream === "function") return source;
    if (Symbol.asyncIterator in source || Symbol.iterator in source) return undefined;
  }
  throw new SluiceError("model-failed", {
    what: `${excerpt(source)} is not a source of tokens`,
    where,
    mend: "Give ask(model, …), or something that yields strings or bytes",
    retryable: false,
  });
}

function modelError(model: string, error: unknown, where: string): SluiceError {
  if (error instanceof SluiceError) return located(error, where);
  return new SluiceError("model-failed", {
    what: `The model "${model}" failed: ${messageOf(error)}`,
    where,
    cause: error,
    retryable: (error as { isRetryable?: unknown } | null | undefined)?.isRetryable !== false,
  });
}

function asReason(error: unknown): SluiceError {
  if (error instanceof SluiceError) return error;
  return new SluiceError("chunk-aborted", { what: `The reading ended: ${messageOf(error)}`, cause: error });
}
