import type {
  LanguageModelV4,
  LanguageModelV4CallOptions,
  LanguageModelV4FinishReason,
  LanguageModelV4Prompt,
  LanguageModelV4StreamPart,
  LanguageModelV4Usage,
  SharedV4Warning,
} from "@ai-sdk/provider";
import { generate, type Model } from "./generation.ts";
import { ANYTHING, type Grammar } from "./grammar.ts";
import { createSampler } from "./sampler.ts";
import { ANY_OBJECT, schemaGrammar } from "./schema-grammar.ts";

/** How the provider serves its model. */
export interface ProviderOptions {
  readonly modelId: string;
  /** Loads the model; called at the first request, and at each one after. */
  readonly load: () => Model;
  readonly tokensPerSecond?: number | undefined;
}

/** A request in the terms of the model. */
interface Request {
  readonly model: Model;
  readonly prompt: readonly number[];
  readonly grammar: Grammar;
  readonly warnings: SharedV4Warning[];
}

/** An AI SDK 7 language model that runs in this process. @see https://ai-sdk.dev/providers/community-providers/custom-providers */
export function createProvider({ modelId, load, tokensPerSecond }: ProviderOptions): LanguageModelV4 {
  async function* parts(
    request: Request,
    options: LanguageModelV4CallOptions,
  ): AsyncGenerator<LanguageModelV4StreamPart> {
    const { model, prompt, grammar, warnings } = request;
    const tokens = generate(model, {
      prompt,
      grammar,
      tokensPerSecond,
      sampler: createSampler(options),
      maxTokens: options.maxOutputTokens,
      abortSignal: options.abortSignal,
    });
    // A character may be spread over several tokens: the decoder holds its bytes back until it is complete.
    const decoder = new TextDecoder();
    const id = "text";
    let written = 0;

    yield { type: "stream-start", warnings };
    yield { type: "text-start", id };
    for (;;) {
      const { done, value } = await tokens.next();
      const delta = done ? decoder.decode() : decoder.decode(model.tokenizer.bytes(value), { stream: true });
      if (delta !== "") yield { type: "text-delta", id, delta };
      if (done) {
        yield { type: "text-end", id };
        yield { type: "finish", finishReason: { unified: value, raw: value }, usage: usageOf(prompt.length, written) };
        return;
      }
      written++;
    }
  }

  return {
    specificationVersion: "v4",
    provider: "tiny-model",
    modelId,
    supportedUrls: {},

    async doStream(options) {
      return { stream: streamOf(parts(readRequest(load(), options), options)) };
    },

    async doGenerate(options) {
      const request = readRequest(load(), options);
      let text = "";
      let finishReason: LanguageModelV4FinishReason = { unified: "other", raw: undefined };
      let usage = usageOf(request.prompt.length, 0);
      for await (const part of parts(request, options)) {
        if (part.type === "text-delta") text += part.delta;
        if (part.type === "finish") ({ finishReason, usage } = part);
      }
      return { content: [{ type: "text", text }], finishReason, usage, warnings: request.warnings };
    },
  };
}

/** @throws Error when there is no user text, or more of it than the model can read. */
function readRequest(model: Model, options: LanguageModelV4CallOptions): Request {
  const { tokenizer, transformer } = model;
  const { grammar, warnings } = readFormat(options);
  const reply = options.responseFormat?.type === "json" ? "<|json|>" : "<|assistant|>";
  const text = tokenizer.encode(lastUserText(options.prompt));
  const prompt = [tokenizer.control("<|user|>"), ...text, tokenizer.control(reply)];
  if (prompt.length >= transformer.context) {
    throw new Error(
      `The prompt is ${prompt.length} tokens long, but tiny-model reads at most ${transformer.context - 1}, ` +
        `and a reply needs about 150 of its ${transformer.context}: shorten the text of the last user message`,
    );
  }
  return { model, prompt, grammar, warnings: [...warnings, ...unsupported(options)] };
}

/** The model was trained on one text and one reply: neither instructions nor earlier messages reach it. */
function lastUserText(prompt: LanguageModelV4Prompt): string {
  const message = prompt.findLast(({ role }) => role === "user");
  const parts = message?.role === "user" ? message.content : [];
  const text = parts.flatMap((part) => (part.type === "text" ? [part.text] : [])).join("\n");
  if (text.trim() === "") {
    throw new Error("The last user message has no text: tiny-model reads nothing else, so put the ticket there");
  }
  return text;
}

function readFormat({ responseFormat }: LanguageModelV4CallOptions): Pick<Request, "grammar" | "warnings"> {
  if (responseFormat?.type !== "json") return { grammar: ANYTHING, warnings: [] };
  if (responseFormat.schema === undefined) return { grammar: ANY_OBJECT, warnings: [] };
  const { grammar, gaps } = schemaGrammar(responseFormat.schema);
  return {
    grammar,
    warnings: gaps.map((details) => ({ type: "unsupported", feature: "part of the JSON schema", details })),
  };
}

/** What the request asks for that has no effect here. */
function unsupported(options: LanguageModelV4CallOptions): SharedV4Warning[] {
  const { tools = [], stopSequences = [], presencePenalty = 0, frequencyPenalty = 0, reasoning, prompt } = options;
  const features = {
    tools: tools.length > 0,
    stopSequences: stopSequences.length > 0,
    presencePenalty: presencePenalty !== 0,
    frequencyPenalty: frequencyPenalty !== 0,
    reasoning: reasoning !== undefined && reasoning !== "provider-default" && reasoning !== "none",
    files: prompt.some(({ role, content }) => role === "user" && content.some(({ type }) => type === "file")),
  };
  return Object.entries(features).flatMap(([feature, asked]) => (asked ? [{ type: "unsupported", feature }] : []));
}

function usageOf(read: number, written: number): LanguageModelV4Usage {
  return {
    inputTokens: { total: read, noCache: read, cacheRead: undefined, cacheWrite: undefined },
    outputTokens: { total: written, text: written, reasoning: undefined },
  };
}

/** A stream that works on demand, as its source does: nothing is computed before it is asked for. */
function streamOf<T>(source: AsyncGenerator<T>): ReadableStream<T> {
  return new ReadableStream<T>(
    {
      async pull(controller) {
        const { done, value } = await source.next();
        if (done) controller.close();
        else controller.enqueue(value);
      },
      async cancel() {
        await source.return(undefined);
      },
    },
    { highWaterMark: 0 },
  );
}
