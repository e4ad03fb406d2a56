import { byHand, handWritten } from "./contestants/by-hand.ts";
import { dbosPostgres } from "./contestants/dbos.ts";
import { type Durable, openAll } from "./contestants/durable.ts";
import { langgraphSqlite } from "./contestants/langgraph-sqlite.ts";
import { sluiceDurable, sluiceSqlite } from "./contestants/sluice-durable.ts";
import { bytesOfChunk } from "./contestants/sluice-entries.ts";
import { type Contestant, type MeasureOptions, measure } from "./measure.ts";
import type { Comparison } from "./section.ts";

/** What is done durably. */
export interface DurableWork {
  readonly title: string;
  /** At the same time. */
  readonly executions: number;
  /** Of each execution, one after the other. */
  readonly steps: number;
}

/** Executions whose steps are on the disk before the next one begins, each contestant with a database of its own on the same disk. */
export async function compareDurable(
  { title, executions, steps }: DurableWork,
  options: MeasureOptions,
): Promise<Comparison> {
  const openings = [handWritten(await bytesOfChunk()), sluiceDurable, langgraphSqlite, dbosPostgres];
  const { durables, absent, close } = await openAll(openings, steps);
  try {
    return {
      title,
      note: `A step that is done is synced to the disk before the next one begins. ${durables.map(({ how }) => how).join(" ")}`,
      costs: await measure(
        durables.map((durable) => contestantOf(durable, executions, steps)),
        options,
      ),
      of: "time",
      unit: byHand,
      ours: sluiceSqlite,
      steps: { one: "a step", count: executions * steps },
      exceptions: absent,
    };
  } finally {
    await close();
  }
}

/** It is proven that each step has left a record. */
function contestantOf({ name, execute, stored }: Durable, executions: number, steps: number): Contestant {
  const runAll = async (ids: readonly string[]): Promise<number> =>
    (await Promise.all(ids.map(execute))).reduce((all, counted) => all + counted, 0);
  const ids = (): readonly string[] => Array.from({ length: executions }, () => crypto.randomUUID());
  const proof = async (): Promise<number> => {
    const own = ids();
    const counted = await runAll(own);
    for (const id of own) if ((await stored(id)) < steps) return Number.NaN;
    return counted;
  };
  return { name, once: () => runAll(ids()), check: (counted) => counted === executions * steps, proof };
}
