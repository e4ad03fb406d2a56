// As one tries a server by hand.
import { execFile, spawn, spawnSync } from "node:child_process";
import { text } from "node:stream/consumers";
import { promisify } from "node:util";
import { defineFlow, flow, interrupt, start } from "@sluice/core";
import { expect, test } from "vitest";
import { z } from "zod";
import { isEnd, isWait, messages, serve } from "./served.ts";

const Approval = interrupt("approval", { ask: z.string(), answer: z.object({ ok: z.boolean() }) });
const letter = flow(
  defineFlow({ name: "letter", input: z.object({ to: z.string() }), stream: z.string(), result: z.string() }),
)
  .chunk("write", start, ({ to }, ctx) => {
    ctx.putIntoStream(`Dear ${to}`);
    ctx.interrupt(Approval, to);
  })
  .chunk("send", Approval.answered, ({ ok }, ctx) => ctx.setResult(ok ? "sent" : "dropped"));

const has = spawnSync("curl", ["--version"]).status === 0;
const json = ["-sS", "-H", "content-type: application/json"];

async function curl(...given: string[]): Promise<string> {
  return (await promisify(execFile)("curl", given)).stdout;
}

test.runIf(has || process.env["CI"] === "true")("curl starts, watches, answers and reads an execution", async () => {
  const { url } = await serve({ flows: [letter] });
  const started = await curl(...json, "-d", '{"input":{"to":"Ann"}}', `${url}/flows/letter/executions`);
  const { executionId } = JSON.parse(started);
  const execution = `${url}/executions/${executionId}`;
  const watching = spawn("curl", ["-sSN", `${execution}/stream?items`]);
  const watched = text(watching.stdout);
  await messages(`${execution}/stream`, isWait);
  const { interrupts } = JSON.parse(await curl("-sS", execution));
  const answered = ["-d", '{"answer":{"ok":true}}', "-w", "%{http_code}", `${execution}/answers/${interrupts[0].id}`];
  expect(await curl(...json, ...answered)).toBe("204");
  await messages(`${execution}/stream`, isEnd);
  expect(JSON.parse(await curl("-sS", execution))).toMatchObject({ status: "completed", result: "sent" });
  const lines = (await watched).split("\n");
  expect(lines.filter((line) => line.startsWith("event: "))).toEqual(["event: stream:item", "event: flow:completed"]);
  const ids = lines.flatMap((line) => (line.startsWith("id: ") ? [line.slice(4)] : []));
  const rest = await curl("-sS", "-H", `last-event-id: ${ids[0]}`, `${execution}/stream?items`);
  expect(rest.match(/^event: .*$/gm)).toEqual(["event: flow:completed"]);
  expect(await curl("-sS", "-w", "%{http_code}", `${execution}/stream?after=${ids[1]}`)).toBe("204");
});
