import type { Contestant } from "../measure.ts";
import { consumersOf, heardBy, totalOf } from "./consumer.ts";
import { contestant } from "./contestant.ts";
import { crowd, stepsEach } from "./crowd.ts";
import { double, join, joined, places } from "./places.ts";
import { type Pace, rest, steps } from "./step.ts";
import { text, tokens } from "./tokens.ts";
import type { Waiter } from "./waiter.ts";

const name = "async functions";

/** Functions, one after the other: what nobody can beat. */
export function plainSteps(count: number, pace: Pace): Contestant {
  if (pace === "synchronous") return contestant("functions", count, () => atOnce(count));
  return contestant(name, count, () => inTurn(count, steps.asynchronous));
}

/** `Promise.all`, or so many workers that take the next place each. */
export function plainFan(count: number, limit: number): Contestant {
  return contestant(name, joined(count), async () => {
    if (limit >= count) return join(await Promise.all(places(count).map(double)));
    const results: number[] = [];
    let next = 0;
    const worker = async (): Promise<void> => {
      while (next < count) {
        const place = next++;
        results[place] = await double(place);
      }
    };
    await Promise.all(Array.from({ length: limit }, worker));
    return join(results);
  });
}

export function plainCrowd(count: number): Contestant {
  return crowd(name, count, () => inTurn(stepsEach, rest));
}

/** Functions that are called with each item. */
export function plainStream(count: number, consumers: number): Contestant {
  return contestant(name, heardBy(consumers, count), async () => {
    const all = consumersOf(consumers);
    for (let item = 0; item < count; item += 1) for (const { consume } of all) consume(item);
    return totalOf(all);
  });
}

export function plainTokens(count: number): Contestant {
  return contestant(name, text(count), async () => {
    let read = "";
    for await (const token of tokens(count)) read += token;
    return read;
  });
}

/** A promise each. */
export const waiter = (): Waiter<{
  readonly resolve: (payload: number) => void;
  readonly result: Promise<number>;
}> => ({
  name,
  begin: async () => {
    const { promise, resolve } = Promise.withResolvers<number>();
    const work = async (): Promise<number> => await promise;
    return { resolve, result: work() };
  },
  wake: ({ resolve, result }, payload) => {
    resolve(payload);
    return result;
  },
});

async function inTurn(count: number, step: (n: number) => Promise<number>): Promise<number> {
  let n = 0;
  for (let done = 0; done < count; done += 1) n = await step(n);
  return n;
}

function atOnce(count: number): number {
  const step = steps.synchronous;
  let n = 0;
  for (let done = 0; done < count; done += 1) n = step(n);
  return n;
}
