// A model sorts tickets, and each kind goes to models of its own as soon as it is known, while the sorting goes on. A model
// that cannot answer makes way for the next of its list.
import { ask } from "@sluice/ai";
import { type ContextOf, type Field, after, any, defineFlow, instant, run, start } from "@sluice/core";
import { flow, on } from "@sluice/decorators";
import { z } from "zod";
import { chooseModel } from "./model.ts";
import { standIn } from "./stand-in/stand-in.ts";

const Route = instant(
  "route",
  z.object({ category: z.enum(["billing", "account", "shipping", "product"]), summary: z.string() }),
);
type Category = Field<typeof Route, "category">;
const isDelicate = (category: Category) => category === "billing" || category === "account";

const spec = defineFlow({
  name: "router",
  input: z.string(),
  state: z.object({ ticket: z.string().default("") }),
  stream: z.string(),
  result: z.string(),
});
type Ctx = ContextOf<typeof spec>;

const { model, note } = await chooseModel(process.env, { tokensPerSecond: 80 });
const provider = await standIn({ best: { refuses: 429, retryAfterSeconds: 20 }, cheaper: { refuses: 503 } });
const best = provider.model("best");
const cheaper = provider.model("cheaper");
const instructions = "Answer this ticket of a web shop in three sentences.";

@flow(spec)
class Router {
  @on(start)
  async sort(ticket: string, ctx: Ctx) {
    ctx.state.set("ticket", ticket);
    const { summary } = await ctx.instant(Route, ask(model, { prompt: ticket, temperature: 0 }));
    ctx.putIntoStream(`sorted: ${summary}`);
  }

  @on(Route.field("category"), { when: isDelicate })
  async delicate(category: Category, ctx: Ctx) {
    ctx.putIntoStream(`${category} is delicate, so the best model is to answer`);
    return ctx.generate(ask([best, cheaper, model], { instructions, prompt: ctx.state.get("ticket") }));
  }

  @on(Route.field("category"), { when: (category) => !isDelicate(category) })
  async simple(category: Category, ctx: Ctx) {
    ctx.putIntoStream(`${category} is simple, so a cheaper model will do`);
    return ctx.generate(ask([cheaper, model], { instructions, prompt: ctx.state.get("ticket") }));
  }

  @on(any(after("delicate"), after("simple")))
  send(answer: string, ctx: Ctx) {
    ctx.setResult(answer);
  }
}

console.log(
  `${note}\nBefore it come two stand-ins in trouble: the best model has reached a limit, a cheaper one is overloaded.`,
);
for (const ticket of [
  "Hello, my invoice was charged twice. I am really upset. I need it today. Regards, Nils",
  "Hi, since 3 days my headphones do not charge. Otherwise I love your shop. Zoe",
]) {
  console.log(`\n${ticket}`);
  const execution = run(Router, ticket);
  execution.stream$.subscribe((line) => console.log(`  ${line}`));
  execution.on("model:resolved", ({ model: next, reason, error }) =>
    console.log(`  ${error}\n    so ${next} is asked (${reason})`),
  );
  console.log(`  → ${await execution.result}`);
}
