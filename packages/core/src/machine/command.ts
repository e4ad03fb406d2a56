import type { SluiceError } from "../error/sluice-error.ts";

/** One triggering of a chunk. */
export interface Activation {
  /** `a1`, `a2`, … in the order of triggering. */
  readonly id: string;
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
  /** Whether a reply of it has triggered something: then what it returns is not the flow's result. */
  heard: boolean;
}

/** What the machine asks the shell to do. */
export type Command =
  /** Start the next attempt of an activation. */
  | { readonly type: "start"; readonly activation: Activation }
  /** Nothing is unfinished: end the execution, once the live chunks are done. */
  | { readonly type: "complete" }
  /** A chunk has failed for good: end the execution. */
  | { readonly type: "fail"; readonly error: SluiceError };
