import type { GraphChunk } from "../graph/graph.ts";
import type { Activation } from "../machine/command.ts";
import type { OfChunk } from "../machine/entry.ts";
import { Abort } from "./abort.ts";

/** One try of an activation: what it is, whether it is still on, and what it opened. */
export class Attempt {
  readonly activation: Activation;
  readonly chunk: GraphChunk;
  readonly number: number;
  /** Whether it came from a delta or an opened value: its entries are live, and it may only put items into the stream. */
  readonly live: boolean;
  readonly startedAt: number;
  readonly abort = new Abort();
  /** Set by `setResult`; takes effect with the completion. */
  result: { readonly value: unknown } | undefined;
  ended = false;
  readonly #replies = new Map<string, number>();
  readonly #where: string;

  constructor(flow: string, chunk: GraphChunk, activation: Activation, startedAt: number) {
    this.#where = `${flow}.${chunk.name}`;
    this.chunk = chunk;
    this.activation = activation;
    this.number = activation.attempts + 1;
    this.live = chunk.live;
    this.startedAt = startedAt;
  }

  /** For errors: `support-triage.read`. */
  get where(): string {
    return this.#where;
  }

  /** What its entries carry. */
  origin(): OfChunk {
    const { chunk, activation, number } = this;
    return { chunk: chunk.name, activationId: activation.id, attempt: number, lane: activation.lane };
  }

  /** An id for a reply of this attempt; the same in each attempt that opens the same replies in the same order. */
  replyId(name: string): string {
    const count = (this.#replies.get(name) ?? 0) + 1;
    this.#replies.set(name, count);
    return `${name}@${this.activation.id}${count === 1 ? "" : `.${count}`}`;
  }
}
