import {
  type OperatorFunction,
  Subject,
  from,
  lastValueFrom,
  map,
  mergeMap,
  observeOn,
  of,
  queueScheduler,
} from "rxjs";
import type { Contestant } from "../measure.ts";
import { consumersOf, heardBy, totalOf } from "./consumer.ts";
import { contestant } from "./contestant.ts";
import { crowd, stepsEach } from "./crowd.ts";
import { double, join, joined } from "./places.ts";
import { type Pace, rest, steps } from "./step.ts";
import { text, tokens } from "./tokens.ts";
import type { Waiter } from "./waiter.ts";

/** The name under which hand-written RxJS stands in every table: the unit of the targets. */
export const rxjs = "RxJS by hand";

/** A Subject for each step, wired for each execution. No log; nothing is completed, which would cost as much again. */
export function rxjsChain(count: number, pace: Pace): Contestant {
  return contestant(rxjs, count, () => chained(count, step(pace)));
}

/** One Subject that is told the next event by who listens to it. No log. */
export function rxjsLoop(count: number, pace: Pace): Contestant {
  return contestant(
    rxjs,
    count,
    () =>
      new Promise((resolve) => {
        const ticks = new Subject<number>();
        ticks.pipe(step(pace)).subscribe((n) => {
          if (n < count) return ticks.next(n);
          ticks.complete();
          resolve(n);
        });
        ticks.next(0);
      }),
  );
}

/** One Subject of places, whose results are put in their order. */
export function rxjsFan(count: number, limit: number): Contestant {
  return contestant(
    rxjs,
    joined(count),
    () =>
      new Promise((resolve) => {
        const items = new Subject<number>();
        const results: number[] = [];
        const work = mergeMap(async (place: number) => ({ place, result: await double(place) }), limit);
        items.pipe(work).subscribe({
          next: ({ place, result }) => (results[place] = result),
          complete: () => resolve(join(results)),
        });
        for (let place = 0; place < count; place += 1) items.next(place);
        items.complete();
      }),
  );
}

export function rxjsCrowd(count: number): Contestant {
  return crowd(rxjs, count, () => chained(stepsEach, mergeMap(rest)));
}

/** One Subject, which all consumers are subscribed to. */
export function rxjsStream(count: number, consumers: number): Contestant {
  return contestant(rxjs, heardBy(consumers, count), async () => {
    const begun = new Subject<number>();
    const items = new Subject<number>();
    const all = consumersOf(consumers);
    for (const { consume } of all) items.subscribe(consume);
    const work = mergeMap(async (amount: number) => {
      for (let item = 0; item < amount; item += 1) items.next(item);
    });
    const done = lastValueFrom(begun.pipe(work));
    begun.next(count);
    begun.complete();
    await done;
    return totalOf(all);
  });
}

/** The generator as an Observable, handed on by a Subject. */
export function rxjsTokens(count: number): Contestant {
  return contestant(rxjs, text(count), async () => {
    const begun = new Subject<number>();
    const items = new Subject<string>();
    let read = "";
    items.subscribe((token) => (read += token));
    const work = mergeMap((amount: number) => from(tokens(amount)).pipe(map((token) => items.next(token))));
    const done = lastValueFrom(begun.pipe(work));
    begun.next(count);
    begun.complete();
    await done;
    return read;
  });
}

/** A Subject each, with the step that waits for it. */
export const waiter = (): Waiter<{ readonly events: Subject<number>; readonly result: Promise<number> }> => ({
  name: rxjs,
  begin: async () => {
    const events = new Subject<number>();
    const result = new Promise<number>((resolve) => {
      events.pipe(mergeMap(async (payload) => payload)).subscribe(resolve);
    });
    return { events, result };
  },
  wake: ({ events, result }, payload) => {
    events.next(payload);
    return result;
  },
});

function chained(count: number, work: OperatorFunction<number, number>): Promise<number> {
  return new Promise((resolve) => {
    const first = new Subject<number>();
    let last = first;
    for (let done = 0; done < count; done += 1) {
      const next = new Subject<number>();
      last.pipe(work).subscribe(next);
      last = next;
    }
    last.subscribe(resolve);
    first.next(0);
  });
}

/** One step. Synchronous ones go through the queue scheduler: without it, they would overflow the stack. */
function step(pace: Pace): OperatorFunction<number, number> {
  if (pace === "asynchronous") return mergeMap(steps.asynchronous);
  const inTurn = observeOn<number>(queueScheduler);
  const next = mergeMap((n: number) => of(steps.synchronous(n)));
  return (source) => source.pipe(inTurn, next);
}
