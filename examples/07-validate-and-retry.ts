// A field that does not fit ends the generation at once; the next attempt's model is told what was wrong.
import { type ContextOf, type Field, type TokenSource, defineFlow, instant, run, start } from "@sluice/core";
import { chunk, flow, on } from "@sluice/decorators";
import { scriptedModel } from "@sluice/testing";
import { z } from "zod";

const Triage = instant(
  "triage",
  z.object({
    product: z.string(),
    refund: z.number().max(50, "a refund is at most 50 euros"),
    letter: z.string(),
  }),
  { onInvalid: "abort" },
);
const spec = defineFlow({ name: "answering", input: z.string(), stream: z.string(), result: z.string() });
type Ctx = ContextOf<typeof spec>;

@flow(spec)
class Answering {
  readonly #ask: (prompt: string) => TokenSource;

  constructor(ask: (prompt: string) => TokenSource) {
    this.#ask = ask;
  }

  @chunk({ retry: { attempts: 3, delay: 10 } })
  @on(start)
  async read(ticket: string, ctx: Ctx) {
    const { letter } = await ctx.instant(Triage, this.#ask(ticket));
    ctx.setResult(letter);
  }

  @on(Triage.field("product"))
  lookUp(product: Field<typeof Triage, "product">, ctx: Ctx) {
    ctx.putIntoStream(`the ${product} is looked up`);
  }

  @on(Triage.field("refund"))
  pay(euros: Field<typeof Triage, "refund">, ctx: Ctx) {
    ctx.putIntoStream(`${euros} euros are prepared`);
  }
}

// A script, so that it errs each time; any model that is asked with `ask` of @sluice/ai is told in the same way.
const model = scriptedModel([
  ['{"product":', '"lamp",', '"refund":', "80,", '"letter":', '"Dear', " Ben,", " we", ' are sorry."}', usage(9)],
  ['{"product":', '"lamp",', '"refund":', "50,", '"letter":', '"Dear', " Ben,", " here", ' it is."}', usage(9)],
]);

const execution = run(Answering, "My lamp is broken, I want 80 euros back", {
  create: () => new Answering((prompt) => model.ask(prompt)),
});
execution.stream$.subscribe((line) => console.log(`  ${line}`));
execution.on("chunk:start", ({ chunk: name, attempt }) => {
  if (name === "read") console.log(`attempt ${attempt}`);
});
execution.on("field:invalid", ({ field, raw }) => console.log(`  ${field} does not fit: ${JSON.stringify(raw)}`));
execution.on("model:finish", ({ finishReason, tokensSaved }) =>
  console.log(`  the generation has ended: ${finishReason}${tokensSaved ? `, ${tokensSaved} tokens saved` : ""}`),
);
console.log(await execution.result);

for (const { text, outcome, issues } of model.calls) {
  console.log(`\nthe model was told: ${JSON.stringify(issues ?? "nothing")}\nit wrote, ${outcome}: ${text}`);
}

function usage(outputTokens: number) {
  return { finish: "stop", usage: { outputTokens } };
}
