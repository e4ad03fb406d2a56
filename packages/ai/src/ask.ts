import { type Generation, type ModelCall, type ModelRequest, SluiceError, type Spent } from "@sluice/core";
import { type LanguageModel, type ModelMessage, type ToolSet, isStepCount, type streamText } from "ai";
import { askedOf } from "./asked.ts";
import { withIssues } from "./correction.ts";
import { currentPrices } from "./current-prices.ts";
import { type Candidate, type FallbackOptions, inTurn } from "./fallback.ts";
import { type Question, generate } from "./generation.ts";
import type { Limiter } from "./limiter.ts";
import { Meter } from "./meter.ts";
import type { PriceTable } from "./prices.ts";
import type { ReplyCache } from "./reply-cache.ts";
import { inputTokensOf } from "./token-estimate.ts";
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
> &
  FallbackOptions & {
    readonly tools?: TOOLS;
    /** What models cost, for budgets and the log. @default `currentPrices`: list prices of some models, with their date */
    readonly prices?: PriceTable;
    /** Keeps calls under the limits of a provider's key: one `limiter(…)` for all that use it. @default no limit */
    readonly limiter?: Limiter;
    /**
     * Answers a call that has been answered before, to the letter, without a model; a later attempt of a chunk asks anew.
     *
     * @default none
     */
    readonly cache?: ReplyCache;
  } & (
    | { readonly prompt: string; readonly messages?: undefined }
    | { readonly messages: readonly ModelMessage[]; readonly prompt?: undefined }
  );

/** As the SDK's agents do: without it, a model that has called a tool would not be asked for its answer. */
const MAX_CALLS = 20;
/** A minute is what most limits are about. */
const MAX_WAIT_MS = 60_000;

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
 * Of a model that cannot stream, text, reasoning and calls of tools come when the whole answer is there.
 *
 * Of several models the first is asked, and the next when it fails, has reached a rate limit, or does not begin within
 * `firstTokenTimeoutMs`: as long as nothing of a reply has come, and where another model may help. When all of them have
 * failed, one that is limited is waited for (`maxWaitMs`). Each change is a `model:resolved` entry.
 *
 * @param models a model or several, each an instance, or an id for the SDK's default provider, such as `openai/gpt-5`.
 * @throws SluiceError `model-failed` when there is no model, or not exactly one of `prompt` and `messages`; `stream` throws it with
 * the provider's error as its `cause`, and without keys. A reply that broke off is a failure; one at its token limit is
 * not: it finishes with `length`.
 */
export function ask<TOOLS extends ToolSet = ToolSet>(
  models: LanguageModel | readonly [LanguageModel, ...LanguageModel[]],
  options: AskOptions<TOOLS>,
): ModelCall {
  const list = isList(models) ? models : [models];
  const name = list[0] === undefined ? "" : askedOf(list[0]).name;
  const { prompt, messages, firstTokenTimeoutMs, prices = currentPrices, limiter, cache, ...settings } = options;
  const { maxWaitMs = list.length > 1 ? MAX_WAIT_MS : 0, ...given } = settings;
  if (name === "") throw noModel();
  if ((prompt === undefined) === (messages === undefined)) {
    throw new SluiceError("model-failed", {
      what: `The model "${name}" was given ${prompt === undefined ? "no prompt and no messages" : "a prompt and messages"}`,
      mend: "Give ask() exactly one of prompt and messages",
      retryable: false,
    });
  }
  const asking = prompt === undefined ? { messages: [...(messages ?? [])] } : { prompt };
  const question = { stopWhen: isStepCount(MAX_CALLS), ...given, ...asking };
  const inputs = repliesOf(options.tools);
  const candidateOf = (model: LanguageModel, meter: Meter): Candidate => {
    const asked = askedOf(model);
    const read: Candidate["read"] = (request) => {
      const whole = { ...question, model, ...withIssues(asking, request.issues) } as unknown as Question; // the same options, whose types hang on the tools' no longer
      return generate(asked, whole, request, { meter });
    };
    return { name: asked.name, read };
  };
  const stream = (request: ModelRequest): Generation => {
    const { allowance, clock, attempt = 1 } = request;
    const meter = new Meter({ prices, allowance, clock, limiter, cache, isCacheRead: attempt === 1 });
    const spent = (): Spent | undefined => meter.spent();
    const candidates = list.map((model) => candidateOf(model, meter));
    const limits = { firstTokenTimeoutMs, maxWaitMs, meter };
    if (allowance === undefined || list.length === 1)
      return Object.assign(inTurn(candidates, request, limits), { spent });
    const inputTokens = inputTokensOf({ prompt: [given.instructions, prompt, messages] });
    const first = candidates.findIndex((one) => meter.affords(one.name, inputTokens, given.maxOutputTokens));
    const rest = first === 0 ? candidates : candidates.slice(first); // none can be paid in full: the last is the cheapest
    const generation = Object.assign(inTurn(rest, request, { ...limits, wanted: name }), { spent });
    const model = rest[0]?.name;
    if (model === undefined || model === name) return generation;
    const remainingBudgetUsd = allowance.left().usd;
    const left = remainingBudgetUsd !== undefined && { remainingBudgetUsd };
    return Object.assign(generation, { resolved: { wanted: name, model, reason: "budget" as const, ...left } });
  };
  return {
    model: name,
    stream,
    ...(Object.keys(inputs).length > 0 && { inputs }),
  };
}

/** `Array.isArray` does not narrow to a readonly one. */
function isList(models: LanguageModel | readonly LanguageModel[]): models is readonly LanguageModel[] {
  return Array.isArray(models);
}

function noModel(): SluiceError {
  return new SluiceError("model-failed", {
    what: "ask() was given no model",
    mend: "Give it one, or a list of at least one",
    retryable: false,
  });
}
