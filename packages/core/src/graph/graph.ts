import type { FieldMoment } from "../define/trigger-plan.ts";

/** One thing that can make a chunk ready. */
export type GraphSource =
  | { readonly on: "start"; readonly label: string }
  | { readonly on: "event"; readonly label: string; readonly event: string }
  | { readonly on: "after"; readonly label: string; readonly chunk: string }
  | { readonly on: "changed"; readonly label: string; readonly key: string }
  | { readonly on: "failed"; readonly label: string; readonly chunk?: string }
  | { readonly on: FieldMoment; readonly label: string; readonly reply: string; readonly path: string };

/** A trigger of a chunk: any of its sources makes the chunk ready. */
export interface GraphTrigger {
  readonly label: string;
  readonly sources: readonly GraphSource[];
  /** A guard is asked before the chunk starts. */
  readonly guarded: boolean;
}

/** How a chunk is tried again; times in milliseconds. */
export interface GraphRetry {
  readonly attempts: number;
  readonly delay: number;
  readonly factor: number;
  readonly maxDelay: number;
  readonly jitter: boolean;
}

export interface GraphChunk {
  /** Its name in entries and triggers. */
  readonly name: string;
  readonly description?: string;
  readonly triggers: readonly GraphTrigger[];
  readonly retry?: GraphRetry;
  /** Milliseconds an attempt. */
  readonly timeout?: number;
  readonly concurrency?: number;
  /** The events that it says it emits. */
  readonly emits: readonly string[];
  /** Only triggered by `delta` and `opened`: its entries are live, and it may only put items into the stream. */
  readonly live: boolean;
  /** What it returns can be the flow's result: no trigger names it. */
  readonly leaf: boolean;
}

/** A warning of `compile()`: the flow runs, but probably not as meant. */
export interface GraphWarning {
  readonly code: string;
  readonly where: string;
  readonly what: string;
  readonly mend: string;
}

/** A compiled flow: plain JSON, the same for the same class. */
export interface Graph {
  readonly flow: string;
  /** In declaration order, which is the order in which listeners of one signal start. */
  readonly chunks: readonly GraphChunk[];
  /** It does not complete when it is quiet, but waits for events from outside; at most `idle` milliseconds. */
  readonly keepOpen?: boolean;
  readonly idle?: number;
  /** Milliseconds an execution. */
  readonly timeout?: number;
  readonly concurrency?: number;
  /** The events that may come from outside. */
  readonly accepts: readonly string[];
  readonly warnings: readonly GraphWarning[];
  /** Of the routing: names, triggers, guards. The same routing has the same hash in every process. */
  readonly hash: string;
}
