import type { PriceTable } from "./prices.ts";

/**
 * List prices of some models, standard tier, in US dollars: as of 24 October 2026 (Anthropic) and 22 September 2026
 * (OpenAI; of its page, what others quote, and for long inputs the rule that input and cache cost twice, output one and a
 * half times as much). Cache writes are those for five minutes. Prices change: check them, and give `ask` a table of your
 * own.
 *
 * @see https://platform.claude.com/docs/en/about-claude/pricing
 * @see https://developers.openai.com/api/docs/pricing
 */
export const currentPrices: PriceTable = {
  version: "2026-10-24",
  models: {
    "anthropic/claude-fable-5-1": {
      input: 10,
      output: 50,
      cachedInput: 0.25,
      cacheWriteInput: 12.5,
      maxOutputTokens: 128_000,
    },
    "anthropic/claude-opus-5-5": {
      input: 4,
      output: 20,
      cachedInput: 0.2,
      cacheWriteInput: 5,
      maxOutputTokens: 128_000,
    },
    "anthropic/claude-opus-5": {
      input: 5,
      output: 25,
      cachedInput: 0.5,
      cacheWriteInput: 6.25,
      maxOutputTokens: 128_000,
    },
    "anthropic/claude-sonnet-5-5": {
      input: 2,
      output: 10,
      cachedInput: 0.1,
      cacheWriteInput: 2.5,
      maxOutputTokens: 128_000,
    },
    "anthropic/claude-sonnet-5": {
      input: 2,
      output: 10,
      cachedInput: 0.2,
      cacheWriteInput: 2.5,
      maxOutputTokens: 128_000,
    },
    "anthropic/claude-haiku-5-5": {
      input: 0.1,
      output: 0.5,
      cachedInput: 0.01,
      cacheWriteInput: 0.125,
      long: { above: 100_000, input: 0.5, output: 2.5, cachedInput: 0.05, cacheWriteInput: 0.625 },
      maxOutputTokens: 128_000,
    },
    "anthropic/claude-haiku-4-5": {
      input: 1,
      output: 5,
      cachedInput: 0.1,
      cacheWriteInput: 1.25,
      maxOutputTokens: 64_000,
    },
    "openai/gpt-6-sol": {
      input: 2,
      output: 10,
      cachedInput: 0.2,
      cacheWriteInput: 2.5,
      long: { above: 272_000, input: 4, output: 15, cachedInput: 0.4, cacheWriteInput: 5 },
      maxOutputTokens: 128_000,
    },
    "openai/gpt-6-luna": {
      input: 0.1,
      output: 0.5,
      cachedInput: 0.01,
      cacheWriteInput: 0.125,
      long: { above: 272_000, input: 0.2, output: 0.75, cachedInput: 0.02, cacheWriteInput: 0.25 },
      maxOutputTokens: 128_000,
    },
  },
};
