import { afterEach, expect, test } from "vitest";
import { type Folder, makeFolder } from "./command.ts";
import { keys } from "./terminal.ts";

const open: Folder[] = [];
afterEach(() => {
  for (const folder of open.splice(0)) folder.remove();
});

function project(): Folder {
  const folder = makeFolder({ withProject: true });
  open.push(folder);
  return folder;
}

test("in a terminal the fields fill in while the model writes, a person is asked, and the result follows", async () => {
  const terminal = project().terminal(["run", "flow.ts", "--input", "note.json"], { MODEL_PAUSE_MS: "40" });
  await terminal.until((screen) => /[⠋-⠿] read/.test(screen) && /summary +Ada writes: The l.*▌/.test(screen));
  expect(terminal.screen()).toMatch(/urgency +high ✓ +▸ alert/);
  expect(terminal.screen()).toContain("• somebody is told that it is urgent");
  await terminal.until((screen) => screen.includes("Send it?"));
  expect(terminal.screen()).toContain("reply: Thank you for your complaint.");
  expect(terminal.screen()).not.toContain("⠋");
  terminal.type(keys.right);
  await terminal.until((screen) => screen.includes("● No"));
  terminal.type(keys.enter);
  expect(await terminal.exit).toBe(0);
  expect(terminal.screen()).toMatch(/✓ plan +3 done/);
  expect(terminal.screen()).toMatch(/ · scripted · 16 in, \d+ tokens out · \$0\.000\d/);
  expect(terminal.screen()).toContain('"sent": false');
  expect(terminal.text().match(/✓ read/g)).toHaveLength(1); // the picture was changed in place
});

test("Ctrl-C cancels what runs, and says so", async () => {
  const terminal = project().terminal(["run", "flow.ts", "--input", "note.json"], { MODEL_PAUSE_MS: "40" });
  await terminal.until((screen) => /summary +Ada.*▌/.test(screen));
  terminal.type(keys.ctrlC);
  expect(await terminal.exit).toBe(130);
  expect(terminal.screen()).toMatch(/✗ cancelled after/);
});

test("Ctrl-C at a question cancels, too", async () => {
  const terminal = project().terminal(["run", "flow.ts", "--input", "note.json"], { MODEL_PAUSE_MS: "0" });
  await terminal.until((screen) => screen.includes("Send it?"));
  terminal.type(keys.ctrlC);
  expect(await terminal.exit).toBe(130);
  expect(terminal.screen()).toMatch(/✗ cancelled after/);
});

test("Ctrl-C at a question of a stored execution puts it away, and says how to go on", async () => {
  const folder = project();
  const args = ["run", "flow.ts", "--input", "note.json", "--id", "one", "--store", "runs.db"];
  const terminal = folder.terminal(args, { MODEL_PAUSE_MS: "0" });
  await terminal.until((screen) => screen.includes("Send it?"));
  terminal.type(keys.ctrlC);
  expect(await terminal.exit).toBe(130);
  expect(terminal.screen()).toContain("sluice run flow.ts --resume one --store runs.db");
  const again = folder.terminal(["run", "flow.ts", "--resume", "one", "--store", "runs.db"]);
  await again.until((screen) => screen.includes("Send it?"));
  again.type(keys.enter);
  expect(await again.exit).toBe(0);
  expect(again.text()).not.toContain("planned: look up the order"); // it was shown before
  expect(again.text()).toContain('"sent": true');
});

test("a question is asked by its answer's schema, key by key, and again when the answer does not fit", async () => {
  const folder = project();
  folder.write(
    "order.ts",
    `import { defineFlow, flow, interrupt, start } from "@sluice/core";
import { z } from "zod";
const size = z.enum(["small", "large"]).describe("Which size?");
const answer = z.object({ size, count: z.number().max(9), tags: z.array(z.string()), note: z.string().optional() });
const Order = interrupt("order", { ask: z.string(), answer });
export const order = flow(defineFlow({ name: "order", input: z.any(), result: answer }))
  .chunk("ask", start, (_, ctx) => void ctx.interrupt(Order, "What may it be?"))
  .chunk("done", Order.answered, (answer) => answer);\n`,
  );
  const terminal = folder.terminal(["run", "order.ts"]);
  const reply = async (question: string, ...typed: readonly string[]) => {
    await terminal.until((screen) =>
      screen.slice(Math.max(screen.lastIndexOf("◆"), screen.lastIndexOf("▲"))).includes(question),
    );
    for (const one of typed) terminal.type(one);
  };
  await reply("Which size?", keys.down, keys.enter);
  await reply("count", "x", keys.enter);
  await reply("A number, please", "\b12", keys.enter);
  await reply("tags", '["red"]', keys.enter);
  await reply("note", keys.enter);
  await terminal.until("does not fit its schema: count: Too big");
  await reply("Which size?", keys.enter);
  await reply("count", "3", keys.enter);
  await reply("tags", "[]", keys.enter);
  await reply("note", "thanks", keys.enter);
  expect(await terminal.exit).toBe(0);
  const [result = ""] = /\{\n {2}"size"[^]*\}/.exec(terminal.text()) ?? [];
  expect(JSON.parse(result)).toEqual({ size: "small", count: 3, tags: [], note: "thanks" });
});

test("with NO_COLOR or CI a terminal gets lines", async () => {
  const terminal = project().terminal(["run", "flow.ts", "-i", "note.json", "-a", 'approval={"send":true}'], {
    MODEL_PAUSE_MS: "0",
    CI: "true",
  });
  expect(await terminal.exit).toBe(0);
  expect(terminal.text()).toContain("▸ plan[0] on triage.field");
});

test("replay shows a stored execution as it was, with its fields and costs", async () => {
  const folder = project();
  await folder.sluice([
    "run",
    "flow.ts",
    "-i",
    "note.json",
    "--id",
    "one",
    "-a",
    'approval={"send":true}',
    "--store",
    "runs.db",
  ]);
  const terminal = folder.terminal(["replay", "one", "--store", "runs.db", "--speed", "5"]);
  expect(await terminal.exit).toBe(0);
  expect(terminal.screen()).toMatch(/topic +complaint ✓\n +urgency +high ✓ +▸ alert\n/);
  expect(terminal.screen()).toMatch(/✓ send +\d+ ms/);
  expect(terminal.screen()).toContain("scripted · 16 in, 44 tokens out");
});

test("--watch runs again when the code changes", async () => {
  const folder = project();
  const flow = (word: string) => `import { defineFlow, flow, start } from "@sluice/core";
import { z } from "zod";
import { word } from "./word.ts";
export const one = flow(defineFlow({ name: "one", input: z.any(), result: z.string() })).chunk("a", start, () => word + "${word}");\n`;
  folder.write("word.ts", `export const word = "first";\n`);
  folder.write("one.ts", flow("!"));
  const terminal = folder.terminal(["run", "one.ts", "--watch"]);
  await terminal.until(/first!\s+waiting for a change/);
  folder.write("word.ts", `export const word = "second";\n`); // what the file imports counts, too
  await terminal.until(/second!\s+waiting for a change/);
  folder.write("one.ts", "export class {");
  await terminal.until(/could not be loaded[^]*waiting for a change/);
  folder.write("one.ts", flow("?"));
  await terminal.until(/second\?\s+waiting for a change/);
  terminal.type(keys.ctrlC);
  expect(await terminal.exit).toBe(130);
});
