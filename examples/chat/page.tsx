// The page: `useChat` of the AI SDK, as it is. It runs in the browser.
import { useChat } from "@ai-sdk/react";
import type { FlowMessage } from "@sluice/ai";
import { DefaultChatTransport, lastAssistantMessageIsCompleteWithApprovalResponses } from "ai";
import { useEffect, useState } from "react";
import { createRoot } from "react-dom/client";

type Message = FlowMessage<string>;
type Part = Message["parts"][number];

const transport = new DefaultChatTransport<Message>({ api: "/api/chat" });
const tickets = [
  "Hello, my invoice was charged twice. I am really upset. I need it today. Regards, Nils",
  "Hi there, the coffee maker I bought 12 days ago leaks water. Can you help me? Best, Ana",
  "Hi, since 3 days my headphones do not charge. Otherwise I love your shop. Zoe",
];

/** The chat's id is in the address, its messages are in the tab: after a reload the page goes on where it was. */
const id = location.hash.slice(1) || Math.random().toString(36).slice(2);
location.hash = id;
const kept = JSON.parse(sessionStorage.getItem(id) ?? "[]") as Message[];

function Desk() {
  const { messages, sendMessage, status, stop, error, addToolApprovalResponse } = useChat<Message>({
    id,
    transport,
    messages: kept,
    resume: kept.length > 0,
    sendAutomaticallyWhen: lastAssistantMessageIsCompleteWithApprovalResponses,
  });
  const [text, setText] = useState("");
  const isBusy = status === "submitted" || status === "streaming";
  useEffect(() => {
    sessionStorage.setItem(id, JSON.stringify(messages));
    scrollTo(0, document.body.scrollHeight);
  }, [messages]);

  const send = (ticket: string): void => {
    if (ticket.trim() === "" || isBusy) return;
    void sendMessage({ text: ticket });
    setText("");
  };
  const cancel = async (): Promise<void> => {
    const init = { method: "POST", headers: { "content-type": "application/json" }, body: "{}" };
    await fetch(`/api/chat/${id}/cancel`, init); // leaving the stream alone would let the flow go on
    await stop();
  };

  return (
    <main>
      <h1>
        Support desk <small>each field is here as soon as the model has written it</small>
      </h1>
      {messages.map((message) =>
        message.role === "user" ? (
          <div key={message.id} className="mine">
            {message.parts.map((part) => (part.type === "text" ? part.text : ""))}
          </div>
        ) : (
          <Answer key={message.id} message={message} answer={addToolApprovalResponse} />
        ),
      )}
      {messages.length === 0 &&
        tickets.map((ticket) => (
          <button key={ticket} className="try" onClick={() => send(ticket)}>
            {ticket}
          </button>
        ))}
      {error && <div className="error">{error.message}</div>}
      <form
        onSubmit={(event) => {
          event.preventDefault();
          send(text);
        }}
      >
        <input value={text} onChange={(event) => setText(event.target.value)} placeholder="A customer's message" />
        {isBusy ? (
          <button type="button" onClick={() => void cancel()}>
            Stop
          </button>
        ) : (
          <button className="main">Send</button>
        )}
      </form>
    </main>
  );
}

interface AnswerProps {
  readonly message: Message;
  readonly answer: (response: { id: string; approved: boolean }) => unknown;
}

function Answer({ message: { parts }, answer }: AnswerProps) {
  return (
    <div className="card" data-testid="answer">
      <dl>
        {["category", "urgency", "product", "customer", "summary"].map((path) => (
          <Field key={path} path={path} part={parts.find((part) => isField(part) && part.data.path === path)} />
        ))}
      </dl>
      {parts.map((part, index) => (
        <Shown key={index} part={part} answer={answer} />
      ))}
    </div>
  );
}

function Field({ path, part }: { readonly path: string; readonly part: Part | undefined }) {
  const data = part !== undefined && isField(part) ? part.data : undefined;
  return (
    <div className={path === "summary" ? "wide" : ""}>
      <dt>{path}</dt>
      <dd id={path} className={data?.state ?? "empty"}>
        {data === undefined ? "" : String(data.value)}
      </dd>
    </div>
  );
}

function Shown({ part, answer }: { readonly part: Part; readonly answer: AnswerProps["answer"] }) {
  if (part.type === "text") {
    return <blockquote className={part.state === "streaming" ? "writing" : ""}>{part.text}</blockquote>;
  }
  if (part.type === "data-item") return <div className="note">{part.data}</div>;
  if (part.type !== "tool-sendReply" || !("approval" in part) || part.state !== "approval-requested") return null;
  const { id: approvalId } = part.approval;
  const { to } = part.input as { to: string };
  return (
    <div className="asks">
      <span>Is this reply to be sent{to === "unknown" ? "" : ` to ${to}`}?</span>
      <button onClick={() => answer({ id: approvalId, approved: false })}>Drop</button>
      <button className="main" onClick={() => answer({ id: approvalId, approved: true })}>
        Send it
      </button>
    </div>
  );
}

function isField(part: Part): part is Extract<Part, { type: "data-field" }> {
  return part.type === "data-field";
}

const root = document.querySelector("#root");
if (root !== null) createRoot(root).render(<Desk />);
