import type { DocumentBuilder } from "./document-builder.ts";
import { Escape } from "./escape.ts";
import { endsNumber, firstNumberState, isNumberState, isWholeNumber, nextNumberState } from "./number-state.ts";
import type { Step } from "./slot.ts";
import * as states from "./scanner-state.ts";
import { StringRun } from "./string-run.ts";
import type { Tolerance } from "./tolerance.ts";

// Copied, for imported constants cost time.
const { STRING, ODD_STRING, ESCAPE, GUESS, KEY, BARE_KEY, COLON, KEY_OR_END, NEXT_KEY } = states;
const { VALUE, VALUE_OR_END, AFTER, WORD, COMMENT, SLASH, DONE, PAST } = states;
const QUOTE = 34;
const BACKSLASH = 92;
/** From this many characters on, native searches are faster than looking at each. */
export const longChunk = 64;

/**
 * The state machine that reads JSON: it takes the characters of a document and tells a builder what they are. All that is
 * needed for valid JSON is in `run`, in local variables; where a character is out of place a tolerance is asked, where
 * there is one.
 */
export class TokenMachine {
  readonly #document: DocumentBuilder;
  /** Left out in strict mode. */
  readonly #tolerance: Tolerance | undefined;
  readonly #guessesQuotes: boolean;
  #state = VALUE;
  #inKey = false;
  #hasEscapes = false;
  /** Carried from chunk to chunk: half a surrogate pair, or the beginning of a key or number. */
  #held = "";
  readonly #escape = new Escape();
  #guess: Step | undefined;
  #guessed = 0;
  #word = "true";
  /** A quote that may be part of the string, with the white space behind it, and where that quote ends. */
  #tail = "";
  #tailEnd = 0;
  readonly #plain = new StringRun();
  /** Offset of the next character to be taken in. */
  offset = 0;
  /** The document is complete, and what follows is ignored. */
  isOver = false;
  /** A string value is open, and nothing is held back. */
  isPlain = false;

  constructor(document: DocumentBuilder, tolerance: Tolerance | undefined) {
    this.#document = document;
    this.#tolerance = tolerance;
    this.#guessesQuotes = tolerance?.guesses("inner-quotes") ?? false;
  }

  /** Begins a document at `offset`. */
  reset(offset: number): void {
    this.#state = VALUE;
    this.offset = offset;
    this.#held = "";
    this.#inKey = this.isOver = this.isPlain = false;
  }

  /** Whether the document is complete. */
  get closed(): boolean {
    return this.#state === DONE;
  }

  /** The path of what is open: a string, number or word, else the innermost object or array. Undefined before the document. */
  get openPath(): string | undefined {
    if (this.#state === VALUE && this.#document.isOuter) return undefined;
    return this.#document.path(
      this.#state === WORD || this.#state === SLASH || isNumberState(this.#state) || this.#isInString(this.#state),
    );
  }

  /** The text is over: a number that is the document is complete now. */
  finish(): void {
    const document = this.#document;
    if (!document.isOuter) return;
    if (this.#state === GUESS) this.#state = this.#ended(this.#held, this.#tailEnd);
    if (!isWholeNumber(this.#state)) return;
    this.#state = DONE;
    document.atom(Number(this.#held), "number", this.offset);
  }

  /** Takes in what a chunk has from `start` on; up to `i` it is known to be inside a string. */
  run(text: string, i: number, start: number): void {
    const { length } = text;
    const base = this.offset - start;
    const document = this.#document;
    const { list } = document;
    const tolerance = this.#tolerance;
    let state = this.#state;
    let held = this.#held;
    /** Where what is open begins in this chunk. */
    let from = start;
    this.#held = "";
    this.isPlain = false;
    if (length >= longChunk) this.#plain.begin(text, start);
    scan: while (i < length) {
      let c = text.charCodeAt(i);
      switch (state) {
        case STRING:
        case ODD_STRING: {
          if (state === ODD_STRING || length - i >= longChunk) {
            i = state === STRING ? this.#plain.end(text, i) : (tolerance?.end(text, i) ?? i);
            if (i === length) break scan;
            c = text.charCodeAt(i);
          } else {
            while (c !== QUOTE && c !== BACKSLASH && c >= 32) {
              i += 1;
              if (i === length) break scan;
              c = text.charCodeAt(i);
            }
          }
          if (i > from) held = document.grow(held, text, from, i, base + i, this.#inKey);
          if (document.fault !== undefined) return;
          if (c === BACKSLASH) {
            i += 1;
            state = ESCAPE;
            this.#escape.begin();
            this.#hasEscapes = true;
          } else if (c < 32) {
            if (tolerance === undefined || this.#inKey)
              return this.#stray("a control character to be escaped", base + i, held);
            tolerance.tell("control-character", base + i);
            from = i;
            i += 1;
          } else if (this.#guessesQuotes) {
            this.#tail = text.charAt(i);
            i += 1;
            this.#tailEnd = base + i;
            state = GUESS;
          } else {
            i += 1;
            state = this.#ended(held, base + i);
            held = "";
          }
          continue;
        }
        case GUESS: {
          if (isSpace(c)) {
            this.#tail += text.charAt(i);
            i += 1;
          } else if (this.#inKey ? c === 58 : this.#endsString(c)) {
            state = this.#ended(held, this.#tailEnd);
            held = "";
          } else {
            tolerance?.tell("inner-quotes", this.#tailEnd - 1);
            held = document.grow(held, this.#tail, 0, this.#tail.length, base + i, this.#inKey);
            if (document.fault !== undefined) return;
            from = i;
            state = tolerance?.isOdd === true ? ODD_STRING : STRING;
          }
          continue;
        }
        case ESCAPE: {
          let unit = this.#escape.take(c);
          if (unit === undefined) {
            if (tolerance === undefined) return this.#stray(this.#escape.expected, base + i, held);
            const char = text.charAt(i);
            unit = tolerance.unescaped(char, this.#escape, base + i);
            if (unit === char) i += 1;
          } else i += 1;
          if (unit === "") continue;
          held = document.grow(held, unit, 0, unit.length, base + i, this.#inKey);
          if (document.fault !== undefined) return;
          from = i;
          state = tolerance?.isOdd === true ? ODD_STRING : STRING;
          continue;
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
            continue;
          }
          held = key.slice(0, n); // another key: read on in the ordinary way
          from = i;
          state = STRING;
          continue;
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
            continue;
          } else if (c === 93 && state === VALUE_OR_END) {
            i += 1;
            document.close(base + i);
            state = document.frame === list ? DONE : AFTER;
            continue;
          } else if (c === 116 || c === 102 || c === 110) {
            this.#word = c === 116 ? "true" : c === 102 ? "false" : "null";
            this.#guessed = 1;
            i += 1;
            state = WORD;
            document.begin(base + i - 1);
          } else break;
          if (document.fault !== undefined) return;
          continue;
        }
        case AFTER: {
          const frame = document.frame;
          if (c === 44 && frame !== undefined) {
            i += 1;
            state = frame.items === undefined ? NEXT_KEY : VALUE;
          } else if (frame !== undefined && c === (frame.items === undefined ? 125 : 93)) {
            i += 1;
            document.close(base + i);
            if (document.frame === list) state = DONE;
          } else if (isSpace(c)) {
            i += 1;
          } else break;
          continue;
        }
        case COLON: {
          if (c === 58) {
            state = VALUE;
            i += 1;
          } else if (isSpace(c)) {
            i += 1;
          } else break;
          continue;
        }
        case KEY_OR_END:
        case NEXT_KEY: {
          if (c === QUOTE) {
            i += 1;
            from = i;
            this.#inKey = true;
            this.#hasEscapes = false;
            this.#guess = this.#guessesQuotes ? undefined : document.expectedKey();
            this.#guessed = 0;
            state = this.#guess === undefined ? STRING : KEY;
          } else if (isSpace(c)) {
            i += 1;
          } else if (c === 125 && state === KEY_OR_END) {
            i += 1;
            document.close(base + i);
            state = document.frame === list ? DONE : AFTER;
          } else break;
          continue;
        }
        case WORD: {
          if (this.#word === "None" && this.#guessed === 1 && c === 97) this.#word = "NaN";
          const word = this.#word;
          if (c !== word.charCodeAt(this.#guessed)) return this.#stray(word, base + i, held);
          i += 1;
          this.#guessed += 1;
          if (this.#guessed < word.length) continue;
          document.literal(word, base + i);
          state = document.frame === list ? DONE : AFTER;
          continue;
        }
        case BARE_KEY: {
          while (tolerance?.isWord(text.charAt(i)) === true) i += 1;
          if (i === length) break scan;
          held = document.grow(held, text, from, i, base + i, this.#inKey);
          if (document.fault !== undefined) return;
          state = this.#ended(held, base + i);
          held = "";
          continue;
        }
        case COMMENT:
          break;
        case SLASH: {
          if (tolerance === undefined || (c !== 47 && c !== 42)) return this.#stray('"/" or "*"', base + i, "");
          document.atom(Number(held), "number", base + i - 1);
          held = "";
          state = tolerance.commentOpens("/", AFTER, base + i - 1);
          continue;
        }
        case DONE: {
          if (tolerance !== undefined) break scan;
          if (isSpace(c)) i += 1;
          else if (list === undefined) return this.#stray("nothing after the document", base + i, held);
          else state = VALUE;
          continue;
        }
        default: {
          const next = nextNumberState(state, c);
          if (next >= 0) {
            state = next;
            i += 1;
            continue;
          }
          held = document.growNumber(held, text, from, i, base + i);
          if (document.fault !== undefined) return;
          if (c === 47 && tolerance !== undefined && !document.isOuter && isWholeNumber(state)) {
            i += 1;
            state = SLASH;
            continue;
          }
          const isEnd = endsNumber(c) || (tolerance !== undefined && c > 32 && text.charAt(i).trim() === "");
          if (!isEnd || !isWholeNumber(state))
            return this.#stray(isWholeNumber(state) ? "the number to end" : "a digit", base + i, "");
          document.atom(Number(held), "number", base + i);
          held = "";
          state = document.frame === list ? DONE : AFTER;
          continue;
        }
      }
      // Whoever leaves the switch has met what JSON does not have between tokens.
      const next = this.#mend(state, text.charAt(i), base + i);
      if (next < 0) return;
      i += next >> 5;
      from = i;
      state = next & 31;
    }
    if (from < i && (state === STRING || state === ODD_STRING || state === BARE_KEY))
      held = document.grow(held, text, from, i, base + i, this.#inKey);
    else if (isNumberState(state)) held = document.growNumber(held, text, from, i, base + i);
    if (document.fault !== undefined) return;
    this.#state = state;
    this.offset = base + i;
    if (state === DONE) this.isOver = tolerance !== undefined;
    if (!this.#isInString(state)) this.#held = held;
    else {
      this.#held = document.flush(held, base + i);
      this.isPlain = state === STRING && this.#held.length === 0;
    }
  }

  /** Whether a character behind a quote in a value could follow a string; one is a string that lacks a comma before it. */
  #endsString(c: number): boolean {
    return this.#document.isOuter || [44, 93, 125].includes(c) || (c === QUOTE && this.#tail.length > 1);
  }

  #isInString(state: number): boolean {
    return state <= GUESS && !this.#inKey;
  }

  /** The open string or key is complete, after `held`. Gives the state that follows. */
  #ended(held: string, end: number): number {
    const document = this.#document;
    this.#tolerance?.closed();
    if (this.#inKey) {
      this.#inKey = false;
      document.keyRead(held, this.#hasEscapes);
      return COLON;
    }
    document.stringRead(held, end);
    return document.isOuter ? DONE : AFTER;
  }

  /** A character that JSON does not have between tokens. Gives the state to go on in, as a tolerance does, or -1. */
  #mend(state: number, char: string, offset: number): number {
    const document = this.#document;
    const next = this.#tolerance?.mend(state, char, offset, document) ?? -1;
    if (next < 0) this.#stray(states.expectedIn(state, document.frame?.items !== undefined), offset, "");
    if (document.fault !== undefined) return -1;
    if (next === WORD + PAST) {
      this.#word = this.#tolerance?.word ?? "";
      this.#guessed = 1;
    } else if (state === KEY_OR_END || state === NEXT_KEY) {
      this.#inKey = next === ODD_STRING + PAST || next === BARE_KEY;
      this.#hasEscapes = false;
    }
    return next;
  }

  #stray(expected: string, offset: number, held: string): void {
    if (held !== "" && !this.#inKey) this.#document.flush(held, offset);
    this.#document.fault ??= { offset, expected };
  }
}

function isSpace(c: number): boolean {
  return c === 32 || c === 10 || c === 13 || c === 9;
}
