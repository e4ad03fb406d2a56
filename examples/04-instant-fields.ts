// A field of a structured reply triggers a chunk while the model is still writing the rest.
import { ask } from "@sluice/ai";
import { type ContextOf, type Field, defineFlow, instant, run, start } from "@sluice/core";
import { flow, on } from "@sluice/decorators";
import { z } from "zod";
import { chooseModel } from "./model.ts";

const Triage = instant(
  "triage",
  z.object({
    category: z.enum(["billing", "account", "shipping", "product"]),
    summary: z.string(),
    steps: z.array(z.string()).min(1),
  }),
);
const spec = defineFlow({ name: "fields", input: z.string(), stream: z.string() });
type Ctx = ContextOf<typeof spec>;

const { model, note } = await chooseModel();

@flow(spec)
class Fields {
  @on(start)
  read(ticket: string, ctx: Ctx) {
    return ctx.instant(Triage, ask(model, { prompt: ticket, temperature: 0 }));
  }

  @on(Triage.field("category"))
  route(category: Field<typeof Triage, "category">, ctx: Ctx) {
    ctx.putIntoStream(`category is complete: ${category}`);
  }

  @on(Triage.delta("summary"))
  show(text: string, ctx: Ctx) {
    ctx.putIntoStream(`summary goes on: ${JSON.stringify(text)}`);
  }

  @on(Triage.field("steps[*]"))
  plan(step: string, ctx: Ctx) {
    ctx.putIntoStream(`${ctx.signal.path} is complete: ${step}`);
  }
}

console.log(`${note}\n`);
const execution = run(Fields, "Hello, my desk lamp flickers all the time. Can you help me? Best, Ben");
execution.stream$.subscribe((line) => console.log(line));
execution.on("model:finish", ({ usage }) => console.log(`the model has finished: ${usage.outputTokens} tokens`));
console.log(await execution.result);
