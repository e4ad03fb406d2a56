import { once } from "node:events";
import { type ServerResponse, createServer } from "node:http";
import type { AddressInfo } from "node:net";
import { json } from "node:stream/consumers";
import { setTimeout as wait } from "node:timers/promises";
import { createOpenAI } from "@ai-sdk/openai";
import type { LanguageModelV4 } from "@ai-sdk/provider";

/** One answer, given once: to the first request whose last message has `asked` in it. */
export interface Line {
  readonly asked: string;
  /** What is written, token by token: a text, or the object of a structured reply. */
  readonly writes: unknown;
}

/** What a model does when it is asked: it plays its lines, or refuses each request. */
export type Part = readonly Line[] | { readonly refuses: number; readonly retryAfterSeconds?: number };

/** What became of a request, as the provider saw it. */
export interface Served {
  /** Tokens that were written, of all that were to come. */
  readonly written: number;
  readonly tokens: number;
}

/** A provider on this machine. */
export interface StandIn {
  /** Where it listens: `http://127.0.0.1:4010/v1`. */
  readonly url: string;
  readonly model: (id: string) => LanguageModelV4;
  /** One line for people. */
  readonly note: string;
  /** The requests that were answered, in order; each settles when it has ended, or was ended by who asked. */
  readonly requests: readonly Promise<Served>[];
}

/** What the examples need to read of a request to OpenAI's chat API. */
interface ChatRequest {
  readonly model: string;
  readonly messages: readonly { readonly content: unknown }[];
}

/** Four letters: what is counted and what a budget estimates are then the same. */
const TOKEN = /.{1,4}/gsu;

/**
 * Stands in for a provider, for examples without keys: a server that speaks OpenAI's chat API and plays what was written
 * beforehand, at the pace of a model. It does not keep the process from ending.
 *
 * @param parts what each model plays, by its name
 */
export async function standIn(
  parts: Readonly<Record<string, Part>>,
  { tokensPerSecond = 100 }: { readonly tokensPerSecond?: number } = {},
): Promise<StandIn> {
  const requests: Promise<Served>[] = [];
  const rest = new Map(Object.entries(parts).map(([id, part]) => [id, "refuses" in part ? part : [...part]]));
  const server = createServer(async (request, response) => {
    const { model, messages } = (await json(request)) as ChatRequest;
    const asked = textOf(messages.at(-1)?.content);
    const part = rest.get(model) ?? [];
    if ("refuses" in part) return refuse(response, part.refuses, part.retryAfterSeconds);
    const found = part.findIndex((line) => asked.includes(line.asked));
    const [line] = found < 0 ? [] : part.splice(found, 1);
    if (line === undefined) return refuse(response, 400);
    const text = typeof line.writes === "string" ? line.writes : JSON.stringify(line.writes);
    const inputTokens = tokensOf(JSON.stringify(messages)).length;
    requests.push(play(response, { model, inputTokens, tokens: tokensOf(text), pauseMs: 1000 / tokensPerSecond }));
  });
  server.listen(0, "127.0.0.1").unref();
  await once(server, "listening");
  const { port } = server.address() as AddressInfo; // it listens on a port
  const url = `http://127.0.0.1:${port}/v1`;
  const provider = createOpenAI({ name: "stand-in", apiKey: "none", baseURL: url });
  return {
    url,
    model: (id) => provider.chat(id),
    note:
      "Runs on a stand-in for a provider: a server in this process, which plays what was written beforehand. " +
      "For a real one set OPENAI_API_KEY, ANTHROPIC_API_KEY, or OPENAI_BASE_URL and OPENAI_MODEL for a local server.",
    requests,
  };
}

interface Play {
  readonly model: string;
  readonly inputTokens: number;
  readonly tokens: readonly string[];
  readonly pauseMs: number;
}

async function play(response: ServerResponse, { model, inputTokens, tokens, pauseMs }: Play): Promise<Served> {
  const tell = (choices: readonly object[], more: object = {}): void =>
    void response.write(
      `data: ${JSON.stringify({ id: "1", object: "chat.completion.chunk", created: 0, model, choices, ...more })}\n\n`,
    );
  let written = 0;
  response.writeHead(200, { "content-type": "text/event-stream", connection: "close" });
  for (const content of tokens) {
    await wait(pauseMs);
    if (response.closed) return { written, tokens: tokens.length };
    tell([{ index: 0, delta: { content }, finish_reason: null }]);
    written += 1;
  }
  tell([{ index: 0, delta: {}, finish_reason: "stop" }]);
  tell([], {
    usage: { prompt_tokens: inputTokens, completion_tokens: written, total_tokens: inputTokens + written },
  });
  response.end("data: [DONE]\n\n");
  return { written, tokens: tokens.length };
}

const REASONS: Readonly<Record<number, string>> = {
  400: "it plays what was written beforehand, and this is not in it",
  429: "too many requests",
  503: "overloaded",
};

function refuse(response: ServerResponse, status: number, retryAfterSeconds?: number): void {
  response.writeHead(status, {
    "content-type": "application/json",
    connection: "close",
    ...(retryAfterSeconds === undefined ? {} : { "retry-after": String(retryAfterSeconds) }),
  });
  response.end(JSON.stringify({ error: { message: REASONS[status] ?? "refused", type: "stand_in" } }));
}

function textOf(content: unknown): string {
  return typeof content === "string" ? content : JSON.stringify(content ?? "");
}

function tokensOf(text: string): string[] {
  return text.match(TOKEN) ?? [];
}
