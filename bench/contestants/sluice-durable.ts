import { statSync } from "node:fs";
import { join } from "node:path";
import { z } from "zod";
import {
  type Durability,
  type Execution,
  defineFlow,
  event,
  flow,
  interrupt,
  load,
  memoryStore,
  run,
  start,
} from "../../packages/core/src/index.ts";
import { sqliteStore } from "../../packages/sqlite/src/index.ts";
import type { Contestant } from "../measure.ts";
import { contestant } from "./contestant.ts";
import type { Durable } from "./durable.ts";
import { places } from "./places.ts";
import { type Chain, chainOf, execute, logged } from "./sluice.ts";
import { steps as step } from "./step.ts";

/** The name under which durable executions of Sluice stand in the tables. */
export const sluiceSqlite = "Sluice, SQLite";

/** The same, where they are loaded. */
export const sluiceLoaded = "Sluice, load";

/** A chunk for each step, and one file for all executions. */
export async function sluiceDurable(folder: string, steps: number): Promise<Durable> {
  const store = sqliteStore(join(folder, "executions.db"));
  const chain = chainWith(steps);
  return {
    name: sluiceSqlite,
    how: `${sluiceSqlite}: \`durability: "sync"\`, WAL with \`synchronous = FULL\`; what is done at the same time shares a commit.`,
    execute: (id) => execute(chain, 0, { store, id }).result as Promise<number>,
    stored: async (id) => (await store.read(id)).filter((text) => text.includes('"chunk:complete"')).length,
    close: async () => store.close(),
  };
}

/** A chain whose entries go to a store in memory. */
export function sluiceInMemory(count: number, durability: Durability): Contestant {
  const chain = chainWith(count);
  const entries = 2 + 2 * count;
  return contestant(`Sluice, memory store, ${durability}`, count, () =>
    logged(execute(chain, 0, { store: memoryStore(), durability }), entries),
  );
}

/** Bytes that a chunk of a chain takes in a file, with its share of what is stored of its execution. */
export async function storedBytes(folder: string, executions: number, steps: number): Promise<number> {
  const path = join(folder, "size.db");
  const store = sqliteStore(path);
  const chain = chainWith(steps);
  await Promise.all(Array.from({ length: executions }, () => execute(chain, 0, { store }).result));
  await store.close(); // what lies in the log beside the file goes into it
  return statSync(path).size / (executions * steps);
}

function chainWith(steps: number): Chain {
  return chainOf(
    places(steps).map((index) => `c${index}`),
    step.asynchronous,
  );
}

/** Entries of the execution besides its loop, and of each turn of it. */
const others = 6;
const each = 3;

/** An execution of about so many entries that waits for an answer, loaded from its file again and again: there is no checkpoint. */
export async function sluiceLoad(folder: string, entries: number): Promise<Contestant> {
  const store = sqliteStore(join(folder, `load-${entries}.db`));
  const turns = Math.round((entries - others) / each);
  const Tick = event("tick", z.number());
  const Ready = interrupt("ready", { ask: z.number(), answer: z.boolean() });
  const loop = flow(defineFlow({ name: "loop", input: z.number() }))
    .chunk("begin", start, (n, ctx) => void ctx.emit(Tick, n))
    .chunk("tick", Tick, (n, ctx) => {
      if (n + 1 < turns) ctx.emit(Tick, n + 1);
      else ctx.interrupt(Ready, n);
    })
    .chunk("end", Ready.answered, () => {});
  const options = { store, checkpointEvery: Number.POSITIVE_INFINITY };
  const execution = run(loop, 0, { ...options, durability: "exit", id: "loop" });
  await execution.settled;
  await execution.stored();
  await execution.release();
  const goOn = async (): Promise<number> => {
    const loaded: Execution = await load(loop, "loop", options);
    const open = (await loaded.settled) === "waiting" ? loaded.interrupts.length : -1;
    await loaded.release();
    return open;
  };
  return contestant(sluiceLoaded, 1, goOn);
}
