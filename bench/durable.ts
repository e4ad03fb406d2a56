import { compareDurable } from "./durability.ts";
import type { MeasureOptions } from "./measure.ts";
import type { Section } from "./section.ts";

const executions = 32;
const steps = 20;

/** Many durable executions at the same time: how many steps a second are stored. */
export async function durable(options: MeasureOptions): Promise<Section> {
  const title = `${executions} durable executions of ${steps} steps, all at once`;
  const comparison = await compareDurable({ title, executions, steps }, options);
  const rows = comparison.costs.map(({ name, min, median }) => [name, rate(min), rate(median)]);
  const table = {
    title: "Steps a second",
    note: "The same measurements.",
    headings: ["", "at best", "median"],
    rows,
  };
  return { title: "Durable", comparisons: [comparison], growth: [], bars: [], tables: [table] };
}

function rate(ms: number): string {
  return Math.round((executions * steps * 1_000) / ms).toLocaleString("en");
}
