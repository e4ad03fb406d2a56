import type { Common, Entry, EntryDraft } from "../machine/entry.ts";
import { type Position, comparePositions, positionOf } from "./position.ts";
import { weightOf } from "./weight.ts";

/** How much of the log is kept in memory for readers that come late or lag. The oldest entries go first. */
export interface Retention {
  /** @default 10_000 */
  readonly maxEntries?: number;
  /** Estimated from the entries' content. @default 33_554_432 (32 MB) */
  readonly maxBytes?: number;
}

/** Somebody to whom entries are pushed, one by one, as they are appended. */
export interface Listener {
  readonly receive: (entry: Entry) => void;
  /** The execution has ended; after its last entry. `error` when it did not complete. */
  readonly end: (error: Error | undefined) => void;
  /** `receive` threw, and the listener was detached because of it. */
  readonly fail: (error: unknown) => void;
}

/** How a log has come to its end. */
export interface Closed {
  /** Of an execution that did not complete. */
  readonly error: Error | undefined;
  /** Whether it has stopped here without a final entry: views of the log fail, too. */
  readonly isCut: boolean;
}

type Writable<T> = { -readonly [K in keyof T]: T[K] };
interface Reader {
  readonly listener: Listener;
  next: number;
}

/**
 * The entries of one execution, in the order of their appending: a shared bounded buffer in which every reader has a
 * cursor of its own. Entries are counted by an index that includes the dropped ones.
 */
export class EntryLog {
  readonly #executionId: string;
  readonly #maxEntries: number;
  readonly #maxBytes: number;
  #entries: (Entry | undefined)[] = [];
  #weights: number[] = [];
  /** Where the first retained entry stands in `#entries`. */
  #head = 0;
  /** The index of `#entries[0]`. */
  #base = 0;
  #bytes = 0;
  #seq = 0;
  #live = 0;
  /** The index behind the last entry that may be shown; undefined while all may be. */
  #shown: number | undefined;
  /** While entries are held: up to which durable one readers get them. */
  #storedSeq = 0;
  #readers: Reader[] = [];
  #parked: (() => void)[] = [];
  #delivering = false;
  #closed: Closed | undefined;

  constructor(executionId: string, retention: Retention = {}) {
    this.#executionId = executionId;
    this.#maxEntries = Math.max(1, retention.maxEntries ?? 10_000);
    this.#maxBytes = retention.maxBytes ?? 33_554_432;
  }

  /** The number that the next durable entry will have. */
  get nextSeq(): number {
    return this.#seq + 1;
  }

  /** The number of the last durable entry. */
  get lastSeq(): number {
    return this.#seq;
  }

  /** The number of the last durable entry that readers get. */
  get shownSeq(): number {
    return this.#shown === undefined ? this.#seq : this.#storedSeq;
  }

  /** The position of the last entry that readers get; `0` before the first. */
  get position(): string {
    const last = this.at(this.end - 1);
    return last === undefined ? String(this.shownSeq) : positionOf(last);
  }

  /** The index behind the last entry that readers get. */
  get end(): number {
    return this.#shown ?? this.#base + this.#entries.length;
  }

  /** The index of the oldest entry that is retained. */
  get start(): number {
    return this.#base + this.#head;
  }

  /** Set when no further entry comes. */
  get closed(): Closed | undefined {
    return this.#closed;
  }

  /** How many listeners are attached. */
  get listeners(): number {
    return this.#readers.length;
  }

  /** How many pulling readers wait. */
  get parked(): number {
    return this.#parked.length;
  }

  /** From now on readers get an entry when `show` has let it, or the durable one before it, through. */
  hold(): void {
    this.#shown = this.end;
    this.#storedSeq = this.#seq;
  }

  /** Lets readers have what is held, up to a durable entry and the live ones behind it. @param each hears of each before a reader gets any */
  show(seq: number, each: (entry: Entry) => void): void {
    if (this.#shown === undefined) return;
    this.#storedSeq = seq;
    let at = this.#shown - this.#base;
    for (let next = this.#entries[at]; next !== undefined && next.seq <= seq; next = this.#entries[at]) {
      each(next);
      at += 1;
    }
    this.#shown = this.#base + at;
    this.deliver();
  }

  /** Takes over what was appended elsewhere: readers find it, and are told nothing. `after`: the number of the entry before the first; what came up to it counts as dropped. */
  takeOver(entries: readonly Entry[], after: number): void {
    this.#seq = after;
    this.#base = after;
    for (const entry of entries) {
      this.#seq = entry.seq;
      this.#keep(entry);
    }
  }

  /** Gives a fact its place and time. Readers get it with the next `deliver`. */
  append(draft: EntryDraft, live: boolean, path: readonly string[], at: number): Entry {
    if (live) this.#live += 1;
    else {
      this.#seq += 1;
      this.#live = 0;
    }
    const open = draft as EntryDraft & Writable<Common>; // a draft becomes an entry in the next lines, in place
    open.seq = this.#seq;
    open.live = this.#live;
    open.at = at;
    open.executionId = this.#executionId;
    open.path = path;
    const entry = draft as Entry;
    this.#keep(entry);
    return entry;
  }

  #keep(entry: Entry): void {
    const weight = weightOf(entry);
    this.#entries.push(entry);
    this.#weights.push(weight);
    this.#bytes += weight;
    if (this.#shown !== undefined && entry.seq <= this.#storedSeq) this.#shown = this.#base + this.#entries.length;
    this.#retain();
  }

  /** The entry at an index; undefined when it is dropped or not there yet. */
  at(index: number): Entry | undefined {
    return index < this.start || index >= this.end ? undefined : this.#entries[index - this.#base];
  }

  /** What the entry at an index weighs, in bytes; 0 where there is none. */
  weightAt(index: number): number {
    return this.#weights[index - this.#base] ?? 0;
  }

  /** The index of the first retained entry at or behind a position. */
  indexOf(position: Position): number {
    let from = this.#head;
    let to = this.#entries.length;
    while (from < to) {
      const middle = (from + to) >>> 1;
      const entry = this.#entries[middle];
      if (entry !== undefined && comparePositions(entry, position) < 0) from = middle + 1;
      else to = middle;
    }
    return this.#base + from;
  }

  /** Pushes every entry from an index on (dropped ones left out) to a listener, at once and as they come. */
  listen(listener: Listener, from: number): () => void {
    const reader: Reader = { listener, next: Math.max(from, this.start) };
    this.#readers.push(reader);
    this.#feed(reader);
    if (this.#closed !== undefined) this.#finish(reader, this.#closed.error);
    return () => this.#detach(reader);
  }

  /** Calls `wake` once, at the next delivery. @returns forgets it */
  park(wake: () => void): () => void {
    this.#parked.push(wake);
    return () => {
      this.#parked = this.#parked.filter((one) => one !== wake);
    };
  }

  /** Hands what was appended to all readers, each in order. A reader that appends by what it does is served in the same pass. */
  deliver(): void {
    if (this.#delivering) return;
    this.#delivering = true;
    for (let more = true; more;) {
      const { end } = this;
      // whoever leaves makes a new list; whoever joins has been served
      for (const reader of this.#readers) this.#feed(reader);
      more = this.end > end;
    }
    this.#delivering = false;
    if (this.#closed !== undefined) {
      for (const reader of this.#readers) this.#finish(reader, this.#closed.error);
    }
    if (this.#parked.length > 0) this.#wake();
  }

  /** No further entry comes: every reader gets what is left, and ends. @param isCut as `Closed` has it */
  close(error: Error | undefined, isCut = false): void {
    this.#closed ??= { error, isCut };
    this.deliver();
  }

  #feed(reader: Reader): void {
    while (reader.next < this.end && (reader.next >= this.start || this.#skip(reader))) {
      const entry = this.at(reader.next);
      reader.next += 1;
      if (entry === undefined) continue;
      try {
        reader.listener.receive(entry);
      } catch (error) {
        this.#detach(reader);
        reader.listener.fail(error);
      }
    }
  }

  /** A listener appended so much that what it had yet to receive was dropped: it goes on with what is there. */
  #skip(reader: Reader): boolean {
    reader.next = this.start;
    return reader.next < this.end;
  }

  #finish(reader: Reader, error: Error | undefined): void {
    this.#detach(reader);
    try {
      reader.listener.end(error);
    } catch (thrown) {
      reader.listener.fail(thrown);
    }
  }

  #detach(reader: Reader): void {
    reader.next = Number.POSITIVE_INFINITY;
    this.#readers = this.#readers.filter((one) => one !== reader);
  }

  #wake(): void {
    const parked = this.#parked;
    this.#parked = [];
    for (const wake of parked) wake();
  }

  #retain(): void {
    let count = this.#entries.length - this.#head;
    while (count > this.#maxEntries || (this.#bytes > this.#maxBytes && count > 1)) {
      if (this.#shown !== undefined && this.start >= this.#shown) break; // nobody has seen it yet
      this.#bytes -= this.#weights[this.#head] ?? 0;
      this.#entries[this.#head] = undefined;
      this.#head += 1;
      count -= 1;
    }
    // dropped places are given back in one go, so that an append costs O(1) on average
    if (this.#head > 1024 && this.#head > this.#entries.length / 2) {
      this.#entries = this.#entries.slice(this.#head);
      this.#weights = this.#weights.slice(this.#head);
      this.#base += this.#head;
      this.#head = 0;
    }
  }
}
