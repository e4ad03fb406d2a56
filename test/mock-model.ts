// Models of the AI SDK's own test kit, and the parts that their streams are made of.
import { MockLanguageModelV4, convertArrayToReadableStream } from "ai/test";

type ProviderResult = Awaited<ReturnType<MockLanguageModelV4["doStream"]>>;
export type ProviderPart = ProviderResult["stream"] extends ReadableStream<infer P> ? P : never;
export type CallOptions = Parameters<MockLanguageModelV4["doStream"]>[0];

export const START: ProviderPart = { type: "stream-start", warnings: [] };
export const finishPart = (
  unified: "stop" | "length" | "error" | "interrupted" | "tool-calls" = "stop",
): ProviderPart => ({
  type: "finish",
  finishReason: { unified, raw: undefined },
  usage: {
    inputTokens: { total: 12, noCache: 8, cacheRead: 4, cacheWrite: undefined },
    outputTokens: { total: 7, text: 5, reasoning: 2 },
  },
});
export const textParts = (...deltas: string[]): ProviderPart[] => [
  { type: "text-start", id: "t" },
  ...deltas.map((delta) => ({ type: "text-delta" as const, id: "t", delta })),
  { type: "text-end", id: "t" },
];
export const mock = (
  doStream: (options: CallOptions) => Promise<ProviderResult>,
  modelId = "m-1",
): MockLanguageModelV4 => new MockLanguageModelV4({ provider: "mock.chat", modelId, doStream });
export const writing = (...parts: ProviderPart[]): MockLanguageModelV4 =>
  mock(async () => ({ stream: convertArrayToReadableStream(parts) }));
export const failing = (error: unknown): MockLanguageModelV4 =>
  mock(async () => {
    throw error;
  });

/** A call of a tool, as a provider streams it. */
export const callParts = (toolCallId: string, toolName: string, input: unknown): ProviderPart[] => {
  const text = JSON.stringify(input);
  return [
    { type: "tool-input-start", id: toolCallId, toolName },
    { type: "tool-input-delta", id: toolCallId, delta: text },
    { type: "tool-input-end", id: toolCallId },
    { type: "tool-call", toolCallId, toolName, input: text },
  ];
};

/** A model that answers each call with the next of these. */
export const answering = (...answers: (readonly ProviderPart[])[]): MockLanguageModelV4 => {
  const rest = [...answers];
  return mock(async () => ({ stream: convertArrayToReadableStream([START, ...(rest.shift() ?? [])]) }));
};
