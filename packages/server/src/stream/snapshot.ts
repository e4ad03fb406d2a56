import type { Execution } from "@sluice/core";

/** Where an execution stands, for clients that come late: what comes behind `position` is told as it comes. */
export function snapshotOf({ id: executionId, status, state, interrupts, position }: Execution) {
  return { executionId, status, state, interrupts, position };
}
