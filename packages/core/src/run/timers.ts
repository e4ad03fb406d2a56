import type { SchedulerLike, Subscription } from "rxjs";

/** The longest wait that `setTimeout` knows, about 25 days: a longer one would be none. */
const longestMs = 2_147_483_647;

/** The timers of one execution, on its scheduler. None outlives it. */
export class Timers {
  readonly #scheduler: SchedulerLike;
  /** Made with the first timer. */
  #timers: Map<string, Subscription> | undefined;
  /** Who waits for one to fire. */
  #listeners: Map<string, () => void> | undefined;

  constructor(scheduler: SchedulerLike) {
    this.#scheduler = scheduler;
  }

  /** Calls back once, when one of that name has fired, which may not be set yet. @returns takes it back */
  onFired(name: string, act: () => void): () => void {
    (this.#listeners ??= new Map()).set(name, act);
    return () => void (this.#listeners?.get(name) === act && this.#listeners.delete(name));
  }

  /** Calls `fire` when the time has come, at once if it has passed. One of the same name is replaced. */
  set(name: string, delayMs: number, fire: () => void): void {
    this.cancel(name);
    const waitMs = Math.min(Math.max(0, delayMs), longestMs);
    const timer = this.#scheduler.schedule(() => {
      this.#timers?.delete(name);
      if (delayMs > waitMs) return this.set(name, delayMs - waitMs, fire);
      const listener = this.#listeners?.get(name);
      this.#listeners?.delete(name);
      fire();
      listener?.();
    }, waitMs);
    (this.#timers ??= new Map()).set(name, timer);
  }

  /** How many are set. */
  get size(): number {
    return this.#timers?.size ?? 0;
  }

  cancel(name: string): void {
    const timer = this.#timers?.get(name);
    if (timer === undefined) return;
    timer.unsubscribe();
    this.#timers?.delete(name);
  }

  clear(): void {
    for (const timer of this.#timers?.values() ?? []) timer.unsubscribe();
    this.#timers?.clear();
  }
}
