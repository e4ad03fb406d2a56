import type { SchedulerLike } from "rxjs";

/** What a promise comes to; undefined when it has not after so many milliseconds. */
export function within<T>(promise: Promise<T>, timeoutMs: number, scheduler: SchedulerLike): Promise<T | undefined> {
  return new Promise((resolve, reject) => {
    const timer = scheduler.schedule(() => resolve(undefined), timeoutMs);
    promise.then(
      (value) => {
        timer.unsubscribe();
        resolve(value);
      },
      (error: unknown) => {
        timer.unsubscribe();
        reject(error);
      },
    );
  });
}
