// Flows that chat, behind a real socket.
import { type ChatOptions, type HandlerOptions, chatRoutes } from "@sluice/server";
import { type FlowMessage, toUIMessageStream } from "@sluice/ai";
import { after, defineFlow, flow, instant, interrupt, start } from "@sluice/core";
import { scriptedModel } from "@sluice/testing";
import type { UIMessageChunk } from "ai";
import { z } from "zod";
import { type Served, serve } from "./served.ts";

const Triage = instant("triage", z.object({ topic: z.string(), urgent: z.boolean() }));
const Approval = interrupt("approval", {
  ask: z.string(),
  answer: z.object({ approved: z.boolean(), reason: z.string().optional() }),
});
const Question = z.string().min(1);

/** Reads a question, which stops in its middle until the gate opens, says something, and asks whether it may. */
export const desk = (gate: Promise<unknown> = Promise.resolve()) =>
  flow(defineFlow({ name: "desk", input: Question, stream: z.string(), result: z.string() }))
    .chunk("read", start, (question, ctx) => {
      async function* reply() {
        yield `{"topic":"${question}`;
        await gate;
        yield ' it is","urgent":true}';
      }
      return ctx.instant(Triage, reply());
    })
    .chunk("say", after("read"), (_, ctx) => ctx.text(scriptedModel([["One ", "moment."]])))
    .chunk("ask", after("say"), (_, ctx) => void ctx.interrupt(Approval, "May I?"))
    .chunk("send", Approval.answered, ({ approved, reason }, ctx) => {
      ctx.putIntoStream(approved ? "sent" : `dropped: ${reason}`);
      ctx.setResult("done");
    });

/** Says what it is told. */
export const quick = flow(defineFlow({ name: "quick", input: Question, stream: z.string(), result: z.string() })).chunk(
  "say",
  start,
  async (text, ctx) => ctx.setResult(await ctx.text(scriptedModel([[text, "!"]]))),
);

/** Shows an item, says something, and shows another item when the gate opens. */
export const slow = (gate: Promise<unknown>) =>
  flow(defineFlow({ name: "slow", input: Question, stream: z.string() }))
    .chunk("say", start, async (_, ctx) => {
      ctx.putIntoStream("one");
      await ctx.text(scriptedModel([["A ", "text ", "of ", "many ", "words"]]));
    })
    .chunk("show", after("say"), async (_, ctx) => {
      await gate;
      ctx.putIntoStream("two");
    });

/** Shows 3,000 items, and asks whether that was it. */
export const many = flow(defineFlow({ name: "many", input: Question, stream: z.string() }))
  .chunk("put", start, (_, ctx) => {
    for (let item = 0; item < 3_000; item += 1) ctx.putIntoStream(`${item}`);
    ctx.interrupt(Approval, "Is that it?");
  })
  .chunk("end", Approval.answered, () => {});

type Chatting = typeof many | ReturnType<typeof desk> | ReturnType<typeof slow> | typeof quick;

/** Serves a flow as a chat. */
export function chatting(
  one: Chatting,
  options: Partial<ChatOptions<Chatting>> = {},
  handler: Partial<HandlerOptions> = {},
  port = 0,
): Promise<Served> {
  const routes = [chatRoutes({ flow: one, input: ({ text }) => text, toStream: toUIMessageStream, ...options })];
  return serve({ flows: [one], routes, ...handler }, port);
}

/** Questions are tools to be approved. */
export const byApproval: ChatOptions<Chatting>["toStream"] = (execution, show) =>
  toUIMessageStream(execution, { ...show, question: () => "approval" });

export const user = (text: string, id = "u1"): FlowMessage => ({ id, role: "user", parts: [{ type: "text", text }] });
export const sending = { messageId: undefined, abortSignal: undefined, trigger: "submit-message" } as const;

/** Reads until a chunk says so. `rest` reads on, `leave` goes. */
export async function chunksUntil(stream: ReadableStream<UIMessageChunk>, last: (chunk: UIMessageChunk) => boolean) {
  const reader = stream.getReader();
  const more = async (isLast: (chunk: UIMessageChunk) => boolean): Promise<UIMessageChunk[]> => {
    const chunks: UIMessageChunk[] = [];
    for (let next = await reader.read(); !next.done; next = await reader.read()) {
      chunks.push(next.value);
      if (isLast(next.value)) break;
    }
    return chunks;
  };
  return { seen: await more(last), rest: () => more(() => false), leave: () => reader.cancel() };
}
