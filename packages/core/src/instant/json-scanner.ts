import { DocumentBuilder } from "./document-builder.ts";
import type { Fault } from "./fault.ts";
import type { FieldNode } from "./field-node.ts";
import type { Limits } from "./limits.ts";
import { RecentText } from "./recent-text.ts";
import type { Guess, Repair } from "../schema/repair.ts";
import { longChunk, TokenMachine } from "./token-machine.ts";
import { Tolerance } from "./tolerance.ts";

export interface ScannerOptions {
  readonly limits: Limits;
  /**
   * Mend what is no JSON, these guesses included, and ignore what follows the document. Left out: whatever is no JSON is a
   * fault.
   */
  readonly guess?: readonly Guess[] | undefined;
}

/**
 * An incremental JSON recogniser: pushed text becomes the value, in place, and calls of the nodes' listeners. Strict, it
 * accepts what JSON.parse accepts, whatever the chunking, in time linear in the text, without recursion. Where the text is
 * no JSON it stops and says so in `fault`; it never throws.
 */
export class JsonScanner {
  readonly #limits: Limits;
  readonly #tolerance: Tolerance | undefined;
  readonly #document: DocumentBuilder;
  readonly #machine: TokenMachine;
  /** How many more characters the document may have. */
  #left: number;
  /** The last chunks, for excerpts. */
  readonly #recent = new RecentText();

  constructor(node: FieldNode | undefined, { limits, guess }: ScannerOptions) {
    this.#limits = limits;
    this.#left = limits.maxChars;
    this.#tolerance = guess && new Tolerance(guess);
    this.#document = new DocumentBuilder(node, limits);
    this.#machine = new TokenMachine(this.#document, this.#tolerance);
  }

  /** Begins anew, at `offset` of the reply. What was learned about keys is kept. */
  reset(offset: number): void {
    this.#document.reset();
    this.#machine.reset(offset);
    this.#tolerance?.reset();
    this.#left = this.#limits.maxChars;
    this.#recent.clear();
  }

  /** What was mended so far. */
  get repairs(): readonly Repair[] {
    return this.#tolerance?.repairs ?? [];
  }

  get fault(): Fault | undefined {
    return this.#document.fault;
  }

  /** Whether the document is complete. */
  get closed(): boolean {
    return this.#machine.closed;
  }

  /** Characters of the reply that were taken in; of a tolerant reading none behind the document. */
  get offset(): number {
    return this.#machine.offset;
  }

  /** The path of what is open: a string, number or word, else the innermost object or array. Undefined before the root. */
  get openPath(): string | undefined {
    return this.#machine.openPath;
  }

  /** The value so far, the open string included: the live data, which goes on growing. */
  get value(): unknown {
    return this.#document.value;
  }

  /** Up to `length` characters that end with the one at the fault. */
  excerpt(length: number): string {
    const { fault } = this.#document;
    return fault === undefined ? "" : this.#recent.before(fault.offset - this.offset + 1, length);
  }

  /** The text is over: a number at the root is complete now. */
  finish(): void {
    this.#machine.finish();
  }

  push(text: string): void {
    const { length } = text;
    const machine = this.#machine;
    const document = this.#document;
    if (length === 0 || machine.isOver || document.fault !== undefined) return;
    this.#recent.add(text);
    if (length > this.#left) return this.#overrun(text);
    this.#left -= length;
    if (!machine.isPlain || length >= longChunk) return machine.run(text, 0);
    // Most chunks lie wholly inside a string.
    let i = 0;
    let c = 0;
    while (i < length) {
      c = text.charCodeAt(i);
      if (c === 34 || c === 92 || c < 32) return machine.run(text, i);
      i += 1;
    }
    const isHalf = (c & 0xfc00) === 0xd800;
    if (isHalf || document.text.length + length > this.#limits.maxStringChars) return machine.run(text, i);
    machine.offset += length;
    document.emit(text, machine.offset);
  }

  /** Takes in what the limit on the whole document leaves of a chunk. */
  #overrun(text: string): void {
    this.#machine.run(text.slice(0, this.#left), 0);
    if (this.fault === undefined && !this.#machine.isOver) this.#document.exceed("maxChars", this.offset);
  }
}
