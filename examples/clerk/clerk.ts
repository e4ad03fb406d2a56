import type {
  LanguageModelV4,
  LanguageModelV4CallOptions,
  LanguageModelV4Prompt,
  LanguageModelV4StreamPart,
} from "@ai-sdk/provider";

/** What a clerk does next: it calls a tool, or says something. */
type Act =
  | { readonly tool: "findOrder" | "refund"; readonly input: Readonly<Record<string, unknown>> }
  | { readonly say: string };

/**
 * A model of the AI SDK that follows three rules and writes piece by piece, as others do: it looks up the order
 * that a message names, pays back what was paid for it, and says so. For examples without keys.
 */
export const clerk: LanguageModelV4 = {
  specificationVersion: "v4",
  provider: "clerk",
  modelId: "three-rules",
  supportedUrls: {},
  doGenerate() {
    throw new Error("The clerk only writes piece by piece: use streamText");
  },
  async doStream({ prompt }: LanguageModelV4CallOptions) {
    const parts = write(actOn(prompt), tokensIn(prompt));
    const stream = new ReadableStream<LanguageModelV4StreamPart>({
      pull(controller) {
        const { done, value } = parts.next();
        if (done === true) controller.close();
        else controller.enqueue(value);
      },
    });
    return { stream };
  },
};

function actOn(prompt: LanguageModelV4Prompt): Act {
  const order = resultOf(prompt, "findOrder") as { order: string; euros: number } | undefined;
  const refund = resultOf(prompt, "refund") as { receipt: string } | undefined;
  if (refund !== undefined) return { say: `We have paid you back. Your receipt is ${refund.receipt}.` };
  if (order !== undefined) {
    return { tool: "refund", input: { order: order.order, euros: order.euros, reason: "it arrived broken" } };
  }
  const [named] = /\b[A-Z]\d+\b/.exec(JSON.stringify(prompt)) ?? [];
  return named === undefined ? { say: "Which order is it about?" } : { tool: "findOrder", input: { order: named } };
}

/** What a tool has given, if it has been called. */
function resultOf(prompt: LanguageModelV4Prompt, tool: string): unknown {
  for (const { role, content } of prompt) {
    if (role !== "tool") continue;
    for (const part of content) {
      if (part.type === "tool-result" && part.toolName === tool && part.output.type === "json")
        return part.output.value;
    }
  }
  return undefined;
}

function* write(act: Act, inputTokens: number): Generator<LanguageModelV4StreamPart> {
  yield { type: "stream-start", warnings: [] };
  const pieces = piecesOf("say" in act ? act.say : JSON.stringify(act.input));
  if ("say" in act) {
    yield { type: "text-start", id: "text" };
    for (const delta of pieces) yield { type: "text-delta", id: "text", delta };
    yield { type: "text-end", id: "text" };
  } else {
    const id = `call-${act.tool}`;
    yield { type: "tool-input-start", id, toolName: act.tool };
    for (const delta of pieces) yield { type: "tool-input-delta", id, delta };
    yield { type: "tool-input-end", id };
    yield { type: "tool-call", toolCallId: id, toolName: act.tool, input: JSON.stringify(act.input) };
  }
  yield {
    type: "finish",
    finishReason: { unified: "say" in act ? "stop" : "tool-calls", raw: undefined },
    usage: {
      inputTokens: { total: inputTokens, noCache: inputTokens, cacheRead: undefined, cacheWrite: undefined },
      outputTokens: { total: pieces.length, text: pieces.length, reasoning: undefined },
    },
  };
}

function piecesOf(text: string): string[] {
  return text.match(/.{1,6}/gs) ?? [];
}

function tokensIn(prompt: LanguageModelV4Prompt): number {
  return piecesOf(JSON.stringify(prompt)).length;
}
