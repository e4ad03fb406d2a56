import type { Entry, Usage } from "@sluice/core";
import { type PriceTable, costOf, priceOf } from "./prices.ts";

/** What the calls of some models have used, and what that costs. */
export interface UsageTotal extends Required<Omit<Usage, "cacheWriteInputTokens">> {
  readonly cacheWriteInputTokens: number;
  /** Those that have ended: well, with an error, or before their end. */
  readonly calls: number;
  /** Those whose usage was not told but estimated. */
  readonly estimated: number;
  /** What those cost whose price is known. */
  readonly costUsd: number;
}

/** What an execution has used. */
export interface UsageReport extends UsageTotal {
  /** The same for each model. */
  readonly models: Readonly<Record<string, UsageTotal>>;
  /** The models that have used tokens whose price is not known. */
  readonly unpriced: readonly string[];
}

/** How costs are found. */
export interface UsageOptions {
  /** Prices all calls anew. @default the cost that each entry has, from the table of its time */
  readonly prices?: PriceTable;
}

type Writable<T> = { -readonly [K in keyof T]: T[K] };
const COUNTS = [
  "inputTokens",
  "outputTokens",
  "totalTokens",
  "reasoningTokens",
  "cachedInputTokens",
  "cacheWriteInputTokens",
] as const;

/**
 * Adds up what the models of an execution have used: in all its attempts, failed ones too, in its children, of all models
 * of a list, and of generations that were ended early as far as it is known.
 *
 * @param entries a log, such as `await logOf(execution)` of `@sluice/testing`, a stored one, or what has come so far
 */
export function usageOf(entries: Iterable<Entry>, { prices }: UsageOptions = {}): UsageReport {
  const models = new Map<string, Writable<UsageTotal>>();
  const all = nothing();
  const unpriced = new Set<string>();
  for (const entry of entries) {
    if (entry.type !== "model:finish") continue;
    const { model, usage, estimated } = entry;
    const price = prices && priceOf(prices, model);
    const costUsd = prices === undefined ? entry.costUsd : price && costOf(usage, price);
    const own = models.get(model) ?? nothing();
    models.set(model, own);
    for (const total of [all, own]) {
      total.calls += 1;
      if (estimated === true) total.estimated += 1;
      for (const count of COUNTS) total[count] += usage[count] ?? 0;
      total.totalTokens += usage.totalTokens === undefined ? (usage.inputTokens ?? 0) + (usage.outputTokens ?? 0) : 0;
      total.costUsd += costUsd ?? 0;
    }
    if (costUsd === undefined && COUNTS.some((count) => (usage[count] ?? 0) > 0)) unpriced.add(model);
  }
  return { ...all, models: Object.fromEntries(models), unpriced: [...unpriced] };
}

function nothing(): Writable<UsageTotal> {
  return {
    inputTokens: 0,
    outputTokens: 0,
    totalTokens: 0,
    reasoningTokens: 0,
    cachedInputTokens: 0,
    cacheWriteInputTokens: 0,
    calls: 0,
    estimated: 0,
    costUsd: 0,
  };
}
