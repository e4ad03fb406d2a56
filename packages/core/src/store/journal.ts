import { type SchedulerLike, asapScheduler } from "rxjs";
import { SluiceError, messageOf } from "../error/sluice-error.ts";
import type { Append, Refused, Store } from "./store.ts";

/** Somebody whose entries are to be stored. */
export interface Author {
  readonly executionId: string;
  /** All that is to be stored now. */
  readonly append: () => Append;
  /** It is stored. */
  readonly stored: () => void;
  /** It is not, nor will anything else be. */
  readonly failed: (error: SluiceError) => void;
}

const journals = new WeakMap<Store, WeakMap<SchedulerLike, Journal>>();

/** The journal of all executions that share a store and a clock. */
export function journalOf(store: Store, scheduler: SchedulerLike): Journal {
  const ofStore = journals.get(store) ?? new WeakMap<SchedulerLike, Journal>();
  journals.set(store, ofStore);
  const journal = ofStore.get(scheduler) ?? new Journal(store, scheduler);
  ofStore.set(scheduler, journal);
  return journal;
}

/**
 * Hands what executions have to store to their store, in group commits: everything of one turn of the event loop at once,
 * and what comes while a commit is under way with the next.
 */
export class Journal {
  readonly #store: Store;
  readonly #scheduler: SchedulerLike;
  #due = new Set<Author>();
  /** The next commit is scheduled, or one is under way. */
  #busy = false;

  constructor(store: Store, scheduler: SchedulerLike) {
    this.#store = store;
    this.#scheduler = scheduler;
  }

  /** An author has something to store. */
  add(author: Author): void {
    this.#due.add(author);
    if (!this.#busy) this.#schedule();
  }

  /** An author has nothing to store any more: what it had is left out. */
  remove(author: Author): void {
    this.#due.delete(author);
  }

  #schedule(): void {
    this.#busy = true;
    const commit = (): void => this.#commit();
    // chunks that complete in the same turn shall share a commit; any other scheduler has a clock that has to be kept
    if (this.#scheduler === asapScheduler) afterThisTurn(commit);
    else this.#scheduler.schedule(commit);
  }

  #commit(): void {
    const authors = this.#next();
    if (authors.length === 0) return void (this.#busy = false); // all of them have been put away
    const failed = (cause: unknown): void => {
      const error = storeFailed("take", cause);
      this.#over(authors, () => error);
    };
    const over = (outcome: readonly Refused[]): void => {
      const errors = new Map(outcome.map((refused) => [refused.executionId, refusedError(refused)]));
      this.#over(authors, ({ executionId }) => errors.get(executionId));
    };
    let outcome: ReturnType<Store["append"]>;
    try {
      outcome = this.#store.append(authors.map((author) => author.append()));
    } catch (error) {
      return failed(error);
    }
    if (outcome instanceof Promise) outcome.then(over, failed);
    else over(outcome);
  }

  /** Those whose turn it is: of one execution only one, though another process's owner may be here, too. */
  #next(): readonly Author[] {
    const authors = new Map<string, Author>();
    for (const author of this.#due) if (!authors.has(author.executionId)) authors.set(author.executionId, author);
    for (const author of authors.values()) this.#due.delete(author);
    return [...authors.values()];
  }

  #over(authors: readonly Author[], failureOf: (author: Author) => SluiceError | undefined): void {
    this.#busy = false;
    for (const author of authors) {
      const failure = failureOf(author);
      if (failure === undefined) author.stored();
      else author.failed(failure);
    }
    if (this.#due.size > 0 && !this.#busy) this.#schedule();
  }
}

/** A store has not done what it should. */
export function storeFailed(what: "take" | "give", cause: unknown): SluiceError {
  const isOurs = cause instanceof SluiceError && cause.code === "store-failed";
  return new SluiceError("store-failed", {
    what: `The store could not ${what} ${what === "take" ? "what is to be stored" : "what is stored"}: ${isOurs ? cause.what : messageOf(cause)}`,
    where: isOurs ? cause.where : undefined,
    mend: (isOurs ? cause.mend : undefined) ?? "Mend the store, then recover the execution: what was stored is intact",
    cause,
  });
}

/** Why a store has refused an append. */
export function refusedError({ executionId, because, stored }: Refused): SluiceError {
  if (because === "exists") {
    return new SluiceError("execution-exists", {
      what: `An execution "${executionId}" is stored already: ${stored?.flow}, ${stored?.status}`,
      mend: "Give run() another `id`, or load the one that is stored",
      retryable: false,
    });
  }
  const why =
    stored === undefined
      ? "it is not stored any more"
      : because === "claimed"
        ? `it was claimed anew, and has epoch ${stored.epoch}`
        : `it has been continued up to entry ${stored.lastSeq}`;
  return new SluiceError("claim-lost", {
    what: `The execution "${executionId}" is another process's now: ${why}`,
    mend: "Let one process recover an execution; here it has stopped, and nothing of it is lost",
    retryable: false,
  });
}

/** Calls back when all that is due in this turn of the event loop has been done. */
function afterThisTurn(act: () => void): void {
  const { setImmediate } = globalThis as { readonly setImmediate?: (act: () => void) => unknown };
  if (setImmediate !== undefined) return void setImmediate(act);
  const { port1, port2 } = new MessageChannel();
  port1.onmessage = () => {
    port1.close();
    act();
  };
  port2.postMessage(undefined);
}
