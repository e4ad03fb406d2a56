import type { Graph } from "../graph/graph.ts";
import { backoff } from "./backoff.ts";
import type { IsTakenBack } from "./claims.ts";
import type { Command, Undoing } from "./command.ts";
import type { EntryOf, NotUndone, RollbackCause } from "./entry.ts";

/** What can be undone, as plain data. */
export interface RollbackData {
  readonly cause: RollbackCause | undefined;
  readonly current: string | undefined;
  readonly pausing: boolean;
  readonly undos: readonly Undoing[];
  readonly notUndone: readonly NotUndone[];
}

const none: readonly never[] = [];

/**
 * The completed chunks that name a compensation, and how far undoing them has come: all of them in a rollback, else those
 * that have been taken back. One at a time; what completed last is undone first.
 */
export class Rollback {
  readonly #graph: Graph;
  #undos: Undoing[] | undefined;
  #notUndone: NotUndone[] | undefined;
  #cause: RollbackCause | undefined;
  /** The activation that is being undone. */
  #current: string | undefined;
  /** The pause before its next attempt has been asked for. */
  #pausing = false;

  constructor(graph: Graph) {
    this.#graph = graph;
  }

  /** Why the execution rolls back; undefined while it does not. */
  get cause(): RollbackCause | undefined {
    return this.#cause;
  }

  /** Whether something is left to undo. */
  get isNeeded(): boolean {
    return this.#undos !== undefined && this.#undos.length > 0;
  }

  /** What is left to undo: in a rollback all of it, else what has been taken back. */
  get left(): readonly Undoing[] {
    if (this.#undos === undefined) return none;
    return this.#cause === undefined ? this.#undos.filter(({ due }) => due) : this.#undos;
  }

  /** What there is to undo of an activation. */
  find(activationId: string): Undoing | undefined {
    return this.#undos?.find((one) => one.activationId === activationId);
  }

  /** What could not be undone, and why. */
  get notUndone(): readonly NotUndone[] {
    return this.#notUndone ?? none;
  }

  /** A chunk with a compensation has completed. */
  keep(completed: Omit<Undoing, "attempts" | "retryIn">): void {
    (this.#undos ??= []).push({ ...completed, attempts: 0, retryIn: undefined });
  }

  /** What completed because of what is taken back is to be undone. @returns whose that is */
  takeBack(goes: IsTakenBack): readonly string[] {
    const due = this.#undos?.filter((undo) => !undo.due && goes(undo.claims)) ?? none;
    for (const undo of due) undo.due = true;
    return due.map(({ activationId }) => activationId);
  }

  /**
   * All is undone from here on. What is being undone already comes first: whoever carries that out knows whether it still
   * runs. An undoing that waits for its next attempt waits no longer.
   */
  begin(cause: RollbackCause): readonly Command[] {
    this.#cause = cause;
    const present = this.#present;
    if (present === undefined) return this.next();
    present.retryIn = undefined;
    return [{ type: "undo", undo: present }];
  }

  /** Whether the undoing of a chunk is tried again when it fails now. */
  mayRetry(activationId: string): boolean {
    const undo = this.#present;
    if (undo?.activationId !== activationId) return false;
    return undo.attempts + 1 < (this.#graph.chunks[undo.chunk]?.retry?.attempts ?? 1);
  }

  /** An attempt to undo a chunk is over. */
  compensated({ chunk, activationId, error, willRetry, executionId }: EntryOf<unknown, "chunk:compensated">): void {
    const undo = this.find(activationId);
    if (undo === undefined) return;
    const retry = this.#graph.chunks[undo.chunk]?.retry;
    if (willRetry && retry !== undefined) {
      undo.attempts += 1;
      this.#pausing = false;
      undo.retryIn = backoff(retry, undo.attempts, `${executionId}/${timerOf(undo)}`);
      return;
    }
    this.#undos = this.#undos?.filter((one) => one !== undo);
    this.#current = undefined;
    if (error !== undefined) (this.#notUndone ??= []).push({ chunk, activationId, error });
  }

  /** A timer has been set: the pause of a retry is noted. */
  timerSet(timer: string): void {
    const undo = this.#present;
    if (undo !== undefined && timerOf(undo) === timer) undo.retryIn = undefined;
  }

  /** A timer has fired. @returns what is to be done when it was an undoing's */
  timerFired(timer: string): readonly Command[] {
    const undo = this.#present;
    return undo !== undefined && timerOf(undo) === timer ? [{ type: "undo", undo }] : none;
  }

  /** What is to be done next, if nothing is being undone or the pause before its next attempt begins. */
  next(): readonly Command[] {
    const present = this.#present;
    if (present !== undefined) {
      if (present.retryIn === undefined || this.#pausing) return none;
      this.#pausing = true;
      return [pauseOf(present, present.retryIn)];
    }
    const undo = this.left.at(-1);
    if (undo === undefined) return this.#cause === undefined ? none : [{ type: "rolled-back" }];
    this.#current = undo.activationId;
    return [{ type: "undo", undo }];
  }

  /** What is still to be done, given the timers that are set. */
  pending(timers: ReadonlyMap<string, number>): readonly Command[] {
    const undo = this.#present;
    if (undo === undefined) return this.#cause === undefined ? none : this.next();
    const timer = timerOf(undo);
    const dueAt = timers.get(timer);
    if (dueAt !== undefined) return [{ type: "wait", timer, dueAt }];
    return undo.retryIn === undefined ? [{ type: "undo", undo }] : [pauseOf(undo, undo.retryIn)];
  }

  list(): RollbackData {
    const undos = (this.#undos ?? none).map((undo) => ({ ...undo }));
    const [cause, current, pausing] = [this.#cause, this.#current, this.#pausing];
    return { cause, current, pausing, undos, notUndone: [...this.notUndone] };
  }

  restore({ cause, current, pausing, undos, notUndone }: RollbackData): void {
    this.#cause = cause;
    this.#current = current;
    this.#pausing = pausing;
    this.#undos = undos.map((undo) => ({ ...undo }));
    this.#notUndone = [...notUndone];
  }

  get #present(): Undoing | undefined {
    return this.#current === undefined ? undefined : this.find(this.#current);
  }
}

function pauseOf(undo: Undoing, delayMs: number): Command {
  const { activationId, chunk, lane, attempts } = undo;
  return { type: "retry", of: { timer: timerOf(undo), activationId, chunk, lane, attempt: attempts }, delayMs };
}

/** The timer of an undoing that waits for its next attempt. */
function timerOf({ activationId }: Undoing): string {
  return `undo ${activationId}`;
}
