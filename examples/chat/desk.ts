import { ask } from "@sluice/ai";
import { type ContextOf, type Field, type Payload, after, defineFlow, instant, interrupt, start } from "@sluice/core";
import { flow, on } from "@sluice/decorators";
import type { LanguageModel } from "ai";
import { z } from "zod";
import { Shop } from "../support/shop.ts";

/** What the model makes of a ticket. */
export const Triage = instant(
  "triage",
  z.object({
    category: z.enum(["billing", "account", "shipping", "product"]),
    urgency: z.enum(["low", "medium", "high"]),
    product: z.string(),
    customer: z.string(),
    summary: z.string(),
    reply: z.string(),
  }),
);

/** Nothing is sent that nobody has read. */
export const SendReply = interrupt("sendReply", {
  ask: z.object({ to: z.string() }),
  answer: z.object({ approved: z.boolean(), reason: z.string().optional() }),
});

const spec = defineFlow({
  name: "desk",
  input: z.object({ ticket: z.string().min(1) }),
  stream: z.string(),
  result: z.object({ sent: z.boolean() }),
});
type Ctx = ContextOf<typeof spec>;

/** A customer's message in, a reply out that a person has approved. */
@flow(spec)
export class Desk {
  readonly #shop = new Shop();
  readonly #model: LanguageModel;

  constructor(model: LanguageModel) {
    this.#model = model;
  }

  @on(start)
  read({ ticket }: { ticket: string }, ctx: Ctx) {
    const instructions = "Triage this support ticket of a web shop, and write the reply.";
    return ctx.instant(Triage, ask(this.#model, { instructions, prompt: ticket, temperature: 0 }));
  }

  @on(Triage.field("urgency"), { when: (urgency) => urgency === "high" })
  page(_urgency: Field<typeof Triage, "urgency">, ctx: Ctx) {
    ctx.putIntoStream("Urgent: the team has been told");
  }

  @on(Triage.field("product")) // while the model is still writing the rest
  async lookUp(product: string, ctx: Ctx) {
    const record = await this.#shop.product(product, ctx.abortSignal);
    ctx.putIntoStream(`${product}: ${record}`);
  }

  @on(after("read"))
  review({ customer }: z.infer<(typeof Triage)["schema"]>, ctx: Ctx) {
    ctx.interrupt(SendReply, { to: customer });
  }

  @on(SendReply.answered)
  send({ approved }: Payload<typeof SendReply.answered>, ctx: Ctx) {
    ctx.putIntoStream(approved ? "The reply is on its way" : "The reply was dropped");
    ctx.setResult({ sent: approved });
  }
}
