import type { Runnable } from "../define/runnable.ts";

/** How a flow is run whose child nobody asks for again. */
export interface KnownFlow {
  readonly flow: Runnable;
  readonly create?: (() => object) | undefined;
}

/** Flows by name. */
export type Flows = ReadonlyMap<string, KnownFlow>;

/** How the children of a stored execution go on. */
export interface Continuing {
  readonly flows: Flows;
  /** Though their flows have been wired differently since. */
  readonly acceptChanges: boolean;
}
