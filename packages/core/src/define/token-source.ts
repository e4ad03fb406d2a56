import type { Schema } from "./schema-path.ts";

/** What a model has used, in tokens. Counts that a provider does not tell are left out. */
export interface Usage {
  readonly inputTokens?: number;
  readonly outputTokens?: number;
  readonly totalTokens?: number;
  readonly reasoningTokens?: number;
  readonly cachedInputTokens?: number;
}

/** One piece of what a model call gives. */
export type ModelPart =
  | { readonly type: "text"; readonly delta: string }
  | { readonly type: "reasoning"; readonly delta: string }
  /** The last part. `length` means that the reply was cut off. */
  | { readonly type: "finish"; readonly finishReason: string; readonly usage: Usage };

/** What a reader asks of a model. */
export interface ModelRequest {
  /** Fires when nobody needs the reply any more. */
  readonly abortSignal: AbortSignal;
  /** What the reply must fit; left out for plain text, and for several documents in one. */
  readonly reply?: { readonly name: string; readonly schema: Schema };
}

/** A model, ready to be asked: a port. `@sluice/ai`'s `ask` makes one. */
export interface ModelCall {
  /** Names the model in the log, such as `openai/gpt-5`. */
  readonly model: string;
  /** Starts one generation. It throws or rejects with what went wrong. */
  readonly stream: (request: ModelRequest) => AsyncIterable<ModelPart>;
}

/** Text that comes piece by piece. Bytes are UTF-8, cut anywhere: the body of a `Response` will do. */
export type Pieces = AsyncIterable<string | Uint8Array> | Iterable<string | Uint8Array>;

/** Where the tokens of a reply come from: a model, or anything that yields text. */
export type TokenSource = ModelCall | Pieces;
