import { afterEach, beforeEach, expect, test } from "vitest";
import { type Folder, makeFolder } from "./command.ts";

let folder: Folder;
beforeEach(() => {
  folder = makeFolder({ withProject: true });
});
afterEach(() => folder.remove());

const kept = ["--store", "runs.db"];
const begin = (id: string) => folder.sluice(["run", "flow.ts", "-i", "note.json", "--id", id, ...kept]);
const json = async (...args: string[]) => JSON.parse((await folder.sluice([...args, "--json", ...kept])).stdout);

test("what waits in a store is listed, shown and answered; a wrong answer is told and forgotten", async () => {
  await begin("one");
  expect(await json("list", "--status", "waiting")).toMatchObject({
    executions: [{ executionId: "one", flow: "support" }],
  });
  const shown = await folder.sluice(["show", "one", ...kept]);
  expect(shown.stdout).toMatch(/support {2}one {2}\? waiting/);
  expect(shown.stdout).toContain("sluice answer one '{…}' --question approval@a6 --store runs.db");
  const answer = (text: string) => folder.sluice(["answer", "one", text, ...kept]);
  expect(await answer('{"sent":true}')).toMatchObject({ code: 0 });
  expect(await answer('{"send":true}')).toMatchObject({ code: 1, stderr: expect.stringContaining("Another answer") });
  const resume = () => folder.sluice(["run", "flow.ts", "--resume", "one", ...kept]);
  expect(await resume()).toMatchObject({ code: 3, stderr: expect.stringContaining("does not fit its schema: send") });
  expect(await answer('{"send":true}')).toMatchObject({ code: 0 });
  expect(await resume()).toMatchObject({ code: 0, stdout: expect.stringContaining('"sent": true') });
  expect(await answer("{}")).toMatchObject({
    code: 1,
    stderr: expect.stringContaining("is completed, and asks nothing"),
  });
});

test("a log is printed, played again, and looked at as it was at an entry", async () => {
  await begin("one");
  const tail = await folder.sluice(["tail", "one", "--no-follow", "--json", ...kept]);
  const entries = tail.stdout
    .trimEnd()
    .split("\n")
    .map((line) => JSON.parse(line));
  expect(entries.map(({ seq }) => seq)).toEqual(entries.map((_, index) => index + 1));
  const played = await folder.sluice(["replay", "one", "--speed", "max", ...kept]);
  expect(played.stdout).toContain("✓ draft");
  const planned = entries.find(({ type, chunk }) => type === "chunk:start" && chunk === "plan").seq;
  const moment = await json("replay", "one", "--at", String(planned));
  expect(moment).toMatchObject({ seq: planned, status: "running", state: { urgent: true } });
  expect(moment.position.map(({ chunk }: { readonly chunk: string }) => chunk)).toContain("plan");
  expect(await folder.sluice(["replay", "one", "--at", "999", ...kept])).toMatchObject({
    code: 1,
    stderr: expect.stringContaining("its entries are 1 to"),
  });
});

test("a fork goes on from before what failed, with mended code, and does nothing twice", async () => {
  const broken = (fault: string) => `import { after, defineFlow, flow, start } from "@sluice/core";
import { z } from "zod";
export const bill = flow(defineFlow({ name: "bill", input: z.number(), state: z.object({ tax: z.number().default(2) }), stream: z.string(), result: z.number() }))
  .chunk("price", start, (n, ctx) => { ctx.putIntoStream("priced"); return n * 10; })
  .chunk("total", after("price"), (price, ctx) => { ${fault} ctx.setResult(price + ctx.state.get("tax")); });\n`;
  folder.write("bill.ts", broken('throw new Error("out of paper");'));
  const failed = await folder.sluice(["run", "bill.ts", "-i", "3", "--id", "b1", ...kept]);
  expect(failed).toMatchObject({ code: 1, stderr: expect.stringContaining("out of paper") });
  folder.write("bill.ts", broken(""));
  const mended = await folder.sluice(["fork", "b1", "bill.ts", "--id", "b2", ...kept]);
  expect(mended.stdout).toContain("⑂ forked from b1 at");
  expect(mended.stdout).not.toContain("• priced");
  expect(await json("show", "b2")).toMatchObject({
    status: "completed",
    result: 32,
    forkedFrom: { executionId: "b1" },
  });
  expect(await json("fork", "b1", "bill.ts", "--state", '{"tax":5}')).toMatchObject({ result: 35 });
  expect(await json("fork", "b1", "bill.ts", "--at", "1", "--input", "7")).toMatchObject({ result: 72 });
  expect(await json("show", "b1")).toMatchObject({ status: "failed", error: { code: "chunk-failed" } });
});

test("a stored execution is cancelled with its flow; what is not there is told", async () => {
  await begin("one");
  expect(await folder.sluice(["cancel", "one", ...kept])).toMatchObject({
    code: 2,
    stderr: expect.stringContaining("cancel one flow.ts"),
  });
  expect(await folder.sluice(["cancel", "one", "flow.ts", ...kept])).toMatchObject({ code: 0 });
  expect(await json("show", "one")).toMatchObject({ status: "cancelled" });
  expect(await folder.sluice(["cancel", "one", "flow.ts", ...kept])).toMatchObject({
    code: 1,
    stderr: expect.stringContaining("cancelled already"),
  });
  expect(await folder.sluice(["show", "two", ...kept])).toMatchObject({
    code: 1,
    stderr: expect.stringContaining('No execution "two"'),
  });
  expect(await folder.sluice(["list", "--store", "none.db"])).toMatchObject({
    code: 2,
    stderr: expect.stringContaining("no store none.db"),
  });
});

test("a log has no end behind its end, and a fork goes back to the failure that nothing has answered", async () => {
  folder.write(
    "two.ts",
    `import { after, defineFlow, failed, flow, start } from "@sluice/core";
import { z } from "zod";
export const two = flow(defineFlow({ name: "two", input: z.any(), result: z.string() }))
  .chunk("a", start, (): string => { throw new Error("first"); })
  .chunk("b", failed("a"), () => "mended")
  .chunk("c", after("b"), (): string => { throw new Error("second"); });\n`,
  );
  await folder.sluice(["run", "two.ts", "-i", "x", "-s", "q.db", "--id", "e1"]);
  expect(await folder.sluice(["tail", "e1", "-s", "q.db", "--after", "999"])).toMatchObject({ code: 2 });
  const { stdout } = await folder.sluice(["fork", "e1", "two.ts", "-s", "q.db", "--entries"]);
  const started = stdout.split("\n").filter((line) => line.includes('"chunk:start"') && line.includes('"attempt":1'));
  expect(started.filter((line) => line.includes('"chunk":"a"'))).toEqual([]);
  expect(stdout).toContain("second");
});
