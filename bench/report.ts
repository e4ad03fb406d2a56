import { type Bar, holds } from "./bar.ts";
import type { Environment } from "./environment.ts";
import { duration, formatted, times } from "./quantity.ts";
import { type Comparison, type Growth, type Section, ratio } from "./section.ts";
import { type Table, table } from "./table.ts";

/** All tables as Markdown that also reads well in a terminal. */
export function report(sections: readonly Section[], machine: Environment): string {
  return [
    "# Benchmark results",
    "Written by `npm run bench`. One process a work; the contestants take turns, round by round. Times are those of one " +
      "run of the work, the minimum and the median over the rounds; ratios are those of the minima. Compare ratios, not " +
      "times: those move with the machine and its neighbours.",
    ...machineLines(machine),
    "![What each contestant costs in each work, as a multiple of what Sluice costs](results.svg)",
    "## Bars",
    "A bar that is missed fails the run. A target does not.",
    barTable(sections.flatMap(({ bars }) => bars)),
    ...sections.flatMap(sectionParts),
  ]
    .join("\n\n")
    .concat("\n");
}

function machineLines({ node, cpu, cores, date, versions }: Environment): readonly string[] {
  const packages = versions.map(([name, version]) => `${name} ${version}`).join(", ");
  return [`${date}, Node ${node}, ${cpu}, ${cores} cores.`, `Versions: ${packages}.`];
}

function barTable(bars: readonly Bar[]): string {
  const rows = bars.map((bar) => [
    bar.what,
    bar.value >= 100 ? times(bar.value) : bar.value.toFixed(2),
    `${bar.is === "at most" ? "≤" : "≥"} ${bar.limit}`,
    bar.kind,
    holds(bar) ? "holds" : "**missed**",
  ]);
  return table(["what", "measured", "limit", "kind", ""], rows);
}

function sectionParts({ title, comparisons, growth, tables = [] }: Section): readonly string[] {
  return [
    `## ${title}`,
    ...comparisons.flatMap(comparisonParts),
    ...growthParts(growth),
    ...tables.flatMap(tableParts),
  ];
}

function tableParts({ title, note, headings, rows }: Table): readonly string[] {
  return [`### ${title}`, note, table(headings, rows)];
}

function comparisonParts({
  title,
  note,
  costs,
  of,
  unit,
  ours,
  steps,
  exceptions = [],
}: Comparison): readonly string[] {
  const rows = costs.map(({ name, min, median, estimated }) => {
    const about = estimated ? "~" : "";
    const figures = [
      formatted(of, min),
      formatted(of, median),
      ...(steps === undefined ? [] : [formatted(of, min / steps.count)]),
      times(ratio(costs, name, unit)),
      ...(ours === unit ? [] : [times(ratio(costs, name, ours))]),
    ];
    return [name, ...figures.map((figure) => about + figure)];
  });
  const isEstimated = costs.some(({ estimated }) => estimated);
  const step = steps === undefined ? [] : [steps.one];
  return [
    `### ${title}`,
    [note, ...(isEstimated ? ["~ is extrapolated from a part of the work."] : []), ...exceptions].join(" "),
    table(["", "minimum", "median", ...step, `× ${unit}`, ...(ours === unit ? [] : [`× ${ours}`])], rows),
  ];
}

function growthParts(growth: readonly Growth[]): readonly string[] {
  if (growth.length === 0) return [];
  const rows = growth.map(({ name, of, sizes, minMs, exponent }) => [
    name,
    `${sizes.map((size) => size.toLocaleString("en")).join(" / ")} ${of}`,
    minMs.map(duration).join(" / "),
    exponent.toFixed(2),
  ]);
  return [
    "### Growth",
    "The exponent is the slope of log time over log size: 1 is linear, 2 is quadratic.",
    table(["", "sizes", "minimum", "exponent"], rows),
  ];
}
