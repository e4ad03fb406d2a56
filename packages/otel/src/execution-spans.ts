import { SpanKind } from "@opentelemetry/api";
import { type Entry, type EntryOf, type FinalEntry, type SluiceError, messageOf } from "@sluice/core";
import { AttemptSpans } from "./attempt-spans.ts";
import { type Content, contentOf } from "./content.ts";
import { workflowAttributes } from "./gen-ai.ts";
import { OpenSpan, type SpanPlace } from "./open-span.ts";

/** What is recorded. */
export interface ExecutionSpansOptions extends SpanPlace {
  readonly content: boolean;
}

type OfChunk = Pick<EntryOf<unknown, "chunk:start">, "path" | "activationId" | "attempt">;

/** Makes the spans of an execution and its children of the entries of its log, with their times. */
export class ExecutionSpans {
  readonly #options: ExecutionSpansOptions;
  readonly #content: Content;
  readonly #flows = new Map<string, OpenSpan>();
  readonly #attempts = new Map<string, AttemptSpans>();
  #last = 0;

  constructor(options: ExecutionSpansOptions) {
    this.#options = options;
    this.#content = contentOf(options.content);
  }

  /** @returns false when nobody will see the spans */
  note(entry: Entry): boolean {
    this.#last = entry.at;
    if (this.#flows.size === 0 && entry.type !== "flow:start") return false; // its beginning has been dropped
    switch (entry.type) {
      case "flow:start":
        return this.#start(entry);
      case "flow:rollback":
        this.#flows.get(pathKey(entry))?.event(entry.type, entry.at, { "sluice.rollback.cause": entry.end });
        break;
      case "signal:retracted":
        this.#retract(entry);
        break;
      case "chunk:start":
        if (entry.live === 0) this.#begin(entry); // live chunks are as many as tokens
        break;
      case "chunk:complete":
        this.#of(entry)?.span.set(this.#content("sluice.output", entry.output));
        this.#end(entry);
        break;
      case "chunk:failed":
        this.#fail(entry);
        break;
      case "chunk:retry":
        this.#tell(entry, { "sluice.delay_ms": entry.delayMs });
        break;
      case "chunk:reset":
        this.#tell(entry, {});
        break;
      case "chunk:compensated":
        this.#undo(entry);
        break;
      case "step:complete":
        this.#of(entry)?.span.event(entry.type, entry.at, { "sluice.step": entry.name });
        break;
      case "interrupt:raised":
      case "interrupt:answered":
      case "interrupt:expired":
        this.#tell(entry, { "sluice.interrupt.id": entry.interrupt.id, "sluice.interrupt.name": entry.interrupt.name });
        break;
      case "flow:waiting":
      case "flow:resume":
        this.#flows.get(pathKey(entry))?.event(entry.type, entry.at, {});
        break;
      case "model:start":
      case "model:token":
      case "model:reasoning":
      case "model:finish":
        this.#of(entry)?.model(entry);
        break;
      case "model:resolved":
        this.#of(entry)?.resolve(entry);
        break;
      case "budget:threshold_reached":
        this.#flows.get(pathKey(entry))?.event(entry.type, entry.at, {
          "sluice.budget.threshold_pct": entry.thresholdPct,
          "sluice.budget.spent_usd": entry.spentUsd,
          "sluice.budget.spent_tokens": entry.spentTokens,
          ...(entry.chunk !== undefined && { "sluice.chunk": entry.chunk }),
        });
        break;
      case "tool:call_start":
      case "tool:call_finish":
        this.#of(entry)?.tool(entry);
        break;
      case "field:complete":
      case "field:invalid":
      case "reply:complete":
      case "reply:stopped":
        this.#of(entry)?.reply(entry);
        break;
      case "flow:completed":
      case "flow:failed":
      case "flow:timeout":
      case "flow:cancelled":
        this.#finish(entry);
        break;
      default:
    }
    return true;
  }

  /** Nobody goes on: what is open ends where the log was left. */
  leave(): void {
    for (const attempt of this.#attempts.values()) attempt.end(this.#last);
    for (const span of [...this.#flows.values()].toReversed()) span.end(this.#last);
    this.#attempts.clear();
    this.#flows.clear();
  }

  #start(entry: EntryOf<unknown, "flow:start">): boolean {
    const { path, parent, flow, executionId, graphHash, at } = entry;
    const above =
      parent === undefined ? undefined : this.#attempts.get(keyOf({ path: path.slice(0, -1), activationId: parent }));
    const attributes = {
      ...workflowAttributes(flow),
      "sluice.execution.id": executionId,
      "sluice.execution.path": path.join("/"),
      "sluice.graph.hash": graphHash,
      ...this.#content("sluice.input", entry.input),
    };
    const name = `invoke_workflow ${flow}`;
    const span =
      above === undefined
        ? new OpenSpan(this.#options, name, at, SpanKind.INTERNAL, attributes)
        : above.span.begin(name, at, SpanKind.INTERNAL, attributes);
    this.#flows.set(pathKey(entry), span);
    return span.isRecording;
  }

  #begin(entry: EntryOf<unknown, "chunk:start">): void {
    const { chunk, activationId, attempt, lane, trigger, at } = entry;
    const span = this.#flows.get(pathKey(entry))?.begin(`chunk ${chunk}`, at, SpanKind.INTERNAL, {
      "sluice.chunk": chunk,
      "sluice.activation.id": activationId,
      "sluice.attempt": attempt,
      "sluice.lane": lane,
      "sluice.trigger": trigger,
      ...this.#content("sluice.input", entry.input),
    });
    if (span === undefined) return;
    this.#attempts.set(keyOf(entry), new AttemptSpans(span, attempt, this.#content, this.#options.content));
  }

  #fail(entry: EntryOf<unknown, "chunk:failed">): void {
    const span = this.#of(entry)?.span;
    const { error, willRetry } = entry;
    if (span !== undefined && error.code === "chunk-aborted") span.set({ "sluice.outcome": "aborted" });
    else if (span !== undefined) {
      span.set({ "sluice.outcome": "failed", "sluice.will_retry": willRetry });
      this.#failSpan(span, error, entry.at);
    }
    this.#end(entry);
  }

  #end(entry: OfChunk & { readonly at: number }): void {
    this.#of(entry)?.end(entry.at);
    this.#attempts.delete(keyOf(entry));
  }

  #retract(entry: EntryOf<unknown, "signal:retracted">): void {
    const { activations, ids, at, path } = entry;
    const attributes = { "sluice.activations": [...activations], "sluice.signals": [...ids] };
    this.#flows.get(pathKey(entry))?.event(entry.type, at, attributes);
    for (const activationId of activations) {
      this.#attempts.get(keyOf({ path, activationId }))?.span.set({ "sluice.retracted": true });
    }
  }

  /** It is told when it is over: how long it took is in it. */
  #undo(entry: EntryOf<unknown, "chunk:compensated">): void {
    const { chunk, activationId, attempt, at, durationMs, error } = entry;
    const attributes = { "sluice.chunk": chunk, "sluice.activation.id": activationId, "sluice.attempt": attempt };
    const flow = this.#flows.get(pathKey(entry));
    const span = flow?.begin(`compensate ${chunk}`, at - durationMs, SpanKind.INTERNAL, attributes);
    if (span !== undefined && error !== undefined) this.#failSpan(span, error, at);
    span?.end(at);
  }

  /** On the span of the flow: that of the attempt has ended. */
  #tell(
    entry: Extract<Entry, { readonly type: "chunk:retry" | "chunk:reset" | `interrupt:${string}` }>,
    attributes: Record<string, string | number>,
  ): void {
    const { type, at, chunk, activationId, attempt } = entry;
    const place = { "sluice.chunk": chunk, "sluice.activation.id": activationId, "sluice.attempt": attempt };
    this.#flows.get(pathKey(entry))?.event(type, at, { ...place, ...attributes });
  }

  #finish(entry: FinalEntry): void {
    const span = this.#flows.get(pathKey(entry));
    if (span === undefined) return;
    this.#flows.delete(pathKey(entry));
    span.set({ "sluice.outcome": entry.type.slice("flow:".length) });
    if (entry.type === "flow:completed") span.set(this.#content("sluice.result", entry.result));
    else if (entry.type === "flow:failed") this.#failSpan(span, entry.error, entry.at);
    else if (entry.type === "flow:timeout") span.fail("execution-timeout");
    span.end(entry.at);
  }

  /** Messages may quote what a model was given or wrote. */
  #failSpan(span: OpenSpan, error: SluiceError, at: number): void {
    const { content } = this.#options;
    const cause = error.cause instanceof Error ? error.cause : error;
    span.fail(error.code, content ? error.message : undefined);
    span.event("exception", at, {
      "exception.type": cause.name,
      ...(content && { "exception.message": messageOf(cause) }),
    });
  }

  /** The spans of the attempt that an entry is from. */
  #of(entry: OfChunk): AttemptSpans | undefined {
    const attempt = this.#attempts.get(keyOf(entry));
    return attempt?.number === entry.attempt ? attempt : undefined;
  }
}

const pathKey = ({ path }: Pick<Entry, "path">): string => path.join("/");
const keyOf = ({ path, activationId }: Pick<OfChunk, "path" | "activationId">): string =>
  `${path.join("/")} ${activationId}`;
