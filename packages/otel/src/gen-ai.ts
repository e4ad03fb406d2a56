import type { Attributes } from "@opentelemetry/api";
import type { EntryOf } from "@sluice/core";

/**
 * What the conventions for generative AI say of a flow.
 *
 * They are in development; what is used here is of September 2026, after they got a repository of their own.
 *
 * @see https://github.com/open-telemetry/semantic-conventions-genai/tree/main/docs/gen-ai
 */
export function workflowAttributes(flow: string): Attributes {
  return { "gen_ai.operation.name": "invoke_workflow", "gen_ai.workflow.name": flow };
}

/** A model as the log names it, `openai/gpt-5`, taken apart. */
export function modelNames(name: string): { readonly provider: string; readonly model: string } {
  const slash = name.indexOf("/");
  if (slash < 0) return { provider: name, model: name };
  return { provider: name.slice(0, slash), model: name.slice(slash + 1) };
}

/** What they say of a call of a model when it begins. */
export function callAttributes({ model: name, replyId }: EntryOf<unknown, "model:start">): Attributes {
  const { provider, model } = modelNames(name);
  return {
    "gen_ai.operation.name": "chat",
    "gen_ai.provider.name": provider,
    "gen_ai.request.model": model,
    "gen_ai.request.stream": true,
    "gen_ai.output.type": replyId === undefined ? "text" : "json",
  };
}

/** What they say of it when it has ended. What is not known is left out. */
export function finishAttributes({ usage, finishReason, firstTokenMs }: EntryOf<unknown, "model:finish">): Attributes {
  const { inputTokens, outputTokens, cachedInputTokens, reasoningTokens } = usage;
  return {
    "gen_ai.response.finish_reasons": [finishReason],
    ...(firstTokenMs !== undefined && { "gen_ai.response.time_to_first_chunk": firstTokenMs / 1000 }),
    ...(inputTokens !== undefined && { "gen_ai.usage.input_tokens": inputTokens }),
    ...(outputTokens !== undefined && { "gen_ai.usage.output_tokens": outputTokens }),
    ...(cachedInputTokens !== undefined && { "gen_ai.usage.cache_read.input_tokens": cachedInputTokens }),
    ...(reasoningTokens !== undefined && { "gen_ai.usage.reasoning.output_tokens": reasoningTokens }),
  };
}

/** What they say of a tool. */
export function toolAttributes({ tool, toolCallId }: EntryOf<unknown, "tool:call_start">): Attributes {
  return {
    "gen_ai.operation.name": "execute_tool",
    "gen_ai.tool.name": tool,
    "gen_ai.tool.call.id": toolCallId,
    "gen_ai.tool.type": "function",
  };
}

/** What a model wrote, as they write it. */
export function outputMessages(text: string, reasoning: string, finishReason: string): string {
  const parts = [
    ...(reasoning === "" ? [] : [{ type: "reasoning", content: reasoning }]),
    ...(text === "" ? [] : [{ type: "text", content: text }]),
  ];
  return JSON.stringify([{ role: "assistant", parts, finish_reason: finishReason }]);
}
