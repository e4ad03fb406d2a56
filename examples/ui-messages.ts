// A flow behind the chat protocol of the AI SDK: `useChat` in a page, or, as here, the SDK's own transport and reader.
import { createServer } from "node:http";
import type { AddressInfo } from "node:net";
import { json } from "node:stream/consumers";
import { type FlowMessage, ask, toUIMessageStream } from "@sluice/ai";
import { type ContextOf, type Execution, defineFlow, instant, run, start } from "@sluice/core";
import { chunk, flow, on } from "@sluice/decorators";
import { DefaultChatTransport, pipeUIMessageStreamToResponse, readUIMessageStream, tool } from "ai";
import { z } from "zod";
import { clerk } from "./clerk/clerk.ts";

const Mood = instant("mood", z.object({ mood: z.enum(["calm", "cross"]), why: z.string() }));
const spec = defineFlow({
  name: "desk",
  input: z.string(),
  stream: z.object({ note: z.string() }),
  state: z.object({ order: z.string().optional() }),
});
type Ctx = ContextOf<typeof spec>;

/** Whoever judges moods breaks off in mid-reply the first time. */
const judgements = ['{"mood":"calm","why":"They are', '{"mood":"cross","why":"It arrived broken."}'];

@flow(spec)
class Desk {
  @on(start)
  async answer(message: string, ctx: Ctx) {
    const findOrder = tool({
      inputSchema: z.object({ order: z.string() }),
      execute({ order }) {
        ctx.state.set("order", order);
        return { order, euros: 30 };
      },
    });
    const refund = tool({
      inputSchema: z.object({ order: z.string(), euros: z.number(), reason: z.string() }),
      execute: ({ order }) => ({ receipt: `R-${order}` }),
    });
    await ctx.text(ask(clerk, { prompt: message, tools: { findOrder, refund } }));
  }

  @chunk({ retry: { attempts: 2, delay: 10 } })
  @on(start)
  async judge(_message: string, ctx: Ctx) {
    await ctx.instant(Mood, [judgements.shift() ?? ""]);
  }

  @on(Mood.field("mood"))
  warn(mood: "calm" | "cross", ctx: Ctx) {
    ctx.putIntoStream({ note: `they seem ${mood}` });
  }
}

/** The executions that are going on or were, by chat. */
const executions = new Map<string, Execution<typeof spec>>();

// POST /chat sends a message; GET /chat/{id}/stream comes back for the answer
const server = createServer(async (request, response) => {
  let id = request.url?.split("/").at(-2) ?? "";
  if (request.method === "POST") {
    const sent = (await json(request)) as { readonly id: string; readonly messages: readonly FlowMessage[] };
    id = sent.id;
    executions.set(id, run(Desk, textOf(sent.messages.at(-1))));
  }
  const execution = executions.get(id);
  if (execution === undefined) return void response.writeHead(204).end();
  await pipeUIMessageStreamToResponse({ response, stream: toUIMessageStream(execution) });
});
await new Promise<void>((resolve) => void server.listen(0, "127.0.0.1", resolve));

const api = `http://127.0.0.1:${(server.address() as AddressInfo).port}/chat`;
const transport = new DefaultChatTransport<FlowMessage>({ api });
const question: FlowMessage = {
  id: "1",
  role: "user",
  parts: [{ type: "text", text: "My order A7 arrived broken. I want my money back." }],
};
const sending = { chatId: "chat-1", messageId: undefined, abortSignal: undefined, trigger: "submit-message" } as const;
const answer = await transport.sendMessages({ ...sending, messages: [question] });

let shown = "";
let last: FlowMessage | undefined;
for await (const message of readUIMessageStream<FlowMessage>({ stream: answer })) {
  last = message;
  const note = message.parts.findLast((part) => part.type === "data-item")?.data;
  if (note === undefined || JSON.stringify(note) === shown) continue;
  shown = JSON.stringify(note);
  console.log(`what is shown: ${shown}`);
}
console.log("\nThe message:");
for (const part of last?.parts ?? []) {
  if (part.type === "text") console.log(`text         ${part.text}`);
  else if (part.type === "data-field")
    console.log(`field        ${part.data.path} = ${JSON.stringify(part.data.value)}`);
  else if ("data" in part) console.log(`${part.type.padEnd(12)} ${JSON.stringify(part.data)}`);
  else if ("output" in part) console.log(`${part.type.padEnd(12)} ${JSON.stringify(part.output)}`);
}

const again = await transport.reconnectToStream({ chatId: "chat-1" });
let chunks = 0;
for await (const _chunk of again ?? []) chunks += 1;
console.log(`\nWho comes back gets it again: ${chunks} chunks`);
server.close();

function textOf(message: FlowMessage | undefined): string {
  return message?.parts.map((part) => (part.type === "text" ? part.text : "")).join("") ?? "";
}
