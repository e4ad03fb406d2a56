import type { EntryDraft, OfChunk } from "../machine/entry.ts";
import type { Attempt } from "./attempt.ts";

// The three kinds of entry of which there are many. Their objects have room for what the log fills in, from the start:
// growing an object afterwards costs more than all the rest of it.
const nowhere: readonly string[] = [];

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
export function signalDraft(id: string, event: string, payload: unknown, cause: string, origin: OfChunk): EntryDraft {
  const draft = {
    seq: 0,
    live: 0,
    at: 0,
    executionId: "",
    path: nowhere,
    type: "signal" as const,
    chunk: origin.chunk,
    activationId: origin.activationId,
    attempt: origin.attempt,
    lane: origin.lane,
    id,
    event,
    payload,
    cause,
  };
  return draft;
}
