import type { EntryDraft } from "../machine/entry.ts";
import type { Attempt } from "./attempt.ts";

// What a reply writes for each token or value. As in entry-draft.ts, each is written out, with room for what the log fills in.
const nowhere: readonly string[] = [];

/** The reply whose entries these are. */
export interface ReplyOrigin {
  readonly attempt: Attempt;
  readonly reply: string;
  readonly replyId: string;
}

/** More of a string of a reply. */
export function deltaDraft(
  { attempt: { activation, chunk, number }, reply, replyId }: ReplyOrigin,
  field: string,
  indexes: readonly number[],
  delta: string,
): EntryDraft {
  const draft = {
    seq: 0,
    live: 0,
    at: 0,
    executionId: "",
    path: nowhere,
    type: "field:delta" as const,
    chunk: chunk.name,
    activationId: activation.id,
    attempt: number,
    lane: activation.arrival.lane,
    reply,
    replyId,
    field,
    indexes,
    delta,
  };
  return draft;
}

/** A value of a reply begins. */
export function openedDraft(
  { attempt: { activation, chunk, number }, reply, replyId }: ReplyOrigin,
  field: string,
  indexes: readonly number[],
  kind: string,
): EntryDraft {
  const draft = {
    seq: 0,
    live: 0,
    at: 0,
    executionId: "",
    path: nowhere,
    type: "field:opened" as const,
    chunk: chunk.name,
    activationId: activation.id,
    attempt: number,
    lane: activation.arrival.lane,
    reply,
    replyId,
    field,
    indexes,
    kind,
  };
  return draft;
}

/** A value of a reply is complete and valid. */
export function fieldDraft(
  { attempt: { activation, chunk, number }, reply, replyId }: ReplyOrigin,
  field: string,
  indexes: readonly number[],
  value: unknown,
): EntryDraft {
  const draft = {
    seq: 0,
    live: 0,
    at: 0,
    executionId: "",
    path: nowhere,
    type: "field:complete" as const,
    chunk: chunk.name,
    activationId: activation.id,
    attempt: number,
    lane: activation.arrival.lane,
    reply,
    replyId,
    field,
    indexes,
    value,
  };
  return draft;
}

/** A token of a model. */
export function tokenDraft({ activation, chunk, number }: Attempt, call: number, delta: string): EntryDraft {
  const draft = {
    seq: 0,
    live: 0,
    at: 0,
    executionId: "",
    path: nowhere,
    type: "model:token" as const,
    chunk: chunk.name,
    activationId: activation.id,
    attempt: number,
    lane: activation.arrival.lane,
    call,
    delta,
  };
  return draft;
}
