import { type EntryType, type OpenQuestion, isFinalType } from "../machine/entry.ts";

/** The execution that may stand still, with its children. */
interface Root {
  /** Whether all that is unfinished in it waits for answers. */
  readonly isWaiting: boolean;
  readonly state: Readonly<Record<string, unknown>>;
  readonly people: { readonly open: () => readonly OpenQuestion[] };
  readonly append: (
    draft:
      | { readonly type: "flow:waiting"; readonly state: unknown; readonly interrupts: readonly OpenQuestion[] }
      | { readonly type: "flow:resume" },
  ) => unknown;
}

/** Tells when an execution and its children only wait for people, and when that is over. */
export class Standstill {
  readonly #root: Root;
  #asked: boolean;
  #waiting: boolean;
  #listeners: (() => void)[] | undefined;
  #onLook: ((isWaiting: boolean) => void) | undefined;

  /** @param wasOn of an execution that goes on: whether it has waited; left out for a new one */
  constructor(root: Root, wasOn?: boolean) {
    this.#root = root;
    this.#asked = wasOn !== undefined;
    this.#waiting = wasOn === true;
  }

  /** Whether it waits now. */
  get isOn(): boolean {
    return this.#waiting;
  }

  /** Calls `listener` once, when it waits the next time; at once when it does. */
  onWaiting(listener: () => void): void {
    if (this.#waiting) listener();
    else (this.#listeners ??= []).push(listener);
  }

  /** Calls `listener` whenever something has been done, with whether all that is unfinished waits for answers. Only one. */
  onLook(listener: (isWaiting: boolean) => void): void {
    this.#onLook = listener;
  }

  /** People have been asked. It is looked at when all that follows has been done. */
  asked(): void {
    this.#asked = true;
    queueMicrotask(() => this.look());
  }

  /** Something has been done: perhaps it was the last that could be. */
  look(): void {
    this.#onLook?.(this.#root.isWaiting);
    if (!this.#asked || this.#waiting || !this.#root.isWaiting) return;
    const { state, people } = this.#root;
    this.#root.append({ type: "flow:waiting", state, interrupts: people.open() });
    const listeners = this.#listeners;
    this.#listeners = undefined;
    for (const listener of listeners ?? []) listener();
  }

  /** An entry is about to be appended, in the root or in a child of it. */
  before(type: EntryType, inRoot: boolean): void {
    if (type === "flow:waiting") this.#waiting = true;
    else if (this.#waiting) {
      this.#waiting = false;
      if (!inRoot || !isFinalType(type)) this.#root.append({ type: "flow:resume" });
    }
  }
}
