import { type Entry, type ExecutionStatus, isOwn, statusOf } from "../machine/entry.ts";
import { type StateData, foldState } from "../machine/state-fold.ts";

/** What entries have shown of an execution whose machine is ahead of them, as they are shown when they are stored. */
export class Shown {
  state: StateData;
  status: ExecutionStatus;

  constructor(state: StateData, status: ExecutionStatus) {
    this.state = state;
    this.status = status;
  }

  /** The next entry is about to be shown. */
  take(entry: Entry): void {
    this.status = statusOf(entry) ?? this.status;
    if (!isOwn(entry)) return;
    if (entry.type === "state:changed") this.state = foldState(this.state, entry.diff);
    else if (entry.type === "flow:forked" && entry.state !== undefined) this.state = entry.state;
  }
}
