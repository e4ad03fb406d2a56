import type { Claims } from "./claims.ts";

/** A signal on its way to the chunks that it triggers: what fired, and where. */
export interface Arrival {
  readonly payload: unknown;
  readonly lane: string;
  /** The entry that it comes from: `s12` for a signal, `e7` for the start or a completion. */
  readonly id: string;
  /** Where in a reply; empty for what comes from none. */
  readonly path: string;
  /** The positions in the arrays of `path`; for what comes from no reply, those of its lane; of a gather, the items that are there. */
  readonly indexes: readonly number[];
  /** Whether what it triggers answers for a failure. */
  readonly answers: boolean;
  /** Where joins of one reply's fields fill; undefined for what comes from no reply. */
  readonly reply: string | undefined;
  /** What it follows from and can be taken back; undefined for facts. */
  readonly claims: Claims | undefined;
  /** The question that it ends. */
  readonly interrupt?: string;
}

const nowhere: readonly number[] = [];

/** The arrival of what comes from no reply. */
export function arrivalOf(payload: unknown, lane: string, id: string, indexes = nowhere): Arrival {
  return { payload, lane, id, path: "", indexes, answers: false, reply: undefined, claims: undefined };
}
