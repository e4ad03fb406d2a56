// oxlint-disable-next-line no-control-regex -- they are what is looked for: a string may not contain them as they are
const control = /[\0-\x1f]/g;

/**
 * Finds where the plain text of a string ends in a long chunk: at a quote, a backslash or a control character. What was
 * found is kept until it is passed, so that a chunk is searched once for each, whatever the number of strings in it.
 */
export class StringRun {
  #quote = -1;
  #backslash = -1;
  #control = -1;
  /** What is searched, and where a search last began. */
  #text = "";
  #from = 0;

  /** A chunk that is read from `from` on. Where it is the one before, what has been found in it is still true. */
  begin(text: string, from: number): void {
    if (from < this.#from || text !== this.#text) this.#quote = this.#backslash = this.#control = -1;
    this.#text = text;
    this.#from = from;
  }

  /** The end of the plain text that begins at `from`, or the chunk's length. */
  end(text: string, from: number): number {
    this.#from = from;
    if (this.#quote < from) this.#quote = orLength(text.indexOf('"', from), text);
    if (this.#backslash < from) this.#backslash = orLength(text.indexOf("\\", from), text);
    if (this.#control < from) {
      control.lastIndex = from;
      this.#control = orLength(control.exec(text)?.index ?? -1, text);
    }
    return Math.min(this.#quote, this.#backslash, this.#control);
  }
}

function orLength(index: number, text: string): number {
  return index < 0 ? text.length : index;
}
