import type { EventDef } from "./event.ts";

/** Options of one trigger. */
export interface OnOptions<G = unknown> {
  /** A guard: synchronous and pure. A "no" leaves a `chunk:skipped` entry; a throw fails the chunk. */
  readonly when?: (payload: G) => boolean;
}

/** Options of a chunk. */
export interface ChunkOptions {
  /** Its name in entries and triggers. @default the method's name */
  readonly name?: string;
  /** The events it emits, for `compile()` and the graph. */
  readonly emits?: readonly EventDef[];
  readonly description?: string;
}
