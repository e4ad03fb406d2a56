import { linear } from "./bar.ts";
import { parsed, recorded, sluiceFold } from "./contestants/sluice-entries.ts";
import { measureGrowth } from "./growth.ts";
import { type MeasureOptions, measure } from "./measure.ts";
import type { Section } from "./section.ts";

const count = 10_000;
const sizes = [2_500, 5_000, 10_000, 20_000];

/** What it takes to know from its entries where an execution stands. */
export async function recovery(options: MeasureOptions): Promise<Section> {
  const log = await recorded(count);
  const contestants = [parsed(log), sluiceFold(log)];
  const [unit = "", ours = ""] = contestants.map(({ name }) => name);
  const logs = new Map(await Promise.all(sizes.map(async (size) => [size, await recorded(size)] as const)));
  const growth = await measureGrowth(
    [{ name: ours, of: "entries", sizes, at: (size) => sluiceFold(logs.get(size) ?? log) }],
    options,
  );
  const comparison = {
    title: `A log of ${count.toLocaleString("en")} entries`,
    note: "The entries of a loop by event, as JSON texts in memory: what every recovery has to read and to take in, without its store.",
    costs: await measure(contestants, options),
    of: "time",
    unit,
    ours,
    steps: { one: "an entry", count },
  } as const;
  return { title: "Recovery", comparisons: [comparison], growth, bars: growth.map((one) => linear(one, "target")) };
}
