import { type OperatorFunction, Subject, mergeMap, observeOn, of, queueScheduler } from "rxjs";
import type { Contestant } from "../measure.ts";
import { type Pace, steps } from "./step.ts";

/** The name under which hand-written RxJS stands in every table: the unit of the targets. */
export const rxjs = "RxJS by hand";

/** A Subject for each step, wired for each execution. No log; nothing is completed, which would cost as much again. */
export function rxjsChain(count: number, pace: Pace): Contestant {
  const once = (): Promise<number> =>
    new Promise((resolve) => {
      const first = new Subject<number>();
      let last = first;
      for (let done = 0; done < count; done += 1) {
        const next = new Subject<number>();
        last.pipe(work(pace)).subscribe(next);
        last = next;
      }
      last.subscribe(resolve);
      first.next(0);
    });
  return { name: rxjs, once, check: (value) => value === count };
}

/** One Subject that is told the next event by who listens to it. No log. */
export function rxjsLoop(count: number, pace: Pace): Contestant {
  const once = (): Promise<number> =>
    new Promise((resolve) => {
      const ticks = new Subject<number>();
      ticks.pipe(work(pace)).subscribe((n) => {
        if (n < count) return ticks.next(n);
        ticks.complete();
        resolve(n);
      });
      ticks.next(0);
    });
  return { name: rxjs, once, check: (value) => value === count };
}

/** One step. Synchronous ones go through the queue scheduler: without it, they would overflow the stack. */
function work(pace: Pace): OperatorFunction<number, number> {
  if (pace === "asynchronous") return mergeMap(steps.asynchronous);
  const inTurn = observeOn<number>(queueScheduler);
  const step = mergeMap((n: number) => of(steps.synchronous(n)));
  return (source) => source.pipe(inTurn, step);
}
