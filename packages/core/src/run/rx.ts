import type { Observable, SchedulerLike } from "rxjs";
import type { Hint } from "../define/payload.ts";
import { type KindOf, type Piped, type Trigger, trigger } from "../define/trigger.ts";

/**
 * Fires with what an RxJS pipeline over the payloads of a trigger yields: `rx(Tick, (tick$, scheduler) =>
 * tick$.pipe(bufferTime(100, scheduler)))`. There is one pipeline an execution; what it yields fires in the root lane.
 * Its source completes when all else is quiet, and the execution waits for its end. One that fails, fails the execution.
 *
 * @param pipe gets the execution's scheduler, for operators that take time.
 */
export function rx<T extends Trigger, Out, In = Hint<T>>(
  source: T,
  pipe: (payload$: Observable<In>, scheduler: SchedulerLike) => Observable<Out>,
): Trigger<Piped<KindOf<T>, In, Out>> {
  return trigger({ on: "rx", of: [source.plan], pipe });
}
