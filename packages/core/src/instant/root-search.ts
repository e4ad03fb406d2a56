import { kindOf, type ValueKind } from "../schema/value-kind.ts";
import type { FieldNode } from "./field-node.ts";
import { type Fault, excerptLength } from "./fault.ts";
import { JsonScanner } from "./json-scanner.ts";
import type { Limits } from "./limits.ts";
import type { Guess } from "../schema/repair.ts";
import { Prose } from "./prose.ts";
import type { RootKind } from "../schema/shape.ts";

/** Characters of a candidate that are tried first, before it is known to be the root. */
const firstSlice = 64;
/** How often, on average, a character may be looked at again because a candidate was none. */
const maxRescans = 16;

/** A complete document in which no key was known: the root after all, where nothing better comes. */
interface Spare {
  readonly text: string;
  readonly offset: number;
  readonly isEmpty: boolean;
}

export interface SearchOptions {
  readonly limits: Limits;
  readonly guess: readonly Guess[];
  /** Gives the scanner that is to read what is found, at `offset`. */
  readonly open: (offset: number) => JsonScanner;
  /** Whether what follows is looked for too: whatever is complete JSON then counts, known or not. */
  readonly multi?: boolean;
}

/**
 * Finds the root of a reply in prose. Each character that could begin it is tried: a scanner without listeners reads on
 * until a value begins under a key that the nodes know (or, in arrays, an element they expect). Where the candidate may be a
 * sketch, a value that means nothing before it is complete is waited for, and what follows it, too. Then a fresh scanner
 * reads the same text with the listeners. A candidate that turns out to be no JSON before that is dropped, and the search
 * goes on behind its first character. Linear: when candidates have cost too much, the search goes on behind where the last
 * one failed.
 */
export class RootSearch {
  readonly #node: FieldNode | undefined;
  readonly #limits: Limits;
  readonly #open: (offset: number) => JsonScanner;
  readonly #multi: boolean;
  readonly #prose: Prose;
  readonly #trial: JsonScanner;
  /** Something has come that the nodes know: the candidate is the root. */
  #isKnown = false;
  /** Values are complete that they know. They end at these offsets, while what follows is not known. */
  #isMet = false;
  #metAt: number[] = [];
  /** Words came before the candidate: it may be an example. */
  #isAmongWords = false;
  #isTrying = false;
  /** Offset of the candidate's first character, and its text in the chunks before this one. */
  #began = 0;
  #held: string[] = [];
  #slice = firstSlice;
  #rescanned = 0;
  #offset = 0;
  /** Characters of the documents before. */
  #passed = 0;
  /** What the scanner that was found was last given, and the offset of its first character. */
  text = "";
  base = 0;
  #beginning = "";
  #spare: Spare | undefined;
  /** Set when a limit was reached. */
  fault: Fault | undefined;
  /** The candidate that got farthest before it failed: its first character, and what was wrong. */
  nearest: { readonly began: number; readonly fault: Fault } | undefined;

  constructor(node: FieldNode | undefined, root: RootKind, { limits, guess, open, multi = false }: SearchOptions) {
    this.#node = node;
    this.#limits = limits;
    this.#open = open;
    this.#multi = multi;
    this.#prose = new Prose(root);
    this.#trial = new JsonScanner(
      watched(node, {
        begun: (comesWhole) => void (this.#isKnown ||= !comesWhole || !this.#isInDoubt),
        met: (offset) => this.#meet(offset),
      }),
      { limits, guess },
    );
  }

  /** How the text begins, white space aside; "" while it is nothing else. */
  get beginning(): string {
    return this.#beginning;
  }

  /** Whether the text so far ends inside reasoning. */
  get isReasoning(): boolean {
    return this.#prose.isReasoning;
  }

  /** Characters taken in. */
  get offset(): number {
    return this.#offset;
  }

  /** The path of what is open in the candidate, undefined where there is none. */
  get openPath(): string | undefined {
    return this.#isTrying ? this.#trial.openPath : undefined;
  }

  /** What was found is complete, and ends at `offset`: the search goes on there. */
  restart(offset: number): void {
    this.#passed += offset - this.#began;
    this.#offset = offset;
    this.#isTrying = this.#isKnown = false;
    this.#prose.resume("document");
  }

  /** Takes in what a chunk has from `from` on. Gives the scanner that has read the root so far, as soon as there is one. */
  push(chunk: string, from = 0): JsonScanner | undefined {
    let text = chunk;
    let base = this.#offset - from;
    let i = from;
    /** Where the candidate begins in `text`. */
    let start = from;
    this.#offset += chunk.length - from;
    if (from === 0 && this.#beginning.length < excerptLength)
      this.#beginning = (this.#beginning + chunk).trimStart().slice(0, excerptLength);
    while (i < text.length) {
      if (!this.#isTrying) {
        const to = Math.min(text.length, this.#limits.maxProseChars + this.#passed - base);
        i = start = this.#prose.find(text, i, to);
        if (i >= to) {
          if (to < text.length) this.fault = { offset: base + to, limit: "maxProseChars" };
          return undefined;
        }
        this.#begin(base + i);
      }
      const trial = this.#trial;
      const end = Math.min(text.length, i + this.#slice);
      this.#slice *= 2;
      trial.push(text.slice(i, end));
      i = end;
      if (this.#metAt.length > 0) this.#look(text, base, end);
      if (this.#isKnown) return this.#found(this.#held, this.#began, text, start);
      if (trial.fault?.limit !== undefined) {
        this.fault = trial.fault;
        return undefined;
      }
      if (trial.fault !== undefined) {
        const failed = trial.fault.offset;
        const read = failed - this.#began;
        if (this.nearest === undefined || read > this.nearest.fault.offset - this.nearest.began)
          this.nearest = { began: this.#began, fault: trial.fault };
        this.#rescanned += read;
        const next = this.#rescanned > maxRescans * failed ? failed : this.#began + 1;
        if (next < base) {
          text = this.#held.join("") + text;
          base = this.#began;
        }
        i = next - base;
        this.#isTrying = false;
        this.#prose.resume("words");
      } else if (trial.closed) {
        i = trial.offset - base;
        if (this.#isWanted()) return this.#found(this.#held, this.#began, text, start);
        this.#spareIt(text.slice(start, i));
      }
    }
    if (this.#isTrying) this.#held.push(text.slice(start));
    return undefined;
  }

  /** The text is over. Gives the scanner of the root, where there is one. */
  finish(): JsonScanner | undefined {
    if (this.#isTrying) {
      this.#trial.finish();
      if (this.#isMet || (this.#trial.closed && this.#isWanted())) return this.#found(this.#held, this.#began);
      if (this.#trial.closed) this.#spareIt("");
    }
    return this.#spare && this.#found([this.#spare.text], this.#spare.offset);
  }

  #begin(offset: number): void {
    this.#began = offset;
    this.#held = [];
    this.#slice = firstSlice;
    this.#isTrying = true;
    this.#isMet = false;
    this.#metAt = [];
    this.#isAmongWords = this.#prose.hasWords;
    this.#trial.reset(offset);
  }

  #found(held: readonly string[], offset: number, text = "", start = 0): JsonScanner {
    const scanner = this.#open(offset);
    for (const chunk of held) scanner.push(chunk);
    this.text = text;
    this.base = scanner.offset - start;
    scanner.pushFrom(text, start);
    return scanner;
  }

  /** Whether the candidate may be no more than a sketch. */
  get #isInDoubt(): boolean {
    return this.#isAmongWords || this.#trial.repairs.length > 0;
  }

  /** A value that the nodes know is complete. */
  #meet(offset: number): void {
    this.#isMet = true;
    this.#metAt.push(offset);
  }

  /** One is not of a sketch like `{category: "a" | "b"}` where a comma or bracket follows. */
  #look(text: string, base: number, end: number): void {
    const open: number[] = [];
    for (const offset of this.#metAt) {
      let i = Math.max(0, offset - base);
      while (i < end && text.charAt(i).trim() === "") i += 1;
      if (i === end) open.push(offset);
      else this.#isKnown ||= ",]}".includes(text.charAt(i));
    }
    this.#metAt = open;
  }

  /** Whether the candidate, which is complete, is what is looked for. */
  #isWanted(): boolean {
    return this.#isMet || this.#isAnother();
  }

  /** Whether it is one of several documents, though nothing in it is known. */
  #isAnother(): boolean {
    return this.#multi && (this.#node?.expects?.(kindOf(this.#trial.value)) ?? true);
  }

  /** The candidate is complete, and nothing in it is known. The first that is not empty is kept, else the first. */
  #spareIt(rest: string): void {
    const { value } = this.#trial;
    const isEmpty = typeof value !== "object" || value === null || Object.keys(value).length === 0;
    if (!this.#multi && (this.#spare === undefined || (this.#spare.isEmpty && !isEmpty))) {
      this.#spare = { text: this.#held.join("") + rest, offset: this.#began, isEmpty };
    }
    this.#isTrying = false;
    this.#prose.resume("words");
  }
}

/** Hears of what is known in a candidate: a value begins, which may mean nothing before it is complete; one is, at an offset. */
interface Watcher {
  readonly begun: (comesWhole: boolean) => void;
  readonly met: (offset: number) => void;
}

/** A node that tells its watcher only, when something comes that `node` knows. Without a node, any key is known. */
function watched(node: FieldNode | undefined, watcher: Watcher): FieldNode {
  let last: { node: FieldNode | undefined; watched: FieldNode } | undefined;
  return {
    ...teller(node, watcher, (kind) => kind !== "object" && kind !== "array" && (node?.expects?.(kind) ?? true)),
    key(name) {
      const child = node?.key(name);
      if (node !== undefined && child === undefined) return undefined;
      return { ...teller(child, watcher, () => true), key: () => undefined, index: () => undefined };
    },
    index(position) {
      const child = node?.index(position);
      if (node !== undefined && child === undefined) return undefined;
      if (last === undefined || last.node !== child) last = { node: child, watched: watched(child, watcher) };
      return last.watched;
    },
  };
}

function teller(
  node: FieldNode | undefined,
  { begun, met }: Watcher,
  tells: (kind: ValueKind) => boolean,
): Pick<FieldNode, "opened" | "complete"> {
  return {
    opened(_at, kind) {
      const comesWhole = kind === "string" ? node?.isAtomic === true : kind !== "object" && kind !== "array";
      if (tells(kind)) begun(comesWhole);
    },
    complete(at, value) {
      if (tells(kindOf(value))) met(at.offset);
    },
  };
}
