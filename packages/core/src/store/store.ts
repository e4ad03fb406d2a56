import type { ExecutionStatus } from "../machine/entry.ts";

/** At once, or later: a store that answers at once is used without a wait, also in virtual time. */
export type Awaitable<T> = T | Promise<T>;

/** A past moment of another execution. */
export interface Moment {
  readonly executionId: string;
  /** Number of the last entry of that moment. */
  readonly seq: number;
}

/** What a store knows of an execution without reading its log. */
export interface StoredExecution {
  readonly executionId: string;
  /** The flow's name. */
  readonly flow: string;
  /** Hash of its graph's routing: `Store.graph` has the graph. */
  readonly graphHash: string;
  readonly status: ExecutionStatus;
  /** Raised by each claim. Who appends with an older one is refused. */
  readonly epoch: number;
  /** Number of the last stored entry. */
  readonly lastSeq: number;
  /** Unix milliseconds of the first entry, and of the last one. */
  readonly startedAt: number;
  readonly updatedAt: number;
  /** Of a fork: where it comes from. */
  readonly forkedFrom?: Moment;
}

/** What recovery begins with instead of the log's beginning. */
export interface Checkpoint {
  /** Number of the last entry that is in it. */
  readonly seq: number;
  /** JSON. */
  readonly text: string;
}

/** What is told of an execution with its first entries. */
export interface Founding {
  readonly flow: string;
  readonly graphHash: string;
  /** The graph as JSON; a store keeps one for each hash. */
  readonly graph: string;
  readonly forkedFrom?: Moment;
}

/** Entries of one execution that follow what is stored of it. */
export interface Append {
  readonly executionId: string;
  /** The epoch of the one who appends. */
  readonly epoch: number;
  /** Number of the first of them: one more than what is stored. */
  readonly first: number;
  /** One JSON text an entry, without line breaks; none where only the rest is to be stored. */
  readonly entries: readonly string[];
  /** The execution's status after them. */
  readonly status: ExecutionStatus;
  /** Unix milliseconds of the last of them; without any it says nothing. */
  readonly at: number;
  /** With the first append of an execution, whose epoch is 1: it is not stored yet. */
  readonly founding?: Founding;
  /** Replaces the one before it. */
  readonly checkpoint?: Checkpoint;
  /** Questions whose answers have come in: what was put for them is forgotten. */
  readonly answered?: readonly string[];
}

/** Why nothing of an append has been stored. */
export interface Refused {
  readonly executionId: string;
  /** `claimed`: another epoch holds the execution. `seq`: something else is stored than what the append follows. `exists`: there is such an execution already. */
  readonly because: "claimed" | "seq" | "exists";
  /** What is stored. */
  readonly stored: StoredExecution | undefined;
}

/** An answer that came while nobody had the execution in memory. */
export interface StoredAnswer {
  readonly executionId: string;
  /** The question's id. */
  readonly interrupt: string;
  /** JSON. */
  readonly answer: string;
  readonly requestId?: string;
}

/** Which executions are listed. All that is given must hold. */
export interface StoreFilter {
  readonly flow?: string;
  readonly status?: readonly ExecutionStatus[];
  /** Those after this one in the list: the last id of the page before. Where that is not stored any more, the list fails. */
  readonly after?: string;
  /** @default 100 */
  readonly limit?: number;
}

/** Which entries are read. */
export interface ReadRange {
  /** Entries with a higher number. @default 0 */
  readonly after?: number;
  /** Entries up to this number. @default all */
  readonly upTo?: number;
  /** At most so many. @default all */
  readonly limit?: number;
}

/** Which ended executions are forgotten. */
export interface PruneOptions {
  /** Those that ended before this moment, in Unix milliseconds. */
  readonly olderThan: number;
  /** So many of those that ended last stay, whatever their age. @default 0 */
  readonly keep?: number;
}

/**
 * Where executions are stored. What each function promises is checked by the conformance suite in `@sluice/testing`. A
 * store that fails throws or rejects, and has then stored nothing of that call.
 */
export interface Store {
  /** Stores appends of several executions at once, one of each, as a whole or not at all. What it has taken survives a crash. @returns those that were refused */
  readonly append: (appends: readonly Append[]) => Awaitable<readonly Refused[]>;
  /** The entries of an execution in order, as they were given; none for one that is not stored. @throws SluiceError `log-corrupt` where what is stored is damaged */
  readonly read: (executionId: string, range?: ReadRange) => Awaitable<readonly string[]>;
  readonly find: (executionId: string) => Awaitable<StoredExecution | undefined>;
  readonly checkpoint: (executionId: string) => Awaitable<Checkpoint | undefined>;
  /** The graph with a hash, as JSON. */
  readonly graph: (graphHash: string) => Awaitable<string | undefined>;
  /** Executions in the order of their founding. */
  readonly list: (filter?: StoreFilter) => Awaitable<readonly StoredExecution[]>;
  /** Takes an execution over: raises its epoch. @returns it with the new epoch; undefined where it is not stored */
  readonly claim: (executionId: string) => Awaitable<StoredExecution | undefined>;
  /** Keeps an answer until its execution is loaded. @returns false, and keeps what it has, where there is another answer to that question */
  readonly putAnswer: (answer: StoredAnswer) => Awaitable<boolean>;
  /** The answers that wait for an execution, in the order of their coming; they stay until an append names them. */
  readonly answers: (executionId: string) => Awaitable<readonly StoredAnswer[]>;
  /** Forgets ended executions, with all that is stored of them, and graphs that no execution has any more. @returns how many executions */
  readonly prune: (options: PruneOptions) => Awaitable<number>;
  readonly close: () => Awaitable<void>;
}
