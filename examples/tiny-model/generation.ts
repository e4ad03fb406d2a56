import { setImmediate as nextTurn, setTimeout as sleep } from "node:timers/promises";
import { advance, END, type Grammar } from "./grammar.ts";
import type { Sampler } from "./sampler.ts";
import type { Tokenizer } from "./tokenizer.ts";
import { Session, type Transformer } from "./transformer.ts";

/** A model ready to write: its arithmetic and its vocabulary. */
export interface Model {
  readonly transformer: Transformer;
  readonly tokenizer: Tokenizer;
}

/** What is to be written. */
export interface GenerationOptions {
  /** The tokens to go on from; fewer than the context holds. */
  readonly prompt: readonly number[];
  readonly grammar: Grammar;
  readonly sampler: Sampler;
  /** Tokens to write at most. @default as many as the context has room for */
  readonly maxTokens?: number | undefined;
  /** Writes no faster than this. @default as fast as it goes */
  readonly tokensPerSecond?: number | undefined;
  readonly abortSignal?: AbortSignal | undefined;
}

/**
 * Writes a text, one token a step, and returns why it ended.
 *
 * Works on demand: a token is computed when the reader asks for it, and none once the reader has left. Between two
 * tokens, of the prompt too, the event loop gets a turn, and `abortSignal` is looked at.
 *
 * @throws the reason of `abortSignal`, when it aborts.
 */
export async function* generate(
  { transformer, tokenizer }: Model,
  { prompt, grammar, sampler, maxTokens = Infinity, tokensPerSecond = Infinity, abortSignal }: GenerationOptions,
): AsyncGenerator<number, "stop" | "length"> {
  const endOfText = tokenizer.control("<|end|>");
  const session = new Session(transformer);
  for (const token of prompt) {
    await pause(0, abortSignal);
    session.feed(token);
  }

  const room = Math.min(maxTokens, transformer.context - prompt.length);
  let here = grammar;
  let written = 0;
  let dueMs = performance.now();
  for (;;) {
    for (const token of nextTokens(here)) {
      if (token === endOfText) return "stop";
      if (written >= room) return "length";
      yield token;
      written++;
      here = step(here, token);
      if (here === END) return "stop";
      dueMs = Math.max(dueMs + 1000 / tokensPerSecond, performance.now());
      await pause(dueMs - performance.now(), abortSignal);
      session.feed(token);
    }
  }

  /**
   * The text that the grammar forces, cut into tokens as in training, or else one token of the model's choice. The last
   * forced token is left to the model as well, since the tokenizer may join it with what follows: " 12" is one token,
   * and a model made to write " " first would be lost.
   */
  function nextTokens(place: Grammar): readonly number[] {
    const forced = tokenizer.encode(place.forced).slice(0, -1);
    return forced.length > 0 ? forced : [pick(place)];
  }

  function pick(place: Grammar): number {
    const token = sampler(session.logits(), (candidate) =>
      candidate === endOfText ? place.mayEnd : mayCome(place, candidate),
    );
    if (token === undefined) throw new Error("The grammar has come to a place where no token may follow");
    return token;
  }

  function mayCome(place: Grammar, token: number): boolean {
    const bytes = tokenizer.bytes(token);
    return bytes !== undefined && advance(place, bytes) !== undefined;
  }

  function step(place: Grammar, token: number): Grammar {
    const next = advance(place, tokenizer.bytes(token) ?? new Uint8Array());
    if (!next) throw new Error(`Token ${token} may not come here`);
    return next;
  }
}

/** Lets others work, for `ms` or one turn of the event loop. Throws the signal's reason as soon as it aborts. */
async function pause(ms: number, abortSignal: AbortSignal | undefined): Promise<void> {
  if (ms > 0) {
    await sleep(ms, undefined, abortSignal && { signal: abortSignal }).catch((error: unknown) => {
      abortSignal?.throwIfAborted();
      throw error;
    });
  } else {
    await nextTurn();
  }
  abortSignal?.throwIfAborted();
}
