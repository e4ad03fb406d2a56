import type { ModelPart } from "../define/token-source.ts";
import type { OfChunk } from "../machine/entry.ts";
import type { Attempt } from "./attempt.ts";
import type { Host } from "./host.ts";

/** How a model's calls are told. */
export interface ModelLogOptions {
  /** Whether tokens and reasoning are left out. */
  readonly quiet: boolean;
}

/** A call that has not ended. */
interface OpenCall {
  readonly model: string;
  readonly startedAt: number;
  firstTokenMs?: number;
}

/** Tells the log of a model's calls and of the tools that they ran, and how long each took by the scheduler's clock. */
export class ModelLog {
  readonly #host: Host;
  readonly #origin: OfChunk;
  readonly #quiet: boolean;
  #call: OpenCall | undefined;
  /** When each running tool began, by the id of its call. */
  #tools: Map<string, number> | undefined;

  constructor(host: Host, attempt: Attempt, { quiet }: ModelLogOptions) {
    this.#host = host;
    this.#origin = attempt.origin();
    this.#quiet = quiet;
  }

  /** A call begins. */
  start(model: string): void {
    this.#call = { model, startedAt: this.#host.now() };
    this.#host.append({ type: "model:start", ...this.#origin, model });
  }

  /** Something came. */
  note(part: ModelPart): void {
    const host = this.#host;
    const origin = this.#origin;
    switch (part.type) {
      case "text":
      case "reasoning": {
        this.#first();
        if (this.#quiet) return;
        const type = part.type === "text" ? "model:token" : "model:reasoning";
        return void host.append({ type, ...origin, delta: part.delta }, true);
      }
      case "tool-input":
      case "tool-input-end":
        return this.#first();
      case "start":
        this.end();
        return this.start(part.model);
      case "finish":
        return this.#finish(part);
      case "tool-call": {
        const { type: _type, ...call } = part;
        (this.#tools ??= new Map()).set(call.toolCallId, host.now());
        return void host.append({ type: "tool:call_start", ...origin, ...call });
      }
      case "tool-progress": {
        const { type: _type, ...progress } = part;
        return void host.append({ type: "tool:progress", ...origin, ...progress }, true);
      }
      case "tool-result": {
        const { type: _type, ...result } = part;
        const now = host.now();
        const durationMs = now - (this.#tools?.get(result.toolCallId) ?? now);
        return void host.append({ type: "tool:call_finish", ...origin, ...result, durationMs });
      }
      default:
        part satisfies never;
    }
  }

  /** Nothing more comes. A call that did not say how it ended has ended now. */
  end(): void {
    this.#finish({ finishReason: "unknown", usage: {} });
  }

  #first(): void {
    const call = this.#call;
    if (call !== undefined) call.firstTokenMs ??= this.#host.now() - call.startedAt;
  }

  #finish({ finishReason, usage }: Pick<Extract<ModelPart, { type: "finish" }>, "finishReason" | "usage">): void {
    const call = this.#call;
    if (call === undefined) return;
    this.#call = undefined;
    const { model, startedAt, firstTokenMs } = call;
    this.#host.append({
      type: "model:finish",
      ...this.#origin,
      model,
      usage,
      finishReason,
      durationMs: this.#host.now() - startedAt,
      ...(firstTokenMs !== undefined && { firstTokenMs }),
    });
  }
}
