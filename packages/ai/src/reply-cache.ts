import type { LanguageModelV4CallOptions, LanguageModelV4StreamPart } from "@ai-sdk/provider";

/** Where answers to calls are kept: a port. What is kept is plain data. */
export interface ReplyCache {
  /** @param key the model and the whole question, as JSON: hash it where keys must be short */
  readonly get: (key: string) => Promise<readonly unknown[] | undefined> | readonly unknown[] | undefined;
  readonly set: (key: string, answer: readonly unknown[]) => Promise<void> | void;
}

/** A cache in memory. @param maxEntries the answer that has not been used for longest goes first. @default 1000 */
export function memoryCache({ maxEntries = 1000 }: { readonly maxEntries?: number } = {}): ReplyCache {
  const answers = new Map<string, readonly unknown[]>();
  return {
    get(key) {
      const answer = answers.get(key);
      if (answer === undefined) return undefined;
      answers.delete(key);
      answers.set(key, answer); // the newest is last
      return answer;
    },
    set(key, answer) {
      answers.delete(key);
      answers.set(key, answer);
      const [oldest] = answers.keys();
      if (answers.size > maxEntries && oldest !== undefined) answers.delete(oldest);
    },
  };
}

/** What makes a call the same as another: all that reaches the model. */
export function keyOf(model: string, params: LanguageModelV4CallOptions): string {
  const { abortSignal: _abortSignal, headers: _headers, includeRawChunks: _raw, ...question } = params;
  return JSON.stringify([model, question]);
}

/** Gathers an answer while it is read. */
export class KeptAnswer {
  readonly #parts: LanguageModelV4StreamPart[] = [];
  #isWhole = false;

  note(part: LanguageModelV4StreamPart): void {
    if (part.type === "raw" || part.type === "response-metadata") return; // of that one call
    if (part.type === "finish") this.#isWhole = WHOLE.has(part.finishReason.unified);
    this.#parts.push(part);
  }

  /** Undefined where it was cut off or has failed. */
  get whole(): readonly LanguageModelV4StreamPart[] | undefined {
    return this.#isWhole ? this.#parts : undefined;
  }
}

const WHOLE: ReadonlySet<string> = new Set(["stop", "tool-calls"]);
