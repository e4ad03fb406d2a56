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
  /** The documents of a text as one array: strict, they follow each other; tolerant, each is begun with `next`. */
  readonly multi?: boolean | undefined;
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
  readonly #multi: boolean;
  /** Of several documents: how many more characters all that have not been read may have. */
  #allowed: number;
  /** Where the document begins, and how many more characters it may have. */
  #began = 0;
  #left: number;
  #isFinished = false;
  /** The last chunks, for excerpts. */
  readonly #recent = new RecentText();

  constructor(node: FieldNode | undefined, { limits, guess, multi = false }: ScannerOptions) {
    this.#limits = limits;
    this.#multi = multi;
    this.#left = this.#allowed = limits.maxChars;
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

  /** Begins the next document of several, at `offset` of the reply. The limits hold for all of them together. */
  next(offset: number): void {
    this.#document.openList(offset);
    this.#left = this.#allowed -= this.offset - this.#began;
    this.#began = offset;
    this.#machine.reset(offset);
    this.#recent.clear();
  }

  /** What was mended so far. */
  get repairs(): readonly Repair[] {
    return this.#tolerance?.repairs ?? [];
  }

  get fault(): Fault | undefined {
    return this.#document.fault;
  }

  /** Whether the document is complete; of several all, which only the end of the text can tell. */
  get closed(): boolean {
    return this.#multi ? this.#isFinished : this.#machine.closed;
  }

  /** Whether the last document of several is complete. */
  get isBetween(): boolean {
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

  /** The text is over: a number that is the document is complete now, and so are several documents. */
  finish(): void {
    const machine = this.#machine;
    machine.finish();
    const isOpen = !machine.closed && machine.openPath !== undefined;
    if (!this.#multi || this.fault !== undefined || isOpen) return;
    this.#document.openList(machine.offset);
    this.#document.close(machine.offset);
    this.#isFinished = true;
  }

  push(text: string): void {
    const { length } = text;
    const machine = this.#machine;
    const document = this.#document;
    if (length === 0 || machine.isOver || document.fault !== undefined) return;
    this.#recent.add(text);
    if (this.#multi) document.openList(machine.offset);
    if (length > this.#left) return this.#overrun(text, 0);
    this.#left -= length;
    if (!machine.isPlain || length >= longChunk) return machine.run(text, 0, 0);
    // Most chunks lie wholly inside a string.
    let i = 0;
    let c = 0;
    while (i < length) {
      c = text.charCodeAt(i);
      if (c === 34 || c === 92 || c < 32) return machine.run(text, i, 0);
      i += 1;
    }
    const isHalf = (c & 0xfc00) === 0xd800;
    if (isHalf || document.text.length + length > this.#limits.maxStringChars) return machine.run(text, i, 0);
    machine.offset += length;
    document.emit(text, machine.offset);
  }

  /** Takes in what a chunk has from `start` on, where a document begins. */
  pushFrom(text: string, start: number): void {
    if (start === 0) return this.push(text);
    this.#recent.add(text.slice(start));
    if (text.length - start > this.#left) return this.#overrun(text, start);
    this.#left -= text.length - start;
    this.#machine.run(text, start, start);
  }

  /** Takes in what the limit on the whole document leaves of a chunk. */
  #overrun(text: string, start: number): void {
    this.#machine.run(text.slice(start, start + this.#left), 0, 0);
    if (this.fault === undefined && !this.#machine.isOver) this.#document.exceed("maxChars", this.offset);
  }
}
