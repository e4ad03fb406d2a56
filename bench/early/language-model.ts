import { ReadableStream } from "node:stream/web";
import { MockLanguageModelV4 } from "ai/test";
import type { ModelCall } from "../../packages/core/src/index.ts";

type Stream = Awaited<ReturnType<MockLanguageModelV4["doStream"]>>["stream"];
type Part = Stream extends globalThis.ReadableStream<infer P> ? P : never;

/** A model of the AI SDK that streams what a recorded one gives, when that gives it. */
export function languageModel(recorded: ModelCall): MockLanguageModelV4 {
  return new MockLanguageModelV4({
    provider: "recorded",
    modelId: recorded.model,
    doStream: async ({ abortSignal = new AbortController().signal }) => ({
      stream: ReadableStream.from(partsOf(recorded, abortSignal)) as Stream, // Node's own type of the same class
    }),
  });
}

async function* partsOf(recorded: ModelCall, abortSignal: AbortSignal): AsyncGenerator<Part> {
  yield { type: "stream-start", warnings: [] };
  yield { type: "text-start", id: "text" };
  for await (const part of recorded.stream({ abortSignal })) {
    if (part.type === "text") yield { type: "text-delta", id: "text", delta: part.delta };
    if (part.type !== "finish") continue;
    const { inputTokens, outputTokens } = part.usage;
    yield { type: "text-end", id: "text" };
    yield {
      type: "finish",
      finishReason: { unified: "stop", raw: part.finishReason },
      usage: {
        inputTokens: { total: inputTokens, noCache: inputTokens, cacheRead: undefined, cacheWrite: undefined },
        outputTokens: { total: outputTokens, text: outputTokens, reasoning: undefined },
      },
    };
  }
}
