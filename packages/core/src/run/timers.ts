import type { SchedulerLike, Subscription } from "rxjs";

/** The timers of one execution, on its scheduler. None outlives it. */
export class Timers {
  readonly #scheduler: SchedulerLike;
  /** Made with the first timer. */
  #timers: Map<string, Subscription> | undefined;

  constructor(scheduler: SchedulerLike) {
    this.#scheduler = scheduler;
  }

  /** Calls `fire` when the time has come, at once if it has passed. One of the same name is replaced. */
  set(name: string, delayMs: number, fire: () => void): void {
    this.cancel(name);
    const timer = this.#scheduler.schedule(
      () => {
        this.#timers?.delete(name);
        fire();
      },
      Math.max(0, delayMs),
    );
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
