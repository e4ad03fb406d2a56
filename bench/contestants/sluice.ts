import { z } from "zod";
import {
  type Execution,
  type Trigger,
  after,
  compile,
  defineFlow,
  event,
  flow,
  run,
  start,
} from "../../packages/core/src/index.ts";
import type { Contestant } from "../measure.ts";
import { type Pace, steps } from "./step.ts";

/** The name under which Sluice stands in the tables of executions. */
export const sluice = "Sluice";

/** A flow builder whose chunks are counted and not named, so that the types need not know them. */
interface Chain {
  chunk(name: string, trigger: Trigger, run: (n: number) => unknown): Chain;
}

/** A chunk for each step. Compiled once; every execution writes its full log, and one subscriber reads it. */
export function sluiceChain(count: number, pace: Pace): Contestant {
  const chain = chainOf(count, pace);
  compile(chain);
  const entries = 2 * count + 2; // start and completion of each chunk, and of the flow
  const execute = run as (flow: Chain, input: number) => Execution; // the types know no chunks here, see `Chain`
  return contestant(count, entries, () => execute(chain, 0));
}

/** Writing the chain down and compiling it, which an application does once. */
export function sluiceDefinition(count: number): Contestant {
  const once = (): number => compile(chainOf(count, "synchronous")).chunks.length;
  return { name: sluice, once, check: (value) => value === count };
}

/** A chunk that emits the event which triggers it, until enough have come. */
export function sluiceLoop(count: number, pace: Pace): Contestant {
  const Tick = event("tick", z.number());
  const spec = defineFlow({ name: "loop", input: z.number(), result: z.number() });
  const begun = flow(spec).chunk("begin", start, (n, ctx) => void ctx.emit(Tick, n));
  const loop =
    pace === "asynchronous"
      ? begun.chunk("tick", Tick, async (n, ctx) => {
          const next = await steps.asynchronous(n);
          if (next >= count) return next;
          ctx.emit(Tick, next);
          return undefined;
        })
      : begun.chunk("tick", Tick, (n, ctx) => {
          const next = steps.synchronous(n);
          if (next >= count) return next;
          ctx.emit(Tick, next);
          return undefined;
        });
  compile(loop);
  const entries = 3 * count + 4; // signal, start and completion of each event; the first chunk; the flow
  return contestant(count, entries, () => run(loop, 0));
}

function chainOf(count: number, pace: Pace): Chain {
  const spec = defineFlow({ name: "chain", input: z.number(), result: z.number() });
  let chain = flow(spec) as unknown as Chain;
  for (let index = 0; index < count; index += 1) {
    chain = chain.chunk(`c${index}`, index === 0 ? start : (after(`c${index - 1}`) as Trigger), steps[pace]);
  }
  return chain;
}

function contestant(count: number, entries: number, execute: () => Execution): Contestant {
  const once = async (): Promise<unknown> => {
    const execution = execute();
    let seen = 0;
    execution.events$.subscribe(() => (seen += 1));
    const result: unknown = await execution.result;
    return seen === entries ? result : `${seen} entries of ${entries}`;
  };
  return { name: sluice, once, check: (value) => value === count };
}
