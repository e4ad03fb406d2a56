import type { Graph } from "../graph/graph.ts";
import type { Activation, Command, Waiting } from "./command.ts";

/** The timers of the whole execution, and of an open one in which nothing happens. */
export const [flowTimer, idleTimer] = ["flow", "idle"] as const;

/** Where a machine stands that has not come to its end. */
interface Standing {
  readonly activations: Iterable<Activation>;
  /** When each timer that is set is due. */
  readonly timers: ReadonlyMap<string, number>;
  /** Whether the execution is open, and nothing happens in it. */
  readonly isIdle: boolean;
  /** Deadlines of joins that no timer is set for. */
  readonly deadlines: readonly { readonly timer: string; readonly timeoutMs: number }[];
}

/** The commands that are still to be carried out in a running execution that is not complete. */
export function pendingCommands(
  { timeout, idle }: Graph,
  { activations, timers, isIdle, deadlines }: Standing,
): readonly Command[] {
  const pending: Command[] = [...timers].map(([timer, dueAt]) => ({ type: "wait", timer, dueAt }));
  if (timeout !== undefined && !timers.has(flowTimer)) {
    pending.push({ type: "limit", timer: flowTimer, timeoutMs: timeout });
  }
  if (idle !== undefined && isIdle && !timers.has(idleTimer)) {
    pending.push({ type: "limit", timer: idleTimer, timeoutMs: idle });
  }
  for (const { timer, timeoutMs } of deadlines) {
    if (!timers.has(timer)) pending.push({ type: "limit", timer, timeoutMs });
  }
  for (const activation of activations) {
    const { retryIn, expired, granted, failure, retracted } = activation;
    if (failure !== undefined || retracted) continue;
    if (expired !== undefined) pending.push({ type: "expire", activation });
    else if (retryIn !== undefined) pending.push({ type: "retry", of: waitingOf(activation), delayMs: retryIn });
    else if (granted) pending.push({ type: "start", activation });
  }
  return pending;
}

/** An activation that waits for its next attempt; the timer has its id. */
export function waitingOf({ id, chunk, arrival, attempts }: Activation): Waiting {
  return { timer: id, activationId: id, chunk, lane: arrival.lane, attempt: attempts };
}
