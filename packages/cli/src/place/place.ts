import type { Entry, ErrorData, ExecutionStatus, Moment, OpenQuestion, Replay, Standpoint } from "@sluice/core";

/** What a list tells of an execution. */
export interface Listed {
  readonly executionId: string;
  readonly flow: string;
  readonly status: ExecutionStatus;
  /** Unix milliseconds; left out where the place does not tell. */
  readonly startedAt?: number;
  readonly updatedAt?: number;
  /** Number of its last entry. */
  readonly lastSeq?: number;
  readonly forkedFrom?: Moment;
}

/** What is to be known of one execution. */
export interface Details extends Partial<Listed> {
  readonly executionId: string;
  readonly status: ExecutionStatus;
  readonly state: unknown;
  readonly interrupts: readonly OpenQuestion[];
  /** What is under way. */
  readonly position?: readonly Standpoint[];
  readonly result?: unknown;
  readonly error?: ErrorData;
}

/** Which executions are listed. */
export interface ListFilter {
  readonly flow?: string;
  readonly status?: readonly ExecutionStatus[];
  readonly limit?: number;
}

/** How an execution is cancelled. */
export interface CancelHow {
  readonly reason: string;
  readonly rollback: boolean;
}

/** How its entries are read. */
export interface EntriesOptions {
  /** Only those behind this number. @default 0 */
  readonly after?: number;
  /** Wait for those that are still to come, until the last one. @default false */
  readonly follow?: boolean;
}

/** Where executions are: a store, or a server. */
export interface Place {
  /** As it is written on the command line: `--store executions.db`. */
  readonly option: string;
  readonly list: (filter: ListFilter) => Promise<readonly Listed[]>;
  /** @throws SluiceError `execution-unknown`, Complaint */
  readonly show: (executionId: string) => Promise<Details>;
  readonly entries: (executionId: string, options?: EntriesOptions) => AsyncIterable<Entry>;
  /** Leaves an answer. @returns what becomes of it, for people */
  readonly answer: (executionId: string, question: string, answer: unknown) => Promise<string>;
  /** An execution as it was at an entry. */
  readonly moment: (executionId: string, seq: number) => Promise<Replay>;
  readonly close: () => Promise<void>;
}
