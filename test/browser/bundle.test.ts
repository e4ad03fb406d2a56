// The packages bundle for the browser as they are: nothing of Node in them, nothing to polyfill, and small.
import { readFileSync } from "node:fs";
import { describe, expect, test } from "vitest";
import { bundleForBrowser } from "../../scripts/bundle.ts";

const core = "packages/core/src/index.ts";
/** What core's own code may weigh at most, in KB. */
const budgetKb = 71;
/** What core depends on: its own size is the size without them. */
const external = ["rxjs", "zod", "mutative"];
const own = await bundleForBrowser(core, { external });

describe("bundles for the browser", () => {
  test("core imports its three dependencies and nothing else", () => {
    expect(new Set(own.imports.map((name) => name.split("/")[0]))).toEqual(new Set(external));
  });

  test("core uses no global of Node", () => {
    expect(own.nodeGlobals).toEqual([]);
  });

  test("core with all its dependencies is one module, and needs nothing of Node either", async () => {
    expect(await bundleForBrowser(core)).toMatchObject({ imports: [], nodeGlobals: [] });
  });

  test("the decorators import reflect-metadata and core, and use no global of Node", async () => {
    const packages = ["reflect-metadata", "@sluice/core"];
    const { imports, nodeGlobals } = await bundleForBrowser("packages/decorators/src/index.ts", { external: packages });
    expect(new Set(imports)).toEqual(new Set(packages));
    expect(nodeGlobals).toEqual([]);
  });

  test("core's own code is within its budget", () => {
    const largest = own.modules.slice(0, 5).map(({ file, bytes }) => `${file} (${bytes} bytes)`);
    expect(own.gzipKb, `the largest files are ${largest.join(", ")}`).toBeLessThanOrEqual(budgetKb);
  });

  test("the README tells the size of core's own code, give or take 1 KB", () => {
    const [, told] = /(\d+) KB of its own/.exec(readFileSync("README.md", "utf8")) ?? [];
    expect(Math.abs(Number(told) - own.gzipKb), `it is ${own.gzipKb} KB`).toBeLessThan(1);
  });

  test("the client of a server brings in what reads entries, and nothing of what runs flows", async () => {
    const client = await bundleForBrowser("packages/server/src/client/index.ts", { external });
    expect(client.nodeGlobals).toEqual([]);
    expect(client.modules.map(({ file }) => file.split("/").at(-2))).not.toContain("run");
    expect(client.gzipKb).toBeLessThan(8);
  });

  test("who imports a definition's words only does not pay for the machine, the parser and the shell", async () => {
    const words = await bundleForBrowser("test/browser/words.ts", { external });
    expect(words.modules.map(({ file }) => file.split("/").at(-2))).not.toContain("run");
    expect(words.gzipKb).toBeLessThan(1);
  });
});
