import type { Graph } from "../graph/graph.ts";
import type { EntryDraft } from "../machine/entry.ts";
import type { Attempt } from "./attempt.ts";

// The kinds of entry of which there are many. Their objects have room for what the log fills in, from the start:
// growing an object afterwards costs more than all the rest of it. Each is written out: spreading what they share was
// measured to cost a quarter of a step.
const nowhere: readonly string[] = [];

/** An item of the runtime stream. */
export function itemDraft({ activation, chunk, number }: Attempt, item: unknown): EntryDraft {
  const draft = {
    seq: 0,
    live: 0,
    at: 0,
    executionId: "",
    path: nowhere,
    type: "stream:item" as const,
    chunk: chunk.name,
    activationId: activation.id,
    attempt: number,
    lane: activation.arrival.lane,
    item,
  };
  return draft;
}

/** An execution starts. */
export function flowDraft({ flow, hash }: Graph, input: unknown, state: unknown): EntryDraft {
  const draft = {
    seq: 0,
    live: 0,
    at: 0,
    executionId: "",
    path: nowhere,
    type: "flow:start" as const,
    flow,
    graphHash: hash,
    input,
    state,
  };
  return draft;
}

/** A chunk starts. */
export function startDraft({ activation, chunk, number }: Attempt): EntryDraft {
  const draft = {
    seq: 0,
    live: 0,
    at: 0,
    executionId: "",
    path: nowhere,
    type: "chunk:start" as const,
    chunk: chunk.name,
    activationId: activation.id,
    attempt: number,
    lane: activation.arrival.lane,
    trigger: activation.event,
    input: activation.arrival.payload,
  };
  return draft;
}

/** A chunk completes, without a result of the flow. */
export function completeDraft({ activation, chunk, number }: Attempt, output: unknown, durationMs: number): EntryDraft {
  const draft = {
    seq: 0,
    live: 0,
    at: 0,
    executionId: "",
    path: nowhere,
    type: "chunk:complete" as const,
    chunk: chunk.name,
    activationId: activation.id,
    attempt: number,
    lane: activation.arrival.lane,
    output,
    durationMs,
  };
  return draft;
}

/** A chunk emits. */
export function signalDraft(
  id: string,
  event: string,
  payload: unknown,
  { activation, chunk, number }: Attempt,
): EntryDraft {
  const draft = {
    seq: 0,
    live: 0,
    at: 0,
    executionId: "",
    path: nowhere,
    type: "signal" as const,
    chunk: chunk.name,
    activationId: activation.id,
    attempt: number,
    lane: activation.arrival.lane,
    id,
    event,
    payload,
    cause: activation.id,
  };
  return draft;
}
