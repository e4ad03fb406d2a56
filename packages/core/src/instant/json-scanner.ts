import { DocumentBuilder } from "./document-builder.ts";
import { Escape } from "./escape.ts";
import type { Fault } from "./fault.ts";
import type { FieldNode } from "./field-node.ts";
import type { Limits } from "./limits.ts";
import { firstNumberState, isNumberState, isWholeNumber, nextNumberState } from "./number-state.ts";
import type { Step } from "./slot.ts";
import { RecentText } from "./recent-text.ts";
import { StringRun } from "./string-run.ts";

export interface ScannerOptions {
  readonly limits: Limits;
  /** Text after the document other than white space: ignored, or a fault. */
  readonly after: "ignore" | "refuse";
}

// States. STRING and ESCAPE are those of a key too: #inKey tells.
const STRING = 0;
const ESCAPE = 1;
const KEY = 2; // inside a key that so far equals the expected one
const VALUE = 3;
const AFTER = 4;
const COLON = 5;
const KEY_OR_END = 6;
const NEXT_KEY = 7;
const VALUE_OR_END = 8;
const WORD = 9;
const DONE = 19; // 11 to 18 are the states of a number

const QUOTE = 34;
const BACKSLASH = 92;
/** From this many characters on, native searches are faster than looking at each. */
const longChunk = 64;

/**
 * An incremental JSON recogniser: a state machine over pushed text that builds the value in place and calls the listeners
 * of its nodes. It accepts what JSON.parse accepts, whatever the chunking, in time linear in the text, without recursion.
 * Where the text is no JSON it stops and says so in `fault`; it never throws.
 */
export class JsonScanner {
  readonly #limits: Limits;
  readonly #refuses: boolean;
  readonly #document: DocumentBuilder;
  #state = VALUE;
  /** Offset of the next character to be pushed, and how many more the document may have. */
  #offset = 0;
  #left: number;
  #inKey = false;
  #hasEscapes = false;
  /** Carried from chunk to chunk: half a surrogate pair, or the beginning of a key or number. */
  #held = "";
  readonly #escape = new Escape();
  #guess: Step | undefined;
  #guessed = 0;
  #word = "true";
  /** The last chunks, for excerpts. */
  readonly #recent = new RecentText();
  readonly #plain = new StringRun();
  /** The document is complete, and what follows is ignored. */
  #isOver = false;
  /** A string value is open, and nothing is held back. */
  #isPlain = false;

  constructor(node: FieldNode | undefined, options: ScannerOptions) {
    this.#limits = options.limits;
    this.#left = options.limits.maxChars;
    this.#refuses = options.after === "refuse";
    this.#document = new DocumentBuilder(node, options.limits);
  }

  /** Begins anew, at `offset` of the reply. What was learned about keys is kept. */
  reset(offset: number): void {
    this.#document.reset();
    this.#state = VALUE;
    this.#offset = offset;
    this.#left = this.#limits.maxChars;
    this.#recent.clear();
    this.#held = "";
    this.#inKey = this.#isOver = this.#isPlain = false;
  }

  get fault(): Fault | undefined {
    return this.#document.fault;
  }

  /** Whether the document is complete. */
  get closed(): boolean {
    return this.#state === DONE;
  }

  /** Characters of the reply that were taken in; with `after: "ignore"` none behind the document. */
  get offset(): number {
    return this.#offset;
  }

  /** The path of what is open: a string, number or word, else the innermost object or array. Undefined before the root. */
  get openPath(): string | undefined {
    if (this.#state === VALUE && this.#document.frame === undefined) return undefined;
    return this.#document.path(this.#state === WORD || isNumberState(this.#state) || this.#isInString(this.#state));
  }

  /** The value so far, the open string included: the live data, which goes on growing. */
  get value(): unknown {
    return this.#document.value;
  }

  /** Up to `length` characters that end with the one at the fault. */
  excerpt(length: number): string {
    const { fault } = this.#document;
    return fault === undefined ? "" : this.#recent.before(fault.offset - this.#offset + 1, length);
  }

  /** The text is over: a number at the root is complete now. */
  finish(): void {
    if (!isWholeNumber(this.#state) || this.#document.frame !== undefined) return;
    this.#state = DONE;
    this.#document.atom(Number(this.#held), "number", this.#offset);
  }

  push(text: string): void {
    const { length } = text;
    if (length === 0 || this.#isOver || this.#document.fault !== undefined) return;
    this.#recent.add(text);
    if (length > this.#left) return this.#overrun(text);
    if (!this.#isPlain || length >= longChunk) return this.#run(text, 0);
    // Most chunks lie wholly inside a string.
    let i = 0;
    let c = 0;
    while (i < length) {
      c = text.charCodeAt(i);
      if (c === QUOTE || c === BACKSLASH || c < 32) return this.#run(text, i);
      i += 1;
    }
    const isHalf = (c & 0xfc00) === 0xd800;
    if (isHalf || this.#document.text.length + length > this.#limits.maxStringChars) return this.#run(text, i);
    this.#offset += length;
    this.#left -= length;
    this.#document.emit(text, this.#offset);
  }

  /** Takes in what the limit on the whole document leaves of a chunk. */
  #overrun(text: string): void {
    this.#run(text.slice(0, this.#left), 0);
    if (this.#document.fault === undefined && !this.#isOver) this.#document.exceed("maxChars", this.#offset);
  }

  /** Takes in a chunk; its first `i` characters are known to be inside a string. */
  #run(text: string, i: number): void {
    const { length } = text;
    const base = this.#offset;
    const document = this.#document;
    let state = this.#state;
    let held = this.#held;
    /** Where what is open begins in this chunk. */
    let from = 0;
    this.#held = "";
    this.#isPlain = false;
    if (length >= longChunk) this.#plain.reset();
    scan: while (i < length) {
      let c = text.charCodeAt(i);
      switch (state) {
        case STRING: {
          if (length - i >= longChunk) {
            i = this.#plain.end(text, i);
            if (i === length) break scan;
            c = text.charCodeAt(i);
          }
          while (c !== QUOTE && c !== BACKSLASH && c >= 32) {
            i += 1;
            if (i === length) break scan;
            c = text.charCodeAt(i);
          }
          if (i > from) held = this.#grow(held, text, from, i, base + i);
          if (document.fault !== undefined) return;
          if (c === QUOTE) {
            i += 1;
            if (this.#inKey) {
              this.#inKey = false;
              document.keyRead(held, this.#hasEscapes);
              state = COLON;
            } else {
              document.stringRead(held, base + i);
              state = document.frame === undefined ? DONE : AFTER;
            }
            held = "";
          } else if (c === BACKSLASH) {
            i += 1;
            state = ESCAPE;
            this.#escape.begin();
            this.#hasEscapes = true;
          } else {
            return this.#stray("a control character to be escaped", base + i, held);
          }
          break;
        }
        case ESCAPE: {
          const unit = this.#escape.take(c);
          if (unit === undefined) return this.#stray(this.#escape.expected, base + i, held);
          i += 1;
          if (unit === "") break;
          held = this.#grow(held, unit, 0, 1, base + i);
          if (document.fault !== undefined) return;
          from = i;
          state = STRING;
          break;
        }
        case KEY: {
          const guess = this.#guess;
          const key = guess === undefined ? "" : guess.key;
          let n = this.#guessed;
          while (n < key.length && c === key.charCodeAt(n)) {
            n += 1;
            i += 1;
            if (i === length) {
              this.#guessed = n;
              break scan;
            }
            c = text.charCodeAt(i);
          }
          if (c === QUOTE && n === key.length && guess !== undefined) {
            document.keyMet(guess);
            this.#inKey = false;
            i += 1;
            state = COLON;
            break;
          }
          held = key.slice(0, n); // another key: read on in the ordinary way
          from = i;
          state = STRING;
          break;
        }
        case VALUE:
        case VALUE_OR_END: {
          if (c === QUOTE) {
            document.stringOpens(base + i);
            i += 1;
            from = i;
            state = STRING;
          } else if (c === 123 || c === 91) {
            document.open(c === 91, base + i);
            i += 1;
            state = c === 91 ? VALUE_OR_END : KEY_OR_END;
          } else if (firstNumberState(c) >= 0) {
            document.begin(base + i);
            from = i;
            i += 1;
            state = firstNumberState(c);
          } else if (isSpace(c)) {
            i += 1;
            break;
          } else if (c === 93 && state === VALUE_OR_END) {
            i += 1;
            document.close(base + i);
            state = document.frame === undefined ? DONE : AFTER;
            break;
          } else if (c === 116 || c === 102 || c === 110) {
            this.#word = c === 116 ? "true" : c === 102 ? "false" : "null";
            this.#guessed = 1;
            i += 1;
            state = WORD;
            document.begin(base + i - 1);
          } else {
            return this.#stray(state === VALUE ? "a value" : 'a value or "]"', base + i, held);
          }
          if (document.fault !== undefined) return;
          break;
        }
        case AFTER: {
          const frame = document.frame;
          if (c === 44 && frame !== undefined) {
            i += 1;
            state = frame.items === undefined ? NEXT_KEY : VALUE;
          } else if (frame !== undefined && c === (frame.items === undefined ? 125 : 93)) {
            i += 1;
            document.close(base + i);
            if (document.frame === undefined) state = DONE;
          } else if (isSpace(c)) {
            i += 1;
          } else {
            return this.#stray(frame?.items === undefined ? '"," or "}"' : '"," or "]"', base + i, held);
          }
          break;
        }
        case COLON: {
          if (c === 58) state = VALUE;
          else if (!isSpace(c)) return this.#stray('":"', base + i, held);
          i += 1;
          break;
        }
        case KEY_OR_END:
        case NEXT_KEY: {
          if (c === QUOTE) {
            i += 1;
            from = i;
            this.#inKey = true;
            this.#hasEscapes = false;
            this.#guess = document.expectedKey();
            this.#guessed = 0;
            state = this.#guess === undefined ? STRING : KEY;
          } else if (isSpace(c)) {
            i += 1;
          } else if (c === 125 && state === KEY_OR_END) {
            i += 1;
            document.close(base + i);
            state = document.frame === undefined ? DONE : AFTER;
          } else {
            return this.#stray(state === NEXT_KEY ? "a quoted key" : 'a quoted key or "}"', base + i, held);
          }
          break;
        }
        case WORD: {
          const word = this.#word;
          if (c !== word.charCodeAt(this.#guessed)) return this.#stray(word, base + i, held);
          i += 1;
          this.#guessed += 1;
          if (this.#guessed < word.length) break;
          document.atom(word === "null" ? null : word === "true", word === "null" ? "null" : "boolean", base + i);
          state = document.frame === undefined ? DONE : AFTER;
          break;
        }
        case DONE: {
          if (!this.#refuses) break scan;
          if (!isSpace(c)) return this.#stray("nothing after the document", base + i, held);
          i += 1;
          break;
        }
        default: {
          const next = nextNumberState(state, c);
          if (next >= 0) {
            state = next;
            i += 1;
            break;
          }
          held = this.#growNumber(held, text, from, i, base + i);
          if (document.fault !== undefined) return;
          const isEnd = c === 44 || c === 125 || c === 93 || isSpace(c);
          if (!isEnd || !isWholeNumber(state))
            return this.#stray(isWholeNumber(state) ? "the number to end" : "a digit", base + i, "");
          document.atom(Number(held), "number", base + i);
          held = "";
          state = document.frame === undefined ? DONE : AFTER;
        }
      }
    }
    if (state === STRING && from < i) held = this.#grow(held, text, from, i, base + i);
    else if (isNumberState(state)) held = this.#growNumber(held, text, from, i, base + i);
    if (document.fault !== undefined) return;
    this.#state = state;
    this.#offset = base + i;
    this.#left -= i;
    if (state === DONE) this.#isOver = !this.#refuses;
    if (!this.#isInString(state)) this.#held = held;
    else {
      this.#flush(held, base + i);
      this.#isPlain = state === STRING && this.#held.length === 0;
    }
  }

  #isInString(state: number): boolean {
    return state <= ESCAPE && !this.#inKey;
  }

  /** More of the open string or key: one substring, joined to what this chunk had before. */
  #grow(held: string, text: string, from: number, to: number, end: number): string {
    const max = this.#inKey ? this.#limits.maxKeyChars : this.#limits.maxStringChars;
    const excess = this.#document.text.length + held.length + to - from - max;
    const stop = excess > 0 ? to - excess : to;
    const more = text.substring(from, stop);
    const grown = held === "" ? more : held + more;
    if (excess <= 0) return grown;
    if (!this.#inKey) this.#flush(grown, end - excess);
    this.#document.exceed(this.#inKey ? "maxKeyChars" : "maxStringChars", end - excess);
    return "";
  }

  #growNumber(held: string, text: string, from: number, to: number, end: number): string {
    const excess = held.length + to - from - this.#limits.maxNumberChars;
    if (excess > 0) this.#document.exceed("maxNumberChars", end - excess);
    const more = text.substring(from, to);
    return held === "" ? more : held + more;
  }

  /** The chunk ends inside a string: its text goes out, but for half a surrogate pair. */
  #flush(text: string, offset: number): void {
    const isHalf = text !== "" && (text.charCodeAt(text.length - 1) & 0xfc00) === 0xd800;
    this.#held = isHalf ? text.slice(-1) : "";
    const whole = isHalf ? text.slice(0, -1) : text;
    if (whole !== "") this.#document.emit(whole, offset);
  }

  #stray(expected: string, offset: number, held: string): void {
    if (held !== "" && !this.#inKey) this.#flush(held, offset);
    this.#document.fault ??= { offset, expected };
  }
}

function isSpace(c: number): boolean {
  return c === 32 || c === 10 || c === 13 || c === 9;
}
