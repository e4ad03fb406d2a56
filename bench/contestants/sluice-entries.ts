import { z } from "zod";
import {
  type Entry,
  type Graph,
  Machine,
  after,
  compile,
  defineFlow,
  event,
  flow,
  run,
  start,
} from "../../packages/core/src/index.ts";
import type { Contestant } from "../measure.ts";
import { contestant } from "./contestant.ts";
import { sluice } from "./sluice.ts";
import { steps } from "./step.ts";

/** The durable entries of an execution, as a store has them: a JSON text each. */
export interface Recorded {
  readonly graph: Graph;
  readonly texts: readonly string[];
}

/** Entries of the execution besides its loop: its start, its end, and those of the chunk that begins. */
const others = 4;
/** Entries of an event: a signal, and a chunk that starts and completes. */
const each = 3;

/** An execution of about so many entries: a loop by event. */
export async function recorded(entries: number): Promise<Recorded> {
  const events = Math.round((entries - others) / each);
  const Tick = event("tick", z.number());
  const spec = defineFlow({ name: "loop", input: z.number(), result: z.number() });
  const loop = flow(spec)
    .chunk("begin", start, (n, ctx) => void ctx.emit(Tick, n))
    .chunk("tick", Tick, async (n, ctx) => {
      const next = await steps.asynchronous(n);
      if (next >= events) return next;
      ctx.emit(Tick, next);
      return undefined;
    });
  const texts: string[] = [];
  const execution = run(loop, 0);
  execution.events$.subscribe((entry) => {
    if (entry.live === 0) texts.push(JSON.stringify(entry));
  });
  await execution.result;
  return { graph: compile(loop), texts };
}

/** Bytes of the durable entries that a chunk of a chain leaves. */
export async function bytesOfChunk(): Promise<number> {
  const spec = defineFlow({ name: "chain", input: z.number(), result: z.number() });
  const chain = flow(spec)
    .chunk("c0", start, steps.asynchronous)
    .chunk("c1", after("c0"), steps.asynchronous)
    .chunk("c2", after("c1"), steps.asynchronous);
  let bytes = 0;
  const execution = run(chain, 0);
  execution.on("chunk:start", (entry) => (bytes += weigh(entry, "c1")));
  execution.on("chunk:complete", (entry) => (bytes += weigh(entry, "c1")));
  await execution.result;
  return bytes;
}

/** With its line break. */
function weigh(entry: Entry & { readonly chunk: string }, chunk: string): number {
  return entry.chunk === chunk ? Buffer.byteLength(JSON.stringify(entry)) + 1 : 0;
}

/** The texts read, and taken in by a machine: what every recovery has to do, whatever the store. */
export function sluiceFold({ graph, texts }: Recorded): Contestant {
  const commands = (): number => {
    const machine = new Machine(graph);
    for (const text of texts) machine.apply(JSON.parse(text) as Entry); // as they were written
    return machine.ended ? machine.seq : -1;
  };
  return contestant(`${sluice}, fold`, texts.length, commands);
}

/** The texts read, and nothing done with them. */
export function parsed({ texts }: Recorded): Contestant {
  const last = (): number => texts.reduce((_seq, text) => (JSON.parse(text) as Entry).seq, 0);
  return contestant("JSON.parse of each entry", texts.length, last);
}
