// An execution has a budget. When the dear model cannot be paid any more, a cheaper one is asked; a reply that crosses the
// budget is stopped, and a further call is refused before it is made.
import { currentPrices, ask, usageOf } from "@sluice/ai";
import { type ContextOf, type Entry, type Failure, defineFlow, each, failed, run, start } from "@sluice/core";
import { chunk, flow, on } from "@sluice/decorators";
import { z } from "zod";
import { chooseModel } from "./model.ts";
import { letters } from "./stand-in/letters.ts";
import { standIn } from "./stand-in/stand-in.ts";
import { readTickets } from "./support/tickets.ts";

const Ticket = z.object({ id: z.string(), text: z.string() });
const spec = defineFlow({ name: "letters", input: z.array(Ticket), stream: z.string() });
type Ctx = ContextOf<typeof spec>;

const local = await standIn({ large: letters, small: letters });
const { note } = local;
const [large, small] = await Promise.all([
  chooseModel(process.env, { large: true, local: { model: local.model("large"), note } }),
  chooseModel(process.env, { local: { model: local.model("small"), note } }),
]);
/** Dollars for a million tokens; a table of one's own names what providers do not list. */
const prices = {
  version: "examples-1",
  models: {
    ...currentPrices.models,
    "stand-in/large": { input: 2, output: 10 },
    "stand-in/small": { input: 1, output: 5 },
  },
};

@flow(spec)
class Letters {
  @chunk({ concurrency: 1 })
  @on(each(start))
  async answer({ text }: z.infer<typeof Ticket>, ctx: Ctx) {
    const prompt = `Answer this letter in 40 words: ${text}`;
    ctx.putIntoStream(await ctx.generate(ask([large.model, small.model], { prompt, prices, maxOutputTokens: 60 })));
  }

  @on(failed("answer"))
  leave({ error, input }: Failure<"answer", z.infer<typeof Ticket>>, ctx: Ctx) {
    ctx.putIntoStream(`no answer to ${input.id}: ${error.message}`);
  }
}

const cents = (usd = 0) => `${(usd * 100).toFixed(3)} ¢`;
const tickets = [...readTickets([new URL("./tickets", import.meta.url).pathname])];
const budget = { usd: 0.002 };
console.log(
  `${large.note}\n\n${tickets.length} letters for ${cents(budget.usd)}, by "${large.name}" or "${small.name}"`,
);

const entries: Entry[] = [];
const execution = run(Letters, tickets, { budget });
execution.events$.subscribe((entry) => entries.push(entry));
execution.stream$.subscribe((line) => console.log(`  ${line}`));
execution.on("model:resolved", ({ wanted, model, remainingBudgetUsd }) =>
  console.log(`${wanted} is too dear for the ${cents(remainingBudgetUsd)} that are left: ${model} is to answer`),
);
execution.on("model:finish", ({ model, usage, costUsd }) =>
  console.log(`${model} has written ${usage.outputTokens ?? 0} tokens, for ${cents(costUsd)}`),
);
execution.on("budget:threshold_reached", ({ thresholdPct, spentUsd }) =>
  console.log(`  ${thresholdPct} % of the budget are reached: ${cents(spentUsd)}`),
);
execution.on("budget:price_unknown", ({ model }) =>
  console.log(`the price of ${model} is not known: it counts nothing`),
);
await execution.result;

console.log("\nThe bill");
const { models, ...total } = usageOf(entries);
for (const [name, { inputTokens, outputTokens, costUsd, estimated }] of Object.entries({ ...models, total })) {
  const told = estimated > 0 ? " (a part of it by an estimate)" : "";
  console.log(`  ${name}: ${inputTokens} tokens read, ${outputTokens} written, ${cents(costUsd)}${told}`);
}
