import { ask } from "@sluice/ai";
import { type ContextOf, type Field, type Payload, defineFlow, start } from "@sluice/core";
import { chunk, flow, on } from "@sluice/decorators";
import type { LanguageModel } from "ai";
import { z } from "zod";
import type { Article, Shop } from "./shop.ts";
import { Escalated, Ticket, Triage } from "./triage.ts";

const spec = defineFlow({
  name: "support-triage",
  input: Ticket,
  state: z.object({ product: z.string().optional(), paged: z.string().optional() }),
  stream: z.discriminatedUnion("type", [
    z.object({ type: z.literal("summary"), text: z.string() }),
    z.object({ type: z.literal("article"), step: z.string(), title: z.string() }),
    z.object({ type: z.literal("paged"), reason: z.string() }),
  ]),
  result: z.object({ reply: z.string(), articles: z.array(z.string()) }),
});
type Ctx = ContextOf<typeof spec>;

/** A support ticket in, a drafted answer out. Most of it starts while the model is still writing. */
@flow(spec)
export class SupportTriage {
  readonly #model: LanguageModel;
  readonly #shop: Shop;
  readonly #articles: Promise<Article>[] = [];

  constructor(model: LanguageModel, shop: Shop) {
    this.#model = model;
    this.#shop = shop;
  }

  @on(start)
  read(ticket: z.infer<typeof Ticket>, ctx: Ctx) {
    const instructions = "Triage this support ticket of a web shop. Steps are what the support agent does, 2 to 4.";
    return ctx.instant(Triage, ask(this.#model, { instructions, prompt: ticket.text, temperature: 0 }));
  }

  @on(Triage.field("product"))
  async lookUp(product: string, ctx: Ctx) {
    ctx.state.set("product", await this.#shop.product(product, ctx.abortSignal));
  }

  @chunk({ emits: [Escalated] })
  @on(Triage.field("urgency"), { when: (urgency) => urgency === "high" })
  escalate(urgency: Field<typeof Triage, "urgency">, ctx: Ctx) {
    ctx.emit(Escalated, { reason: `urgency is ${urgency}` });
  }

  @on(Escalated)
  page({ reason }: Payload<typeof Escalated>, ctx: Ctx) {
    ctx.state.set("paged", reason);
    ctx.putIntoStream({ type: "paged", reason });
  }

  @on(Triage.delta("summary"))
  show(text: string, ctx: Ctx) {
    ctx.putIntoStream({ type: "summary", text });
  }

  @on(Triage.field("steps[*]"))
  async pick(step: string, ctx: Ctx) {
    const article = this.#shop.articleFor(step, ctx.abortSignal);
    this.#articles.push(article);
    ctx.putIntoStream({ type: "article", step, title: (await article).title });
  }

  @on(Triage.done)
  async draft(triage: Payload<typeof Triage.done>, ctx: Ctx) {
    const articles = (await Promise.all(this.#articles)).map(({ id, title }) => `${id} ${title}`);
    const plan = triage.steps.join(", then ");
    ctx.setResult({ reply: `${triage.summary} We will ${plan}.`, articles: [...new Set(articles)] });
  }
}
