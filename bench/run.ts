// Does the works one after the other, prints their tables, writes what they have to say elsewhere, and, when all were done
// in full, RESULTS.md and results.svg.
import { readFileSync, writeFileSync } from "node:fs";
import { holds } from "./bar.ts";
import { chart } from "./chart.ts";
import { ask } from "./child.ts";
import { environment } from "./environment.ts";
import { readOptions, works } from "./options.ts";
import { written } from "./page.ts";
import { report } from "./report.ts";
import type { Section } from "./section.ts";

const options = readOptions(process.argv.slice(2));
const sections: Section[] = [];
for (const work of options.only) {
  const startedAt = performance.now();
  sections.push((await ask("work.ts", options.quick ? [work, "--quick"] : [work])) as Section); // work.ts sends nothing else
  console.error(`${work}: ${((performance.now() - startedAt) / 1_000).toFixed(0)} s`);
}
const text = report(sections, environment());
console.log(text);
for (const page of sections.flatMap(({ pages = [] }) => pages)) {
  const file = new URL(`../${page.file}`, import.meta.url);
  writeFileSync(file, written(page, page.part === undefined ? "" : readFileSync(file, "utf8")));
}
if (works.every((work) => options.only.includes(work)) && !options.quick) {
  writeFileSync(new URL("RESULTS.md", import.meta.url), text);
  writeFileSync(new URL("results.svg", import.meta.url), chart(sections));
}
const missed = sections.flatMap(({ bars }) => bars).filter((bar) => bar.kind === "bar" && !holds(bar));
for (const { what, value, is, limit } of missed)
  console.error(`Missed: ${what} is ${value.toFixed(2)}, and has to be ${is} ${limit}`);
if (missed.length > 0) process.exitCode = 1;
