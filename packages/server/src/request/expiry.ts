import type { SchedulerLike, Subscription } from "rxjs";

/** The longest wait that timers know, about 25 days: a longer one would be none. */
const longestMs = 2_147_483_647;

/** Calls `act` when a moment has come, in Unix milliseconds. @returns takes it back */
export function expireAt(until: number, act: () => void, scheduler: SchedulerLike): () => void {
  let timer: Subscription | undefined;
  const wait = (): void => {
    const leftMs = Math.max(0, until - scheduler.now());
    timer = scheduler.schedule(() => (leftMs > longestMs ? wait() : act()), Math.min(leftMs, longestMs));
  };
  wait();
  return () => timer?.unsubscribe();
}
