import type { SluiceError } from "../error/sluice-error.ts";
import type { Activation, Command } from "../machine/command.ts";

/** A command of the machine, or the start of a live chunk. */
export type Order = Command | { readonly type: "live"; readonly activation: Activation };

/** Lets orders pass when the entry that they come from is stored. */
export interface Gate {
  readonly isStored: (seq: number) => boolean;
  /** Calls back when an entry is stored; with an error when it cannot be. */
  readonly whenStored: (act: (failure: SluiceError | undefined) => void, seq: number) => void;
}

const none: Order[] = [];

/**
 * Orders that wait to be carried out, first in, first out, one at a time. Whoever pushes need not drain: what is left is
 * carried out when the present job is over. That takes no time on any clock, so it needs no scheduler, which would cost more.
 */
export class CommandQueue {
  readonly #carryOut: (order: Order) => void;
  readonly #onIdle: () => void;
  readonly #gate: Gate | undefined;
  #orders: Order[] = none;
  /** With a gate: the entry that each order comes from. */
  #marks: number[] | undefined;
  #next = 0;
  #draining = false;
  #scheduled = false;
  /** Whoever pushes now will drain. */
  #held = false;
  /** The next order waits at the gate. */
  #waiting = false;

  /** @param onIdle hears whenever all that was queued has been carried out */
  constructor(carryOut: (order: Order) => void, onIdle: () => void, gate?: Gate) {
    this.#carryOut = carryOut;
    this.#onIdle = onIdle;
    this.#gate = gate;
  }

  /** Whether nothing waits to be carried out. */
  get isEmpty(): boolean {
    return this.#orders.length === 0;
  }

  /** @param seq the entry that it comes from */
  push(order: Order, seq: number): void {
    if (this.#orders.length === 0) this.#orders = [order]; // a list that grows from nothing gets room for 17
    else this.#orders.push(order);
    if (this.#gate !== undefined) (this.#marks ??= []).push(seq);
    if (this.#draining || this.#scheduled || this.#held || this.#waiting) return;
    this.#scheduled = true;
    queueMicrotask(() => {
      this.#scheduled = false;
      this.drain();
    });
  }

  /** What is pushed from now on waits for `drain`, and needs no microtask of its own. */
  hold(): void {
    this.#held = true;
  }

  /** Lets go of what has not been carried out. */
  clear(): void {
    this.#orders = none;
    this.#marks = undefined;
    this.#next = 0;
  }

  /** Carries out all orders that may pass, also those that come meanwhile. Inside itself it does nothing. */
  drain(): void {
    this.#held = false;
    if (this.#draining || this.#waiting) return;
    this.#draining = true;
    try {
      for (let order = this.#orders[this.#next]; order !== undefined; order = this.#orders[this.#next]) {
        if (this.#gate !== undefined && this.#isStopped(this.#gate)) break;
        this.#next += 1;
        this.#carryOut(order);
        if (this.#next > 1024 && this.#next * 2 > this.#orders.length) this.#forgetDone();
      }
    } finally {
      if (this.#waiting) this.#forgetDone();
      else this.clear();
      this.#draining = false;
    }
    if (!this.#waiting) this.#onIdle();
  }

  #isStopped(gate: Gate): boolean {
    const seq = this.#marks?.[this.#next] ?? 0;
    if (gate.isStored(seq)) return false;
    this.#waiting = true;
    gate.whenStored(() => {
      this.#waiting = false;
      this.drain();
    }, seq);
    return true;
  }

  /** What was carried out is let go. */
  #forgetDone(): void {
    this.#orders = this.#orders.slice(this.#next);
    this.#marks = this.#marks?.slice(this.#next);
    this.#next = 0;
  }
}
