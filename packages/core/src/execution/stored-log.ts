import { SluiceError, messageOf } from "../error/sluice-error.ts";
import type { Graph } from "../graph/graph.ts";
import type { Entry } from "../machine/entry.ts";
import { Past, type PastData } from "../run/past.ts";
import { entryOfText, ofText } from "../store/entry-text.ts";
import { storeFailed } from "../store/journal.ts";
import type { Awaitable, Store, StoredExecution } from "../store/store.ts";

/** Entries that are read from a store at a time. */
const page = 5_000;

/** What a store answers; its failures as errors of ours. @throws SluiceError `store-failed`, `log-corrupt` */
export async function given<T>(ask: () => Awaitable<T>, what: "give" | "take" = "give"): Promise<T> {
  try {
    return await ask();
  } catch (error) {
    if (error instanceof SluiceError && error.code === "log-corrupt") throw error;
    throw storeFailed(what, error);
  }
}

/** What is known of a stored execution. @throws SluiceError `execution-unknown` */
export async function recordOf(store: Store, executionId: string): Promise<StoredExecution> {
  const record = await given(() => store.find(executionId));
  if (record !== undefined) return record;
  throw new SluiceError("execution-unknown", {
    what: `No execution "${executionId}" is stored`,
    mend: "Look at store.list() for those that are",
  });
}

/** Which entries are read. */
export interface LogRange {
  /** Entries with a higher number. @default 0 */
  readonly after?: number;
  /** Entries up to this number. @default the last */
  readonly upTo?: number;
}

/**
 * The stored entries of an execution: all that are asked for, or none.
 *
 * @throws SluiceError `log-corrupt` with the place; `store-failed`
 */
export async function readLog(
  store: Store,
  { executionId, flow, lastSeq }: Pick<StoredExecution, "executionId" | "flow" | "lastSeq">,
  { after = 0, upTo = lastSeq }: LogRange = {},
): Promise<readonly Entry[]> {
  const place = { executionId, path: [flow] };
  const entries: Entry[] = [];
  while (after + entries.length < upTo) {
    const from = after + entries.length;
    const texts = await given(() => store.read(executionId, { after: from, upTo, limit: page }));
    if (texts.length === 0)
      throw corrupt(executionId, from + 1, `it is missing; the last of ${lastSeq} should be there`);
    for (const text of texts) entries.push(entryAt(text, after + entries.length + 1, place));
  }
  return entries;
}

function entryAt(text: string, seq: number, place: { readonly executionId: string; readonly path: readonly string[] }) {
  try {
    return entryOfText(text, seq, place);
  } catch (error) {
    throw corrupt(place.executionId, seq, `it cannot be read: ${messageOf(error)}`);
  }
}

/** The graph that an execution was run with last. @throws SluiceError `log-corrupt`, `store-failed` */
export async function storedGraph(store: Store, { executionId, graphHash }: StoredExecution): Promise<Graph> {
  const text = await given(() => store.graph(graphHash));
  if (text !== undefined) return JSON.parse(text) as Graph; // stores keep graphs as they were given
  throw new SluiceError("log-corrupt", {
    what: `The graph of the execution "${executionId}" is not stored`,
    mend: "Restore the store from a backup, or give the flow itself",
  });
}

/**
 * The stored entries of an execution, in order: for tools, which have no execution at hand.
 *
 * @throws SluiceError `execution-unknown`, `log-corrupt`, `store-failed`
 */
export async function storedEntries(store: Store, executionId: string, range?: LogRange): Promise<readonly Entry[]> {
  return readLog(store, await recordOf(store, executionId), range);
}

/** What an execution has come to, from its checkpoint on. @throws SluiceError `log-corrupt`, `store-failed` */
export async function readPast(
  store: Store,
  record: StoredExecution,
  { upTo = record.lastSeq, fromStart = false }: { readonly upTo?: number; readonly fromStart?: boolean } = {},
): Promise<{ readonly past: Past; readonly entries: readonly Entry[]; readonly after: number }> {
  const { executionId, flow } = record;
  const found = fromStart ? undefined : await given(() => store.checkpoint(executionId));
  const checkpoint = found !== undefined && found.seq <= upTo ? found : undefined;
  const after = checkpoint?.seq ?? 0;
  const past = new Past([flow], checkpoint === undefined ? undefined : pastOf(executionId, checkpoint.text));
  const entries = await readLog(store, record, { after, upTo });
  for (const entry of entries) past.take(entry);
  return { past, entries, after };
}

function pastOf(executionId: string, text: string): PastData {
  try {
    return ofText(text) as PastData;
  } catch (error) {
    throw new SluiceError("log-corrupt", {
      what: `The checkpoint of the execution "${executionId}" cannot be read: ${messageOf(error)}`,
      mend: "Nothing was done with it: restore the store from a backup",
      cause: error,
    });
  }
}

function corrupt(executionId: string, seq: number, why: string): SluiceError {
  return new SluiceError("log-corrupt", {
    what: `The log of the execution "${executionId}" is damaged at entry ${seq}: ${why}`,
    mend: "Nothing was done with it: restore the store from a backup, or fork it from an earlier moment",
  });
}
