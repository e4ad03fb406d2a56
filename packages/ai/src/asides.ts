import type { ModelPart } from "@sluice/core";

/**
 * What the SDK tells beside its stream, in the order in which it happened: the ends of calls, and tools. A part can wait
 * until so much of the stream has been read as came before it.
 */
export class Asides {
  readonly #waiting: { readonly part: ModelPart; readonly behind: number }[] = [];
  #isNew = false;
  #wake: (() => void) | undefined;

  /** @param behind how much, from the beginning on, this part comes after */
  tell(part: ModelPart, behind = 0): void {
    this.#waiting.push({ part, behind });
    this.#isNew = true;
    this.#wake?.();
  }

  /** Takes out what can be told when so much has been read. */
  take(read: number): ModelPart[] {
    const blocked = this.#waiting.findIndex(({ behind }) => behind > read);
    this.#isNew = false;
    return this.#waiting.splice(0, blocked === -1 ? Infinity : blocked).map(({ part }) => part);
  }

  /** Resolves when something has been told since the last `take`. A new promise each time: many are waited for. */
  get more(): Promise<void> {
    if (this.#isNew) return Promise.resolve();
    return new Promise((resolve) => (this.#wake = resolve));
  }
}
