// A flow that writes, asks a person, and counts nudges: what server tests serve.
import { after, defineFlow, event, flow, interrupt, start } from "@sluice/core";
import { z } from "zod";
import { isWait, messages, send } from "./served.ts";

const Approval = interrupt("approval", { ask: z.string(), answer: z.object({ ok: z.boolean() }) });
const Nudge = event("nudge", z.object({ by: z.string() }));

export const letter = flow(
  defineFlow({
    name: "letter",
    input: z.object({ to: z.string() }),
    state: z.object({ nudges: z.number().default(0) }),
    stream: z.string(),
    result: z.string(),
    accepts: [Nudge],
  }),
)
  .chunk("write", start, ({ to }, ctx) => {
    for (const word of ["Dear", to]) ctx.putIntoStream(word);
    return to;
  })
  .chunk("ask", after("write"), (to, ctx) => void ctx.interrupt(Approval, `Dear ${to}`))
  .chunk("count", Nudge, (_, ctx) => ctx.state.update((state) => void (state.nudges += 1)))
  .chunk("send", Approval.answered, ({ ok }, ctx) => ctx.setResult(ok ? "sent" : "dropped"));

/** The question that it asks. */
export const question = "approval@a2";

/** Starts one over HTTP, and waits until it asks. @returns its id */
export async function begun(url: string, headers: Record<string, string> = {}, to = "Ann"): Promise<string> {
  const init = { headers: { "content-type": "application/json", ...headers } };
  const { body } = await send(`${url}/flows/letter/executions`, { input: { to } }, init);
  const id = body.executionId as string;
  await messages(`${url}/executions/${id}/stream`, isWait, headers);
  return id;
}
