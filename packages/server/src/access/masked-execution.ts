import { type Entry, type ErrorCode, type Execution, type Gap, SluiceError } from "@sluice/core";
import { isForeign } from "../request/problem.ts";
import { catchError, map, throwError } from "rxjs";

/** The errors that quote what others have thrown: a database, a provider, a library. What is told of them instead. */
const quoting: Partial<Record<ErrorCode, string>> = {
  "child-failed": "A child did not complete",
  "chunk-failed": "A chunk failed",
  "create-failed": "The flow could not be made",
  "guard-failed": "A guard failed",
  "log-corrupt": "What is stored is damaged",
  "model-failed": "A model failed",
  "pipeline-failed": "A pipeline failed",
  "store-failed": "The store failed",
};

/** An error without what others have thrown; its code and place stay. */
export function maskedError<E>(error: E): E | SluiceError {
  if (!(error instanceof SluiceError)) return error;
  const what = quoting[error.code] ?? (isForeign(error.cause) ? "Something else failed in it" : undefined);
  return what === undefined && error.cause === undefined
    ? error
    : new SluiceError(error.code, {
        what: what ?? error.what,
        where: error.where,
        ...(what === undefined && { mend: error.mend }),
      });
}

/** One for each execution: its entries are written once for all who watch. */
const masked = new WeakMap<Execution, Execution>();

/** An execution as clients see it: its log, its stream and its end tell nothing of what others have thrown. All else is itself. */
export function maskedExecution(execution: Execution): Execution {
  const known = masked.get(execution);
  if (known !== undefined) return known;
  const mask = new Proxy(execution, {
    get: (target, key) =>
      (Object.hasOwn(masks, key) ? masks[key as keyof Execution]?.(target) : undefined) ??
      Reflect.get(target, key, target),
  });
  masked.set(execution, mask);
  return mask;
}

/** What of an execution tells of errors. All else is named, too, so that nothing new is shown unasked. */
const masks: { readonly [K in keyof Execution]: ((execution: Execution) => Execution[K]) | undefined } = {
  events: ({ events }) => ((options) => mapped(events(options), maskedEntry)) as Execution["events"],
  eventBatches: ({ eventBatches }) =>
    ((options) =>
      mapped(eventBatches(options), (batch) => batch.map(maskedEntry) as typeof batch)) as Execution["eventBatches"],
  events$: ({ events$ }) => events$.pipe(map(maskedEntry)) as Execution["events$"],
  on: ({ on }) =>
    ((type, handler) => on(type, (entry) => handler(maskedEntry(entry as Entry) as never))) as Execution["on"],
  result: ({ result }) => {
    const told = result.catch((error: unknown) => {
      throw maskedError(error);
    });
    told.catch(() => {}); // one that nobody reads is no unhandled rejection
    return told;
  },
  stream: ({ stream }) => ((options) => mapped(stream(options), (item) => item)) as Execution["stream"],
  stream$: ({ stream$ }) => stream$.pipe(catchError((error: unknown) => throwError(() => maskedError(error)))),
  cancel: undefined,
  close: undefined,
  emit: undefined,
  field$: undefined,
  id: undefined,
  interrupts: undefined,
  position: undefined,
  release: undefined,
  resume: undefined,
  settled: undefined,
  state: undefined,
  state$: undefined,
  status: undefined,
  status$: undefined,
  stored: undefined,
  [Symbol.asyncDispose]: undefined,
};

/** A pulled view of which each item is looked at, and what it may fail with. */
function mapped<T>(
  source: AsyncGenerator<T, void, undefined>,
  look: (item: T) => T,
): AsyncGenerator<T, void, undefined> {
  const told = async (step: Promise<IteratorResult<T, void>>): Promise<IteratorResult<T, void>> => {
    try {
      const { done, value } = await step;
      return done === true ? { done, value: undefined } : { done: false, value: look(value) };
    } catch (error) {
      throw maskedError(error);
    }
  };
  return {
    next: () => told(source.next()),
    return: () => told(source.return()),
    throw: (error) => told(source.throw(error)),
    [Symbol.asyncIterator]() {
      return this;
    },
    [Symbol.asyncDispose]: async () => void (await source.return()),
  };
}

/** Where an entry tells of errors: in few of them. */
function maskedEntry(entry: Entry): Entry;
function maskedEntry(entry: Entry | Gap): Entry | Gap;
function maskedEntry(entry: Entry | Gap): Entry | Gap {
  if (entry.type === "tool:call_finish")
    return entry.error === undefined ? entry : { ...entry, error: "The tool failed" };
  if (entry.type === "chunk:start") {
    return entry.trigger.includes("failed(") ? { ...entry, input: maskedIn(entry.input) } : entry;
  }
  const undone = "notUndone" in entry ? entry.notUndone : undefined;
  if (!("error" in entry) && undone === undefined) return entry;
  return {
    ...entry,
    ...("error" in entry && { error: maskedError(entry.error) }),
    ...(undone !== undefined && { notUndone: undone.map((one) => ({ ...one, error: maskedError(one.error) })) }),
  } as Entry;
}

/** Plain data without what errors in it quote: one failure, or several in a join. */
function maskedIn(value: unknown): unknown {
  if (value instanceof SluiceError) return maskedError(value);
  if (Array.isArray(value)) return value.map(maskedIn);
  if (typeof value !== "object" || value === null) return value;
  return Object.fromEntries(Object.entries(value).map(([key, one]) => [key, maskedIn(one)]));
}
