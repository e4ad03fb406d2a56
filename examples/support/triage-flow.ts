import { ask } from "@sluice/ai";
import { type ContextOf, type Field, type Payload, after, all, defineFlow, gather, start } from "@sluice/core";
import { chunk, flow, on } from "@sluice/decorators";
import type { LanguageModel } from "ai";
import { z } from "zod";
import type { Article, Shop } from "./shop.ts";
import { Escalated, Ticket, Triage } from "./triage.ts";

/** What was found for one step. */
interface Finding {
  readonly step: string;
  readonly article: Article;
}

const spec = defineFlow({
  name: "support-triage",
  input: Ticket,
  state: z.object({ product: z.string().optional(), paged: z.string().optional() }),
  stream: z.discriminatedUnion("type", [
    z.object({ type: z.literal("summary"), text: z.string() }),
    z.object({ type: z.literal("article"), step: z.string(), title: z.string() }),
    z.object({ type: z.literal("paged"), reason: z.string() }),
    z.object({ type: z.literal("plan"), text: z.string() }),
  ]),
  result: z.object({ reply: z.string(), articles: z.array(z.string()) }),
});
type Ctx = ContextOf<typeof spec>;

/** A support ticket in, a drafted answer out. Most of it starts while the model is still writing. */
@flow(spec)
export class SupportTriage {
  readonly #model: LanguageModel;
  readonly #shop: Shop;

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

  @chunk({ concurrency: 4 })
  @on(Triage.field("steps[*]")) // a fan-out over an array that is still growing
  async research(step: string, ctx: Ctx): Promise<Finding> {
    const article = await this.#shop.articleFor(step, ctx.abortSignal);
    ctx.putIntoStream({ type: "article", step, title: article.title });
    return { step, article };
  }

  @on(gather("research")) // its join: all findings, in the order of the steps, once
  draft(findings: Finding[]) {
    const steps = findings.map(({ step, article }) => `${step} (${article.id})`);
    const articles = findings.map(({ article }) => `${article.id} ${article.title}`);
    return { plan: `We will ${steps.join(", then ")}.`, articles: [...new Set(articles)] };
  }

  @on(after("draft"))
  preview({ plan }: { plan: string }, ctx: Ctx) {
    ctx.putIntoStream({ type: "plan", text: plan });
  }

  @on(all(after("draft"), Triage.field("summary"))) // whichever comes last
  answer([{ plan, articles }, summary]: [{ plan: string; articles: string[] }, string], ctx: Ctx) {
    ctx.setResult({ reply: `${summary} ${plan}`, articles });
  }
}
