import type { Allowance, Amount } from "../define/budget.ts";
import type { Generation, ModelPart, Resolved, Spent } from "../define/token-source.ts";
import type { EntryOf, OfChunk } from "../machine/entry.ts";
import type { Abort } from "./abort.ts";
import type { Account } from "./account.ts";
import type { Attempt } from "./attempt.ts";
import type { Below } from "./below.ts";
import type { Host } from "./host.ts";
import { amountOf } from "./costs.ts";
import { tokenDraft } from "./reply-draft.ts";

/** How a model's calls are told. */
export interface ModelLogOptions {
  /** Whether tokens and reasoning are left out. */
  readonly quiet: boolean;
  /** The reply that is read, by its id; undefined for a text. */
  readonly replyId: string | undefined;
}

/** A call that has not ended. */
interface OpenCall {
  readonly call: number;
  readonly model: string;
  readonly startedAt: number;
  firstTokenMs?: number;
}

/** A call of a tool that has not ended. */
interface RunningTool {
  readonly tool: string;
  readonly startedAt: number;
}

const nothing: Below["held"] = { attempts: 0, timers: 0 };

/** Tells the log of a model's calls and of the tools that they ran, and how long each took by the scheduler's clock. */
export class ModelLog {
  readonly #host: Host;
  readonly #attempt: Attempt;
  readonly #origin: OfChunk;
  readonly #quiet: boolean;
  readonly #replyId: string | undefined;
  #call: OpenCall | undefined;
  /** What is read. */
  generation: Generation | undefined;
  readonly #disown: () => void;
  /** The tools that run, and when each began, by the id of its call. */
  #tools: Map<string, RunningTool> | undefined;
  readonly #account: Account | undefined;
  /** What is reserved, for each call in order: a further one may begin before all of the one before has been read. */
  #granted: Amount[] | undefined;

  constructor(host: Host, attempt: Attempt, { quiet, replyId }: ModelLogOptions) {
    this.#host = host;
    this.#attempt = attempt;
    this.#origin = attempt.origin();
    this.#quiet = quiet;
    this.#account = host.identity.accounts?.of(attempt.chunk);
    this.#replyId = replyId;
    // an attempt that ends before the generation aborts it in the log first: nothing follows a final entry
    this.#disown = attempt.adopt({ held: nothing, cancel: () => this.abort(), onEnded() {} });
  }

  /** What the model may spend; undefined where nothing is limited. */
  allowance(abort: Abort): Allowance | undefined {
    const account = this.#account;
    return (
      account && {
        left: () => account.left,
        unknownPrice: account.unknownPrice,
        unpriced: (model) => account.unpriced(model),
        reserve: async (least, most, abortSignal) => {
          const granted = await account.reserve(least, most, abort, this.#attempt.where);
          if (abort.aborted || abortSignal?.aborted === true) account.release(granted);
          else (this.#granted ??= []).push(granted);
          abortSignal?.throwIfAborted();
          return granted;
        },
      }
    );
  }

  /** Another model is asked than the one that was wanted. */
  resolve(resolved: Resolved): void {
    this.#host.append({ type: "model:resolved", ...this.#origin, ...resolved });
  }

  /** A call begins. */
  start(model: string): void {
    const call = (this.#attempt.calls += 1);
    const replyId = this.#replyId;
    this.#call = { call, model, startedAt: this.#host.now() };
    this.#host.append({
      type: "model:start",
      ...this.#origin,
      call,
      model,
      ...(replyId !== undefined && { replyId }),
    });
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
        const call = this.#number;
        const told = part.type === "text" ? tokenDraft(this.#attempt, call, part.delta) : undefined;
        return void host.append(told ?? { type: "model:reasoning", ...origin, call, delta: part.delta }, true);
      }
      case "tool-input": {
        this.#first();
        if (this.#quiet) return;
        this.#attempt.shown = true;
        const { type: _type, ...input } = part;
        return void host.append({ type: "tool:input", ...origin, call: this.#number, ...input }, true);
      }
      case "tool-input-end":
        return this.#first();
      case "resolved": {
        const { type: _type, ...resolved } = part;
        this.#fail();
        this.resolve(resolved);
        return this.start(resolved.model);
      }
      case "start":
        this.end();
        return this.start(part.model);
      case "finish":
        return this.#finish(part);
      case "tool-call": {
        const { type: _type, ...call } = part;
        (this.#tools ??= new Map()).set(call.toolCallId, { tool: call.tool, startedAt: host.now() });
        return void host.append({ type: "tool:call_start", ...origin, ...call });
      }
      case "tool-progress": {
        const { type: _type, ...progress } = part;
        return void host.append({ type: "tool:progress", ...origin, ...progress }, true);
      }
      case "tool-result": {
        const { type: _type, ...result } = part;
        const now = host.now();
        const durationMs = now - (this.#tools?.get(result.toolCallId)?.startedAt ?? now);
        this.#tools?.delete(result.toolCallId);
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

  /** The generation is ended before its end. @returns the tokens that were still to come, where they are known */
  abort(): number | undefined {
    const tokensSaved = this.#asked(() => this.generation?.remaining?.());
    this.#leaveTools();
    this.#finish({
      finishReason: "aborted",
      ...this.#spent(),
      ...(tokensSaved !== undefined && { tokensSaved }),
    });
    this.close();
    return tokensSaved;
  }

  /** Nothing more is told; of a call that is open, its model has failed. */
  close(): void {
    this.#leaveTools();
    this.#fail();
    for (const granted of this.#granted?.splice(0) ?? []) this.#account?.release(granted);
    this.#disown();
  }

  /** Nobody waits for the tools that still run: for the log their calls end. */
  #leaveTools(): void {
    for (const [toolCallId, { tool }] of this.#tools ?? []) {
      this.note({ type: "tool-result", toolCallId, tool, success: false, error: "The call was ended" });
    }
  }

  #fail(): void {
    this.#finish({ finishReason: "error", ...this.#spent() });
  }

  #spent(): Spent {
    return this.#asked(() => this.generation?.spent?.()) ?? { usage: {} };
  }

  /** What a source says of the open call. */
  #asked<T>(ask: () => T): T | undefined {
    try {
      return this.#call && ask();
    } catch {
      return undefined; // a source that fails to tell does not know: an attempt that ends must not fail for it
    }
  }

  /** Of the call that writes: a source may write on after its `finish`. */
  get #number(): number {
    return this.#call?.call ?? this.#attempt.calls;
  }

  #first(): void {
    const call = this.#call;
    if (call !== undefined) call.firstTokenMs ??= this.#host.now() - call.startedAt;
  }

  #finish(finish: Spent & Pick<EntryOf<unknown, "model:finish">, "finishReason" | "tokensSaved">): void {
    const call = this.#call;
    if (call === undefined) return;
    this.#call = undefined;
    const { call: number, model, startedAt, firstTokenMs } = call;
    const { finishReason, usage, tokensSaved, costUsd, prices, estimated, cached } = finish;
    this.#host.append({
      type: "model:finish",
      ...this.#origin,
      call: number,
      model,
      usage,
      finishReason,
      durationMs: this.#host.now() - startedAt,
      ...(firstTokenMs !== undefined && { firstTokenMs }),
      ...(tokensSaved !== undefined && { tokensSaved }),
      ...(costUsd !== undefined && { costUsd }),
      ...(prices !== undefined && { prices }),
      ...(estimated !== undefined && { estimated }),
      ...(cached !== undefined && { cached }),
    });
    const account = this.#account;
    if (account === undefined) return;
    account.spend(amountOf({ usage, ...(costUsd !== undefined && { costUsd }) }));
    const granted = cached === true ? undefined : this.#granted?.shift(); // for what is kept nothing was reserved
    if (granted !== undefined) account.release(granted);
  }
}
