// The providers of the AI SDK that tests talk to over HTTP, and what the beginning of a reply looks like on their wires.
import { createServer } from "node:http";
import type { ServerResponse } from "node:http";
import type { AddressInfo } from "node:net";
import { createAnthropic } from "@ai-sdk/anthropic";
import { createOpenAI } from "@ai-sdk/openai";
import { createOpenAICompatible } from "@ai-sdk/openai-compatible";
import type { LanguageModel } from "ai";

/** Where a model answers, and what opens it. */
export interface Endpoint {
  /** Without a path: `http://127.0.0.1:4010`. */
  readonly url: string;
  readonly apiKey: string;
  readonly modelId?: string;
}

/** A provider as a test sees it. */
export interface Wire {
  readonly provider: string;
  /** How the log names its model. */
  readonly named: string;
  readonly model: (endpoint: Endpoint) => LanguageModel;
  /** The first events of a reply, up to the text "He". */
  readonly begins: string;
  /** The event of more text. */
  readonly more: (text: string) => string;
  /** The last events: a regular finish, with 10 tokens of input and 5 of output. */
  readonly ends: string;
  /** What is told of a stream that just ends after that. */
  readonly early: string;
}

const early = "broke off: its stream ended without a regular finish";

const events = (...data: readonly object[]): string => data.map((each) => `data: ${JSON.stringify(each)}\n\n`).join("");

/** What OpenAI's chat API streams. */
const chat: Pick<Wire, "begins" | "more" | "ends"> = {
  begins: events({ id: "1", choices: [{ index: 0, delta: { role: "assistant", content: "He" } }] }),
  more: (content) => events({ id: "1", choices: [{ index: 0, delta: { content } }] }),
  ends:
    events({
      id: "1",
      choices: [{ index: 0, delta: {}, finish_reason: "stop" }],
      usage: { prompt_tokens: 10, completion_tokens: 5, total_tokens: 15 },
    }) + "data: [DONE]\n\n",
};

/** A server that speaks OpenAI's chat API. */
export const local: Wire = {
  provider: "OpenAI-compatible",
  named: "local/qwen-3",
  model: ({ url, apiKey, modelId = "qwen-3" }) =>
    createOpenAICompatible({
      name: "local",
      baseURL: `${url}/v1`,
      apiKey,
      supportsStructuredOutputs: true,
    })(modelId),
  ...chat,
  early: "cannot be read: Response stream ended without a finish reason",
};

export const wires: readonly Wire[] = [
  {
    provider: "OpenAI chat",
    named: "openai/gpt-5-mini",
    model: ({ url, apiKey, modelId = "gpt-5-mini" }) => createOpenAI({ baseURL: `${url}/v1`, apiKey }).chat(modelId),
    ...chat,
    early,
  },
  {
    provider: "OpenAI Responses",
    named: "openai/gpt-5-mini",
    model: ({ url, apiKey, modelId = "gpt-5-mini" }) =>
      createOpenAI({ baseURL: `${url}/v1`, apiKey }).responses(modelId),
    begins: events(
      { type: "response.created", response: { id: "r", created_at: 0, model: "gpt-5-mini" } },
      { type: "response.output_item.added", output_index: 0, item: { type: "message", id: "m" } },
      { type: "response.output_text.delta", item_id: "m", delta: "He" },
    ),
    more: (delta) => events({ type: "response.output_text.delta", item_id: "m", delta }),
    ends: events(
      { type: "response.output_item.done", output_index: 0, item: { type: "message", id: "m" } },
      { type: "response.completed", response: { usage: { input_tokens: 10, output_tokens: 5 } } },
    ),
    early,
  },
  {
    provider: "Anthropic",
    named: "anthropic/claude-haiku-5-5",
    model: ({ url, apiKey, modelId = "claude-haiku-5-5" }) =>
      createAnthropic({ baseURL: `${url}/v1`, apiKey })(modelId),
    begins: events(
      { type: "message_start", message: { id: "m", model: "claude-haiku-5-5", usage: { input_tokens: 1 } } },
      { type: "content_block_start", index: 0, content_block: { type: "text", text: "" } },
      { type: "content_block_delta", index: 0, delta: { type: "text_delta", text: "He" } },
    ),
    more: (text) => events({ type: "content_block_delta", index: 0, delta: { type: "text_delta", text } }),
    ends: events(
      { type: "content_block_stop", index: 0 },
      {
        type: "message_delta",
        delta: { stop_reason: "end_turn", stop_sequence: null },
        usage: { input_tokens: 10, output_tokens: 5 },
      },
      { type: "message_stop" },
    ),
    early,
  },
  local,
];

/** Answers each request on a port of this machine, once it has been read, for as long as `use` takes. */
export async function answering<T>(
  answer: (response: ServerResponse) => void,
  use: (url: string) => Promise<T>,
): Promise<T> {
  const server = createServer((request, response) => {
    request.resume().on("end", () => answer(response));
  });
  await new Promise<void>((resolve) => server.listen(0, "127.0.0.1", resolve));
  try {
    return await use(`http://127.0.0.1:${(server.address() as AddressInfo).port}`); // it listens on a port
  } finally {
    server.closeAllConnections();
    await new Promise((resolve) => server.close(resolve));
  }
}
