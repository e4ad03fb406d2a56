import type { Entry, EntryDraft } from "../machine/entry.ts";
import { aborted } from "./abort.ts";
import type { Attempt } from "./attempt.ts";
import type { Below } from "./below.ts";
import type { LostBelow } from "./kin.ts";
import type { LostChild, PastData } from "./past.ts";

/** The execution whose child it is. */
export interface ParentOfLost {
  readonly now: () => number;
  readonly append: (draft: EntryDraft, live: boolean, at: number, path: readonly string[]) => Entry | undefined;
  /** Makes it run again, where its flow is known. */
  readonly relaunch: (attempt: Attempt, lost: LostChild) => Relaunched | undefined;
}

/** A lost child that runs again. */
export interface Relaunched extends Below {
  /** What recovery begins with. */
  readonly checkpoint: () => PastData;
}

/**
 * A child whose attempt was ended by a crash, and that nobody has asked for again: it ends with the next attempt. What it
 * has done is undone where that is asked for and its flow is known.
 */
export function lostChild(parent: ParentOfLost, attempt: Attempt, lost: LostChild, forget: () => void): LostBelow {
  let undoing: Relaunched | undefined;
  return {
    held: { timers: 0, attempts: 0 },
    cancel: (reason, { rollback }) => {
      if (rollback) undoing ??= parent.relaunch(attempt, lost);
      if (undoing !== undefined) {
        undoing.onEnded(forget);
        return undoing.cancel(reason, { rollback });
      }
      forget();
      end(parent, lost, reason, (entry) => lost.past.take(entry)); // a checkpoint may be made while others still undo their work
    },
    list: () => undoing?.checkpoint() ?? lost.past.list(),
    onEnded: (callback) => undoing?.onEnded(callback),
  };
}

/** Tells the end of a child: of what ran in it first, then its own. */
function end(parent: ParentOfLost, { flow, past }: LostChild, reason: string, note: (entry: Entry) => void): void {
  const at = parent.now();
  const tell = (draft: EntryDraft): void => {
    const entry = parent.append(draft, false, at, past.path);
    if (entry !== undefined) note(entry);
  };
  const { state, startedAt } = past;
  for (const { attempt, children } of past.cutOff) {
    for (const child of children) end(parent, child, reason, note);
    if (attempt === undefined) continue;
    const error = aborted(`${flow}.${attempt.chunk}`, reason);
    tell({ type: "chunk:failed", ...attempt, error, willRetry: false });
  }
  tell({ type: "flow:cancelled", state, durationMs: at - startedAt, reason });
}
