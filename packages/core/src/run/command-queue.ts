import type { Activation, Command } from "../machine/command.ts";

/** A command of the machine, or the start of a live chunk. */
export type Order = Command | { readonly type: "live"; readonly activation: Activation };

const none: Order[] = [];

/**
 * Orders that wait to be carried out, first in, first out, one at a time. Whoever pushes need not drain: what is left is
 * carried out when the present job is over. That takes no time on any clock, so it needs no scheduler, which would cost more.
 */
export class CommandQueue {
  readonly #carryOut: (order: Order) => void;
  readonly #onIdle: () => void;
  #orders: Order[] = none;
  #next = 0;
  #draining = false;
  #scheduled = false;
  /** Whoever pushes now will drain. */
  #held = false;

  /** @param onIdle hears whenever all that was queued has been carried out */
  constructor(carryOut: (order: Order) => void, onIdle: () => void) {
    this.#carryOut = carryOut;
    this.#onIdle = onIdle;
  }

  push(order: Order): void {
    if (this.#orders.length === 0) this.#orders = [order]; // a list that grows from nothing gets room for 17
    else this.#orders.push(order);
    if (this.#draining || this.#scheduled || this.#held) return;
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
    this.#next = 0;
  }

  /** Carries out all orders, also those that come meanwhile. Inside itself it does nothing. */
  drain(): void {
    this.#held = false;
    if (this.#draining) return;
    this.#draining = true;
    try {
      for (let order = this.#orders[this.#next]; order !== undefined; order = this.#orders[this.#next]) {
        this.#next += 1;
        this.#carryOut(order);
        if (this.#next > 1024 && this.#next * 2 > this.#orders.length) {
          this.#orders = this.#orders.slice(this.#next); // what was carried out is let go
          this.#next = 0;
        }
      }
    } finally {
      this.clear();
      this.#draining = false;
    }
    this.#onIdle();
  }
}
