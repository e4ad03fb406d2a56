import type { Contestant } from "../measure.ts";
import { type Pace, steps } from "./step.ts";

/** Functions, one after the other: what nobody can beat. */
export function plainSteps(count: number, pace: Pace): Contestant {
  const name = pace === "asynchronous" ? "async functions" : "functions";
  const once = pace === "asynchronous" ? () => inTurn(count) : () => atOnce(count);
  return { name, once, check: (value) => value === count };
}

async function inTurn(count: number): Promise<number> {
  const step = steps.asynchronous;
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
