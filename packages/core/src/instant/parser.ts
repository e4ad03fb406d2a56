import type { SluiceError } from "../error/sluice-error.ts";
import { DocumentSequence } from "./document-sequence.ts";
import { excerptLength, faultError, noJsonError, truncatedError, type Fault, type Searched } from "./fault.ts";
import type { FieldNode } from "./field-node.ts";
import { JsonScanner } from "./json-scanner.ts";
import { defaultLimits, type Limits } from "./limits.ts";
import type { Guess, Repair } from "../schema/repair.ts";
import { RootSearch } from "./root-search.ts";
import type { RootKind } from "../schema/shape.ts";

export interface ParserOptions {
  /** Accept what JSON.parse accepts, and nothing else: no prose, no code fence, no repair. @default false */
  readonly strict?: boolean | undefined;
  /** Repairs that may be wrong, made besides the safe ones. Without a meaning in strict mode. @default none */
  readonly guess?: readonly Guess[] | undefined;
  /** What is looked for in prose: text that begins otherwise is passed over. Without a meaning in strict mode. @default "any" */
  readonly root?: RootKind | undefined;
  readonly limits?: Partial<Limits> | undefined;
  /** The text has several documents, which are read as the elements of one array; `root` is then what each is. @default false */
  readonly multi?: boolean | undefined;
  /** Named in errors: the flow, chunk or reply. */
  readonly where?: string | undefined;
}

/** An incremental JSON parser. The same text gives the same events and errors whatever the chunking, deltas aside. */
export interface Parser {
  /**
   * Takes in more text and calls the listeners. Its time is linear in the text, whatever the chunking; memory is the
   * value's and that of the last 64 chunks, once the root is found. After it has thrown, it throws the same error again.
   *
   * @throws SluiceError `reply-syntax`, `reply-limit`; and what a listener throws.
   */
  push(text: string): void;
  /**
   * The text is over. Gives the whole value.
   *
   * @throws SluiceError `reply-no-json`, `reply-truncated`; and what `push` has thrown.
   */
  end(): unknown;
  /** Whether the root is complete. */
  readonly closed: boolean;
  /**
   * The value so far, undefined before the root is found. It is the live value, which goes on growing: not to be changed.
   * Open strings show as far as they have come, numbers and words only when complete. Reading it costs next to nothing;
   * reading the text of a long open string after each token does not, so show that from its deltas.
   */
  readonly partial: unknown;
  /** Where the value is open; undefined before the root is found and when it is whole. */
  readonly openPath: string | undefined;
  /** Where the root was no JSON and was read all the same, in the order of the text; at most 100 are kept. */
  readonly repairs: readonly Repair[];
}

/**
 * Makes a parser that tells `node` and the nodes below it what comes. By default what models really write is mended and
 * told in `repairs`, and the JSON may stand in prose, reasoning or a code fence: what is looked for is the first candidate in which a key comes that the nodes know (or an array element
 * they expect), and no event is sent before. A document in which nothing is known is the root if nothing better comes;
 * its events are sent at the end. Text after the root is ignored, but with `multi`.
 */
export function createParser(node: FieldNode | undefined, options: ParserOptions = {}): Parser {
  return new ReplyParser(node, options);
}

class ReplyParser implements Parser {
  readonly #limits: Limits;
  readonly #where: string | undefined;
  /** Left out where the text is the root. */
  readonly #search: RootSearch | undefined;
  readonly #searched: Searched = {};
  #root: JsonScanner | DocumentSequence | undefined;
  #failure: { readonly error: unknown } | undefined;

  constructor(node: FieldNode | undefined, options: ParserOptions) {
    const { strict = false, root = "any", guess = [], multi = false, where } = options;
    const limits = { ...defaultLimits, ...options.limits };
    this.#where = where;
    this.#limits = limits;
    if (strict) this.#root = new JsonScanner(node, { limits, multi });
    else if (multi) {
      const documents = new DocumentSequence(node, { limits, guess, root });
      this.#root = documents;
      this.#searched = documents.searched;
    } else {
      const open = (offset: number): JsonScanner => {
        const scanner = new JsonScanner(node, { limits, guess });
        scanner.reset(offset);
        return scanner;
      };
      this.#search = this.#searched = new RootSearch(node, root, { limits, guess, open });
    }
  }

  get closed(): boolean {
    return this.#root?.closed ?? false;
  }

  get repairs(): readonly Repair[] {
    return this.#root?.repairs ?? [];
  }

  get partial(): unknown {
    return this.#root?.value;
  }

  get openPath(): string | undefined {
    return this.#root?.closed === true ? undefined : this.#root?.openPath;
  }

  push(text: string): void {
    if (this.#failure !== undefined) throw this.#failure.error;
    try {
      if (this.#root === undefined) this.#root = this.#search?.push(text);
      else this.#root.push(text);
    } catch (error) {
      this.#failure = { error };
      throw error;
    }
    const fault = this.#root === undefined ? this.#search?.fault : this.#root.fault;
    if (fault !== undefined) throw this.#fail(fault);
  }

  end(): unknown {
    if (this.#failure !== undefined) throw this.#failure.error;
    try {
      this.#root ??= this.#search?.finish();
      this.#root?.finish();
    } catch (error) {
      this.#failure = { error };
      throw error;
    }
    const root = this.#root;
    if (root?.fault !== undefined) throw this.#fail(root.fault);
    if (root?.closed === true) return root.value;
    const source = root ?? this.#search;
    if (source?.openPath !== undefined) throw truncatedError(source.offset, source.openPath, this.#where);
    throw noJsonError(this.#searched, this.#where);
  }

  #fail(fault: Fault): SluiceError {
    const error = faultError(fault, this.#limits, this.#root?.excerpt(excerptLength) ?? "", this.#where);
    this.#failure = { error };
    return error;
  }
}
