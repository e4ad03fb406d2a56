import { mkdtemp, rm } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { type Bar, linear } from "./bar.ts";
import { sluiceLoad, sluiceLoaded } from "./contestants/sluice-durable.ts";
import { parsed, recorded, sluiceFold } from "./contestants/sluice-entries.ts";
import { measureGrowth } from "./growth.ts";
import { type Contestant, type MeasureOptions, measure } from "./measure.ts";
import { type Section, minOf } from "./section.ts";

const count = 10_000;
const sizes = [2_500, 5_000, 10_000, 20_000];

/** What it takes to go on with a stored execution. */
export async function recovery(options: MeasureOptions): Promise<Section> {
  const folder = await mkdtemp(join(tmpdir(), "sluice-bench-"));
  try {
    const loads = new Map<number, Contestant>();
    for (const size of sizes) loads.set(size, await sluiceLoad(folder, size));
    return await compared(loads, options);
  } finally {
    await rm(folder, { recursive: true, force: true });
  }
}

async function compared(loads: ReadonlyMap<number, Contestant>, options: MeasureOptions): Promise<Section> {
  const log = await recorded(count);
  const parse = parsed(log);
  const loadOf = (size: number): Contestant => loads.get(size) ?? parse; // there is one of each size
  const growth = await measureGrowth([{ name: sluiceLoaded, of: "entries", sizes, at: loadOf }], options);
  const comparison = {
    title: `A log of ${count.toLocaleString("en")} entries`,
    note:
      "The entries of a loop by event. `load`: from an SQLite file without a checkpoint, with the claim and its fsync, until " +
      "it waits for its answer again. The others: from texts in memory, what every recovery has to read and to take in.",
    costs: await measure([parse, sluiceFold(log), loadOf(count)], options),
    of: "time",
    unit: parse.name,
    ours: sluiceLoaded,
    steps: { one: "an entry", count },
  } as const;
  const bar: Bar = {
    what: `${comparison.title}: ${sluiceLoaded}, milliseconds`,
    value: minOf(comparison.costs, sluiceLoaded),
    is: "at most",
    limit: 100,
    kind: "target",
  };
  const bars = [bar, ...growth.map((one) => linear(one, "target"))];
  return { title: "Recovery", comparisons: [comparison], growth, bars };
}
