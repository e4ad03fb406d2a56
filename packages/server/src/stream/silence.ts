import type { SchedulerLike, Subscription } from "rxjs";

/** Calls those who have been silent for a time, each once. One timer for all of them: who is not silent costs no timer. */
export class Silence {
  readonly #afterMs: number;
  readonly #scheduler: SchedulerLike;
  /** When they are called; the next one first, as all wait for the same time. */
  readonly #dueAt = new Map<() => void, number>();
  #timer: Subscription | undefined;

  constructor(afterMs: number, scheduler: SchedulerLike) {
    this.#afterMs = afterMs;
    this.#scheduler = scheduler;
  }

  /** From now on `call` waits to be called, for the whole time again where it has waited before. */
  begin(call: () => void): void {
    this.#dueAt.delete(call);
    this.#dueAt.set(call, this.#scheduler.now() + this.#afterMs);
    if (this.#timer === undefined) this.#wait(this.#afterMs);
  }

  /** It waits no longer. */
  end(call: () => void): void {
    this.#dueAt.delete(call);
    if (this.#dueAt.size > 0) return;
    this.#timer?.unsubscribe();
    this.#timer = undefined;
  }

  #wait(delayMs: number): void {
    this.#timer = this.#scheduler.schedule(() => this.#look(), delayMs);
  }

  #look(): void {
    this.#timer = undefined;
    const now = this.#scheduler.now();
    for (const [call, dueAt] of this.#dueAt) {
      if (dueAt > now) return this.#wait(dueAt - now);
      this.#dueAt.delete(call);
      call();
    }
  }
}
