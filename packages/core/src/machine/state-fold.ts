import type { StateDiff } from "./entry.ts";

/** The state of an execution: one value a key. */
export type StateData = Readonly<Record<string, unknown>>;

/** The state after a change. */
export function foldState(state: StateData, { removed, values }: StateDiff): StateData {
  const next: Record<string, unknown> = { ...state, ...values };
  for (const key of removed) delete next[key];
  return next;
}
