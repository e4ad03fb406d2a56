import type { Attempt } from "./attempt.ts";

/** The attempts that run, oldest first: a linked list, for an attempt is added and taken out for each step of a flow. */
export class Running {
  #first: Attempt | undefined;
  #last: Attempt | undefined;
  #size = 0;

  get size(): number {
    return this.#size;
  }

  add(attempt: Attempt): void {
    attempt.before = this.#last;
    if (this.#last === undefined) this.#first = attempt;
    else this.#last.behind = attempt;
    this.#last = attempt;
    this.#size += 1;
  }

  /** Takes one out that is in it; of others it knows nothing. */
  remove(attempt: Attempt): void {
    const { before, behind } = attempt;
    if (before === undefined && this.#first !== attempt) return;
    if (before === undefined) this.#first = behind;
    else before.behind = behind;
    if (behind === undefined) this.#last = before;
    else behind.before = before;
    attempt.before = attempt.behind = undefined;
    this.#size -= 1;
  }

  /** All of them; the list may change meanwhile. */
  list(): Attempt[] {
    const all: Attempt[] = [];
    for (let one = this.#first; one !== undefined; one = one.behind) all.push(one);
    return all;
  }
}
