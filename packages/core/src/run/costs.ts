import type { Amount } from "../define/budget.ts";
import type { Entry, EntryOf } from "../machine/entry.ts";

/** What has been spent, in all (`""`) and by chunk, and the highest threshold of each budget that has been told. */
export interface Spending {
  readonly spent: readonly (readonly [chunk: string, amount: Amount])[];
  readonly reached: readonly (readonly [chunk: string, thresholdPct: number])[];
}

/** What the models of an execution and its children have cost: a fold over its entries, whether or not something is limited. */
export class Costs {
  /** Made with the first call of a model. */
  #spent: Map<string, Amount> | undefined;
  #reached: Map<string, number> | undefined;

  constructor({ spent, reached }: Spending = { spent: [], reached: [] }) {
    if (spent.length > 0) this.#spent = new Map(spent);
    if (reached.length > 0) this.#reached = new Map(reached);
  }

  /** Takes one of its own entries in. @returns what it cost */
  take(entry: Entry): Amount | undefined {
    if (entry.type === "budget:threshold_reached")
      (this.#reached ??= new Map()).set(entry.chunk ?? "", entry.thresholdPct);
    return entry.type === "model:finish" ? this.spend(entry.chunk, amountOf(entry)) : undefined;
  }

  /** A chunk, or a child that it runs, has spent something. */
  spend(chunk: string, cost: Amount): Amount {
    const all = (this.#spent ??= new Map<string, Amount>());
    for (const account of new Set(["", chunk])) {
      const { usd = 0, tokens = 0 } = all.get(account) ?? {};
      all.set(account, { usd: usd + (cost.usd ?? 0), tokens: tokens + (cost.tokens ?? 0) });
    }
    return cost;
  }

  list(): Spending {
    return { spent: [...(this.#spent ?? [])], reached: [...(this.#reached ?? [])] };
  }
}

/** What a call of a model has cost. */
export function amountOf({ usage, costUsd }: Pick<EntryOf<unknown, "model:finish">, "usage" | "costUsd">): Amount {
  const { inputTokens = 0, outputTokens = 0, totalTokens = inputTokens + outputTokens } = usage;
  return { tokens: totalTokens, ...(costUsd !== undefined && { usd: costUsd }) };
}
