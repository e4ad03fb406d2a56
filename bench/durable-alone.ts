import { compareDurable } from "./durability.ts";
import type { MeasureOptions } from "./measure.ts";
import type { Section } from "./section.ts";

const steps = 50;

/** One durable execution: what a step costs beside an fsync of the same bytes. */
export async function durableAlone(options: MeasureOptions): Promise<Section> {
  const title = `One durable execution of ${steps} steps, alone`;
  const comparison = await compareDurable({ title, executions: 1, steps }, options);
  return { title: "Durable, alone", comparisons: [comparison], growth: [], bars: [] };
}
