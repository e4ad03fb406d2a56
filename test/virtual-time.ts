import { VirtualTimeScheduler, firstValueFrom, timer } from "rxjs";

/** A clock that moves only when everything that can happen now has happened. Nothing in it waits. */
export class VirtualTime {
  readonly scheduler = new VirtualTimeScheduler(undefined, Number.POSITIVE_INFINITY);

  /** Lets all pending promises settle, without moving the clock. */
  async settle(): Promise<void> {
    this.#flush(this.scheduler.frame);
    await turn();
    while (this.#next !== undefined && this.#next <= this.scheduler.frame) {
      this.#flush(this.scheduler.frame);
      await turn();
    }
  }

  /** Moves the clock from one scheduled thing to the next until nothing is scheduled, or `untilMs` is reached. */
  async advance(untilMs = Number.POSITIVE_INFINITY): Promise<void> {
    await this.settle();
    while (this.#next !== undefined && this.#next <= untilMs) {
      this.#flush(this.#next);
      await this.settle();
    }
    if (untilMs !== Number.POSITIVE_INFINITY) this.scheduler.frame = Math.max(this.scheduler.frame, untilMs);
  }

  /** Resolves after some virtual milliseconds. */
  delay(ms: number): Promise<unknown> {
    return firstValueFrom(timer(ms, this.scheduler));
  }

  /** Tokens, each after its pause: `[[0, "{"], [40, '"a"']]`. */
  async *tokens(timed: readonly (readonly [afterMs: number, text: string])[]): AsyncGenerator<string> {
    for (const [ms, text] of timed) {
      if (ms > 0) await this.delay(ms);
      yield text;
    }
  }

  /** Things that are still scheduled. */
  get pending(): number {
    return this.scheduler.actions.length;
  }

  get #next(): number | undefined {
    return this.scheduler.actions[0]?.delay;
  }

  #flush(frame: number): void {
    this.scheduler.maxFrames = frame;
    this.scheduler.flush();
  }
}

/** One turn of the event loop: every promise that can settle has settled. */
function turn(): Promise<void> {
  return new Promise((resolve) => void setImmediate(resolve));
}

/** A promise that the test settles: it chooses the order. */
export function deferred<T = void>(): PromiseWithResolvers<T> {
  return Promise.withResolvers<T>();
}
