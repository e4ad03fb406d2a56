import type { Amount, Budget, UnknownPrice } from "../define/budget.ts";
import { SluiceError } from "../error/sluice-error.ts";
import type { EntryDraft } from "../machine/entry.ts";
import type { Abort } from "./abort.ts";

const thresholds = [50, 75, 90, 100] as const;

/** Whose account it is, and where its thresholds are told. */
export interface AccountParts {
  /** Of a chunk's: its name. */
  readonly chunk?: string;
  /** What is spent here is spent there, too. */
  readonly parent: Account | undefined;
  readonly tell: (draft: EntryDraft) => void;
  /** What has been spent before, and the highest threshold that has been told. */
  readonly spent?: Amount;
  readonly reached?: number;
}

/**
 * What has been spent of a budget, and what calls that are going on have reserved. What is spent is the sum of what
 * `model:finish` entries tell, so the log is enough to know it again.
 */
export class Account {
  readonly #budget: Budget;
  readonly #parts: AccountParts;
  readonly #spent: { usd: number; tokens: number };
  readonly #reserved = { usd: 0, tokens: 0 };
  readonly #unpriced = new Set<string>();
  #reached: number;
  /** Calls that wait for others to end; only at the top. */
  #waiting: (() => void)[] = [];

  constructor(budget: Budget, parts: AccountParts) {
    this.#budget = budget;
    this.#parts = parts;
    this.#spent = { usd: parts.spent?.usd ?? 0, tokens: parts.spent?.tokens ?? 0 };
    this.#reached = parts.reached ?? 0;
  }

  get spent(): Amount {
    return { ...this.#spent };
  }

  /** The highest threshold that has been told; 0 for none. */
  get reached(): number {
    return this.#reached;
  }

  get unknownPrice(): UnknownPrice {
    return this.#budget.unknownPrice ?? this.#parts.parent?.unknownPrice ?? "warn";
  }

  /** What is neither spent nor reserved, here and above. */
  get left(): Amount {
    return this.#rest(true);
  }

  /** A model's price is not known: told once. */
  unpriced(model: string): void {
    const { parent, tell } = this.#parts;
    if (parent !== undefined) return parent.unpriced(model);
    if (this.#unpriced.has(model)) return;
    this.#unpriced.add(model);
    tell({ type: "budget:price_unknown", model });
  }

  /** Reserves; waits while calls that are going on hold what is needed. @throws SluiceError `budget-exceeded` */
  async reserve(least: Amount, most: Amount, abort: Abort, where: string): Promise<Amount> {
    while (!fits(least, this.left)) {
      if (!fits(least, this.#rest(false))) throw this.#exceeded(least, where);
      await this.#change(abort);
    }
    const { left } = this;
    // what is not limited is not reserved
    const granted = {
      ...(left.usd !== undefined && { usd: Math.min(most.usd ?? 0, left.usd) }),
      ...(left.tokens !== undefined && { tokens: Math.min(most.tokens ?? 0, left.tokens) }),
    };
    this.#hold(granted, 1);
    return granted;
  }

  /** Gives a reservation back. */
  release(granted: Amount): void {
    this.#hold(granted, -1);
    this.#top.#wake();
  }

  /** A call has ended that has cost so much. */
  spend({ usd = 0, tokens = 0 }: Amount): void {
    this.#parts.parent?.spend({ usd, tokens });
    this.#spent.usd += usd;
    this.#spent.tokens += tokens;
    const { usd: budgetUsd, tokens: budgetTokens } = this.#budget;
    const share = Math.max(shareOf(this.#spent.usd, budgetUsd), shareOf(this.#spent.tokens, budgetTokens));
    for (const thresholdPct of thresholds) {
      if (thresholdPct <= this.#reached || share * 100 < thresholdPct) continue;
      this.#reached = thresholdPct;
      const { chunk } = this.#parts;
      this.#parts.tell({
        type: "budget:threshold_reached",
        thresholdPct,
        spentUsd: this.#spent.usd,
        spentTokens: this.#spent.tokens,
        ...(budgetUsd !== undefined && { budgetUsd }),
        ...(budgetTokens !== undefined && { budgetTokens }),
        ...(chunk !== undefined && { chunk }),
      });
    }
  }

  get #top(): Account {
    const { parent } = this.#parts;
    return parent === undefined ? this : parent.#top;
  }

  #rest(reserved: boolean): Amount {
    const { parent } = this.#parts;
    const above: Amount = parent === undefined ? {} : parent.#rest(reserved);
    const own = (kind: "usd" | "tokens"): number | undefined => {
      const limit = this.#budget[kind];
      if (limit === undefined) return above[kind];
      const rest = limit - this.#spent[kind] - (reserved ? this.#reserved[kind] : 0);
      return Math.max(0, Math.min(rest, above[kind] ?? Infinity));
    };
    const [usd, tokens] = [own("usd"), own("tokens")];
    return { ...(usd !== undefined && { usd }), ...(tokens !== undefined && { tokens }) };
  }

  #hold({ usd = 0, tokens = 0 }: Amount, sign: 1 | -1): void {
    this.#reserved.usd += sign * usd;
    this.#reserved.tokens += sign * tokens;
    const { parent } = this.#parts;
    if (parent !== undefined) parent.#hold({ usd, tokens }, sign);
  }

  #change(abort: Abort): Promise<void> {
    return new Promise((resolve, reject) => {
      const forget = abort.onAbort(reject);
      this.#top.#waiting.push(() => {
        forget();
        resolve();
      });
    });
  }

  #wake(): void {
    const waiting = this.#waiting;
    this.#waiting = [];
    for (const wake of waiting) wake();
  }

  #exceeded(least: Amount, where: string): SluiceError {
    const rest = this.#rest(false);
    const whole = (rest.usd ?? Infinity) < (least.usd ?? 0) ? dollars(rest.usd) : `${rest.tokens} tokens`;
    const needed = (rest.usd ?? Infinity) < (least.usd ?? 0) ? dollars(least.usd) : `${least.tokens}`;
    return new SluiceError("budget-exceeded", {
      what: `Of the budget ${whole} are left, and the next call of a model needs at least ${needed}`,
      where,
      mend: "Raise the budget, ask for less, or answer the failure in a chunk on failed(…)",
      retryable: false,
    });
  }
}

function fits(least: Amount, left: Amount): boolean {
  return (least.usd ?? 0) <= (left.usd ?? Infinity) && (least.tokens ?? 0) <= (left.tokens ?? Infinity);
}

function shareOf(spent: number, limit: number | undefined): number {
  if (limit === undefined) return 0;
  return spent >= limit ? 1 : spent / limit;
}

function dollars(usd = 0): string {
  return `$${Number(usd.toPrecision(3))}`;
}
