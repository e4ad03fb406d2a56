/** An amount that is spent on models. What is left out is not counted. */
export interface Amount {
  readonly usd?: number;
  /** Input and output together. */
  readonly tokens?: number;
}

/** What may be spent on models: a call that would cross one of the limits is refused, or stopped while it is written. */
export interface Budget {
  /** @default no limit */
  readonly usd?: number;
  /** Input and output together. @default no limit */
  readonly tokens?: number;
  /**
   * What becomes of a call in dollars whose model has no known price: it counts nothing, and a `budget:price_unknown` entry
   * tells so, once a model; or it is refused; or it counts as if it were the dearest that is known.
   *
   * @default what the budget above says; "warn" at the top
   */
  readonly unknownPrice?: UnknownPrice;
}

export type UnknownPrice = "warn" | "refuse" | "estimate";

/** What a source may spend. It asks before each call. */
export interface Allowance {
  /** What is neither spent nor reserved; of what is not limited, it is left out. */
  readonly left: () => Amount;
  readonly unknownPrice: UnknownPrice;
  /** A model's price is not known. */
  readonly unpriced: (model: string) => void;
  /**
   * Reserves for the call that begins, until its end. Waits while calls that are going on hold what it needs.
   *
   * @param least without it the call cannot begin
   * @param abortSignal gives the call up
   * @returns what it may spend: `most`, or what is left
   * @throws SluiceError `budget-exceeded` when too little is left of the budget
   */
  readonly reserve: (least: Amount, most: Amount, abortSignal?: AbortSignal) => Promise<Amount>;
}
