import type { Graph } from "../graph/graph.ts";
import { backoff } from "./backoff.ts";
import type { Command, Undoing } from "./command.ts";
import type { EntryOf, NotUndone, RollbackCause } from "./entry.ts";

const none: readonly never[] = [];

/** What can be undone, as plain data. */
export interface RollbackData {
  readonly cause: RollbackCause | undefined;
  readonly undos: readonly Undoing[];
  readonly notUndone: readonly NotUndone[];
}

/** The completed chunks that name a compensation, and how far undoing them has come. */
export class Rollback {
  readonly #graph: Graph;
  #undos: Undoing[] | undefined;
  #notUndone: NotUndone[] | undefined;
  #cause: RollbackCause | undefined;

  constructor(graph: Graph) {
    this.#graph = graph;
  }

  /** Why the execution rolls back; undefined while it does not. */
  get cause(): RollbackCause | undefined {
    return this.#cause;
  }

  /** Whether something is left to undo. */
  get isNeeded(): boolean {
    return this.left.length > 0;
  }

  /** What is left to undo. */
  get left(): readonly Undoing[] {
    return this.#undos ?? none;
  }

  /** What could not be undone, and why. */
  get notUndone(): readonly NotUndone[] {
    return this.#notUndone ?? none;
  }

  /** A chunk with a compensation has completed. */
  keep(completed: Omit<Undoing, "attempts" | "retryIn">): void {
    (this.#undos ??= []).push({ ...completed, attempts: 0, retryIn: undefined });
  }

  begin(cause: RollbackCause): Command {
    this.#cause = cause;
    return this.#next();
  }

  /** Whether the undoing of a chunk is tried again when it fails now. */
  mayRetry(activationId: string): boolean {
    const undo = this.#undos?.at(-1);
    if (this.#cause === undefined || undo?.activationId !== activationId) return false;
    return undo.attempts + 1 < (this.#graph.chunks[undo.chunk]?.retry?.attempts ?? 1);
  }

  /** An attempt to undo a chunk is over. */
  compensated({ chunk, error, willRetry, executionId }: EntryOf<unknown, "chunk:compensated">): Command {
    const undo = this.#undos?.at(-1);
    if (undo === undefined) return this.#next();
    const retry = this.#graph.chunks[undo.chunk]?.retry;
    if (willRetry && retry !== undefined) {
      undo.attempts += 1;
      undo.retryIn = backoff(retry, undo.attempts, `${executionId}/${timerOf(undo)}`);
      return this.#next();
    }
    this.#undos?.pop();
    if (error !== undefined) (this.#notUndone ??= []).push({ chunk, activationId: undo.activationId, error });
    return this.#next();
  }

  /** A timer has been set: the pause of a retry is noted. */
  timerSet(timer: string): void {
    const undo = this.#undos?.at(-1);
    if (undo !== undefined && timerOf(undo) === timer) undo.retryIn = undefined;
  }

  /** A timer has fired. @returns what is to be done when it was an undoing's */
  timerFired(timer: string): readonly Command[] {
    const undo = this.#undos?.at(-1);
    return undo !== undefined && timerOf(undo) === timer ? [this.#next()] : none;
  }

  /** What is still to be done, given the timers that are set. */
  pending(timers: ReadonlyMap<string, number>): readonly Command[] {
    const undo = this.#undos?.at(-1);
    const timer = undo === undefined ? "" : timerOf(undo);
    const dueAt = timers.get(timer);
    return dueAt === undefined ? [this.#next()] : [{ type: "wait", timer, dueAt }];
  }

  list(): RollbackData {
    return { cause: this.#cause, undos: this.left.map((undo) => ({ ...undo })), notUndone: [...this.notUndone] };
  }

  restore({ cause, undos, notUndone }: RollbackData): void {
    this.#cause = cause;
    this.#undos = undos.map((undo) => ({ ...undo }));
    this.#notUndone = [...notUndone];
  }

  /** What completed last is undone first. */
  #next(): Command {
    const undo = this.#undos?.at(-1);
    if (undo === undefined) return { type: "rolled-back" };
    const { activationId, chunk, lane, attempts, retryIn } = undo;
    if (retryIn === undefined) return { type: "undo", undo };
    return {
      type: "retry",
      of: { timer: timerOf(undo), activationId, chunk, lane, attempt: attempts },
      delayMs: retryIn,
    };
  }
}

/** The timer of an undoing that waits for its next attempt. */
function timerOf({ activationId }: Undoing): string {
  return `undo ${activationId}`;
}
