import type { DocumentBuilder } from "./document-builder.ts";
import type { Escape } from "./escape.ts";
import { firstNumberState } from "./number-state.ts";
import type { Guess, Repair, RepairRule } from "../schema/repair.ts";
import {
  AFTER,
  BARE_KEY,
  COLON,
  COMMENT,
  DONE,
  NEXT_KEY,
  ODD_STRING,
  PAST,
  VALUE,
  VALUE_OR_END,
  WORD,
} from "./scanner-state.ts";

/** Repairs that are kept of one reply; later ones are made and not told. */
const maxRepairs = 100;
const isWordCharacter = /[\p{ID_Continue}$-]/u;
/** Odd opening quotes, each with what closes it. */
const closers: Readonly<Record<string, string>> = {
  "'": "'",
  "“": '”"',
  "”": '”“"',
  "„": '”“"',
  "‘": "’'",
  "’": "’‘'",
  "‚": "’‘'",
};
const words: Readonly<Record<string, string>> = {
  T: "True",
  F: "False",
  N: "None",
  I: "Infinity",
  u: "undefined",
};

/**
 * What is done where a text is no JSON: the rules of tolerant reading. A scanner asks only where a strict one would stop,
 * so that JSON pays nothing for them.
 */
export class Tolerance {
  readonly #guesses: readonly Guess[];
  #repairs: Repair[] = [];
  /** What closes the open string; "" for one in ordinary quotes. */
  #closers = "";
  /** As much of a comment's marks as tells what ends it, and the state to go back to. */
  #comment = "";
  #back = VALUE;
  /** The literal that has begun. */
  word = "";

  constructor(guesses: readonly Guess[]) {
    this.#guesses = guesses;
  }

  /** What was mended, in the order of the text; at most 100 are kept. */
  get repairs(): readonly Repair[] {
    return this.#repairs;
  }

  guesses(guess: Guess): boolean {
    return this.#guesses.includes(guess);
  }

  reset(): void {
    this.#repairs = [];
    this.#closers = "";
  }

  tell(rule: RepairRule, offset: number): void {
    if (this.#repairs.length < maxRepairs) this.#repairs.push({ rule, offset });
  }

  /** Whether the open string is one that JSON would not open so. */
  get isOdd(): boolean {
    return this.#closers !== "";
  }

  closed(): void {
    this.#closers = "";
  }

  /** The end of an odd string's plain text: the position of a quote that closes it, a backslash or a control character. */
  end(text: string, from: number): number {
    let i = from;
    while (i < text.length && text.charCodeAt(i) >= 32 && text[i] !== "\\" && !this.#closers.includes(text.charAt(i)))
      i += 1;
    return i;
  }

  /** The text that an escape stands for which JSON does not know: of a quote that quote, else what was written. */
  unescaped(char: string, escape: Escape, offset: number): string {
    this.tell("escape", offset);
    return escape.written === "\\" && (char === "'" || this.#closers.includes(char)) ? char : escape.written;
  }

  isWord(char: string): boolean {
    return isWordCharacter.test(char);
  }

  /** A comment opens, behind which `back` is the state. Gives the state that follows its first character. */
  commentOpens(char: string, back: number, offset: number): number {
    this.tell("comment", offset);
    this.#comment = char;
    this.#back = back;
    return COMMENT;
  }

  /** The state behind one more character of a comment, or -1 where it is none. */
  #inComment(char: string): number {
    const mark = this.#comment;
    if (mark === "/") {
      if (char !== "/" && char !== "*") return -1;
      this.#comment = char === "/" ? "#" : "/*";
    } else if (mark === "#") {
      if (char === "\n" || char === "\r") return this.#back + PAST;
    } else if (mark === "*" && char === "/") {
      return this.#back + PAST;
    } else {
      this.#comment = char === "*" ? "*" : "/*";
    }
    return COMMENT + PAST;
  }

  /**
   * What to do at a character that JSON does not have between tokens, or at one of a comment.
   *
   * @returns the state to go on in, at the character or, with PAST added, behind it; -1 where nothing can be done
   */
  mend(state: number, char: string, offset: number, document: DocumentBuilder): number {
    if (state === COMMENT) return this.#inComment(char);
    if (char === "/" || char === "#") return PAST + this.commentOpens(char, state, offset);
    if (char.trim() === "") return this.#told("space", offset, state + PAST);
    if (state === COLON || document.isOuter) return -1;
    if (state === AFTER) return this.#after(char, offset, document);
    return state === VALUE || state === VALUE_OR_END
      ? this.#value(state, char, offset, document)
      : this.#key(state, char, offset);
  }

  #value(state: number, char: string, offset: number, document: DocumentBuilder): number {
    const isElement = document.frame?.items !== undefined;
    if (this.#opens(char, offset)) {
      document.stringOpens(offset);
      return ODD_STRING + PAST;
    }
    const word = words[char];
    if (word !== undefined) {
      this.word = word;
      document.begin(offset);
      return this.#told("literal", offset, WORD + PAST);
    }
    if (!isElement) return -1;
    if (char === ",") return this.#told("extra-comma", offset, state + PAST);
    if (char === "]") return this.#told("extra-comma", offset, AFTER);
    return char === "}" && this.guesses("brackets") ? AFTER : -1;
  }

  #key(state: number, char: string, offset: number): number {
    if (char === ",") return this.#told("extra-comma", offset, state + PAST);
    if (char === "}") return this.#told("extra-comma", offset, AFTER);
    if (this.#opens(char, offset)) return ODD_STRING + PAST;
    if (this.isWord(char)) return this.#told("unquoted-key", offset, BARE_KEY);
    return char === "]" && this.guesses("brackets") ? AFTER : -1;
  }

  #after(char: string, offset: number, document: DocumentBuilder): number {
    if ("]}".includes(char)) return this.guesses("brackets") ? this.#bracket(offset, document) : -1;
    const isObject = document.frame?.items === undefined;
    const begins =
      char === '"' ||
      closers[char] !== undefined ||
      (isObject
        ? this.isWord(char)
        : "{[tfn".includes(char) || words[char] !== undefined || firstNumberState(char.charCodeAt(0)) >= 0);
    return begins ? this.#told("missing-comma", offset, isObject ? NEXT_KEY : VALUE) : -1;
  }

  /** A bracket of the other kind: it closes what is inside the nearest one of its kind; where there is none, it was mistaken. */
  #bracket(offset: number, document: DocumentBuilder): number {
    const meant = document.frame?.unlike;
    this.tell("brackets", offset);
    if (meant === undefined) document.close(offset + 1);
    else while (document.frame !== meant) document.close(offset);
    if (meant !== undefined) return AFTER;
    return PAST + (document.isOuter ? DONE : AFTER);
  }

  #opens(char: string, offset: number): boolean {
    const closing = closers[char];
    if (closing === undefined) return false;
    this.#closers = closing;
    return this.#told(char === "'" ? "single-quotes" : "typographic-quotes", offset, true);
  }

  #told<T>(rule: RepairRule, offset: number, result: T): T {
    this.tell(rule, offset);
    return result;
  }
}
