import { type ContextOf, type Payload, defineFlow, interrupt, start } from "@sluice/core";
import { flow, on } from "@sluice/decorators";
import { z } from "zod";

const Approval = interrupt("approval", { ask: z.string(), answer: z.object({ approved: z.boolean() }) });
const spec = defineFlow({
  name: "letter",
  input: z.object({ to: z.string() }),
  stream: z.string(),
  result: z.string(),
});
type Ctx = ContextOf<typeof spec>;

/** A letter that is posted when somebody has approved of it. */
@flow(spec)
export class Letter {
  @on(start)
  write({ to }: { to: string }, ctx: Ctx) {
    for (const word of ["Dear", to]) ctx.putIntoStream(word);
    ctx.interrupt(Approval, `Dear ${to}, your parcel is here.`);
  }

  @on(Approval.answered)
  send({ approved }: Payload<typeof Approval.answered>, ctx: Ctx) {
    ctx.setResult(approved ? "sent" : "dropped");
  }
}
