import type { StoredAnswer, StoredExecution } from "@sluice/core";
import type { SqliteDatabase } from "./database.ts";

/** A row of `execution`. */
export interface ExecutionRow {
  readonly number: number;
  readonly id: string;
  readonly flow: string;
  readonly graph_hash: string;
  readonly status: StoredExecution["status"];
  readonly epoch: number;
  readonly last_seq: number;
  readonly started_at: number;
  readonly updated_at: number;
  readonly forked_from_id: string | null;
  readonly forked_from_seq: number | null;
}

/** As much of such a row as an append looks at. */
export type EndRow = Pick<ExecutionRow, "number" | "epoch" | "last_seq">;

/** A row of `answer`. */
export interface AnswerRow {
  readonly interrupt: string;
  readonly text: string;
  readonly request_id: string | null;
  readonly checksum: number;
}

/** All that is ever asked of the file, prepared once. */
export function statementsOf(database: SqliteDatabase) {
  const of = (sql: string) => database.prepare(sql);
  return {
    execution: of("SELECT * FROM execution WHERE id = ?"),
    end: of("SELECT number, epoch, last_seq FROM execution WHERE id = ?"),
    found: of(
      `INSERT INTO execution (id, flow, graph_hash, status, epoch, last_seq, started_at, updated_at, forked_from_id, forked_from_seq)
       VALUES (?, ?, ?, 'running', ?, 0, ?, ?, ?, ?)`,
    ),
    move: of("UPDATE execution SET status = ?, last_seq = ?, updated_at = coalesce(?, updated_at) WHERE number = ?"),
    claim: of("UPDATE execution SET epoch = epoch + 1 WHERE id = ?"),
    list: of(
      `SELECT * FROM execution
       WHERE number > ? AND flow = coalesce(?, flow) AND (status IN (SELECT value FROM json_each(?)) OR ? = 0)
       ORDER BY number LIMIT ?`,
    ),
    addBlock: of("INSERT INTO block (execution, first, last, texts, checksum) VALUES (?, ?, ?, ?, ?)"),
    blocks: of(
      `SELECT first, last, texts, checksum FROM block
       WHERE execution = ? AND first <= ?
         AND first >= coalesce((SELECT max(first) FROM block WHERE execution = ? AND first <= ?), 0)
       ORDER BY first`,
    ),
    putCheckpoint: of("INSERT OR REPLACE INTO checkpoint (execution, seq, text, checksum) VALUES (?, ?, ?, ?)"),
    checkpoint: of(
      "SELECT seq, text, checksum FROM checkpoint WHERE execution = (SELECT number FROM execution WHERE id = ?)",
    ),
    putGraph: of("INSERT OR IGNORE INTO graph (hash, text, checksum) VALUES (?, ?, ?)"),
    graph: of("SELECT text, checksum FROM graph WHERE hash = ?"),
    putAnswer: of(
      "INSERT OR IGNORE INTO answer (execution_id, interrupt, text, request_id, checksum) VALUES (?, ?, ?, ?, ?)",
    ),
    answers: of("SELECT interrupt, text, request_id, checksum FROM answer WHERE execution_id = ? ORDER BY number"),
    answered: of("DELETE FROM answer WHERE execution_id = ? AND interrupt = ?"),
    ended: of(
      `SELECT number, id FROM (
         SELECT number, id, updated_at FROM execution WHERE status NOT IN ('running', 'waiting')
         ORDER BY updated_at DESC, number DESC LIMIT -1 OFFSET ?
       ) WHERE updated_at < ?`,
    ),
    dropBlocks: of("DELETE FROM block WHERE execution = ?"),
    dropCheckpoint: of("DELETE FROM checkpoint WHERE execution = ?"),
    dropAnswers: of("DELETE FROM answer WHERE execution_id = ?"),
    dropExecution: of("DELETE FROM execution WHERE number = ?"),
    dropGraphs: of("DELETE FROM graph WHERE hash NOT IN (SELECT graph_hash FROM execution)"),
  };
}

/** A row of `execution` in the words of the port. */
export function executionOf(row: ExecutionRow): StoredExecution {
  const { forked_from_id: executionId, forked_from_seq: seq } = row;
  return {
    executionId: row.id,
    flow: row.flow,
    graphHash: row.graph_hash,
    status: row.status,
    epoch: row.epoch,
    lastSeq: row.last_seq,
    startedAt: row.started_at,
    updatedAt: row.updated_at,
    ...(executionId !== null && seq !== null && { forkedFrom: { executionId, seq } }),
  };
}

/** A row of `answer` in the words of the port. */
export function answerOf(executionId: string, { interrupt, text, request_id: requestId }: AnswerRow): StoredAnswer {
  return { executionId, interrupt, answer: text, ...(requestId !== null && { requestId }) };
}
