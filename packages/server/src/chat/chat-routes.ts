import { type Execution, type RunInput, type Runnable, type SpecOf, compile } from "@sluice/core";
import type { Context } from "hono";
import { type ChatRequest, answersIn, chatRequest } from "./chat-request.ts";
import { ChatTurns, type TurnOptions, nothingAsked } from "./chat-turns.ts";
import { type ChunkStreamOptions, chunkStream } from "../stream/chunk-stream.ts";
import { emptyStream } from "../stream/event-stream.ts";
import { type Listed, isEnded, serverCloses } from "../hosting/hosted.ts";
import { jsonBody } from "../request/json-body.ts";
import { Refusal } from "../request/problem.ts";
import type { Routes } from "../routes/served.ts";

/** What a message is to show of its execution. To be handed on: `(execution, show) => toUIMessageStream(execution, { ...show, … })`. */
export interface ChatShow {
  /** It ends where the execution waits for people, too: the client is to answer then. */
  readonly until: "waiting";
  /** What has been dropped of the log is told, and fails nothing. */
  readonly lag: "gap";
  /** All of it in place of what the client has of the message. */
  readonly anew: boolean;
}

/** How a flow is served as a chat. */
export interface ChatOptions<F extends Runnable> extends TurnOptions {
  /** One of the handler's flows. Each message of the user runs it once. */
  readonly flow: F;
  /** What the flow is run with. */
  readonly input: (request: ChatRequest) => RunInput<F> | Promise<RunInput<F>>;
  /** An execution as a message: `toUIMessageStream` of `@sluice/ai`. */
  readonly toStream: (execution: Execution<SpecOf<F>>, show: ChatShow) => ReadableStream<object>;
  /** Where the routes are, behind the handler's `basePath`. @default "/chat" */
  readonly path?: string;
}

/**
 * Serves a flow to `useChat` of the AI SDK, with its `DefaultChatTransport` or `WorkflowChatTransport`: `POST /chat` sends a
 * message or answers questions, `GET /chat/:id/stream` comes back for what is being written, `POST /chat/:id/cancel` ends it.
 *
 * @throws FlowDefinitionError when the flow has problems
 * @see docs/chat.md
 * @see https://ai-sdk.dev/docs/ai-sdk-ui/stream-protocol
 */
export function chatRoutes<F extends Runnable>(options: ChatOptions<F>): Routes {
  const { path = "/chat", owner = () => "", cancelOn = [], keepEnded = 100 } = options;
  const { flow } = compile(options.flow);
  return (app, { hosted, body, stream, closing, count, admit, watch, shown: seen }) => {
    const turns = new ChatTurns(hosted, flow, keepEnded);

    app.post(path, async (context) => {
      const request = await chatRequest(context.req.raw, body);
      const last = request.messages.at(-1);
      await count(context, last?.role === "assistant" ? "answer" : "start");
      const key = request.id === undefined ? undefined : await keyOf(context, request.id);
      const asked = last?.role === "assistant" ? await byId(context, last.id, key) : undefined;
      const target = { flow, ...(asked && { executionId: asked.executionId }), ...named(request.id) };
      await admit(context, asked === undefined ? "start" : "answer", target);
      return shown(context, async () => {
        if (asked !== undefined) return { execution: await answered(asked, request), anew: true };
        const input = await options.input(request);
        if (key !== undefined && cancelOn.includes("message")) await turns.overtake(key);
        return { execution: await turns.start(input, key), anew: false };
      });
    });

    app.get(`${path}/:chat/stream`, async (context) => {
      const from = indexOf(context.req.query("startIndex"));
      const found = await meant(context, "stream");
      if (closing.aborted) throw serverCloses();
      if (found === undefined || (from === undefined && isEnded(found))) return context.body(null, 204);
      if (context.req.method === "HEAD") return emptyStream();
      return shown(context, async () => {
        const execution = await turns.get(found);
        if (from === undefined || from === 0) return { execution, anew: false };
        // the message is one step: who wants a part of its end gets the step from its beginning
        if (from < 0) return { execution, anew: false, headers: { "x-workflow-stream-tail-index": `${-from - 1}` } };
        const isExact = from > 1 && turns.isWhole(execution);
        return isExact ? { execution, anew: false, skip: from } : { execution, anew: true };
      });
    });

    app.post(`${path}/:chat/cancel`, async (context) => {
      await jsonBody(context.req.raw, body);
      const found = await meant(context, "cancel");
      if (found === undefined) throw new Refusal({ status: 404, code: "chat-unknown", title: "There is no such chat" });
      const execution = await turns.get(found);
      execution.cancel("stopped by the user");
      await execution.stored();
      return context.json({ executionId: execution.id, status: execution.status }, 202);
    });

    async function keyOf(context: Context, chat: string): Promise<string> {
      return turns.key(chat, await owner(context.req.raw));
    }

    /** The execution with this id: of the chat with this key, or of none that is another's. */
    async function byId(context: Context, id: string, key: string | undefined): Promise<Listed | undefined> {
      return key === undefined ? turns.findOf(await owner(context.req.raw), id) : turns.find(id, key);
    }

    /** The execution that an address means: by its own id, or as the last turn of the chat with that id. @throws Refusal 403 */
    async function meant(context: Context, action: "stream" | "cancel"): Promise<Listed | undefined> {
      const name = context.req.param("chat") ?? "";
      await count(context, action);
      const found = (await byId(context, name, undefined)) ?? (await turns.latest(await keyOf(context, name)));
      const chat = found?.executionId === name ? {} : named(name);
      await admit(context, action, { flow, ...chat, ...(found !== undefined && { executionId: found.executionId }) });
      return found;
    }

    /** An execution that has taken in what a message answers. @throws Refusal 409, 503 */
    async function answered(found: Listed, { messages }: ChatRequest): Promise<Execution> {
      const { executionId } = found;
      const execution = await turns.get(found);
      const last = messages.at(-1);
      const given = new Map((last === undefined ? [] : answersIn(last)).map((one) => [one.id, one.answer]));
      for (const one of given.keys()) {
        if (one.startsWith(`${executionId}:`)) await hosted.asked(execution, one.slice(executionId.length + 1));
      }
      const asked = execution.interrupts.filter((question) => given.has(`${executionId}:${question.id}`));
      if (asked.length === 0 && isEnded(execution)) throw nothingAsked(executionId);
      for (const { id: question } of asked) execution.resume(question, given.get(`${executionId}:${question}`));
      await execution.stored();
      return execution;
    }

    /** What of a message is shown, where the client may open one more stream: nothing is done before. @throws Refusal 429 */
    async function shown(context: Context, what: () => Promise<Shown>): Promise<Response> {
      const watching = watch(context);
      const { execution, anew, ...how } = await what();
      const show = { until: "waiting", lag: "gap", anew } as const;
      return chunkStream(options.toStream(seen(execution) as Execution<SpecOf<F>>, show), watching, {
        ...stream,
        ...how,
        end,
        ...(cancelOn.includes("leave") && { onLeave: () => execution.cancel("the client left") }),
        headers: { ...how.headers, "x-vercel-ai-ui-message-stream": "v1", "x-workflow-run-id": execution.id },
      });
    }
  };
}

/** Of an execution's message: what of it. */
interface Shown extends Pick<ChatShow, "anew">, Pick<ChunkStreamOptions, "skip" | "headers"> {
  readonly execution: Execution;
}

/** Clients that go on by an index ask until they have had a `finish`. */
function end(last: unknown): string {
  const isFinished = (Object(last) as { readonly type?: unknown }).type === "finish";
  return `${isFinished ? "" : `data: ${JSON.stringify({ type: "finish" })}\n\n`}data: [DONE]\n\n`;
}

function named(chat: string | undefined): { readonly chat?: string } {
  return chat === undefined ? {} : { chat };
}

function indexOf(text: string | undefined): number | undefined {
  if (text === undefined) return undefined;
  const index = Number(text);
  if (text !== "" && Number.isSafeInteger(index)) return index;
  throw new Refusal({ status: 400, code: "index-invalid", title: "`startIndex` is not a whole number" });
}
