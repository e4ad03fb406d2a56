import type { GraphChunk } from "../graph/graph.ts";
import type { Activation } from "../machine/command.ts";
import { ownerOf, timerOfSleep } from "../machine/done.ts";
import type { Asked, OfChunk } from "../machine/entry.ts";
import type { InvalidReply } from "../machine/reply-issues.ts";
import { Abort, aborted } from "./abort.ts";
import type { Below } from "./below.ts";
import type { EarlierSignals } from "./earlier-signals.ts";
import type { Kin } from "./kin.ts";

/** One try of an activation: what it is, whether it is still on, and what it opened. */
export class Attempt {
  readonly activation: Activation;
  readonly chunk: GraphChunk;
  readonly number: number;
  /** Whether it came from a delta or an opened value: its entries are live, and it may only put items into the stream. */
  readonly live: boolean;
  startedAt = 0;
  /** Its neighbours in the list of those that run. */
  before: Attempt | undefined;
  behind: Attempt | undefined;
  /** Set by `setResult`; takes effect with the completion. */
  result: { readonly value: unknown } | undefined;
  /** What is asked when it completes. */
  interrupts: Asked[] | undefined;
  /** Milliseconds that are left of its time, while that stands still; and when it is over, while it goes on. */
  left: number | undefined;
  dueAt = 0;
  ended = false;
  /** Whether viewers have seen something of it, which a further attempt makes void. */
  shown = false;
  /** How many calls of models it has made. */
  calls = 0;
  /** The names of its steps. */
  steps: Set<string> | undefined;
  /** What earlier attempts have emitted; made when it first emits. */
  earlier: EarlierSignals | undefined;
  /** What was wrong with its replies as wholes. */
  replies: InvalidReply[] | undefined;
  /** The replies that it has opened, by id. */
  opened: Set<string> | undefined;
  /** Its replies that may be stopped, by id: ends their generation, and tells who asked for it. */
  stops: Map<string, (reason: string) => void> | undefined;
  /** Its children, where its execution is stored. */
  kin: Kin | undefined;
  readonly #flow: string;
  /** What runs below it, and ends with it. */
  #children: Set<Below> | undefined;
  #abort: Abort | undefined;
  #why = "";
  #sleeps = 0;
  #counts: Map<string, number> | undefined;

  /** Whether it undoes the chunk. */
  readonly undoes: boolean;

  constructor(
    flow: string,
    chunk: GraphChunk,
    activation: Activation,
    undoes = false,
    number = activation.attempts + 1,
  ) {
    this.#flow = flow;
    this.undoes = undoes;
    this.chunk = chunk;
    this.activation = activation;
    this.number = number;
    this.live = chunk.live;
  }

  /** The name of the timer that bounds it. */
  get timer(): string {
    return `${this.activation.id}/${this.number}`;
  }

  /** Whose memory it has of what was done. */
  get owner(): string {
    return ownerOf(this.activation.id, this.undoes);
  }

  /** The timer of its next sleep; the same in each attempt that sleeps as often. */
  nextSleep(): string {
    this.#sleeps += 1;
    return timerOfSleep(this.owner, this.#sleeps);
  }

  /** For errors: `support-triage.read`. */
  get where(): string {
    return `${this.#flow}.${this.chunk.name}`;
  }

  get abort(): Abort {
    if (this.#abort === undefined) {
      this.#abort = new Abort();
      if (this.ended) this.#tell();
    }
    return this.#abort;
  }

  /** Something runs below it. @returns takes it back */
  adopt(child: Below): () => void {
    const children = (this.#children ??= new Set());
    children.add(child);
    return () => void children.delete(child);
  }

  /** What runs below it. */
  get below(): readonly Below[] {
    return [...(this.#children ?? [])];
  }

  /** Its ctx is dead from now on, and what it left open is ended. */
  end(why: string): void {
    this.endBelow(why);
    this.ended = true;
    this.#why = why;
    this.#tell();
  }

  /** Ends what runs below it. @returns what is still undoing its work, with `rollback` */
  endBelow(why: string, rollback = false): readonly Below[] {
    for (const child of this.below) child.cancel(why, { rollback });
    return this.below;
  }

  #tell(): void {
    this.#abort?.abort(() => aborted(this.where, this.#why));
  }

  /** What its entries carry. */
  origin(): OfChunk {
    const { chunk, activation, number } = this;
    return { chunk: chunk.name, activationId: activation.id, attempt: number, lane: activation.arrival.lane };
  }

  /**
   * An id for a reply of this attempt; the same in each attempt that opens the same replies in the same order. `once`: what
   * belongs to one generation, as the input of a tool does, is another reply in each attempt.
   */
  replyId(name: string, once = false): string {
    const count = this.#count(name);
    const which = `${count === 1 ? "" : `.${count}`}${once && this.number > 1 ? `.attempt${this.number}` : ""}`;
    const id = `${name}@${this.activation.id}${which}`;
    (this.opened ??= new Set()).add(id);
    return id;
  }

  /** An id for a question of this attempt; the same in each attempt that asks the same questions in the same order. */
  questionId(name: string): string {
    const count = this.#count(`interrupt ${name}`);
    return `${name}@${this.activation.id}${count === 1 ? "" : `.${count}`}`;
  }

  #count(name: string): number {
    this.#counts ??= new Map();
    const count = (this.#counts.get(name) ?? 0) + 1;
    this.#counts.set(name, count);
    return count;
  }
}
