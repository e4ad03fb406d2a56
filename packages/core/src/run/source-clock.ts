import type { SchedulerLike } from "rxjs";
import type { SourceClock } from "../define/token-source.ts";
import type { Abort } from "./abort.ts";

/** The scheduler's time, for a source that is read. No wait outlives the reading. */
export function sourceClock(scheduler: SchedulerLike, abort: Abort): SourceClock {
  return {
    now: () => scheduler.now(),
    delay: (ms, { abortSignal } = {}) =>
      new Promise((resolve, reject) => {
        abortSignal?.throwIfAborted();
        const end = (settle: () => void): void => {
          timer.unsubscribe();
          forget();
          abortSignal?.removeEventListener("abort", leave);
          settle();
        };
        const leave = (): void => end(() => reject(abortSignal?.reason as Error));
        const timer = scheduler.schedule(() => end(resolve), Math.max(0, ms));
        let forget = (): void => {};
        forget = abort.onAbort((reason) => end(() => reject(reason)));
        abortSignal?.addEventListener("abort", leave, { once: true });
      }),
  };
}
