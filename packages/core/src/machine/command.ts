import type { SluiceError } from "../error/sluice-error.ts";

/** One triggering of a chunk. */
export interface Activation {
  /** `a1`, `a2`, … in the order of triggering. */
  readonly id: string;
  /** Its number: what is triggered earlier starts earlier. */
  readonly order: number;
  /** Position of the chunk in the graph, and of the trigger that fired in the chunk. */
  readonly chunk: number;
  readonly trigger: number;
  readonly input: unknown;
  readonly lane: string;
  /** What fired: for `ctx.signal`. */
  readonly signal: {
    readonly id: string;
    readonly event: string;
    readonly path: string;
    readonly indexes: readonly number[];
  };
  /** Attempts that have been started. */
  attempts: number;
  running: boolean;
  /** Whether it may run as far as the concurrency limits go. */
  granted: boolean;
  /** The pause before its next attempt, while no timer has been set for it. */
  retryIn: number | undefined;
  /** Whether it answers for a failure: nobody answers for its own. */
  readonly answers: boolean;
  /** Whether a reply of it has triggered something: then what it returns is not the flow's result. */
  heard: boolean;
}

/** What the machine asks the shell to do. */
export type Command =
  /** Start the next attempt of an activation. */
  | { readonly type: "start"; readonly activation: Activation }
  /** Wait, then start the next attempt of an activation. */
  | { readonly type: "retry"; readonly activation: Activation; readonly delayMs: number }
  /** Set the timer of the execution's time, or of its idle time. */
  | { readonly type: "limit"; readonly timer: string; readonly timeoutMs: number }
  /** Nothing has happened for the idle time: let no more events in. */
  | { readonly type: "close" }
  /** A timer that has been set is to fire at this time. */
  | { readonly type: "wait"; readonly timer: string; readonly dueAt: number }
  /** The time of the execution is over. */
  | { readonly type: "timeout" }
  /** Nothing is unfinished: end the execution, once the live chunks are done. */
  | { readonly type: "complete" }
  /** A chunk has failed for good: end the execution. */
  | { readonly type: "fail"; readonly error: SluiceError };
