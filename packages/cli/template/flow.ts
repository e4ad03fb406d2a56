// A customer's note in, an answer out. Chunks start on single fields, while the model is still writing.
import { setTimeout } from "node:timers/promises";
import { type ContextOf, type Field, type Payload, defineFlow, gather, instant, interrupt, start } from "@sluice/core";
import { chunk, flow, on } from "@sluice/decorators";
import { z } from "zod";
import { pauseMs, scriptedModel } from "./model.ts";

/** What the model writes. Each field is a trigger as soon as it is complete. */
const Triage = instant(
  "triage",
  z.object({
    topic: z.enum(["return", "question"]),
    urgency: z.enum(["low", "high"]),
    summary: z.string(),
    steps: z.array(z.string()),
  }),
);

/** What a person is asked before anything is sent. */
const Approval = interrupt("approval", {
  ask: z.object({ reply: z.string() }),
  answer: z.object({ send: z.boolean().describe("Send it?") }),
});

const spec = defineFlow({
  name: "support",
  input: z.object({ from: z.string(), text: z.string() }),
  state: z.object({ reply: z.string().default("") }),
  stream: z.string(),
  result: z.object({ sent: z.boolean(), reply: z.string() }),
});
type Ctx = ContextOf<typeof spec>;

@flow(spec)
export class Support {
  @on(start)
  read(note: { from: string; text: string }, ctx: Ctx) {
    return ctx.instant(Triage, scriptedModel(note));
  }

  @on(Triage.field("urgency"), { when: (urgency) => urgency === "high" })
  alert(_urgency: Field<typeof Triage, "urgency">, ctx: Ctx) {
    ctx.putIntoStream("somebody is told that it is urgent");
  }

  @chunk({ concurrency: 2, retry: { attempts: 2 } })
  @on(Triage.field("steps[*]"))
  async plan(step: Field<typeof Triage, "steps[*]">, ctx: Ctx) {
    await setTimeout(pauseMs * 6, undefined, { signal: ctx.abortSignal });
    ctx.putIntoStream(`planned: ${step}`);
    return step;
  }

  @on(gather("plan"))
  draft(steps: string[], ctx: Ctx) {
    const reply = `Thank you for your note. We will ${steps.join(", then ")}.`;
    ctx.state.set("reply", reply);
    ctx.interrupt(Approval, { reply });
  }

  @on(Approval.answered)
  send({ send }: Payload<typeof Approval.answered>, ctx: Ctx) {
    ctx.setResult({ sent: send, reply: ctx.state.get("reply") });
  }
}
