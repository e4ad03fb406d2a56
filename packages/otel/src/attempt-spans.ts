import { SpanKind } from "@opentelemetry/api";
import type { Entry, EntryOf } from "@sluice/core";
import type { Content } from "./content.ts";
import { callAttributes, finishAttributes, modelNames, outputMessages, toolAttributes } from "./gen-ai.ts";
import type { OpenSpan } from "./open-span.ts";

/** A call of a model that has not ended. */
interface Call {
  readonly span: OpenSpan;
  readonly replyId: string | undefined;
  /** What it has written; left empty where content is not recorded. */
  text: string;
  reasoning: string;
}

type ModelEntry = Extract<Entry, { readonly type: "model:start" | "model:token" | "model:reasoning" | "model:finish" }>;
type ResolvedEntry = Extract<Entry, { readonly type: "model:resolved" }>;
type ToolEntry = Extract<Entry, { readonly type: "tool:call_start" | "tool:call_finish" }>;
type ReplyEntry = Extract<
  Entry,
  { readonly type: "field:complete" | "field:invalid" | "reply:complete" | "reply:stopped" }
>;

/** The span of one attempt of a chunk, and those of the models and tools that it calls. */
export class AttemptSpans {
  readonly span: OpenSpan;
  readonly number: number;
  readonly #content: Content;
  readonly #isFull: boolean;
  readonly #calls = new Map<number, Call>();
  readonly #tools = new Map<string, OpenSpan>();
  /** The replies of which a value has come. */
  readonly #begun = new Set<string>();

  /** @param isFull whether what models write is to be recorded */
  constructor(span: OpenSpan, number: number, content: Content, isFull: boolean) {
    this.span = span;
    this.number = number;
    this.#content = content;
    this.#isFull = isFull;
  }

  model(entry: ModelEntry): void {
    if (entry.type === "model:start") {
      const { model } = modelNames(entry.model);
      const span = this.span.begin(`chat ${model}`, entry.at, SpanKind.CLIENT, callAttributes(entry));
      this.#calls.set(entry.call, { span, replyId: entry.replyId, text: "", reasoning: "" });
      return;
    }
    const call = this.#calls.get(entry.call);
    if (call === undefined) return;
    if (entry.type === "model:finish") this.#finish(call, entry);
    else if (!this.#isFull) return;
    else if (entry.type === "model:token") call.text += entry.delta;
    else call.reasoning += entry.delta;
  }

  /** Another model is asked than the one that was wanted. */
  resolve({ type, at, wanted, model, reason }: ResolvedEntry): void {
    this.span.event(type, at, {
      "sluice.model.wanted": wanted,
      "sluice.model.asked": model,
      "sluice.model.reason": reason,
    });
  }

  tool(entry: ToolEntry): void {
    if (entry.type === "tool:call_start") {
      const attributes = { ...toolAttributes(entry), ...this.#content("gen_ai.tool.call.arguments", entry.args) };
      const span = this.span.begin(`execute_tool ${entry.tool}`, entry.at, SpanKind.INTERNAL, attributes);
      this.#tools.set(entry.toolCallId, span);
      return;
    }
    const span = this.#tools.get(entry.toolCallId);
    if (span === undefined) return;
    this.#tools.delete(entry.toolCallId);
    if (entry.success) span.set(this.#content("gen_ai.tool.call.result", entry.output));
    else span.fail("_OTHER", this.#isFull ? entry.error : undefined); // the conventions' word for what has no code
    span.end(entry.at);
  }

  reply(entry: ReplyEntry): void {
    const span = this.#readerOf(entry.replyId);
    const place = { "sluice.reply": entry.reply, "sluice.reply.id": entry.replyId };
    switch (entry.type) {
      case "field:complete":
        this.#first(span, entry);
        return span.event("sluice.field", entry.at, {
          ...place,
          "sluice.field.path": entry.field,
          ...this.#content("sluice.field.value", entry.value),
        });
      case "field:invalid":
        return span.event("sluice.field.invalid", entry.at, {
          ...place,
          "sluice.field.path": entry.field,
          "sluice.field.issues": entry.issues.length,
          ...this.#content("sluice.field.value", entry.raw),
        });
      case "reply:complete":
        return span.event("sluice.reply.complete", entry.at, {
          ...place,
          ...(entry.repairs !== undefined && { "sluice.reply.repairs": entry.repairs.length }),
        });
      case "reply:stopped":
        return span.event("sluice.reply.stopped", entry.at, {
          ...place,
          ...(entry.tokensSaved !== undefined && { "sluice.tokens_saved": entry.tokensSaved }),
        });
      default:
        entry satisfies never;
    }
  }

  /** The attempt is over. What is open then has not ended by itself. */
  end(at: number): void {
    const open = [...this.#tools.values(), ...[...this.#calls.values()].map(({ span }) => span)];
    for (const span of open) span.set({ "sluice.outcome": "aborted" }).end(at);
    this.span.end(at);
  }

  #finish(call: Call, entry: EntryOf<unknown, "model:finish">): void {
    this.#calls.delete(entry.call);
    const { tokensSaved, finishReason, costUsd, estimated, cached } = entry;
    if (finishReason === "error") call.span.fail("model-failed");
    call.span.set({
      ...finishAttributes(entry),
      ...(costUsd !== undefined && { "sluice.cost_usd": costUsd }),
      ...(estimated && { "sluice.usage.estimated": true }),
      ...(cached && { "sluice.cached": true }),
      ...(tokensSaved !== undefined && { "sluice.tokens_saved": tokensSaved }),
      ...(this.#isFull && { "gen_ai.output.messages": outputMessages(call.text, call.reasoning, finishReason) }),
    });
    call.span.end(entry.at);
  }

  /** The call that writes a reply, else the attempt: of a reply that no model writes, or that a tool's input is. */
  #readerOf(replyId: string): OpenSpan {
    for (const call of this.#calls.values()) if (call.replyId === replyId) return call.span;
    return this.span;
  }

  #first(span: OpenSpan, { replyId, at }: EntryOf<unknown, "field:complete">): void {
    if (this.#begun.has(replyId)) return;
    this.#begun.add(replyId);
    span.set({ "sluice.reply.time_to_first_field": (at - span.startedAt) / 1000 });
  }
}
