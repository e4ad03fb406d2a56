const ringSize = 64;

/** The last chunks of a text, for excerpts. Keeping one costs a store; at most 64 are kept. */
export class RecentText {
  readonly #chunks: string[] = [];
  #added = 0;

  clear(): void {
    this.#added = 0;
  }

  add(chunk: string): void {
    this.#chunks[this.#added & (ringSize - 1)] = chunk;
    this.#added += 1;
  }

  /** Up to `length` characters that end before position `end` of the last chunk. */
  before(end: number, length: number): string {
    let text = "";
    for (let back = 1; back <= Math.min(ringSize, this.#added) && text.length < length; back += 1) {
      const chunk = this.#chunks[(this.#added - back) & (ringSize - 1)] ?? "";
      text = (back === 1 ? chunk.slice(0, end) : chunk) + text;
    }
    return text.slice(-length);
  }
}
