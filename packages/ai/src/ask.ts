import { type ModelCall, SluiceError } from "@sluice/core";
import { type LanguageModel, type ModelMessage, type ToolSet, isStepCount, type streamText } from "ai";
import { withIssues } from "./correction.ts";
import { type Question, generate } from "./generation.ts";
import type { Asked } from "./model-error.ts";
import { repliesOf } from "./tool-of.ts";

type SdkOptions<TOOLS extends ToolSet> = Parameters<typeof streamText<TOOLS>>[0];

/** What the model is asked, and how it is to answer: named, typed and documented as in the AI SDK's `streamText`. */
export type AskOptions<TOOLS extends ToolSet = ToolSet> = Readonly<
  Pick<
    SdkOptions<TOOLS>,
    | "instructions"
    | "temperature"
    | "topP"
    | "topK"
    | "seed"
    | "maxOutputTokens"
    | "stopSequences"
    | "presencePenalty"
    | "frequencyPenalty"
    | "reasoning"
    | "headers"
    | "providerOptions"
    | "telemetry"
    | "toolChoice"
    | "activeTools"
    | "toolOrder"
    | "toolCallConcurrency"
    | "prepareStep"
    | "repairToolCall"
    | "stopWhen"
    | Extract<keyof SdkOptions<TOOLS>, "toolsContext">
  >
> & { readonly tools?: TOOLS } & (
    | { readonly prompt: string; readonly messages?: undefined }
    | { readonly messages: readonly ModelMessage[]; readonly prompt?: undefined }
  );

/** As the SDK's agents do: without it, a model that has called a tool would not be asked for its answer. */
const MAX_CALLS = 20;

/**
 * A model of the AI SDK, ready to be read by `ctx.instant`, `ctx.text` and `ctx.generate`.
 *
 * Cheap to call: each `stream` starts one generation, and asks once. Trying again is the flow's business, so the SDK's
 * own retries are off. A structured reply reaches the provider as the JSON schema of what the model is to *write*, the
 * input side of the zod schema. Its root is sent as it is: OpenAI, for one, takes only an object there. What was wrong
 * with this reply in the attempt before is told behind the prompt or the messages, by path, with what the model wrote.
 *
 * With `tools`, the model is asked again with what they gave, until it calls none: at most 20 calls, or as `stopWhen`
 * says. Each call, and each tool while it runs, is in the log. A tool gets the chunk's abort signal, and `callerOf` tells
 * it for whom it runs. What it throws is told to the model. Of a tool that `toolOf` made, the input's fields trigger.
 *
 * @param model an instance, or an id for the SDK's default provider, such as `openai/gpt-5`.
 * @throws SluiceError `model-failed` when there is not exactly one of `prompt` and `messages`; `stream` throws it with
 * the provider's error as its `cause`, and without keys. A reply that broke off is a failure; one at its token limit is
 * not: it finishes with `length`.
 */
export function ask<TOOLS extends ToolSet = ToolSet>(model: LanguageModel, options: AskOptions<TOOLS>): ModelCall {
  const asked = askedOf(model);
  const { prompt, messages, ...settings } = options;
  if ((prompt === undefined) === (messages === undefined)) {
    throw new SluiceError("model-failed", {
      what: `The model "${asked.name}" was given ${prompt === undefined ? "no prompt and no messages" : "a prompt and messages"}`,
      mend: "Give ask() exactly one of prompt and messages",
      retryable: false,
    });
  }
  const asking = prompt === undefined ? { messages: [...(messages ?? [])] } : { prompt };
  const question = { model, stopWhen: isStepCount(MAX_CALLS), ...settings, ...asking } as unknown as Question; // the same options, whose types hang on the tools' no longer
  const inputs = repliesOf(options.tools);
  return {
    model: asked.name,
    stream: (request) =>
      generate(asked, { ...question, ...withIssues(asking, request.issues) } as Question, request, inputs),
    ...(Object.keys(inputs).length > 0 && { inputs }),
  };
}

function askedOf(model: LanguageModel): Asked {
  if (typeof model === "string") return { name: model, provider: "ai-gateway", modelId: model };
  const { provider, modelId } = model;
  const [family = provider] = provider.split("."); // "openai.responses" and "openai.chat" are one provider
  return { name: `${family}/${modelId}`, provider: family, modelId };
}
