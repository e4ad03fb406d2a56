import { z } from "zod";
import { type BodyLimits, jsonBody } from "../request/json-body.ts";
import { Refusal } from "../request/problem.ts";

/** One message of a chat, as a client sends it: a `UIMessage` of the AI SDK. Nobody has checked who wrote it. */
export interface ChatMessage {
  readonly id: string;
  readonly role: "system" | "user" | "assistant";
  readonly parts: readonly { readonly type: string; readonly [key: string]: unknown }[];
  readonly metadata?: unknown;
}

/** What a client of a chat asks for. */
export interface ChatRequest {
  /** The chat's id, as the client has chosen it; undefined where it sends none. */
  readonly id: string | undefined;
  /** At least one. */
  readonly messages: readonly ChatMessage[];
  /** The text of the user's last message; empty where there is none. */
  readonly text: string;
  readonly trigger: "submit-message" | "regenerate-message";
  /** The message that is to be written again. */
  readonly messageId: string | undefined;
  /** All that was sent, with what the page has put into `body`. */
  readonly body: Readonly<Record<string, unknown>>;
}

/** What the client says that a person has answered. */
export interface GivenAnswer {
  /** The question's id. */
  readonly id: string;
  readonly answer: unknown;
}

const Message = z.looseObject({
  id: z.string(),
  role: z.enum(["system", "user", "assistant"]),
  parts: z.array(z.looseObject({ type: z.string() })),
});
const Sent = z.object({
  id: z.string().min(1).max(256).optional(),
  messages: z.array(Message).min(1).optional(),
  message: Message.optional(),
  trigger: z.enum(["submit-message", "regenerate-message"]).default("submit-message"),
  messageId: z.string().nullish(),
});

/** Reads what a client of a chat sends: all its messages, or the last as `message`. @throws Refusal 400, 413, 415 */
export async function chatRequest(request: Request, limits: BodyLimits): Promise<ChatRequest> {
  const body = await jsonBody(request, limits, isOfOwnPage(request));
  const { data, error } = Sent.safeParse(body);
  const messages = data?.messages ?? (data?.message === undefined ? [] : [data.message]);
  if (data === undefined || messages.length === 0) {
    const issue = error?.issues[0];
    const where = issue === undefined ? "messages" : issue.path.join(".");
    throw new Refusal({
      status: 400,
      code: "chat-invalid",
      title: `The body is no request of a chat: ${where}: ${issue?.message ?? "there are none"}`,
      mend: "Send what the AI SDK's DefaultChatTransport sends: { id, messages, trigger, messageId }",
    });
  }
  const { id, trigger, messageId } = data;
  const text = textOf(messages.findLast(({ role }) => role === "user"));
  return { id, messages, text, trigger, messageId: messageId ?? undefined, body };
}

/** What a message says that people have answered, to whatever question. */
export function answersIn({ parts }: ChatMessage): readonly GivenAnswer[] {
  return parts.flatMap(({ toolCallId: id, state, output, approval }): GivenAnswer[] => {
    if (typeof id !== "string") return [];
    if (state === "output-available") return [{ id, answer: output }];
    if (state !== "approval-responded") return [];
    const { approved, reason } = Object(approval) as { readonly approved?: unknown; readonly reason?: unknown };
    return [{ id, answer: { approved, ...(typeof reason === "string" && { reason }) } }];
  });
}

function textOf(message: ChatMessage | undefined): string {
  return (message?.parts ?? []).map(({ type, text }) => (type === "text" ? String(text) : "")).join("");
}

/** Browsers name the page that sends; what does not come from one has no rights of a user's that it could misuse. */
function isOfOwnPage({ headers, url }: Request): boolean {
  const site = headers.get("sec-fetch-site");
  if (site !== null) return site === "same-origin";
  const origin = headers.get("origin");
  return origin === null || origin === new URL(url).origin;
}
