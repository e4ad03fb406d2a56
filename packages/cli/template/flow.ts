// A customer's note in, an answer out. Chunks start on single fields, while the model is still writing.
import { setTimeout } from "node:timers/promises";
import {
  type ContextOf,
  type Field,
  type Payload,
  after,
  all,
  defineFlow,
  gather,
  instant,
  interrupt,
  start,
} from "@sluice/core";
import { chunk, flow, on } from "@sluice/decorators";
import { z } from "zod";
import { pauseMs, scriptedModel } from "./model.ts";

/** What the model writes. Each field is a trigger as soon as it is complete. */
const Triage = instant(
  "triage",
  z.object({
    topic: z.enum(["complaint", "question"]),
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
  state: z.object({ urgent: z.boolean().default(false) }),
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
    ctx.state.set("urgent", true);
    ctx.putIntoStream("somebody is told that it is urgent");
  }

  @chunk({ concurrency: 2, retry: { attempts: 2 } })
  @on(Triage.field("steps[*]"))
  async plan(step: Field<typeof Triage, "steps[*]">, ctx: Ctx) {
    await setTimeout(pauseMs * 6, undefined, { signal: ctx.abortSignal });
    ctx.putIntoStream(`planned: ${step}`);
    return step;
  }

  @on(all(after("read"), gather("plan")))
  draft([triage, steps]: [z.infer<typeof Triage.schema>, string[]], ctx: Ctx) {
    const reply = `Thank you for your ${triage.topic}. We will ${steps.join(", then ")}.`;
    ctx.interrupt(Approval, { reply });
    return reply;
  }

  @on(all(after("draft"), Approval.answered))
  send([reply, { send }]: [string, Payload<typeof Approval.answered>]) {
    return { sent: send, reply };
  }
}
