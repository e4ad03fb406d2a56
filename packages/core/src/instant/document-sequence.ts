import type { Guess, Repair } from "../schema/repair.ts";
import type { RootKind } from "../schema/shape.ts";
import type { Fault, Searched } from "./fault.ts";
import type { FieldNode } from "./field-node.ts";
import { JsonScanner } from "./json-scanner.ts";
import type { Limits } from "./limits.ts";
import { RootSearch } from "./root-search.ts";

export interface SequenceOptions {
  readonly limits: Limits;
  readonly guess: readonly Guess[];
  /** What each document is. */
  readonly root: RootKind;
}

/**
 * Reads the documents of a text, prose or fences between them, as the elements of one array, which is complete when the
 * text ends. Each is looked for like the root of a reply; what is complete JSON of the right kind is one, known or not, so
 * that none is lost.
 */
export class DocumentSequence {
  readonly #scanner: JsonScanner;
  readonly #search: RootSearch;
  #isReading = false;

  /** @param node the array's; one node stands for all its elements */
  constructor(node: FieldNode | undefined, { limits, guess, root }: SequenceOptions) {
    const scanner = new JsonScanner(node, { limits, guess, multi: true });
    const open = (offset: number): JsonScanner => {
      scanner.next(offset);
      return scanner;
    };
    this.#scanner = scanner;
    this.#search = new RootSearch(node?.index(0), root, { limits, guess, open, multi: true });
  }

  get searched(): Searched {
    return this.#search;
  }

  get repairs(): readonly Repair[] {
    return this.#scanner.repairs;
  }

  get fault(): Fault | undefined {
    return this.#search.fault ?? this.#scanner.fault;
  }

  get closed(): boolean {
    return this.#scanner.closed;
  }

  get offset(): number {
    return this.#isReading ? this.#scanner.offset : this.#search.offset;
  }

  get value(): unknown {
    return this.#scanner.value;
  }

  get openPath(): string | undefined {
    const inside = this.#isReading ? undefined : this.#search.openPath;
    if (inside === undefined) return this.#scanner.openPath;
    const { value } = this.#scanner;
    const element = `[${Array.isArray(value) ? value.length : 0}]`;
    return inside === "" || inside.startsWith("[") ? element + inside : `${element}.${inside}`;
  }

  excerpt(length: number): string {
    return this.#scanner.excerpt(length);
  }

  push(chunk: string): void {
    const scanner = this.#scanner;
    const search = this.#search;
    let text = chunk;
    let base = this.offset;
    let from = 0;
    while (from < text.length) {
      if (this.#isReading) scanner.pushFrom(text, from);
      else {
        if (search.push(text, from) === undefined) return;
        this.#isReading = true;
        ({ text, base } = search); // it may have gone back
      }
      if (!scanner.isBetween) return;
      from = scanner.offset - base;
      this.#isReading = false;
      search.restart(scanner.offset);
    }
  }

  /** The text is over. */
  finish(): void {
    if (!this.#isReading) this.#isReading = this.#search.finish() !== undefined;
    if (this.#isReading || (this.#search.openPath === undefined && this.#isWhole())) this.#scanner.finish();
  }

  /** Whether there was a document, or nothing but white space. */
  #isWhole(): boolean {
    return this.#scanner.value !== undefined || this.#search.beginning === "";
  }
}
