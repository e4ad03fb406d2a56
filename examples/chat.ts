// A chat in a page: `useChat` of the AI SDK against a flow, whose fields fill in while the model writes. At a terminal it
// serves the page; otherwise a client in the same process does what the page does.
import type { FlowMessage } from "@sluice/ai";
import { DefaultChatTransport, readUIMessageStream } from "ai";
import { serveChat } from "./chat/server.ts";
import { chooseModel } from "./model.ts";

type Message = FlowMessage<string>;
const isServed = process.stdin.isTTY === true;
const { model, note } = await chooseModel(process.env, isServed ? { tokensPerSecond: 40 } : {});
const chat = await serveChat(model, isServed ? 3000 : 0);
if (isServed) console.log(`${note}\nOpen ${chat.url} (Ctrl+C ends it)`);
else {
  await talk();
  await chat[Symbol.asyncDispose]();
}

async function talk(): Promise<void> {
  const transport = new DefaultChatTransport<Message>({ api: `${chat.url}/api/chat` });
  const text = "Hi there, the coffee maker I bought 12 days ago leaks water. Can you help me? Best, Ana";
  const messages: Message[] = [{ id: "1", role: "user", parts: [{ type: "text", text }] }];
  const shown = new Set<string>();
  const print = (lines: readonly string[]): void => {
    for (const line of lines) if (!shown.has(line)) console.log(line);
    for (const line of lines) shown.add(line);
  };
  const send = async (): Promise<void> => {
    const stream = await transport.sendMessages({
      chatId: "chat-1",
      messages,
      trigger: "submit-message",
      messageId: undefined,
      abortSignal: undefined,
    });
    const message = messages.find(({ role }) => role === "assistant");
    for await (const next of readUIMessageStream<Message>({ stream, ...(message && { message }) })) {
      messages[1] = next;
      print(next.parts.flatMap(lineOf));
    }
    print(messages.at(-1)?.parts.flatMap(noteOf) ?? []);
  };

  console.log(`> ${text}`);
  await send();
  console.log("> yes");
  const [question, asking] = messages;
  if (question === undefined || asking === undefined) return;
  const parts = asking.parts.map((part) =>
    "approval" in part && part.state === "approval-requested"
      ? { ...part, state: "approval-responded" as const, approval: { id: part.approval.id, approved: true } }
      : part,
  );
  messages[1] = { ...asking, parts };
  await send();
}

/** What is settled of a part, as a line. */
function lineOf(part: Message["parts"][number]): string[] {
  if (part.type === "data-field" && part.data.state === "complete")
    return [`${part.data.path}: ${String(part.data.value)}`];
  if (part.type === "text" && part.state === "done") return [`reply: ${part.text}`];
  if ("approval" in part && part.state === "approval-requested")
    return [`asks: ${part.type} ${JSON.stringify(part.input)}`];
  return [];
}

/** What the flow has put into its stream: a look-up takes its time, and comes between what the model writes. */
function noteOf(part: Message["parts"][number]): string[] {
  return part.type === "data-item" ? [`note: ${part.data}`] : [];
}
