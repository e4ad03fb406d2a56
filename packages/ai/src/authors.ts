import type { Entry, EntryOf } from "@sluice/core";

/** Who shows something: an attempt of a chunk, or a reply that it reads. */
export interface Author {
  /** What it has shown is to be dropped: it is tried again, or what had triggered it is taken back. */
  readonly isVoid: boolean;
}

class Node implements Author {
  #above: Node | undefined;
  #isVoid = false;

  /** @param above with whom it becomes void */
  constructor(above: Node | undefined) {
    this.#above = above;
  }

  get isVoid(): boolean {
    return this.#isVoid || this.#above?.isVoid === true;
  }

  drop(): void {
    this.#isVoid = true;
  }

  /** From now on it does not become void with the one above, but with that one's. */
  leave(): void {
    const above = this.#above;
    this.#above = above === undefined ? undefined : above.#above;
  }
}

/** What one activation has shown. */
interface Shown {
  readonly attempts: Map<number, Node>;
  /** The replies that all its attempts have in common, once they are complete. */
  readonly kept: Node[];
  /** The replies that they are reading. */
  readonly readings: Map<string, Node>;
}

type Placed = Pick<EntryOf<unknown, "chunk:start">, "path" | "activationId">;
type OfAttempt = Placed & { readonly attempt: number };
type OfReply = OfAttempt & { readonly reply: string; readonly replyId: string; readonly lane: string };

/**
 * The attempts that show something. One is void with what it belongs to: a child's chunks with the chunk that runs the
 * child, a live chunk with the reply that it listens to, and that with the attempt that reads it, until it is complete.
 */
export class Authors {
  readonly #shown = new Map<string, Shown>();
  /** The present attempt of each running activation. */
  readonly #running = new Map<string, number>();
  /** Of each child, by its path: whose it is. */
  readonly #children = new Map<string, Node>();
  /** The latest reply of each name, by lane. */
  readonly #latest = new Map<string, Map<string, Node>>();
  /** Of each live chunk that runs: what it listens to. */
  readonly #live = new Map<string, Node>();

  /** Follows what is going on. @returns whether something may have become void */
  note(entry: Entry): boolean {
    switch (entry.type) {
      case "flow:start":
        if (entry.parent !== undefined) this.#adopt(entry.path, entry.parent);
        return false;
      case "chunk:start":
        if (entry.live > 0) this.#listen(entry);
        else this.#running.set(keyOf(entry), entry.attempt);
        return false;
      case "chunk:complete":
        this.#over(entry);
        return false;
      case "chunk:failed":
        if (entry.willRetry) return this.#drop(keyOf(entry), entry.attempt);
        this.#over(entry);
        return false;
      case "field:opened":
        this.reading(entry); // live chunks may follow that listen to it
        return false;
      case "reply:complete":
      case "reply:stopped":
        this.#keep(entry);
        return false;
      case "signal:retracted": {
        const { path } = entry;
        return entry.activations.map((activationId) => this.#drop(keyOf({ path, activationId }))).includes(true);
      }
      default:
        return false;
    }
  }

  /** The attempt that an entry is from. */
  of(entry: OfAttempt): Author {
    return this.#attempt(entry);
  }

  /** The reply that an entry is about. */
  reading(entry: OfReply): Author {
    const { readings } = this.#of(keyOf(entry));
    const key = readingKey(entry);
    const known = readings.get(key);
    if (known !== undefined) return known;
    const reading = new Node(this.#attempt(entry));
    readings.set(key, reading);
    const inLane = this.#latest.get(laneKey(entry)) ?? new Map<string, Node>();
    this.#latest.set(laneKey(entry), inLane.set(entry.reply, reading));
    return reading;
  }

  #attempt({ path, activationId, attempt: number }: OfAttempt): Node {
    const key = keyOf({ path, activationId });
    const { attempts } = this.#of(key);
    const attempt = attempts.get(number) ?? new Node(this.#live.get(key) ?? this.#children.get(path.join("/")));
    attempts.set(number, attempt);
    return attempt;
  }

  #of(key: string): Shown {
    const shown = this.#shown.get(key) ?? { attempts: new Map(), kept: [], readings: new Map() };
    this.#shown.set(key, shown);
    return shown;
  }

  #adopt(path: readonly string[], activationId: string): void {
    const parent = { path: path.slice(0, -1), activationId };
    this.#children.set(path.join("/"), this.#attempt({ ...parent, attempt: this.#running.get(keyOf(parent)) ?? 1 }));
  }

  /** A live chunk starts: what it listens to is in its trigger, `triage.delta("summary")`. */
  #listen(entry: EntryOf<unknown, "chunk:start">): void {
    for (const [reply, reading] of this.#latest.get(laneKey(entry)) ?? []) {
      const isIts = ["delta", "opened"].some((kind) => entry.trigger.includes(`${reply}.${kind}(`));
      if (isIts) this.#live.set(keyOf(entry), reading);
    }
  }

  #over(entry: Placed): void {
    const key = keyOf(entry);
    this.#running.delete(key);
    this.#live.delete(key);
    this.#shown.get(key)?.readings.clear();
  }

  /** A reply that is complete is not read again by a further attempt. */
  #keep(entry: OfReply): void {
    const { readings, kept } = this.#of(keyOf(entry));
    const reading = readings.get(readingKey(entry));
    if (reading === undefined || reading.isVoid) return;
    reading.leave();
    kept.push(reading);
  }

  #drop(key: string, attempt?: number): boolean {
    const shown = this.#shown.get(key);
    if (shown === undefined) return false;
    if (attempt !== undefined) shown.attempts.get(attempt)?.drop();
    else for (const one of [...shown.attempts.values(), ...shown.kept]) one.drop();
    return true;
  }
}

const keyOf = ({ path, activationId }: Placed): string => `${path.join("/")} ${activationId}`;
const readingKey = ({ attempt, replyId }: OfReply): string => `${attempt} ${replyId}`;
const laneKey = ({ path, lane }: Pick<OfReply, "path" | "lane">): string => `${path.join("/")} ${lane}`;
