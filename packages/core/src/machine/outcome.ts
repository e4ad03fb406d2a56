import type { Claims, IsTakenBack } from "./claims.ts";

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
}

/** The result of an execution so far: what was set last, else what a leaf returned last. */
export class Outcome {
  #set: Candidate | undefined;
  #left: Candidate | undefined;

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

  takeBack(goes: IsTakenBack): void {
    this.#set = without(this.#set, goes);
    this.#left = without(this.#left, goes);
  }

  list(): OutcomeData {
    return { set: this.#set, left: this.#left };
  }

  restore({ set, left }: OutcomeData): void {
    this.#set = set;
    this.#left = left;
  }
}

function without(top: Candidate | undefined, goes: IsTakenBack): Candidate | undefined {
  const stay: Candidate[] = [];
  for (let one = top; one !== undefined; one = one.below) if (!goes(one.claims)) stay.push(one);
  return stay.reduceRight<Candidate | undefined>((below, one) => ({ ...one, below }), undefined);
}
