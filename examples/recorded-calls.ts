// The calls of a flow's models are recorded once, with what their tools did and what they used; a test plays them offline.
import assert from "node:assert/strict";
import { mkdtempSync, rmSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { ask, usageOf } from "@sluice/ai";
import { type ContextOf, type TokenSource, defineFlow, run, start } from "@sluice/core";
import { chunk, flow, on } from "@sluice/decorators";
import { logOf, record, replay, virtualTime } from "@sluice/testing";
import { tool } from "ai";
import { z } from "zod";
import { clerk } from "./clerk/clerk.ts";

const spec = defineFlow({ name: "desk", input: z.string(), result: z.string() });
type Ctx = ContextOf<typeof spec>;

@flow(spec)
class Desk {
  readonly #ask: (prompt: string) => TokenSource;

  constructor(ask: (prompt: string) => TokenSource) {
    this.#ask = ask;
  }

  @chunk({ retry: { attempts: 2 } })
  @on(start)
  async answer(message: string, ctx: Ctx) {
    ctx.setResult(await ctx.generate(this.#ask(message)));
  }
}

let payments = 0;
const order = z.object({ order: z.string() });
const tools = {
  findOrder: tool({ inputSchema: order, execute: (input) => ({ ...input, euros: 30 }) }),
  refund: tool({ inputSchema: order, execute: () => ({ receipt: `R-${(payments += 1)}` }) }),
};
const message = "My order A7 arrived broken. I want my money back.";
const folder = mkdtempSync(join(tmpdir(), "desk-"));
const file = join(folder, "desk.json");

// once, with the models: all calls of a function go into one file
const recorded = record((prompt: string) => ask(clerk, { prompt, tools }), file);
const execution = run(Desk, message, { create: () => new Desk(recorded) });
const entries = await logOf(execution);
console.log(`recorded: ${await execution.result}`);

// in each test, without them: one replay for all calls of the file
await virtualTime(async ({ execute }) => {
  const played = replay(file);
  const again = execute(Desk, message, { create: () => new Desk(() => played) });
  assert.equal(await again.result, await execution.result);
  assert.deepEqual(usageOf(await logOf(again)), usageOf(entries));
  console.log(`replayed: ${await again.result}`);
});

console.log(`paid back ${payments} time: a replay tells of tools and does not run them`);
rmSync(folder, { recursive: true });
