import type { Budget } from "./budget.ts";
import type { EventDef } from "./event.ts";
import type { Interrupt } from "./interrupt.ts";

/** Options of one trigger. */
export interface OnOptions<G = unknown, By extends string = string> {
  /** A guard: synchronous and pure. A "no" leaves a `chunk:skipped` entry; a throw fails the chunk. */
  readonly when?: (payload: G) => boolean;
  /** The chunk starts at most once a lane because of this trigger; a guard's "no" does not count. @default false */
  readonly once?: boolean;
  /**
   * Of a join: a dotted path that all its payloads have, such as `"order.id"`. Signals belong together when they have the
   * same text or number there, whatever their lanes.
   */
  readonly by?: By;
  /**
   * Of a join: longest wait from the first signal to the last, in milliseconds. Then the chunk has failed with
   * `join-timeout`; its input is what had come. @default no limit
   */
  readonly timeout?: number;
}

/** How a failed attempt is tried again. Pauses are in milliseconds. */
export interface RetryOptions {
  /** Attempts in all, the first included. @default 3 */
  readonly attempts?: number;
  /** Pause before the second attempt. @default 1000 */
  readonly delay?: number;
  /** What each pause is multiplied by for the next. @default 2 */
  readonly factor?: number;
  /** Longest pause. @default 30_000 */
  readonly maxDelay?: number;
  /** Spread each pause over its upper half. @default true */
  readonly jitter?: boolean;
  /** Which errors are tried again; an error with `retryable: false` never is. @default all others */
  readonly when?: (error: unknown) => boolean;
}

/** Options of a chunk. */
export interface ChunkOptions {
  /** Its name in entries and triggers. @default the method's name */
  readonly name?: string;
  /** How a failed attempt is tried again. @default not at all */
  readonly retry?: RetryOptions;
  /** Longest time of one attempt, in milliseconds. It ends then, whatever its code does. @default no limit */
  readonly timeout?: number;
  /** Activations of it that run at the same time. @default no limit */
  readonly concurrency?: number;
  /** What its models may spend in one execution: all its activations and attempts, and their children. @default no limit */
  readonly budget?: Budget;
  /** The events it emits and the questions it asks, for `compile()` and the graph. */
  readonly emits?: readonly (EventDef | Interrupt)[];
  readonly description?: string;
}
