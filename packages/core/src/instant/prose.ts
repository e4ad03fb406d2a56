import type { RootKind } from "../schema/shape.ts";

const tags = ["<think>", "<thinking>", "<reasoning>"];

/** What came last: nothing yet, a document with no more than commas behind it, the line of a fence, or words. */
type Lead = "blank" | "document" | "fence" | "words";

/**
 * Looks through the text around a reply's JSON for a character that could begin it, or the next document of several. What stands between reasoning tags is
 * skipped. Code fences need no rule, for what they enclose begins behind them; except where a bare string, number or word
 * may be the root: that must come first, after white space, reasoning and the line of a fence. One pass, whatever the
 * chunking.
 */
export class Prose {
  readonly #openers: string;
  readonly #takesScalars: boolean;
  /** As much of a tag as has been read. */
  #tag = "";
  /** The tag that ends the reasoning; "" outside. */
  #closing = "";
  #lead: Lead = "blank";

  constructor(root: RootKind) {
    this.#openers = root === "object" ? "{" : root === "array" ? "[" : "{[";
    this.#takesScalars = root === "any";
  }

  /** Whether the text so far ends inside reasoning. */
  get isReasoning(): boolean {
    return this.#closing !== "";
  }

  /** Whether words came last. */
  get hasWords(): boolean {
    return this.#lead === "words";
  }

  /** The position of the next character, from `from` to before `to`, that could begin the root; `to` where there is none. */
  find(text: string, from: number, to: number): number {
    for (let i = from; i < to; i += 1) {
      if (this.#closing !== "" && this.#tag === "") {
        i = text.indexOf("<", i);
        if (i < 0 || i >= to) return to;
      }
      const char = text.charAt(i);
      if (this.#closing === "" && this.#canBegin(char)) {
        this.#tag = "";
        return i;
      }
      this.#pass(char);
    }
    return to;
  }

  /** Behind what was found: a document, or what the text has as words. */
  resume(lead: "document" | "words"): void {
    this.#lead = lead;
  }

  #canBegin(char: string): boolean {
    if (this.#openers.includes(char)) return true;
    return this.#takesScalars && isBlank(this.#lead) && '"-0123456789tfn'.includes(char) && this.#tag === "";
  }

  #pass(char: string): void {
    const before = this.#tag;
    const isReasoning = this.#closing !== "";
    const tag = tagAfter(before, char, isReasoning ? [this.#closing] : tags);
    this.#tag = tag;
    if (isReasoning) {
      if (tag === this.#closing) this.#tag = this.#closing = "";
    } else if (tags.includes(tag)) {
      this.#closing = tag.replace("<", "</");
      this.#tag = "";
    } else if (tag === "" && this.#lead !== "words") {
      this.#lead = before === "" ? leadAfter(this.#lead, char) : "words";
    }
  }
}

/** Whether a document may begin that is no object or array. */
function isBlank(lead: Lead): boolean {
  return lead === "blank" || lead === "document";
}

function leadAfter(lead: Lead, char: string): Lead {
  if (lead === "fence") return char === "\n" ? "blank" : "fence";
  if (char === "`") return "fence";
  if (char === "," && lead === "document") return lead;
  return char.trim() === "" ? lead : "words";
}

function tagAfter(tag: string, char: string, wanted: readonly string[]): string {
  if (tag === "" && char !== "<") return "";
  const longer = tag + char;
  if (wanted.some((one) => one.startsWith(longer))) return longer;
  return char === "<" ? char : "";
}
