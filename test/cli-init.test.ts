import { execFile } from "node:child_process";
import { readFileSync, rmSync } from "node:fs";
import { dirname, join } from "node:path";
import { promisify } from "node:util";
import { afterAll, beforeAll, expect, test } from "vitest";
import { packedFolder } from "./packed.ts";

let folder: string;
beforeAll(async () => {
  folder = await packedFolder(["core", "decorators", "server", "sqlite", "cli"]);
}, 120_000);
afterAll(() => rmSync(folder, { recursive: true, force: true }));

/** Runs a command of the project, with the Node of these tests first in the path. */
async function command(cwd: string, file: string, ...args: string[]): Promise<string> {
  const { PATH = "" } = process.env;
  const env = { ...process.env, MODEL_PAUSE_MS: "0", PATH: `${dirname(process.execPath)}:${PATH}` };
  return (await promisify(execFile)(file, args, { cwd, env })).stdout;
}

test("the packed command writes a project that type-checks and runs as its package.json says", async () => {
  const told = await command(folder, "node_modules/.bin/sluice", "init", "my-flow");
  expect(told).toContain("cd my-flow");
  const project = join(folder, "my-flow");
  const { name, dependencies, devDependencies } = JSON.parse(readFileSync(join(project, "package.json"), "utf8"));
  expect({ name, ...dependencies, ...devDependencies }).toMatchObject({
    name: "my-flow",
    "@sluice/core": "^0.1.0",
    "@sluice/cli": "^0.1.0",
  });
  expect(await command(project, "npm", "run", "check")).toMatch(/✓ support 5 chunks, \w+\n/);
  const ran = await command(project, "npm", "start", "--", "--answer", 'approval={"send":true}');
  expect(ran).toContain('"sent": true');
});

test("files that are there are not overwritten", async () => {
  const again = command(folder, "node_modules/.bin/sluice", "init", "my-flow");
  await expect(again).rejects.toMatchObject({
    code: 2,
    stderr: expect.stringContaining("There is something already: README.md"),
  });
});

test("the packed command draws, and keeps executions in a file, by its own dependencies", async () => {
  const project = join(folder, "my-flow");
  expect(await command(project, "npx", "sluice", "graph", "flow.ts", "--svg")).toContain("</svg>");
  const args = ["run", "flow.ts", "-i", "note.json", "-a", 'approval={"send":false}', "--json", "--store", "runs.db"];
  const { executionId } = JSON.parse(await command(project, "npx", "sluice", ...args));
  expect(await command(project, "npx", "sluice", "list", "--store", "runs.db")).toContain(executionId);
});
