import type { Entry, EntryDraft } from "../machine/entry.ts";
import type { Attempt } from "./attempt.ts";
import type { Below } from "./below.ts";
import type { LostChild } from "./past.ts";

/** The execution whose child it is. */
interface Parent {
  readonly now: () => number;
  readonly append: (draft: EntryDraft, live: boolean, at: number, path: readonly string[]) => Entry | undefined;
  /** Makes it run again, where its flow is known. */
  readonly relaunch: (attempt: Attempt, lost: LostChild) => Below | undefined;
}

/**
 * A child whose attempt was ended by a crash, and that nobody has asked for again: it ends with the next attempt. What it
 * has done is undone where that is asked for and its flow is known.
 */
export function lostChild(parent: Parent, attempt: Attempt, lost: LostChild, forget: () => void): Below {
  const { path, state, startedAt } = lost.past;
  let undoing: Below | undefined;
  return {
    held: { timers: 0, attempts: 0 },
    cancel: (reason, { rollback }) => {
      if (rollback) undoing ??= parent.relaunch(attempt, lost);
      if (undoing !== undefined) {
        undoing.onEnded(forget);
        return undoing.cancel(reason, { rollback });
      }
      const at = parent.now();
      forget();
      const draft = { type: "flow:cancelled", state, durationMs: at - startedAt, reason } as const;
      const final = parent.append(draft, false, at, path);
      if (final !== undefined) lost.past.take(final);
    },
    onEnded: (callback) => undoing?.onEnded(callback),
  };
}
