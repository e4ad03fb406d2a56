import { afterEach, expect, test } from "vitest";
import { type Folder, makeFolder } from "./command.ts";
import { keys } from "./terminal.ts";

const open: Folder[] = [];
afterEach(() => {
  for (const folder of open.splice(0)) folder.remove();
});

const flow = (name: string, said: string): string => `import { defineFlow, flow, interrupt, start } from "@sluice/core";
import { z } from "zod";
import { ending } from "./ending.ts";
const Go = interrupt("go", { ask: z.string(), answer: z.boolean() });
const spec = defineFlow({ name: "${name}", input: z.object({ to: z.string() }), result: z.string() });
export const letter = flow(spec)
  .chunk("ask", start, ({ to }, ctx) => void ctx.interrupt(Go, \`\${to}?\`))
  .chunk("send", Go.answered, (go, ctx) => ctx.setResult(\`${said} \${go}\${ending}\`));\n`;

async function post(url: string, body: unknown): Promise<{ readonly executionId: string }> {
  const headers = { "content-type": "application/json" };
  const response = await fetch(url, { method: "POST", headers, body: JSON.stringify(body) });
  return (await response.json()) as { readonly executionId: string };
}

/** A folder of flows, served, with what is started there. */
async function served(files: Readonly<Record<string, string>>, ...args: string[]) {
  const folder = makeFolder();
  open.push(folder);
  for (const [file, text] of Object.entries(files)) folder.write(file, text);
  const terminal = folder.terminal(["dev", "flows", "--port", "0", ...args]);
  await terminal.until(/http:\/\/127\.0\.0\.1:\d+ /);
  const [url = ""] = /http:\/\/127\.0\.0\.1:\d+/.exec(terminal.text()) ?? [];
  const begin = async () => (await post(`${url}/flows/letter/executions`, { input: { to: "Ann" } })).executionId;
  const sluice = async (...given: string[]) => folder.sluice([...given, "--server", url]);
  return { folder, terminal, url, begin, sluice };
}

const files = { "flows/letter.ts": flow("letter", "sent"), "flows/ending.ts": `export const ending = ".";\n` };

test("dev serves the flows of a folder; executions begin with changed code, and those that run go on with theirs", async () => {
  const { folder, terminal, begin, sluice } = await served(files);
  const before = await begin();
  folder.write("flows/ending.ts", `export const ending = "!";\n`);
  await terminal.until("flows/ending.ts: executions begin with the new code");
  const after = await begin();
  for (const id of [before, after]) {
    const shown = await sluice("show", id);
    expect(shown.stdout).toContain("go@a1");
    expect(await sluice("answer", id, "true")).toMatchObject({ code: 0 });
  }
  const resultOf = async (id: string) => JSON.parse((await sluice("show", id, "--json")).stdout).result;
  expect(await resultOf(before)).toBe("sent true.");
  expect(await resultOf(after)).toBe("sent true!");
  terminal.type(keys.ctrlC);
  expect(await terminal.exit).toBe(0);
});

test("a flow with a problem is told, the others are served, and it is served when it is mended", async () => {
  const { folder, terminal, url, begin } = await served({
    ...files,
    "flows/more/bad.ts": `import "@sluice/core"; export class {`,
  });
  await terminal.until("flows/more/bad.ts\n✗ The file could not be loaded");
  await begin();
  folder.write("flows/more/bad.ts", flow("second", "x").replace("./ending", "../ending"));
  await terminal.until("second  flows/more/bad.ts");
  folder.write("flows/letter.ts", flow("second", "x"));
  await terminal.until('There is a flow "second" in flows/letter.ts already');
  expect(await (await fetch(`${url}/flows`)).json()).toEqual({ flows: ["second"] });
});

test("with a store, what waits is there again when the server is; tail follows it to its end, cancel ends it", async () => {
  const first = await served(files, "--store", "runs.db");
  const [one, two] = [await first.begin(), await first.begin()];
  first.terminal.type(keys.ctrlC);
  expect(await first.terminal.exit).toBe(0);
  const again = first.folder.terminal(["dev", "flows", "--port", "0", "--store", "runs.db"]);
  await again.until("2 stored executions go on");
  const [url = ""] = /http:\/\/127\.0\.0\.1:\d+/.exec(again.text()) ?? [];
  const sluice = async (...given: string[]) => first.folder.sluice([...given, "--server", url]);
  const list = JSON.parse((await sluice("list", "--status", "waiting", "--json")).stdout);
  expect(list.executions.map(({ executionId }: { readonly executionId: string }) => executionId)).toEqual([one, two]);
  const tail = first.folder.terminal(["tail", one, "--server", url]);
  await tail.until("? go@a1 Ann?");
  await sluice("answer", one, "false", "--question", "go");
  expect(await tail.exit).toBe(0);
  expect(tail.text()).toContain("! go@a1 false");
  expect(await sluice("cancel", two, "--reason", "enough")).toMatchObject({
    code: 0,
    stdout: expect.stringContaining("cancelled"),
  });
  expect(await sluice("show", "nobody")).toMatchObject({
    code: 1,
    stderr: expect.stringContaining('no execution "nobody"'),
  });
});

test("a server that is not there, a token that is missing and a port that is taken are told", async () => {
  const { folder, url } = await served(files);
  const { port } = new URL(url);
  expect(await folder.sluice(["dev", "flows", "--port", port])).toMatchObject({
    code: 1,
    stderr: expect.stringContaining(`${port} is taken`),
  });
  expect(await folder.sluice(["list", "--server", "http://127.0.0.1:9"])).toMatchObject({
    code: 1,
    stderr: expect.stringContaining("cannot be reached"),
  });
  expect(await folder.sluice(["list"])).toMatchObject({ code: 2, stderr: expect.stringContaining("SLUICE_SERVER") });
});
