import type { Graph } from "../graph/graph.ts";
import type { Activation, Command } from "./command.ts";

/** The timers of the whole execution, and of an open one in which nothing happens. */
export const [flowTimer, idleTimer] = ["flow", "idle"] as const;

/** Where a running machine stands. */
interface Standing {
  readonly activations: Iterable<Activation>;
  /** When each timer that is set is due. */
  readonly timers: ReadonlyMap<string, number>;
  /** Whether the execution is open, and nothing happens in it. */
  readonly isIdle: boolean;
}

/** The commands that are still to be carried out in a running execution that is not complete. */
export function pendingCommands(
  { timeout, idle }: Graph,
  { activations, timers, isIdle }: Standing,
): readonly Command[] {
  const pending: Command[] = [...timers].map(([timer, dueAt]) => ({ type: "wait", timer, dueAt }));
  if (timeout !== undefined && !timers.has(flowTimer)) {
    pending.push({ type: "limit", timer: flowTimer, timeoutMs: timeout });
  }
  if (idle !== undefined && isIdle && !timers.has(idleTimer)) {
    pending.push({ type: "limit", timer: idleTimer, timeoutMs: idle });
  }
  for (const activation of activations) {
    if (activation.retryIn !== undefined) pending.push({ type: "retry", activation, delayMs: activation.retryIn });
    else if (activation.granted) pending.push({ type: "start", activation });
  }
  return pending;
}
