import { type ModelPart, type ModelRequest, SluiceError, type Usage } from "@sluice/core";
import { type LanguageModelCallEndEvent, type LanguageModelUsage, type ModelInfo, streamText } from "ai";
import { Asides } from "./asides.ts";
import type { Meter } from "./meter.ts";
import { type Asked, askedOf } from "./asked.ts";
import { brokenOff, modelError, sentenceOf } from "./model-error.ts";
import { replyOutput } from "./reply-output.ts";
import { ToldTools } from "./told-tools.ts";
import { ToolWriting } from "./tool-writing.ts";

/** What `streamText` is given. */
export type Question = Parameters<typeof streamText>[0];

/** What a generation is read with. */
export interface GenerationOptions {
  readonly meter: Meter;
}

/** How a reply finishes that is not whole, for a reason on the provider's side. */
const BROKEN: ReadonlySet<string> = new Set(["error", "interrupted"]);

/**
 * One generation: the calls of the model, the tools between them, and how each went. What comes beside the SDK's stream
 * (ends of calls, tools) is put in where it happened: behind the text that was written before it.
 */
export async function* generate(
  asked: Asked,
  question: Question,
  request: ModelRequest,
  { meter }: GenerationOptions,
): AsyncGenerator<ModelPart> {
  const { abortSignal, reply, idempotencyKey } = request;
  if (abortSignal.aborted) return;
  const { headers, prepareStep } = question;
  const left = new AbortController(); // the reader may leave early, which the SDK would not tell the provider
  const asides = new Asides();
  const tools = new ToldTools({
    tell: (part) => asides.tell(part),
    idempotencyKey,
    sentence: (error) => sentenceOf(error, { headers }),
  });
  const writing = new ToolWriting();
  let written = 0; // by the model, as far as its calls have ended
  let read = 0;
  let calls = 0;
  let model = asked.name;
  let whole = false;
  let complete = false;
  let broken: ModelPart | undefined; // told when a further call follows; else it is an error, which tells it
  function* takeAsides(until: number): Generator<ModelPart> {
    for (const part of asides.take(until)) {
      yield part;
      if (part.type === "finish") meter.told(); // not before: the reader may leave instead of taking it
    }
  }
  try {
    const { stream } = streamText({
      ...question,
      ...(question.tools !== undefined && { tools: tools.watched(question.tools) }),
      model: meter.metered(question.model, asked.name),
      ...(prepareStep !== undefined && {
        prepareStep: async (step) => {
          const prepared = await prepareStep(step);
          if (prepared?.model === undefined) return prepared;
          return { ...prepared, model: meter.metered(prepared.model, askedOf(prepared.model).name) };
        },
      }),
      maxRetries: 0,
      abortSignal: AbortSignal.any([abortSignal, left.signal]),
      onError: () => {}, // errors come as parts; without this they are printed too
      onLanguageModelCallStart(info: ModelInfo) {
        calls += 1;
        whole = false;
        model = nameOf(asked, info);
        if (broken !== undefined) asides.tell(broken, written);
        broken = undefined;
        if (calls > 1) asides.tell({ type: "start", model });
      },
      onLanguageModelCallEnd({ finishReason, usage, content }: LanguageModelCallEndEvent) {
        written += lengthOf(content);
        whole = !BROKEN.has(finishReason);
        const spent = meter.finish(model, usageOf(usage));
        if (whole) asides.tell({ type: "finish", finishReason, ...spent }, written);
        else broken = { type: "finish", finishReason: "error", ...spent };
      },
      onToolExecutionStart: tools.onStart,
      onToolExecutionEnd: tools.onEnd,
      ...(reply !== undefined && { output: replyOutput(reply) }),
    });
    const parts = stream[Symbol.asyncIterator]();
    for (let next = parts.next(); ;) {
      yield* takeAsides(read);
      const got = await Promise.race([next, asides.more]);
      if (abortSignal.aborted) return;
      yield* takeAsides(read); // before the part: it was told first
      if (got === undefined) continue;
      if (got.done === true) break;
      const part = got.value;
      yield* writing.note(part);
      if (part.type === "text-delta" || part.type === "reasoning-delta") {
        read += part.text.length;
        const type = part.type === "text-delta" ? "text" : "reasoning";
        if (part.text !== "") yield { type, delta: part.text };
      } else if (part.type === "error") {
        yield* takeAsides(Infinity);
        throw part.error;
      } else if (part.type === "finish-step") {
        read = Math.max(read, written);
      } else if (part.type === "tool-call") {
        read += 1;
        if (part.providerExecuted === true) yield tools.begun(part);
      } else if (part.type === "tool-error" && !tools.knows(part.toolCallId)) {
        read += 1;
        yield* [tools.begun(part), tools.ended(part)]; // a call that fits no tool, or not its schema
      } else if ((part.type === "tool-result" || part.type === "tool-error") && part.providerExecuted === true) {
        read += 1;
        yield tools.ended(part);
      } else if (part.type === "tool-approval-request" && part.isAutomatic !== true) {
        throw unapproved(part.toolCall.toolName);
      }
      next = parts.next();
    }
    yield* takeAsides(Infinity);
    if (abortSignal.aborted) return;
    if (!whole) throw brokenOff(asked);
    complete = true;
  } catch (error) {
    if (abortSignal.aborted) return;
    throw modelError(asked, error, { headers, begun: read > 0 });
  } finally {
    if (!complete) left.abort();
  }
}

/**
 * How much of the stream a call has written: a character is one, and so is a call of a tool, what a tool of the provider
 * gave, and that a call is refused.
 */
function lengthOf(content: LanguageModelCallEndEvent["content"]): number {
  let length = 0;
  for (const part of content) {
    if (part.type === "text" || part.type === "reasoning") length += part.text.length;
    else if (part.type === "tool-call") length += part.invalid === true && part.providerExecuted !== true ? 2 : 1;
    else if (part.type === "tool-result" || part.type === "tool-error") length += 1;
  }
  return length;
}

/** How the log names the model of a call: `prepareStep` may have taken another one. */
function nameOf({ name, modelId: asked }: Asked, { provider, modelId }: ModelInfo): string {
  return modelId === asked ? name : `${provider.split(".")[0] ?? provider}/${modelId}`;
}

function unapproved(tool: string): SluiceError {
  return new SluiceError("model-failed", {
    what: `The tool "${tool}" asks for an approval, for which a chunk does not wait`,
    mend: "Take needsApproval from the tool, and let a chunk of its own do what has to be approved",
    retryable: false,
  });
}

function usageOf(usage: LanguageModelUsage): Usage {
  const { inputTokens, outputTokens, totalTokens, inputTokenDetails, outputTokenDetails } = usage;
  const { cacheReadTokens: cachedInputTokens, cacheWriteTokens: cacheWriteInputTokens } = inputTokenDetails;
  const { reasoningTokens } = outputTokenDetails;
  return {
    ...(inputTokens !== undefined && { inputTokens }),
    ...(outputTokens !== undefined && { outputTokens }),
    ...(totalTokens !== undefined && { totalTokens }),
    ...(reasoningTokens !== undefined && { reasoningTokens }),
    ...(cachedInputTokens !== undefined && { cachedInputTokens }),
    ...(cacheWriteInputTokens !== undefined && { cacheWriteInputTokens }),
  };
}
