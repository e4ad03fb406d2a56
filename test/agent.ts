// A model that calls tools, in a flow of one chunk, and what the log tells of it.
import { type Entry, type TokenSource, defineFlow, flow, start } from "@sluice/core";
import { type Tool, tool } from "ai";
import type { MockLanguageModelV4 } from "ai/test";
import { z } from "zod";
import { answering, callParts, finishPart, textParts } from "./mock-model.ts";

export const spec = defineFlow({ name: "agent", input: z.string(), stream: z.string(), result: z.unknown() });
export const asking = (source: TokenSource) => flow(spec).chunk("answer", start, (_prompt, ctx) => ctx.text(source));
export const CALLS = finishPart("tool-calls");
export const order = z.object({ order: z.string() });
export const trackOf = (execute: () => unknown): { readonly track: Tool } => ({
  track: tool({ inputSchema: order, execute }),
});

/** A model that calls `track` and then answers. */
export const tracking = (answer = "It is on its way") =>
  answering([...callParts("c1", "track", { order: "A7" }), CALLS], [...textParts(answer), finishPart()]);

/** What the log tells of models and tools, in short. */
export function told(entries: readonly Entry[]): string[] {
  return entries.flatMap((entry) => {
    switch (entry.type) {
      case "model:start":
        return [`start ${entry.model}`];
      case "model:token":
        return [`token ${entry.delta}`];
      case "model:finish":
        return [`finish ${entry.finishReason}`];
      case "tool:call_start":
        return [`call ${entry.toolCallId} ${entry.tool} ${JSON.stringify(entry.args)}`];
      case "tool:progress":
        return [`progress ${entry.toolCallId} ${JSON.stringify(entry.data)}`];
      case "tool:call_finish":
        return [`return ${entry.toolCallId} ${entry.error ?? entry.success}`];
      default:
        return [];
    }
  });
}
export const prompts = (model: MockLanguageModelV4): string[] =>
  model.doStreamCalls.map(({ prompt }) => JSON.stringify(prompt));
