import type { Bar } from "./bar.ts";
import { byHand } from "./contestants/by-hand.ts";
import { sluiceSqlite } from "./contestants/sluice-durable.ts";
import { compareDurable } from "./durability.ts";
import type { MeasureOptions } from "./measure.ts";
import { type Section, minOf } from "./section.ts";

const steps = 50;

/** One durable execution: what a step costs beside an fsync of the same bytes. */
export async function durableAlone(options: MeasureOptions): Promise<Section> {
  const title = `One durable execution of ${steps} steps, alone`;
  const comparison = await compareDurable({ title, executions: 1, steps }, options);
  const beyond = minOf(comparison.costs, sluiceSqlite) - minOf(comparison.costs, byHand);
  const bar: Bar = {
    what: `${title}: ${sluiceSqlite}, µs a chunk beyond a write and an fsync`,
    value: (beyond * 1_000) / steps,
    is: "at most",
    limit: 100, // 250 where an fsync costs 150
    kind: "target",
  };
  return { title: "Durable, alone", comparisons: [comparison], growth: [], bars: [bar] };
}
