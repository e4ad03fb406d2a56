import type { SluiceError } from "../error/sluice-error.ts";
import type { Claims, IsTakenBack } from "./claims.ts";

const none: readonly never[] = [];

/** A value that may be the result. One that can be taken back has the one below it, which counts then. */
interface Candidate {
  readonly value: unknown;
  readonly claims: Claims | undefined;
  readonly below: Candidate | undefined;
}

/** An outcome as plain data. */
export interface OutcomeData {
  readonly set: Candidate | undefined;
  readonly left: Candidate | undefined;
  readonly refusals: readonly Refusal[];
}

/** What the execution fails with if what it follows from is confirmed. */
interface Refusal {
  readonly error: SluiceError;
  readonly claims: Claims;
}

/** What an execution comes to so far: the result is what was set last, else what a leaf returned last. */
export class Outcome {
  #set: Candidate | undefined;
  #left: Candidate | undefined;
  #refusals: readonly Refusal[] = none;

  get value(): unknown {
    return (this.#set ?? this.#left)?.value;
  }

  /** A chunk has set the result. */
  set(value: unknown, claims: Claims | undefined): void {
    this.#set = { value, claims, below: claims && this.#set };
  }

  /** A chunk that no trigger names has returned. */
  leave(value: unknown, claims: Claims | undefined): void {
    this.#left = { value, claims, below: claims && this.#left };
  }

  /** A payload that can be taken back is one that the execution fails with. */
  refuse(error: SluiceError, claims: Claims): void {
    this.#refusals = [...this.#refusals, { error, claims }];
  }

  /** What the execution fails with now; undefined when nothing is confirmed that it would. */
  failure(isOpen: (claims: Claims) => boolean): SluiceError | undefined {
    return this.#refusals.find(({ claims }) => !isOpen(claims))?.error;
  }

  takeBack(goes: IsTakenBack): void {
    this.#refusals = this.#refusals.filter(({ claims }) => !goes(claims));
    this.#set = without(this.#set, goes);
    this.#left = without(this.#left, goes);
  }

  /** Some can be taken back no more: what counts in their place is let go. */
  confirm(isOpen: (claims: Claims) => boolean): void {
    this.#set = firmed(this.#set, isOpen);
    this.#left = firmed(this.#left, isOpen);
  }

  list(): OutcomeData {
    return { set: this.#set, left: this.#left, refusals: this.#refusals };
  }

  restore({ set, left, refusals }: OutcomeData): void {
    this.#refusals = refusals;
    this.#set = set;
    this.#left = left;
  }
}

/** Nothing below a candidate that cannot be taken back will ever count. */
function firmed(top: Candidate | undefined, isOpen: (claims: Claims) => boolean): Candidate | undefined {
  const open: Candidate[] = [];
  let one = top;
  for (; one?.claims !== undefined && isOpen(one.claims); one = one.below) open.push(one);
  const firm = one && { value: one.value, claims: undefined, below: undefined };
  return open.reduceRight<Candidate | undefined>((below, { value, claims }) => ({ value, claims, below }), firm);
}

function without(top: Candidate | undefined, goes: IsTakenBack): Candidate | undefined {
  const stay: Candidate[] = [];
  for (let one = top; one !== undefined; one = one.below) if (!goes(one.claims)) stay.push(one);
  return stay.reduceRight<Candidate | undefined>((below, one) => ({ ...one, below }), undefined);
}
