import { z } from "zod";
import {
  type Execution,
  type Retention,
  type StoreOptions,
  type Trigger,
  after,
  compile,
  defineFlow,
  each,
  event,
  flow,
  gather,
  run,
  start,
} from "../../packages/core/src/index.ts";
import type { Contestant } from "../measure.ts";
import { consumersOf, heardBy, totalOf } from "./consumer.ts";
import { contestant } from "./contestant.ts";
import { crowd, stepNames, stepsEach } from "./crowd.ts";
import { double, join, joined, places } from "./places.ts";
import { type Pace, rest, steps } from "./step.ts";
import { text, tokens } from "./tokens.ts";
import { type Waiter, quiet } from "./waiter.ts";

/** The name under which Sluice stands in the tables of executions. */
export const sluice = "Sluice";

/** The same with a consumer that pulls, at its own pace. */
const pulled = "Sluice, pulled";

/** Entries of every execution: its start and its end. */
const flowEntries = 2;
/** Entries of every activation: its start and its completion. */
const chunkEntries = 2;

/** A flow builder whose chunks are counted and not named, so that the types need not know them. */
export interface Chain {
  chunk(name: string, trigger: Trigger, run: (n: number) => unknown): Chain;
}

/** A chunk for each step. Compiled once; every execution writes its full log, and one subscriber reads it. */
export function sluiceChain(count: number, pace: Pace): Contestant {
  const chain = chainOf(
    places(count).map((index) => `c${index}`),
    steps[pace],
  );
  compile(chain);
  return contestant(sluice, count, () => logged(execute(chain, 0), flowEntries + count * chunkEntries));
}

/** Writing the chain down and compiling it, which an application does once. */
export function sluiceDefinition(count: number): Contestant {
  const names = places(count).map((index) => `c${index}`);
  return contestant(sluice, count, () => compile(chainOf(names, steps.synchronous)).chunks.length);
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
  const entries = flowEntries + chunkEntries + count * (1 + chunkEntries); // the first chunk; a signal for each event
  return contestant(sluice, count, () => logged(run(loop, 0), entries));
}

/** A chunk for each item of a list, and one that gathers the results, in the order of the items. */
export function sluiceFan(count: number, limit: number): Contestant {
  const spec = defineFlow({ name: "fan", input: z.number(), result: z.number() });
  const fan = flow(spec)
    .chunk("items", start, (amount) => places(amount))
    .chunk("work", each(after("items")), double, limit === Infinity ? {} : { concurrency: limit })
    .chunk("join", gather("work"), join);
  compile(fan);
  const entries = flowEntries + (2 + count) * chunkEntries;
  return contestant(sluice, joined(count), () => logged(run(fan, count), entries));
}

/** Every execution writes its full log, and a subscriber of its own reads it. */
export function sluiceCrowd(count: number): Contestant {
  const chain = chainOf(stepNames, rest);
  compile(chain);
  return crowd(sluice, count, () => logged(execute(chain, 0), flowEntries + stepsEach * chunkEntries));
}

/** One chunk that shows the items, and consumers that are called with each. */
export function sluiceStream(count: number, consumers: number): Contestant {
  return streaming(sluice, count, consumers, async ({ stream$, result }) => {
    const all = consumersOf(consumers);
    for (const { consume } of all) stream$.subscribe(consume);
    await result;
    return totalOf(all);
  });
}

/** One chunk that shows the items, and consumers with a cursor of their own. The log keeps all of them, as its peers' buffers do. */
export function sluicePulledStream(count: number, consumers: number): Contestant {
  const consume: Consume = async ({ stream }) => {
    const all = consumersOf(consumers);
    const read = all.map(async ({ consume }) => {
      for await (const item of stream()) consume(item);
    });
    await Promise.all(read);
    return totalOf(all);
  };
  return streaming(pulled, count, consumers, consume, { maxEntries: Infinity, maxBytes: Infinity });
}

/** A consumer that is called with each token. */
export function sluiceTokens(count: number): Contestant {
  return telling(sluice, count, async ({ stream$, result }) => {
    let read = "";
    stream$.subscribe((token) => (read += token));
    await result;
    return read;
  });
}

/** A consumer that pulls the tokens. */
export function sluicePulledTokens(count: number): Contestant {
  return telling(pulled, count, async ({ stream }) => {
    let read = "";
    for await (const token of stream()) read += token;
    return read;
  });
}

/** An execution each, kept open, whose first chunk is done. */
export function waiter(): Waiter<Execution> {
  const Tick = event("tick", z.number());
  const spec = defineFlow({ name: "wait", input: z.number(), result: z.number(), accepts: [Tick], keepOpen: true });
  const waiting = flow(spec)
    .chunk("begin", start, async (n) => n)
    .chunk("tick", Tick, (n, ctx) => ctx.end(n));
  return {
    name: sluice,
    begin: async () => {
      const execution = run(waiting, 0);
      await quiet();
      return execution;
    },
    wake: (execution, payload) => {
      execution.emit(Tick, payload);
      return logged(execution, flowEntries + 2 * chunkEntries + 1); // the log is told from its beginning
    },
  };
}

/** The items 0, 1, 2 … of one chunk. */
function streaming(
  name: string,
  count: number,
  consumers: number,
  consume: (execution: Execution<{ stream: z.ZodNumber }>) => Promise<unknown>,
  retention: Retention = {},
): Contestant {
  const spec = defineFlow({ name: "stream", input: z.number(), stream: z.number() });
  const put = flow(spec).chunk("put", start, (amount, ctx) => {
    for (let item = 0; item < amount; item += 1) ctx.putIntoStream(item);
  });
  compile(put);
  return shown(name, heardBy(consumers, count), count, () => run(put, count, { retention }), consume as Consume);
}

/** The tokens of a generator, as one chunk shows them. */
function telling(
  name: string,
  count: number,
  consume: (execution: Execution<{ stream: z.ZodString }>) => Promise<unknown>,
): Contestant {
  const spec = defineFlow({ name: "tokens", input: z.number(), stream: z.string() });
  const tell = flow(spec).chunk("tell", start, async (amount, ctx) => {
    for await (const token of tokens(amount)) ctx.putIntoStream(token);
  });
  compile(tell);
  return shown(name, text(count), count, () => run(tell, count), consume as Consume);
}

type Consume = (execution: Execution) => Promise<unknown>;

/** An execution with an entry for each item. That all are there is proven with one subscriber more, who counts them. */
function shown(name: string, expected: unknown, items: number, begin: () => Execution, consume: Consume): Contestant {
  const entries = flowEntries + chunkEntries + items;
  const proof = async (): Promise<unknown> => {
    const execution = begin();
    const [value] = await Promise.all([consume(execution), logged(execution, entries)]);
    return value;
  };
  return contestant(name, expected, () => consume(begin()), { proof });
}

/** A chunk for each name, one after the other. */
export function chainOf(names: readonly string[], step: (n: number) => unknown): Chain {
  const spec = defineFlow({ name: "chain", input: z.number(), result: z.number() });
  let chain = flow(spec) as unknown as Chain;
  let trigger: Trigger = start;
  for (const name of names) {
    chain = chain.chunk(name, trigger, step);
    trigger = after(name);
  }
  return chain;
}

/** Runs a chain. */
export const execute = run as (
  flow: Chain,
  input: number,
  options?: Partial<StoreOptions> & { readonly id?: string },
) => Execution; // the types know no chunks here, see `Chain`

/**
 * The result of an execution whose log is read by one subscriber.
 *
 * @throws Error when there are fewer entries, or more.
 */
export async function logged(execution: Execution, entries: number): Promise<unknown> {
  let seen = 0;
  execution.events$.subscribe(() => (seen += 1));
  const result: unknown = await execution.result;
  if (seen !== entries) throw new Error(`The log has ${seen} entries of ${entries}`);
  return result;
}
