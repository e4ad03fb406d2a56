import { afterEach, describe, expect, test } from "vitest";
import { type Folder, makeFolder } from "./command.ts";

const hello = (decorated: string): string => `
import { type ContextOf, after, defineFlow, start } from "@sluice/core";
import { flow, on } from "@sluice/decorators";
import { z } from "zod";
import { loud } from "./loud";

const spec = defineFlow({ name: "hello", input: z.object({ name: z.string() }), result: z.string() });
type Ctx = ContextOf<typeof spec>;
export enum Tone { Loud = "!" }

@flow(spec)
export class Hello {
  constructor(private readonly tone: string = Tone.Loud) {}

  @on(start)
  greet({ name }: { name: string }, _ctx: Ctx) {
    ${decorated}
    return \`hello \${name}\${this.tone}\`;
  }

  @on(after("greet"))
  shout(greeting: string) {
    return loud(greeting);
  }
}
`;
const loud = `export const loud = (text: string): string => text.toUpperCase();\n`;

const open: Folder[] = [];
afterEach(() => {
  for (const folder of open.splice(0)) folder.remove();
});

function folderWith(files: Readonly<Record<string, string>>): Folder {
  const folder = makeFolder();
  open.push(folder);
  for (const [file, text] of Object.entries(files)) folder.write(file, text);
  return folder;
}

function project(): Folder {
  const folder = makeFolder({ withProject: true });
  open.push(folder);
  return folder;
}

describe("loading", () => {
  const legacy = `{ "compilerOptions": { "experimentalDecorators": true, "emitDecoratorMetadata": true } }`;

  test("a flow with standard decorators runs from a folder without a tsconfig, without node_modules, without a build", async () => {
    const folder = folderWith({ "flow.ts": hello(""), "loud.ts": loud });
    const { stdout, code } = await folder.sluice(["run", "flow.ts", "--input", '{"name":"Ada"}', "--json"]);
    expect(JSON.parse(stdout)).toMatchObject({ flow: "hello", status: "completed", result: "HELLO ADA!", chunks: 2 });
    expect(code).toBe(0);
  });

  test("the same flow runs with legacy decorators where the tsconfig has them, with design:* metadata", async () => {
    const told = `if ((Reflect as any).getMetadata("design:paramtypes", Hello.prototype, "shout")[0] !== String) throw new Error("no metadata");`;
    const folder = folderWith({ "flows/flow.ts": hello(told), "flows/loud.ts": loud, "tsconfig.json": legacy });
    const { stdout } = await folder.sluice(["run", "flows/flow.ts", "--input", '{"name":"Ada"}', "--json"]);
    expect(JSON.parse(stdout)).toMatchObject({ status: "completed", result: "HELLO ADA!" });
  });

  test("imports are found by the paths of a tsconfig, and by .js for .ts, also in a CommonJS package", async () => {
    const folder = folderWith({
      "package.json": `{ "type": "commonjs" }`,
      "tsconfig.json": `{ "compilerOptions": { "paths": { "~/*": ["./lib/*"] } } }`,
      "flow.ts": hello("").replace('"./loud"', '"~/loud.js"'),
      "lib/loud.ts": loud,
    });
    const { stdout } = await folder.sluice(["run", "flow.ts", "--input", '{"name":"Ada"}', "--json"]);
    expect(JSON.parse(stdout)).toMatchObject({ result: "HELLO ADA!" });
  });

  test("the project's own @sluice/core is the one that runs", async () => {
    const own = `export * from ${JSON.stringify(new URL("../packages/core/src/index.ts", import.meta.url).href)};\n`;
    const folder = folderWith({
      "node_modules/@sluice/core/package.json": `{ "name": "@sluice/core", "type": "module", "exports": "./index.js" }`,
      "node_modules/@sluice/core/index.js": `${own}globalThis.ownCore = true;\n`,
      "flow.ts": `import { defineFlow, flow, start } from "@sluice/core";
import { z } from "zod";
export const own = flow(defineFlow({ name: "own", input: z.any(), result: z.any() })).chunk("a", start, () => (globalThis as any).ownCore);\n`,
    });
    const { stdout } = await folder.sluice(["run", "flow.ts", "--json"]);
    expect(JSON.parse(stdout)).toMatchObject({ status: "completed", result: true });
  });

  test("what a chunk throws is told with its place in the .ts, and with --debug its stack", async () => {
    const folder = folderWith({ "flow.ts": hello(`if (name === "Bo") throw new Error("not Bo");`), "loud.ts": loud });
    const { code, stderr, stdout } = await folder.sluice(["run", "flow.ts", "--input", '{"name":"Bo"}']);
    expect({ code, stdout }).toEqual({ code: 1, stdout: expect.stringContaining("✗ greet not Bo") });
    expect(stderr).toContain("at     flow.ts:17");
    expect(stderr).not.toMatch(/\n\s+at Hello\.greet/);
    const debugged = await folder.sluice(["run", "flow.ts", "--input", '{"name":"Bo"}', "--debug"]);
    expect(debugged.stderr).toMatch(/at Hello\.greet \(.*flow\.ts:17:/);
  });

  test.each([
    ["a missing package", `import "left-pad";`, '"left-pad" is imported, and is not there', "npm install left-pad"],
    [
      "a type that is imported as a value",
      `import { Context } from "@sluice/core"; console.log(Context);`,
      "does not export it",
      "import { type Context }",
    ],
    ["what is no TypeScript", `export class {`, "could not be loaded", "flow.ts"],
    ["a file without a flow", `export const one = 1;`, "exports no flow", "flow(spec)"],
  ])("%s is told with what to do", async (_, text, what, mend) => {
    const { code, stderr } = await folderWith({ "flow.ts": text }).sluice(["check", "flow.ts"]);
    expect(stderr).toContain(what);
    expect(stderr).toContain(mend);
    expect(code).toBe(1);
  });

  test("a file that looks at the arguments of its process finds none, and does not take itself for the program", async () => {
    const text = `import { argv } from "node:process";
import { fileURLToPath } from "node:url";
import { defineFlow, flow, start } from "@sluice/core";
import { z } from "zod";
const seen = [argv.length, argv[1] === fileURLToPath(import.meta.url)];
export const one = flow(defineFlow({ name: "one", input: z.string(), result: z.any() })).chunk("a", start, () => seen);
`;
    const { stdout } = await folderWith({ "flow.ts": text }).sluice(["run", "flow.ts", "-i", '"x"', "--json"]);
    expect(JSON.parse(stdout)).toMatchObject({ result: [2, false] });
  });
});

describe("run", () => {
  test("piped, it prints a line for each fact, then the result; what waits for an answer says how to give it", async () => {
    const folder = project();
    const { code, stdout, stderr } = await folder.sluice(["run", "flow.ts", "--input", "note.json"]);
    expect(stdout).toContain("triage.topic: complaint\n");
    expect(stdout).toContain("▸ plan[0] on triage.field");
    expect(stdout).toContain("• planned: look up the order\n");
    expect(stderr).toContain("nobody is at the terminal");
    expect(stderr).toContain("--answer 'approval={…}'");
    expect(code).toBe(3);
    const answered = await folder.sluice(["run", "flow.ts", "-i", "-", "-a", 'approval={"send":true}', "--json"], {
      input: `{"from":"Bo","text":"When do you open?"}`,
    });
    expect(JSON.parse(answered.stdout)).toMatchObject({ status: "completed", result: { sent: true } });
  });

  test("a stored execution that waits is kept, is answered, and goes on", async () => {
    const folder = project();
    const first = await folder.sluice(["run", "flow.ts", "-i", "note.json", "--store", "kept/runs.db", "--id", "one"]);
    expect(first.stdout).toContain("sluice answer one '{…}' --question approval@a6 --store kept/runs.db");
    const wrong = ["run", "flow.ts", "--resume", "one", "--store", "kept/runs.db", "-a", "approval={}"];
    expect(await folder.sluice(wrong)).toMatchObject({
      code: 1,
      stderr: expect.stringContaining("does not fit its schema: send"),
    });
    const right = await folder.sluice([...wrong.slice(0, -1), 'approval={"send":false}']);
    expect(right.stdout).toContain('"sent": false');
    expect(right.stdout).not.toContain("planned: look up the order"); // it was told before
    expect(right.code).toBe(0);
  });

  test("what a model or a user has written cannot steer the terminal", async () => {
    const folder = folderWith({
      "flow.ts": `import { defineFlow, flow, start } from "@sluice/core";
import { z } from "zod";
export const rude = flow(defineFlow({ name: "rude", input: z.string(), stream: z.string(), result: z.string() }))
  .chunk("say", start, (text, ctx) => { ctx.putIntoStream(text); return text; });\n`,
      "input.txt": "\u001b[2J\u001b]0;title\u0007gone\u009b31m",
    });
    const { stdout } = await folder.sluice(["run", "flow.ts", "--input", "input.txt"]);
    expect(stdout).toContain("• gone");
    expect(stdout).not.toMatch(/[^\n\P{Cc}]/u);
  });

  test("the names of fields that a model has written cannot, either", async () => {
    const folder = folderWith({
      "flow.ts": `import { defineFlow, flow, instant, start } from "@sluice/core";
import { z } from "zod";
const Bag = instant("bag", z.record(z.string(), z.string()));
async function* tokens() { yield JSON.stringify({ "\\u009b31mgone": "x" }); }
export const bag = flow(defineFlow({ name: "bag", input: z.any(), result: z.any() }))
  .chunk("ask", start, async (_, ctx) => Object.keys(await ctx.instant(Bag, tokens())).length);
`,
    });
    const { stdout } = await folder.sluice(["run", "flow.ts", "-i", "x"]);
    expect(stdout).toContain("gone");
    expect(stdout).not.toMatch(/[^\n\P{Cc}]/u);
  });

  test("an answer that was given is given, also where another question was asked before", async () => {
    const folder = folderWith({
      "flow.ts": `import { defineFlow, flow, interrupt, start } from "@sluice/core";
import { z } from "zod";
const A = interrupt("alpha", { ask: z.string(), answer: z.boolean() });
const B = interrupt("beta", { ask: z.string(), answer: z.boolean() });
export const two = flow(defineFlow({ name: "two", input: z.any(), stream: z.string(), result: z.string() }))
  .chunk("ask", start, (_, ctx) => { ctx.interrupt(A, "a?"); ctx.interrupt(B, "b?"); })
  .chunk("a", A.answered, () => "a")
  .chunk("b", B.answered, (_, ctx) => ctx.putIntoStream("b is answered"));
`,
    });
    const { stdout, code } = await folder.sluice(["run", "flow.ts", "-i", "x", "-s", "q.db", "-a", "beta=true"]);
    expect(stdout).toContain("b is answered");
    expect(code).toBe(3);
  });

  test("a class whose constructor takes something says so when nobody says how it is made", async () => {
    const folder = folderWith({ "flow.ts": hello("").replace("= Tone.Loud", ""), "loud.ts": loud });
    const { stderr } = await folder.sluice(["run", "flow.ts", "--input", '{"name":"Ada"}']);
    expect(stderr).toContain("export default { flow: Hello, create: () => new Hello(…) }");
  });

  test("--entries prints the log, an entry a line of JSON, to the final one", async () => {
    const { stdout } = await project().sluice([
      "run",
      "flow.ts",
      "-i",
      "note.json",
      "-a",
      'approval={"send":true}',
      "--entries",
    ]);
    const entries = stdout
      .trimEnd()
      .split("\n")
      .map((line) => JSON.parse(line) as { readonly type: string });
    expect(entries[0]?.type).toBe("flow:start");
    expect(entries.at(-1)?.type).toBe("flow:completed");
  });

  test("an input that is missing or does not fit is a usage error, with one to fill in", async () => {
    const folder = project();
    const missing = await folder.sluice(["run", "flow.ts"]);
    expect(missing).toMatchObject({ code: 2, stderr: expect.stringContaining(`--input '{"from":"…","text":"…"}'`) });
    const wrong = await folder.sluice(["run", "flow.ts", "--input", '{"from":1,"text":""}']);
    expect(wrong).toMatchObject({ code: 2, stderr: expect.stringContaining("from: Invalid input: expected string") });
    const broken = await folder.sluice(["run", "flow.ts", "--input", '{"from"']);
    expect(broken).toMatchObject({ code: 2, stderr: expect.stringContaining("is not JSON") });
  });

  test("of several flows one is named; one that needs objects says how it is made", async () => {
    const folder = folderWith({
      "flows.ts": `import { defineFlow, flow, start } from "@sluice/core";
import { z } from "zod";
const one = (name: string) => flow(defineFlow({ name, input: z.any(), result: z.string() })).chunk("a", start, () => name);
export const first = one("first-flow");
export default { flow: one("made"), create: undefined };
export const second = one("second-flow");\n`,
    });
    const run = async (...args: string[]) =>
      JSON.parse((await folder.sluice(["run", "flows.ts", "--json", ...args])).stdout);
    expect(await run()).toMatchObject({ result: "made" });
    expect(await run("--flow", "second")).toMatchObject({ result: "second-flow" });
    const unknown = await folder.sluice(["run", "flows.ts", "--flow", "third"]);
    expect(unknown).toMatchObject({
      code: 2,
      stderr: expect.stringContaining("--flow made | first-flow | second-flow"),
    });
  });
});

describe("check and graph", () => {
  test("check tells all problems of a flow, and warnings, with an exit code", async () => {
    const folder = project();
    folder.write(
      "bad.ts",
      `import { after, defineFlow, flow, gather, start } from "@sluice/core";
import { z } from "zod";
export const bad = flow(defineFlow({ name: "bad", input: z.any() })).chunk("a", start, () => 1)
  .chunk("b", gather("a") as never, () => 2).chunk("c", after("nowhere") as never, () => 3);
export const two = flow(defineFlow({ name: "two", input: z.any(), result: z.any() })).chunk("a", start, () => 1).chunk("b", start, () => 2);\n`,
    );
    const good = await folder.sluice(["check", "flow.ts"]);
    expect(good).toMatchObject({ code: 0, stdout: expect.stringContaining("✓ support 5 chunks") });
    const bad = await folder.sluice(["check", "bad.ts", "--json"]);
    expect(bad.code).toBe(1);
    const { flows } = JSON.parse(bad.stdout) as {
      readonly flows: readonly { readonly problems: readonly { readonly code: string }[] }[];
    };
    expect(flows.flatMap(({ problems }) => problems.map(({ code }) => code)).toSorted()).toEqual([
      "chunk-unknown",
      "gather-outside",
    ]);
    const lines = await folder.sluice(["check", "bad.ts"]);
    expect(lines.stdout).toContain("[result-ambiguous]");
  });

  test("graph writes an outline, Mermaid, JSON and an SVG that is laid out without a browser", async () => {
    const folder = project();
    const graph = async (...args: string[]) => (await folder.sluice(["graph", "flow.ts", ...args])).stdout;
    expect(await graph()).toContain('draft  ◂ all(after("read"), gather("plan"))');
    expect(await graph("--mermaid")).toMatch(/^flowchart LR\n/);
    expect(JSON.parse(await graph("--json"))).toMatchObject({ flow: "support" });
    const svg = await graph("--svg");
    expect(svg).toContain("</svg>");
    expect(svg).toContain(">triage.field(&quot;steps[*]&quot;)</text>");
    expect(await folder.sluice(["graph", "flow.ts", "--svg", "--json"])).toMatchObject({ code: 2, stdout: "" });
  });

  test("each command has help with examples", async () => {
    const folder = folderWith({});
    const { stdout } = await folder.sluice(["--help"]);
    const commands = [...stdout.matchAll(/^ {2}(\w+) (?:\[options\]|<|\[)/gm)].map(([, name = ""]) => name);
    expect(commands).toContain("run");
    for (const command of commands.filter((name) => name !== "help")) {
      const help = await folder.sluice([command, "--help"]);
      expect(help).toMatchObject({ code: 0, stdout: expect.stringContaining(`Examples:\n  `) });
    }
    expect(await folder.sluice(["rnu"])).toMatchObject({
      code: 2,
      stderr: expect.stringContaining("Did you mean run"),
    });
  });
});
