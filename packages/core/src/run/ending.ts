import type { Spec } from "../define/spec.ts";
import { SluiceError } from "../error/sluice-error.ts";
import type { Graph } from "../graph/graph.ts";
import type { EntryDraft, NotUndone, RollbackCause } from "../machine/entry.ts";
import type { Machine } from "../machine/machine.ts";
import { validate } from "../schema/validate.ts";
import { aborted } from "./abort.ts";

/** How an execution ends. */
export type Ending = RollbackCause | { readonly end: "flow:completed"; readonly result: unknown };

/** How an execution ends that has done all there was to do: its result is right, or it fails because of it. */
export function endingWith({ result: schema }: Spec, result: unknown, where: string): Ending {
  if (schema === undefined) return { end: "flow:completed", result };
  const complaint = {
    code: "result-invalid" as const,
    what: "The result",
    where,
    mend: "Call ctx.setResult, or return from the last chunk what the flow's `result` schema says",
  };
  try {
    return { end: "flow:completed", result: validate(schema, result, complaint) };
  } catch (error) {
    return { end: "flow:failed", error: error as SluiceError }; // validate throws nothing else
  }
}

/** The final entry of an execution. */
export function finalDraft(
  ending: Ending,
  {
    graph,
    rollback: { notUndone: failures, left },
    ...rest
  }: {
    readonly graph: Graph;
    readonly rollback: Machine["rollback"];
    readonly state: Readonly<Record<string, unknown>>;
    readonly durationMs: number;
  },
): EntryDraft {
  const cut = left.map((undoing): NotUndone => {
    const chunk = graph.chunks[undoing.chunk]?.name ?? "";
    const error = aborted(`${graph.flow}.${chunk}`, "the undoing was cut short");
    return { chunk, activationId: undoing.activationId, error };
  });
  const notUndone = [...failures, ...cut];
  const ended = { ...rest, ...(notUndone.length > 0 && { notUndone }) };
  switch (ending.end) {
    case "flow:completed":
      return { type: ending.end, ...ended, result: ending.result };
    case "flow:failed":
      return { type: ending.end, ...ended, error: ending.error };
    case "flow:timeout":
      return { type: ending.end, ...ended, elapsedMs: ending.elapsedMs };
    case "flow:cancelled":
      return { type: ending.end, ...ended, reason: ending.reason };
    default:
      return ending satisfies never;
  }
}

/** What `result` and the views of an execution fail with, by its final entry; undefined when it completed. */
export function endError(final: EntryDraft, where: string): SluiceError | undefined {
  switch (final.type) {
    case "flow:failed":
      return final.error;
    case "flow:timeout":
      return new SluiceError("execution-timeout", {
        what: `The execution took longer than its flow allows, and was ended after ${final.elapsedMs} ms`,
        where,
        mend: "Raise the spec's `timeout`",
        retryable: false,
      });
    case "flow:cancelled":
      return new SluiceError("execution-cancelled", {
        what: `The execution was cancelled: ${final.reason}`,
        where,
        retryable: false,
      });
    default:
      return undefined;
  }
}
