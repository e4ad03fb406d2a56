import { type ModelCall, type ModelPart, type ModelRequest, SluiceError, type Usage } from "@sluice/core";
import { type LanguageModel, type LanguageModelUsage, type ModelMessage, streamText } from "ai";
import { type Asked, brokenOff, modelError } from "./model-error.ts";
import { replyOutput } from "./reply-output.ts";

/** What the model is asked, and how it is to answer: named, typed and documented as in the AI SDK's `streamText`. */
export type AskOptions = Readonly<
  Pick<
    Parameters<typeof streamText>[0],
    | "instructions"
    | "temperature"
    | "topP"
    | "topK"
    | "seed"
    | "maxOutputTokens"
    | "stopSequences"
    | "presencePenalty"
    | "frequencyPenalty"
    | "headers"
    | "providerOptions"
  >
> &
  (
    | { readonly prompt: string; readonly messages?: undefined }
    | { readonly messages: readonly ModelMessage[]; readonly prompt?: undefined }
  );

/**
 * A model of the AI SDK, ready to be read by `ctx.instant` and `ctx.text`.
 *
 * Cheap to call: each `stream` starts one generation, and asks once. Trying again is the flow's business, so the SDK's
 * own retries are off. A structured reply reaches the provider as the JSON schema of what the model is to *write*, the
 * input side of the zod schema. Its root is sent as it is: OpenAI, for one, takes only an object there.
 *
 * @param model an instance, or an id for the SDK's default provider, such as `openai/gpt-5`.
 * @throws SluiceError `model-failed` when there is not exactly one of `prompt` and `messages`; `stream` throws it with
 * the provider's error as its `cause`, and without keys. A reply that broke off is a failure; one at its token limit is
 * not: it finishes with `length`.
 */
export function ask(model: LanguageModel, options: AskOptions): ModelCall {
  const asked = askedOf(model);
  const { prompt, messages, ...settings } = options;
  if ((prompt === undefined) === (messages === undefined)) {
    throw new SluiceError("model-failed", {
      what: `The model "${asked.name}" was given ${prompt === undefined ? "no prompt and no messages" : "a prompt and messages"}`,
      mend: "Give ask() exactly one of prompt and messages",
      retryable: false,
    });
  }
  const question = prompt === undefined ? { messages: [...(messages ?? [])] } : { prompt };
  return {
    model: asked.name,
    stream: (request) => generate(asked, { model, ...settings, ...question }, request),
  };
}

type Question = Pick<Parameters<typeof streamText>[0], "model" | "headers"> &
  ({ readonly prompt: string } | { readonly messages: ModelMessage[] });

async function* generate(asked: Asked, question: Question, request: ModelRequest): AsyncGenerator<ModelPart> {
  const { abortSignal, reply } = request;
  if (abortSignal.aborted) return;
  const left = new AbortController(); // the reader may leave early, which the SDK would not tell the provider
  let begun = false;
  let end: { readonly finishReason: string; readonly usage: Usage } | undefined;
  try {
    const { stream } = streamText({
      ...question,
      maxRetries: 0,
      abortSignal: AbortSignal.any([abortSignal, left.signal]),
      onError: () => {}, // errors come as parts; without this they are printed too
      ...(reply !== undefined && { output: replyOutput(reply) }),
    });
    for await (const part of stream) {
      if (abortSignal.aborted) return;
      if (part.type === "text-delta" || part.type === "reasoning-delta") begun = true;
      if (part.type === "text-delta") {
        if (part.text !== "") yield { type: "text", delta: part.text };
      } else if (part.type === "reasoning-delta") {
        if (part.text !== "") yield { type: "reasoning", delta: part.text };
      } else if (part.type === "error") {
        throw part.error;
      } else if (part.type === "finish") {
        end = { finishReason: part.finishReason, usage: usageOf(part.totalUsage) };
      }
    }
    if (abortSignal.aborted) return;
    if (end === undefined || BROKEN.has(end.finishReason)) throw brokenOff(asked);
  } catch (error) {
    if (abortSignal.aborted) return;
    throw modelError(asked, error, { headers: question.headers, begun });
  } finally {
    if (end === undefined) left.abort();
  }
  yield { type: "finish", ...end };
}

/** How a reply finishes that is not whole, for a reason on the provider's side. */
const BROKEN: ReadonlySet<string> = new Set(["error", "interrupted"]);

function askedOf(model: LanguageModel): Asked {
  if (typeof model === "string") return { name: model, provider: "ai-gateway", modelId: model };
  const { provider, modelId } = model;
  const [family = provider] = provider.split("."); // "openai.responses" and "openai.chat" are one provider
  return { name: `${family}/${modelId}`, provider: family, modelId };
}

function usageOf(usage: LanguageModelUsage): Usage {
  const { inputTokens, outputTokens, totalTokens, inputTokenDetails, outputTokenDetails } = usage;
  const { cacheReadTokens: cachedInputTokens } = inputTokenDetails;
  const { reasoningTokens } = outputTokenDetails;
  return {
    ...(inputTokens !== undefined && { inputTokens }),
    ...(outputTokens !== undefined && { outputTokens }),
    ...(totalTokens !== undefined && { totalTokens }),
    ...(reasoningTokens !== undefined && { reasoningTokens }),
    ...(cachedInputTokens !== undefined && { cachedInputTokens }),
  };
}
