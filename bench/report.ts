import type { Environment } from "./environment.ts";
import { type Bar, type Comparison, type Growth, type Section, holds, ratio } from "./section.ts";

/** All tables as Markdown that also reads well in a terminal. */
export function report(sections: readonly Section[], machine: Environment): string {
  return [
    "# Benchmark results",
    "Written by `npm run bench`. One process a work; the contestants take turns, round by round. Times are those of one " +
      "run of the work, the minimum and the median over the rounds; ratios are those of the minima. Compare ratios, not " +
      "times: those move with the machine and its neighbours.",
    ...machineLines(machine),
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
    bar.value.toFixed(2),
    `≤ ${bar.atMost}`,
    bar.kind,
    holds(bar) ? "holds" : "**missed**",
  ]);
  return table(["what", "measured", "limit", "kind", ""], rows);
}

function sectionParts({ title, comparisons, growth }: Section): readonly string[] {
  return [`## ${title}`, ...comparisons.flatMap(comparisonParts), ...growthParts(growth)];
}

function comparisonParts({ title, note, timings, unit, ours }: Comparison): readonly string[] {
  const rows = timings.map(({ name, minMs, medianMs, estimated }) => {
    const about = estimated ? "~" : "";
    return [
      name,
      about + duration(minMs),
      about + duration(medianMs),
      about + times(ratio(timings, name, unit)),
      about + times(ratio(timings, name, ours)),
    ];
  });
  const isEstimated = timings.some(({ estimated }) => estimated);
  return [
    `### ${title}`,
    isEstimated ? `${note} ~ is extrapolated from evenly spread prefixes.` : note,
    table(["", "minimum", "median", `× ${unit}`, `× ${ours}`], rows),
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

/** A Markdown table with its columns aligned; all but the first to the right. */
function table(headings: readonly string[], rows: readonly (readonly string[])[]): string {
  const lines = [headings, ...rows];
  const widths = headings.map((_, column) => Math.max(3, ...lines.map((line) => line[column]?.length ?? 0)));
  const write = (line: readonly string[]): string =>
    `| ${line.map((cell, column) => (column === 0 ? cell.padEnd(widths[0] ?? 0) : cell.padStart(widths[column] ?? 0))).join(" | ")} |`;
  const rule = `|${widths.map((width, column) => (column === 0 ? "-".repeat(width + 2) : `${"-".repeat(width + 1)}:`)).join("|")}|`;
  return [write(headings), rule, ...rows.map(write)].join("\n");
}

function duration(ms: number): string {
  if (ms < 1) return `${significant(ms * 1_000)} µs`;
  return ms < 1_000 ? `${significant(ms)} ms` : `${significant(ms / 1_000)} s`;
}

function times(factor: number): string {
  return factor >= 100 ? Math.round(factor).toLocaleString("en") : significant(factor);
}

function significant(number: number): string {
  return number >= 100 ? number.toFixed(0) : number >= 10 ? number.toFixed(1) : number.toFixed(2);
}
