// A model that calls tools until it has an answer. What a tool does is in the log while it runs, and the fields of a call
// trigger chunks while the model is still writing it.
import { ask, callerOf, toolOf } from "@sluice/ai";
import { type ContextOf, defineFlow, instant, run, start } from "@sluice/core";
import { flow, on } from "@sluice/decorators";
import { tool } from "ai";
import { z } from "zod";
import { clerk } from "./clerk/clerk.ts";
import { chooseModel } from "./model.ts";

const Refund = instant("refund", z.object({ order: z.string(), euros: z.number(), reason: z.string() }));
const spec = defineFlow({ name: "desk", input: z.string(), stream: z.string(), result: z.string() });
type Ctx = ContextOf<typeof spec>;

const { model, note } = await chooseModel(process.env, {
  local: { model: clerk, note: "Runs on a clerk on this machine, who follows three rules." },
});

const tools = {
  findOrder: tool({
    description: "Finds an order by its number, such as A7",
    inputSchema: z.object({ order: z.string() }),
    execute({ order }, options) {
      callerOf(options)?.progress("asking the warehouse");
      return { order, goods: "a tea pot", euros: 30 };
    },
  }),
  refund: toolOf(Refund, {
    description: "Pays back what an order has cost",
    // the same key in each attempt: a bank that gets it twice pays once
    execute: ({ order }, options) => ({ receipt: `R-${order}`, key: callerOf(options)?.idempotencyKey }),
  }),
};

@flow(spec)
class Desk {
  @on(start)
  async answer(message: string, ctx: Ctx) {
    const instructions =
      "You are at the service desk of a shop. Find the order, pay it back, and say so in a sentence.";
    ctx.setResult(await ctx.generate(ask(model, { instructions, prompt: message, tools })));
  }

  @on(Refund.field("order"))
  lookUp(order: string, ctx: Ctx) {
    ctx.putIntoStream(`the bank details for ${order} are looked up while the model is still writing`);
  }

  @on(Refund.done)
  notify({ order, euros }: z.infer<typeof Refund.schema>, ctx: Ctx) {
    ctx.putIntoStream(`${euros} euros are to be paid back for ${order}`);
  }
}

console.log(`${note}\n`);
const execution = run(Desk, "My order A7 arrived broken. I want my money back.");
execution.stream$.subscribe((line) => console.log(line));
execution.on("tool:call_start", ({ tool: name, args }) => console.log(`${name} starts:`, args));
execution.on("tool:progress", ({ tool: name, data }) => console.log(`${name} goes on:`, data));
execution.on("tool:call_finish", ({ tool: name, success, error }) =>
  console.log(`${name} ${success ? "has done it" : `failed: ${error}`}`),
);
execution.on("model:finish", ({ finishReason }) => console.log(`a call of the model ends: ${finishReason}`));
console.log(await execution.result);
