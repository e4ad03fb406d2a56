import type { Allowance } from "./budget.ts";
import type { FieldIssueAt } from "../schema/field-issue.ts";
import type { Instant } from "./instant.ts";
import type { Schema } from "./schema-path.ts";

/** What a model has used, in tokens. Counts that a provider does not tell are left out. */
export interface Usage {
  readonly inputTokens?: number;
  readonly outputTokens?: number;
  readonly totalTokens?: number;
  readonly reasoningTokens?: number;
  /** Of the input: what the provider has read from its cache. */
  readonly cachedInputTokens?: number;
  /** Of the input: what the provider has written to its cache. */
  readonly cacheWriteInputTokens?: number;
}

/** What a call has used, and what that costs. */
export interface Spent {
  readonly usage: Usage;
  /** Left out where the price is not known. */
  readonly costUsd?: number;
  /** The version of the price table that `costUsd` is from. */
  readonly prices?: string;
  /** Whether it is counted here, from the text: the provider has not told. */
  readonly estimated?: true;
  /** Whether the answer is from a cache, and no model was asked. */
  readonly cached?: true;
}

/** One piece of what a model call gives. */
export type ModelPart =
  | { readonly type: "text"; readonly delta: string }
  | { readonly type: "reasoning"; readonly delta: string }
  /** The call has ended: the last part, unless tools run. `length` means that the reply was cut off. */
  | ({ readonly type: "finish"; readonly finishReason: string } & Spent)
  /** More of what the model writes as the input of a tool. */
  | { readonly type: "tool-input"; readonly toolCallId: string; readonly tool: string; readonly delta: string }
  /** That input is written. */
  | { readonly type: "tool-input-end"; readonly toolCallId: string; readonly tool: string }
  /** A tool begins to run, for a call that has ended. `args` are plain data. */
  | { readonly type: "tool-call"; readonly toolCallId: string; readonly tool: string; readonly args: unknown }
  /** A running tool tells of itself, in plain data. */
  | { readonly type: "tool-progress"; readonly toolCallId: string; readonly tool: string; readonly data: unknown }
  /** A tool has ended; `output` is what it gave, in plain data, `error` what went wrong. */
  | {
      readonly type: "tool-result";
      readonly toolCallId: string;
      readonly tool: string;
      readonly success: boolean;
      readonly output?: unknown;
      readonly error?: string;
    }
  /** A further call begins, with what the tools gave. The first one begins without. */
  | { readonly type: "start"; readonly model: string }
  /** The call has failed before anything came of it: another model is asked, or the same again. */
  | ({ readonly type: "resolved" } & Resolved);

/** Why a model was asked that was not wanted in the first place, or one was asked again. */
export type ResolvedBecause = "failure" | "rate-limit" | "timeout" | "budget";

/** Which model is asked, where several may be. */
export interface Resolved {
  /** The model that is asked when all is well. */
  readonly wanted: string;
  /** The one that is asked now. */
  readonly model: string;
  readonly reason: ResolvedBecause;
  /** What went wrong with the one before, in words and without keys. */
  readonly error?: string;
  /** Where dollars are limited: what was left of them. */
  readonly remainingBudgetUsd?: number;
}

/** The time of an execution: the only clock there is for what a source waits for. */
export interface SourceClock {
  /** Unix time in milliseconds. */
  readonly now: () => number;
  /** Waits. Rejects when the reading ends before, or `abortSignal` fires. */
  readonly delay: (ms: number, options?: { readonly abortSignal?: AbortSignal }) => Promise<void>;
}

/** What a reader asks of a model. */
export interface ModelRequest {
  /** Fires when nobody needs the reply any more. */
  readonly abortSignal: AbortSignal;
  /** What the reply must fit; left out for plain text, and for several documents in one. */
  readonly reply?: { readonly name: string; readonly schema: Schema };
  /** What was wrong with this reply in the attempt before, for the model to be told. At most 100 issues. */
  readonly issues?: readonly FieldIssueAt[];
  /** For what tools do outside: the same for every attempt of the activation. Left out outside of a flow. */
  readonly idempotencyKey?: string;
  /** 1 for the first try of the activation. Left out outside of a flow. */
  readonly attempt?: number;
  /** The execution's time. Left out outside of a flow: a source that would wait goes on at once there. */
  readonly clock?: SourceClock;
  /** What may be spent. Left out where nothing is limited. */
  readonly allowance?: Allowance;
}

/** One generation, as it is written. */
export interface Generation extends AsyncIterable<ModelPart> {
  /**
   * How many tokens are still to come: asked once, when the generation is ended before its end. A recording knows it, a
   * provider does not. @default not known
   */
  readonly remaining?: () => number | undefined;
  /** What the open call has used so far: asked once, when it is ended before its end or fails. @default nothing */
  readonly spent?: () => Spent | undefined;
  /** Another model than the one that was wanted, from the beginning. @default none */
  readonly resolved?: Resolved;
}

/** A model, ready to be asked: a port. `@sluice/ai`'s `ask` makes one. */
export interface ModelCall {
  /** Names the model in the log, such as `openai/gpt-5`. */
  readonly model: string;
  /** Starts one generation: a call of the model, and where tools run, further ones. It throws or rejects with what went wrong. */
  readonly stream: (request: ModelRequest) => Generation;
  /** Tools whose input is read as a reply, while the model writes it. */
  readonly inputs?: Readonly<Record<string, Instant>>;
}

/** Text that comes piece by piece. Bytes are UTF-8, cut anywhere: the body of a `Response` will do. */
export type Pieces = AsyncIterable<string | Uint8Array> | Iterable<string | Uint8Array>;

/** Where the tokens of a reply come from: a model, or anything that yields text. */
export type TokenSource = ModelCall | Pieces;
