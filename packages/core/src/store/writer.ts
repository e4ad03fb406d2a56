import type { SluiceError } from "../error/sluice-error.ts";
import { type Entry, type ExecutionStatus, statusOf } from "../machine/entry.ts";
import { entryText } from "./entry-text.ts";
import type { Author, Journal } from "./journal.ts";
import type { Append, Checkpoint, Founding } from "./store.ts";

/**
 * When entries are stored. `sync`: no chunk starts, and nobody sees anything, before the entries that led to it are.
 * `async`: chunks start at once, and only what is seen waits. `exit`: all at once, when the execution waits or ends.
 */
export type Durability = "sync" | "async" | "exit";

/** What is written. */
export interface WriterParts {
  readonly journal: Journal;
  readonly durability: Durability;
  readonly executionId: string;
  readonly epoch: number;
  /** Number of the last entry that is stored. */
  readonly stored: number;
  readonly status: ExecutionStatus;
  /** Of an execution that is not stored yet. */
  readonly founding?: Founding | undefined;
  /** Durable entries between two checkpoints. */
  readonly checkpointEvery: number;
}

/** The execution whose entries are written. */
export interface Written {
  /** All that recovery needs to begin with the last entry. */
  readonly makeCheckpoint: () => Checkpoint;
  /** Entries up to a number are stored. */
  readonly stored: (seq: number) => void;
  /** Nothing more can be stored. */
  readonly halt: (error: SluiceError) => void;
}

const none: never[] = [];

interface Waiter {
  readonly seq: number;
  readonly act: (failure: SluiceError | undefined) => void;
}

/** The entries of one execution on their way to the store. */
export class Writer implements Author {
  readonly executionId: string;
  readonly #epoch: number;
  readonly #journal: Journal;
  readonly #durability: Durability;
  readonly #checkpointEvery: number;
  #written: Written | undefined;
  #texts: string[] = none;
  #answered: string[] = none;
  #founding: Founding | undefined;
  #status: ExecutionStatus;
  /** Unix milliseconds of the last entry that was taken. */
  #at = 0;
  /** Numbers of the last entry that was taken, that is under way, and that is stored. */
  #taken: number;
  #sent: number;
  #stored: number;
  /** Where the last checkpoint was made, its size, and what has been written since, in characters. */
  #checkpointSeq: number;
  #checkpointSize = 0;
  #since = 0;
  #waiters: Waiter[] = [];
  #failure: SluiceError | undefined;

  constructor({ executionId, epoch, journal, durability, checkpointEvery, founding, status, stored }: WriterParts) {
    this.executionId = executionId;
    this.#epoch = epoch;
    this.#journal = journal;
    this.#durability = durability;
    this.#checkpointEvery = checkpointEvery;
    this.#founding = founding;
    this.#status = status;
    this.#taken = stored;
    this.#sent = stored;
    this.#stored = stored;
    this.#checkpointSeq = stored;
  }

  /** Why nothing more is stored. */
  get failure(): SluiceError | undefined {
    return this.#failure;
  }

  /** Whether entries are shown before they are stored. */
  get isAhead(): boolean {
    return this.#durability === "exit";
  }

  /** Tells what becomes of its entries. */
  bind(written: Written): void {
    this.#written = written;
  }

  /** Whether commands wait until the entries that they come from are stored. */
  get isSync(): boolean {
    return this.#durability === "sync";
  }

  /** Takes a durable entry; what else is appended in this turn is stored with it. */
  take(entry: Entry): void {
    const text = entryText(entry);
    if (this.#texts.length === 0) this.#texts = [text];
    else this.#texts.push(text);
    this.#taken = entry.seq;
    this.#at = entry.at;
    this.#since += text.length;
    if (entry.type === "interrupt:answered") this.#answered = [...this.#answered, entry.interrupt.id];
    this.#status = statusOf(entry) ?? this.#status;
    if (this.#durability !== "exit" || this.#status !== "running") this.flush();
  }

  /** What was put into the store for a question is forgotten. */
  forget(question: string): void {
    this.#answered = [...this.#answered, question];
    if (this.#durability !== "exit") this.flush();
  }

  /** Stores what has been taken, with the next commit. */
  flush(): void {
    const isIdle = this.#texts.length === 0 && this.#answered.length === 0;
    if (this.#failure === undefined && !isIdle) this.#journal.add(this);
  }

  isStored(seq: number): boolean {
    return seq <= this.#stored;
  }

  /** Calls back when an entry is stored, or cannot be; at once when it is, and nothing is to be forgotten. @param seq by default the last that was taken */
  whenStored(act: (failure: SluiceError | undefined) => void, seq = this.#taken): void {
    const isIdle = seq <= this.#stored && this.#answered.length === 0;
    if (this.#failure !== undefined || isIdle) return act(this.#failure);
    this.#waiters.push({ seq, act });
  }

  /** Nothing more is stored. */
  stop(failure: SluiceError): void {
    this.#failure ??= failure;
    this.#journal.remove(this); // a checkpoint of what has been put away would be wrong
    this.#release();
  }

  append(): Append {
    const { executionId } = this;
    const first = this.#sent + 1;
    const [entries, answered, founding] = [this.#texts, this.#answered, this.#founding];
    this.#texts = none;
    this.#answered = none;
    this.#founding = undefined;
    this.#sent = this.#taken;
    const checkpoint = this.#isCheckpointDue() ? this.#makeCheckpoint() : undefined;
    return {
      executionId,
      epoch: this.#epoch,
      first,
      entries,
      status: this.#status,
      at: this.#at,
      ...(founding !== undefined && { founding }),
      ...(checkpoint !== undefined && { checkpoint }),
      ...(answered.length > 0 && { answered }),
    };
  }

  stored(): void {
    this.#stored = this.#sent;
    this.#written?.stored(this.#stored);
    this.#release();
  }

  failed(error: SluiceError): void {
    if (this.#failure !== undefined) return;
    this.#failure = error;
    this.#written?.halt(error);
    this.#release();
  }

  /** They come rarely enough not to cost more than the entries themselves. */
  #isCheckpointDue(): boolean {
    if (this.#status !== "running") return false;
    return this.#taken - this.#checkpointSeq >= this.#checkpointEvery && this.#since >= this.#checkpointSize;
  }

  #makeCheckpoint(): Checkpoint | undefined {
    const checkpoint = this.#written?.makeCheckpoint();
    if (checkpoint === undefined) return undefined;
    this.#checkpointSeq = checkpoint.seq;
    this.#checkpointSize = checkpoint.text.length;
    this.#since = 0;
    return checkpoint;
  }

  /** Those who wait for what is stored go on, in order; all of them when nothing more will be. */
  #release(): void {
    const [waiters, isOver] = [this.#waiters, this.#failure !== undefined];
    this.#waiters = waiters.filter(({ seq }) => !isOver && seq > this.#stored);
    for (const { seq, act } of waiters) if (isOver || seq <= this.#stored) act(this.#failure);
  }
}
