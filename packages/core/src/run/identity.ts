import type { Accounts } from "./accounts.ts";

/** Who an execution is, and what it belongs to. */
export interface Identity {
  readonly id: string;
  /** The flow's name, then each child's: `["support", "audit#2"]`. */
  readonly path: readonly string[];
  /** Of a child: the activation that runs it. */
  readonly parent?: string;
  /** Of a child whose stream items are not shown in its parent's stream. */
  readonly unbridged?: boolean;
  /** What its models may spend; left out where nothing is limited. */
  readonly accounts?: Accounts;
}
