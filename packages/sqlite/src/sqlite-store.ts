import {
  type Append,
  type Checkpoint,
  type Refused,
  SluiceError,
  type Store,
  type StoreFilter,
  type StoredAnswer,
  type StoredExecution,
} from "@sluice/core";
import { checksumOf } from "./checksum.ts";
import {
  type OpenOptions,
  type SqliteDriver,
  type SqliteStatement,
  type SqliteValue,
  openDatabase,
} from "./database.ts";
import { type EntryBlock, blocksOf, entriesIn } from "./entry-blocks.ts";
import { failureOf } from "./failure.ts";
import { migrate, within } from "./schema.ts";
import { type AnswerRow, type EndRow, type ExecutionRow, answerOf, executionOf, statementsOf } from "./statements.ts";

/** How a store in a file is opened. */
export interface SqliteStoreOptions {
  /** The class that opens databases, such as better-sqlite3's. @default `DatabaseSync` of `node:sqlite` */
  readonly driver?: SqliteDriver;
  /** To look only: nothing is written, and the file must be there. @default false */
  readonly readOnly?: boolean;
  /** How long another process that is writing is waited for, while this one stands still, in milliseconds. @default 5000 */
  readonly busyTimeoutMs?: number;
}

/** The calls of a store that answers at once. */
export type SyncStore = {
  readonly [K in keyof Store]: (...args: Parameters<Store[K]>) => Awaited<ReturnType<Store[K]>>;
};

/**
 * `FULL` syncs the log of writes at each commit. That log is brought into the file every 16 MB of pages, and kept no
 * larger than 64 MB; 8 MB of pages stay in memory.
 */
const pragmas = `
  PRAGMA synchronous = FULL;
  PRAGMA wal_autocheckpoint = 4000;
  PRAGMA journal_size_limit = 67108864;
  PRAGMA cache_size = -8000`;

/**
 * Executions in a SQLite file, many in one. It answers at once. Each `append` is one transaction, whatever number of
 * executions it is of, and is on the disk when it returns (WAL, `synchronous=FULL`). Several processes may open the
 * file; an execution belongs to the one that has claimed it last.
 *
 * Every text has a checksum: what is damaged is refused, never handed out.
 *
 * @param path of the file; its folder must be there
 * @throws SluiceError `store-failed` when it cannot be opened, is something else, or is of a newer version; its calls
 *   throw it when the disk is full or fails, and `log-corrupt` with the place where the file is damaged
 */
export function sqliteStore(
  path: string,
  { driver, readOnly = false, busyTimeoutMs = 5000 }: SqliteStoreOptions = {},
): SyncStore {
  let isOpen = true;
  const failing = <T>(doing: string, work: () => T): T => {
    if (!isOpen) throw isClosed(path, doing);
    try {
      return work();
    } catch (error) {
      throw failureOf(error, { doing, path });
    }
  };
  const { database, sql } = failing("be opened", () => opened(path, { driver, readOnly, busyTimeoutMs }));
  const writing = <T>(doing: string, work: () => T): T =>
    failing(doing, () => within(database, "BEGIN IMMEDIATE", work));
  const endOf = (executionId: string): EndRow | undefined => one(sql.end, executionId);
  const find = (executionId: string): StoredExecution | undefined => {
    const row = one<ExecutionRow>(sql.execution, executionId);
    return row && executionOf(row);
  };
  const sound = (text: string, checksum: number, place: string, orElse = ""): string => {
    if (checksumOf(text, place) === checksum) return text;
    throw new SluiceError("log-corrupt", {
      what: `The ${place} is not as it was stored`,
      where: path,
      mend: `Restore the file from a backup${orElse}`,
    });
  };

  const take = (append: Append): Refused | undefined => {
    const { executionId, epoch, first, entries, status, at, founding, checkpoint, answered = [] } = append;
    const before = endOf(executionId);
    const because = refusal(append, before);
    if (because !== undefined) return { executionId, because, stored: find(executionId) };
    if (founding !== undefined) {
      const { flow, graphHash, graph, forkedFrom } = founding;
      const from = [forkedFrom?.executionId ?? null, forkedFrom?.seq ?? null] as const;
      sql.found.run(executionId, flow, graphHash, epoch, at, at, ...from);
      sql.putGraph.run(graphHash, graph, checksumOf(graph, graphPlace(graphHash)));
    }
    const { number, last_seq: lastSeq } = before ?? (endOf(executionId) as EndRow); // it has just been put there
    sql.move.run(status, lastSeq + entries.length, entries.length > 0 ? at : null, number);
    for (const block of blocksOf(number, first, entries)) {
      sql.addBlock.run(number, block.first, block.last, block.texts, block.checksum);
    }
    if (checkpoint !== undefined) {
      const { seq, text } = checkpoint;
      sql.putCheckpoint.run(number, seq, text, checksumOf(text, checkpointPlace(executionId, seq)));
    }
    for (const interrupt of answered) sql.answered.run(executionId, interrupt);
    return undefined;
  };

  return {
    append: (appends) => writing("take entries", () => appends.flatMap((append) => take(append) ?? [])),
    read: (executionId, { after = 0, upTo = Number.MAX_SAFE_INTEGER, limit = Number.MAX_SAFE_INTEGER } = {}) =>
      failing(`read entries of the execution "${executionId}" after entry ${after}`, () =>
        within(database, "BEGIN", () => {
          const row = endOf(executionId);
          if (row === undefined) return [];
          const { number, last_seq: lastSeq } = row;
          const last = Math.min(upTo, after + limit);
          const blocks = sql.blocks.all(number, last, number, after + 1) as EntryBlock[]; // the row of our own statement
          return entriesIn(blocks, { after, upTo: last }, { executionId, number, lastSeq, path });
        }),
      ),
    find: (executionId) => failing("look for an execution", () => find(executionId)),
    checkpoint: (executionId) =>
      failing(`read the checkpoint of the execution "${executionId}"`, () => {
        const row = one<Checkpoint & { readonly checksum: number }>(sql.checkpoint, executionId);
        if (row === undefined) return undefined;
        const { seq, text, checksum } = row;
        return { seq, text: sound(text, checksum, checkpointPlace(executionId, seq), withoutCheckpoint) };
      }),
    graph: (graphHash) =>
      failing("read a graph", () => {
        const row = one<{ readonly text: string; readonly checksum: number }>(sql.graph, graphHash);
        return row && sound(row.text, row.checksum, graphPlace(graphHash));
      }),
    list: ({ flow, status, after, limit = 100 }: StoreFilter = {}) =>
      failing("list executions", () => {
        const from = after === undefined ? 0 : endOf(after)?.number;
        if (from === undefined) {
          throw new SluiceError("store-failed", {
            what: `The list cannot go on after the execution "${after}": it is not stored any more`,
            where: path,
            mend: "List from the beginning, or after another execution",
          });
        }
        const most = Math.min(limit, Number.MAX_SAFE_INTEGER);
        const rows = sql.list.all(from, flow ?? null, JSON.stringify(status ?? []), status === undefined ? 0 : 1, most);
        return (rows as ExecutionRow[]).map(executionOf); // the rows of our own statement
      }),
    claim: (executionId) =>
      writing(`claim the execution "${executionId}"`, () => {
        sql.claim.run(executionId);
        return find(executionId);
      }),
    putAnswer: ({ executionId, interrupt, answer, requestId }) =>
      writing("take an answer", () => {
        const checksum = checksumOf(answer, answerPlace(executionId, interrupt));
        sql.putAnswer.run(executionId, interrupt, answer, requestId ?? null, checksum);
        const rows = sql.answers.all(executionId) as AnswerRow[]; // the rows of our own statement
        const kept = rows.find((row) => row.interrupt === interrupt);
        return kept?.text === answer && kept.request_id === (requestId ?? null);
      }),
    answers: (executionId) =>
      failing(`read the answers for the execution "${executionId}"`, () =>
        (sql.answers.all(executionId) as AnswerRow[]).map((row): StoredAnswer => {
          sound(row.text, row.checksum, answerPlace(executionId, row.interrupt));
          return answerOf(executionId, row);
        }),
      ),
    prune: ({ olderThan, keep = 0 }) =>
      writing("forget executions", () => {
        const ended = sql.ended.all(keep, olderThan) as Pick<ExecutionRow, "number" | "id">[]; // the rows of our own statement
        for (const { number, id } of ended) {
          sql.dropBlocks.run(number);
          sql.dropCheckpoint.run(number);
          sql.dropAnswers.run(id);
          sql.dropExecution.run(number);
        }
        if (ended.length > 0) {
          sql.dropGraphs.run();
          database.exec("PRAGMA incremental_vacuum"); // gives the room back to the disk
        }
        return ended.length;
      }),
    close: () => {
      if (!isOpen) return;
      failing("be closed", () => database.close());
      isOpen = false;
    },
  };
}

function opened(path: string, options: OpenOptions) {
  const database = openDatabase(path, options);
  const { readOnly } = options;
  try {
    migrate(database, { path, readOnly });
    if (!readOnly) database.exec("PRAGMA journal_mode = WAL");
    database.exec(pragmas);
    return { database, sql: statementsOf(database) };
  } catch (error) {
    database.close();
    throw error;
  }
}

function isClosed(path: string, doing: string): SluiceError {
  return new SluiceError("store-failed", {
    what: `The store cannot ${doing}: it has been closed`,
    where: path,
    mend: "Close a store when its executions have ended, or are released",
  });
}

function refusal({ epoch, first, founding }: Append, stored: EndRow | undefined): Refused["because"] | undefined {
  if (founding !== undefined) return stored === undefined ? undefined : "exists";
  if (stored?.epoch !== epoch) return "claimed";
  return stored.last_seq + 1 === first ? undefined : "seq";
}

function one<T>(statement: SqliteStatement, ...values: SqliteValue[]): T | undefined {
  return statement.get(...values) as T | undefined; // the row of our own statement
}

const withoutCheckpoint = ", or delete the row of `checkpoint`: recovery then begins with the first entry";
// what a checksum holds besides its text; errors call it by that name
const graphPlace = (hash: string): string => `graph ${hash}`;
const checkpointPlace = (executionId: string, seq: number): string =>
  `checkpoint of the execution "${executionId}" at entry ${seq}`;
const answerPlace = (executionId: string, interrupt: string): string =>
  `answer to the question "${interrupt}" of the execution "${executionId}"`;
