import type { Awaitable, Store } from "@sluice/core";

/** How the stores of a suite are made. */
export interface StoreMaker {
  /** A store in which nothing is stored. */
  readonly open: () => Awaitable<Store>;
  /**
   * Another store on what `store` has stored, as another process would open it; `store` may be closed already, or in use.
   * Left out where what is stored does not outlive its store.
   */
  readonly reopen?: (store: Store) => Awaitable<Store>;
}

/** A sentence, and how it is looked at. */
export interface StoreCheck {
  readonly name: string;
  readonly check: (stores: Required<StoreMaker>) => Promise<void>;
}
