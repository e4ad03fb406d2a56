import type { Usage } from "@sluice/core";

/** What a model costs, in US dollars for a million tokens. */
export interface Price {
  readonly input: number;
  readonly output: number;
  /** Input that the provider reads from its cache. @default input */
  readonly cachedInput?: number;
  /** Input that the provider writes to its cache. @default input */
  readonly cacheWriteInput?: number;
  /** What all of a call costs whose input is longer than `above` tokens. @default the same */
  readonly long?: { readonly above: number } & Omit<Price, "long" | "maxOutputTokens">;
  /** Most tokens that the model writes in one call: what a budget reserves where the call has no limit. */
  readonly maxOutputTokens?: number;
}

/** What models cost. Another table, or a changed copy of this one, is given to `ask` as `prices`. */
export interface PriceTable {
  /** Names it in the log. */
  readonly version: string;
  /** By the name that the log has: `openai/gpt-6-sol`. A name without the date that a version of it ends with will do. */
  readonly models: Readonly<Record<string, Price>>;
}

/** What a table says of a model. */
export function priceOf({ models }: PriceTable, model: string): Price | undefined {
  const undated = model.replace(/-(?:\d{8}|\d{4}-\d{2}-\d{2})$/, "");
  const name = [model, undated].find((one) => Object.hasOwn(models, one));
  return name === undefined ? undefined : models[name];
}

/** The dearest of a table's models, by what they write. */
export function dearestOf({ models }: PriceTable): Price | undefined {
  return Object.values(models).toSorted((one, other) => other.output - one.output)[0];
}

/** What a call costs, in US dollars. */
export function costOf(usage: Usage, price: Price): number {
  const { inputTokens = 0, outputTokens = 0, cachedInputTokens = 0, cacheWriteInputTokens = 0 } = usage;
  const rate = price.long !== undefined && inputTokens > price.long.above ? price.long : price;
  const { input, output, cachedInput = input, cacheWriteInput = input } = rate;
  const fresh = Math.max(0, inputTokens - cachedInputTokens - cacheWriteInputTokens);
  const micro =
    fresh * input + cachedInputTokens * cachedInput + cacheWriteInputTokens * cacheWriteInput + outputTokens * output;
  return micro / 1_000_000;
}
