import { execSync } from "node:child_process";
import { readFileSync, readdirSync } from "node:fs";
import { fileURLToPath } from "node:url";
import { targets } from "./bar.ts";
import { ask } from "./child.ts";
import { type MeasureOptions, costOf } from "./measure.ts";
import type { Quantity } from "./quantity.ts";
import type { Comparison, Section } from "./section.ts";

const ours = "@sluice/core";
const unit = "RxJS and zod";
const core = new URL("../packages/core/dist/", import.meta.url);
const both = new URL("rxjs-and-zod.mjs", import.meta.url);

/** What `import-cost.mjs` sends. */
interface Imported {
  readonly ms: number;
  readonly bytes: number;
}

/**
 * Importing the built core, beside the two packages that it stands on.
 *
 * @throws Error when `rxjs-and-zod.mjs` does not import what the core imports of them.
 */
export async function importing({ rounds }: MeasureOptions): Promise<Section> {
  execSync("npm run build --silent", { cwd: fileURLToPath(new URL("../", import.meta.url)), stdio: ["ignore", 2, 2] });
  checkImports();
  const modules = [
    { name: unit, href: both.href, seen: [] as Imported[] },
    { name: ours, href: new URL("index.js", core).href, seen: [] as Imported[] },
  ];
  for (let round = 0; round < rounds * 2; round += 1) {
    for (const { href, seen } of modules) seen.push((await ask("import-cost.mjs", [href])) as Imported); // it sends nothing else
  }
  const compare = (of: Quantity, title: string, note: string, costIn: (imported: Imported) => number): Comparison => ({
    title,
    note,
    costs: modules.map(({ name, seen }) => costOf(name, seen.map(costIn))),
    of,
    unit,
    ours,
    chart: `${title}, beside RxJS with zod`,
  });
  const note =
    "The built package, in a process of its own each time, beside the modules of RxJS and zod that it imports.";
  const comparisons = [
    compare("time", "Import, time", note, ({ ms }) => ms),
    compare(
      "memory",
      "Import, memory",
      "What is held after a collection, in the same processes.",
      ({ bytes }) => bytes,
    ),
  ];
  return {
    title: "Import",
    comparisons,
    growth: [],
    bars: comparisons.flatMap((comparison) => targets(comparison, { atMost: 1.3 })),
  };
}

function checkImports(): void {
  const files = readdirSync(core, { recursive: true, encoding: "utf8" }).filter((file) => file.endsWith(".js"));
  const used = modulesIn(files.map((file) => new URL(file.replaceAll("\\", "/"), core)));
  const measured = modulesIn([both]);
  if (used !== measured) throw new Error(`The built core imports ${used}, and rxjs-and-zod.mjs ${measured}`);
}

/** The modules of RxJS and zod that files import, in the order of the alphabet. */
function modulesIn(files: readonly URL[]): string {
  const modules = files.flatMap((file) => {
    const imports = readFileSync(file, "utf8").matchAll(/^(?:import|.*\bfrom) "((?:rxjs|zod)[^"]*)";/gm);
    return [...imports].map(([, module = ""]) => module);
  });
  return [...new Set(modules)].sort().join(", ");
}
