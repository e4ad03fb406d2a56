import type { Durability } from "@sluice/core";

/** What a worker process is told: one life of the executions in a file, which a kill may end. */
export interface Life {
  /** The store, and the witness. */
  readonly path: string;
  readonly witness: string;
  /** Unlike that of any other life. */
  readonly name: string;
  readonly seed: number;
  /** How many executions there are to be. */
  readonly executions: number;
  readonly durability: Durability;
  /** After how many moments of its work it kills itself: a moment is before and after each commit, and each line of the witness. 0: not at all. */
  readonly moments: number;
  /** Codes of the errors with which executions may stop here, and go on elsewhere. */
  readonly stops: readonly string[];
}

/** An execution by its id, such as `order-3`. */
export interface Planned {
  readonly id: string;
  readonly flow: "order" | "counter" | "reader" | "trip";
  readonly n: number;
  readonly items: readonly number[];
}

const kinds = ["order", "trip", "order", "reader", "order", "counter"] as const;

/** The executions that there are to be. */
export function planned(executions: number): readonly Planned[] {
  return Array.from({ length: executions }, (_, n) => {
    const flow = kinds[n % kinds.length] ?? "order";
    return { id: `${flow}-${n}`, flow, n, items: Array.from({ length: n % 5 }, (_none, index) => n + index) };
  });
}

/** The events that come from outside, in their order. */
export function nudgesOf({ flow }: Planned): readonly number[] {
  return flow === "counter" ? [1, 2, 3] : flow === "order" ? [7] : [];
}

/** What people answer to a question. */
export function answerOf({ name }: { readonly name: string }): { readonly by: string } {
  return { by: name === "colour" ? "a painter" : "somebody" };
}
