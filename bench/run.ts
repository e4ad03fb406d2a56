// Does the works one after the other, prints their tables, and writes RESULTS.md when all were done in full.
import { fork } from "node:child_process";
import { writeFileSync } from "node:fs";
import { environment } from "./environment.ts";
import { type Options, type Work, readOptions, works } from "./options.ts";
import { report } from "./report.ts";
import { type Section, holds } from "./section.ts";

const options = readOptions(process.argv.slice(2));
const sections: Section[] = [];
for (const work of options.only) {
  const startedAt = performance.now();
  sections.push(await sectionOf(work, options));
  console.error(`${work}: ${((performance.now() - startedAt) / 1_000).toFixed(0)} s`);
}
const text = report(sections, environment());
console.log(text);
if (works.every((work) => options.only.includes(work)) && !options.quick) {
  writeFileSync(new URL("RESULTS.md", import.meta.url), text);
}
const missed = sections.flatMap(({ bars }) => bars).filter((bar) => bar.kind === "bar" && !holds(bar));
for (const { what, value, atMost } of missed)
  console.error(`Missed: ${what} is ${value.toFixed(2)}, and may be ${atMost}`);
if (missed.length > 0) process.exitCode = 1;

/** One work, in a process of its own. */
function sectionOf(work: Work, { quick }: Options): Promise<Section> {
  return new Promise((resolve, reject) => {
    const args = quick ? [work, "--quick"] : [work];
    const child = fork(new URL("work.ts", import.meta.url), args, { execArgv: ["--expose-gc"] });
    let section: Section | undefined;
    child.on("message", (message) => (section = message as Section)); // work.ts sends nothing else
    child.on("error", reject);
    child.on("exit", (code) => {
      if (section !== undefined && code === 0) resolve(section);
      else reject(new Error(`The work "${work}" failed: see above`));
    });
  });
}
