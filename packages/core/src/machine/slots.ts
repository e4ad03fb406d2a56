import type { Graph } from "../graph/graph.ts";
import type { Activation } from "./command.ts";

/**
 * The concurrency limits of a flow and its chunks.  Who waits at a full chunk
 * does not hold up others; among those that may start, the oldest goes first.
 */
export class Slots {
  readonly #flowLimit: number;
  readonly #limits: readonly number[];
  readonly #taken: number[];
  #total = 0;
  /** Who waits, by chunk, oldest first. */
  readonly #waiting = new Map<number, Activation[]>();

  constructor({ concurrency, chunks }: Graph) {
    this.#flowLimit = concurrency ?? Number.POSITIVE_INFINITY;
    this.#limits = chunks.map((chunk) => chunk.concurrency ?? Number.POSITIVE_INFINITY);
    this.#taken = chunks.map(() => 0);
  }

  /** Takes a slot, or waits for one. @returns whether it has one now */
  enter(activation: Activation): boolean {
    const { chunk } = activation;
    const queue = this.#waiting.get(chunk);
    if (queue === undefined && this.#hasRoom(chunk)) return this.#take(activation);
    if (queue === undefined) this.#waiting.set(chunk, [activation]);
    else {
      queue.push(activation);
      // one that is tried again is older than others that wait
      if ((queue.at(-2)?.order ?? 0) > activation.order) queue.sort((a, b) => a.order - b.order);
    }
    return false;
  }

  /** Gives a slot back. @returns who has got one because of it */
  leave(activation: Activation): Activation | undefined {
    if (!activation.granted) return undefined;
    activation.granted = false;
    this.#total -= 1;
    this.#taken[activation.chunk] = (this.#taken[activation.chunk] ?? 1) - 1;
    let oldest: Activation | undefined;
    for (const [chunk, [first]] of this.#waiting) {
      if (first !== undefined && this.#hasRoom(chunk) && (oldest === undefined || first.order < oldest.order))
        oldest = first;
    }
    if (oldest === undefined) return undefined;
    this.forget(oldest);
    this.#take(oldest);
    return oldest;
  }

  /** Whoever waits, waits no more. */
  forget(activation: Activation): void {
    const queue = this.#waiting.get(activation.chunk);
    if (queue === undefined) return;
    if (queue[0] === activation) queue.shift();
    else queue.splice(0, queue.length, ...queue.filter((one) => one !== activation));
    if (queue.length === 0) this.#waiting.delete(activation.chunk);
  }

  /** Counts the activations of a snapshot: those that have a slot, then those that wait. */
  restore(activations: readonly Activation[]): void {
    for (const one of activations) if (one.granted) this.#take(one);
    for (const one of activations) if (!one.granted) this.enter(one);
  }

  #hasRoom(chunk: number): boolean {
    return this.#total < this.#flowLimit && (this.#taken[chunk] ?? 0) < (this.#limits[chunk] ?? 0);
  }

  #take(activation: Activation): true {
    activation.granted = true;
    this.#total += 1;
    this.#taken[activation.chunk] = (this.#taken[activation.chunk] ?? 0) + 1;
    return true;
  }
}
