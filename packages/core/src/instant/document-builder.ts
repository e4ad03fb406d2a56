import type { Fault } from "./fault.ts";
import type { FieldNode } from "./field-node.ts";
import type { ValueKind } from "../schema/value-kind.ts";
import type { Limits } from "./limits.ts";
import { Position, type Frame } from "./position.ts";
import { Slot, type Step } from "./slot.ts";

const noFields: Record<string, unknown> = {};

/**
 * Builds the value of a document while it is read, and calls the listeners of its nodes. Objects and arrays are attached
 * when they open and grow in place; an open string is kept apart, as a rope, until it is complete or somebody looks.
 */
export class DocumentBuilder {
  /** Set when a limit was reached; the first one counts. */
  fault: Fault | undefined;
  /** The open string's text so far; "" while none is open. */
  text = "";
  /** The innermost open object or array. */
  frame: Frame | undefined;
  /** The array that the documents of a text make where there may be several: it has no brackets of its own. */
  list: Frame | undefined;
  readonly #limits: Limits;
  readonly #root: Slot;
  readonly #at = new Position();
  /** The outermost frame, kept for reuse. */
  #outer: Frame | undefined;
  #depth = 0;
  #value: unknown = undefined;
  /** Where the open string stands. */
  #slot: Slot;
  #isInString = false;
  /** Written and never read: a look whose result is not used would be optimised away. */
  looked = 0;
  /** Offset of the first character of the value that began last. */
  #began = 0;

  constructor(node: FieldNode | undefined, limits: Limits) {
    this.#limits = limits;
    this.#root = new Slot(node);
    this.#slot = this.#root;
  }

  /** Begins anew. What was learned about keys is kept. */
  reset(): void {
    this.fault = this.list = this.frame = this.#at.frame = this.#value = undefined;
    this.#depth = 0;
    this.text = "";
    this.#isInString = false;
  }

  /** The value so far, the open string included: the live data, which goes on growing. */
  get value(): unknown {
    if (this.#isInString) this.#attach(this.text);
    return this.#value;
  }

  /** Whether no object or array of the document is open. */
  get isOuter(): boolean {
    return this.frame === this.list;
  }

  /** The path of the value that began last, or of the object or array around it. */
  path(isInside: boolean): string {
    this.#at.frame = isInside ? this.frame : this.frame?.parent;
    const { path } = this.#at;
    this.#at.frame = this.frame;
    return path;
  }

  exceed(limit: keyof Limits, offset: number): void {
    this.fault = { offset, limit };
  }

  /** More of the open string or key: one substring, joined to what its chunk had before. */
  grow(held: string, text: string, from: number, to: number, end: number, inKey: boolean): string {
    const max = inKey ? this.#limits.maxKeyChars : this.#limits.maxStringChars;
    const excess = this.text.length + held.length + to - from - max;
    const stop = excess > 0 ? to - excess : to;
    const more = text.substring(from, stop);
    const grown = held === "" ? more : held + more;
    if (excess <= 0) return grown;
    if (!inKey) this.flush(grown, end - excess);
    this.exceed(inKey ? "maxKeyChars" : "maxStringChars", end - excess);
    return "";
  }

  /** More of the open number. */
  growNumber(held: string, text: string, from: number, to: number, end: number): string {
    const excess = held.length + to - from - this.#limits.maxNumberChars;
    if (excess > 0) this.exceed("maxNumberChars", end - excess);
    const more = text.substring(from, to);
    return held === "" ? more : held + more;
  }

  /** The chunk ends inside a string: its text goes out. Gives what is held back: half a surrogate pair. */
  flush(text: string, offset: number): string {
    const isHalf = text !== "" && (text.charCodeAt(text.length - 1) & 0xfc00) === 0xd800;
    const whole = isHalf ? text.slice(0, -1) : text;
    if (whole !== "") this.emit(whole, offset);
    return isHalf ? text.slice(-1) : "";
  }

  /** More of the open string. */
  emit(text: string, offset: number): void {
    this.text += text;
    const { node } = this.#slot;
    if (node === undefined || node.delta === undefined) return;
    this.#at.offset = offset;
    node.delta(this.#at, text);
  }

  /** A value begins: the cursor moves to it. */
  begin(offset: number): void {
    this.#began = offset;
    const frame = this.frame;
    if (frame === undefined) return;
    frame.path = undefined;
    frame.indexes = undefined;
    if (frame.items !== undefined && frame.count >= this.#limits.maxElements) this.exceed("maxElements", offset);
  }

  /** The place of the value that began. */
  #place(): Slot {
    const frame = this.frame;
    if (frame === undefined) return this.#root;
    if (frame.step !== undefined) return frame.slot.value(frame.step);
    return frame.slot.element(frame.count);
  }

  /** Puts a value where the cursor stands. A key like `__proto__` is data like any other. */
  #attach(value: unknown): void {
    const frame = this.frame;
    if (frame === undefined) this.#value = value;
    else if (frame.items !== undefined) frame.items[frame.count] = value;
    else if (frame.step === undefined) return;
    else if (!frame.step.isProto) frame.fields[frame.step.key] = value;
    else
      Object.defineProperty(frame.fields, "__proto__", { value, writable: true, enumerable: true, configurable: true });
  }

  /** The key that is expected to come now. */
  expectedKey(): Step | undefined {
    const { frame } = this;
    return frame?.step === undefined ? frame?.slot.first : frame.step.next;
  }

  /** The expected key has come. */
  keyMet(step: Step): void {
    if (this.frame !== undefined) this.frame.step = step;
  }

  /** A key was read in full. One that was written with escapes is not expected again: it is compared as written. */
  keyRead(key: string, hasEscapes: boolean): void {
    const frame = this.frame;
    if (frame === undefined) return;
    const step = frame.slot.step(key);
    if (!hasEscapes) frame.slot.learn(frame.step, step);
    frame.step = step;
  }

  /** A string begins. */
  stringOpens(offset: number): void {
    this.begin(offset);
    if (this.fault !== undefined) return;
    this.#slot = this.#place();
    this.#isInString = true;
    this.#at.offset = offset;
    this.#slot.node?.opened?.(this.#at, "string");
  }

  /** The open string is complete, after `rest`. */
  stringRead(rest: string, offset: number): void {
    if (rest !== "") this.emit(rest, offset - 1);
    const { text } = this;
    // Joined from many chunks it would keep them all; to look at a character puts it into one piece.
    if (text.length > rest.length) this.looked = text.charCodeAt(0);
    this.text = "";
    this.#isInString = false;
    this.#attach(text);
    this.#completed(this.#slot, text, offset);
  }

  /** A number, boolean or null is complete. */
  atom(value: number | boolean | null, kind: ValueKind, offset: number): void {
    const slot = this.#place();
    this.#attach(value);
    this.#at.offset = this.#began;
    slot.node?.opened?.(this.#at, kind);
    this.#completed(slot, value, offset);
  }

  /** A word is complete. Those that JSON does not have are null, but for two. */
  literal(word: string, offset: number): void {
    const isTrue = word === "true" || word === "True";
    if (isTrue || word === "false" || word === "False") this.atom(isTrue, "boolean", offset);
    else this.atom(null, "null", offset);
  }

  /** An object or array begins. */
  open(isArray: boolean, offset: number): void {
    this.begin(offset);
    if (this.fault === undefined && this.#depth >= this.#limits.maxDepth) this.exceed("maxDepth", offset);
    if (this.fault !== undefined) return;
    const parent = this.frame;
    const slot = this.#place();
    const items: unknown[] | undefined = isArray ? [] : undefined;
    const fields = isArray ? noFields : {};
    this.#attach(items ?? fields);
    this.#at.offset = offset;
    slot.node?.opened?.(this.#at, isArray ? "array" : "object");
    const idle = parent === undefined ? this.#outer : parent.deeper;
    const frame = idle ?? {
      parent,
      deeper: undefined,
      unlike: undefined,
      slot,
      items,
      fields,
      count: 0,
      step: undefined,
      path: undefined,
      indexes: undefined,
    };
    if (idle === undefined && parent === undefined) this.#outer = frame;
    else if (parent !== undefined) parent.deeper = frame;
    if (parent === undefined || parent === this.list) frame.unlike = undefined;
    else frame.unlike = (parent.items === undefined) === isArray ? parent : parent.unlike;
    frame.slot = slot;
    frame.items = items;
    frame.fields = fields;
    frame.count = 0;
    frame.step = undefined;
    this.frame = this.#at.frame = frame;
    this.#depth += 1;
  }

  /** Several documents may come: their array begins, if it has not. */
  openList(offset: number): void {
    if (this.list !== undefined) return;
    this.open(true, offset);
    this.list = this.frame;
  }

  /** The innermost object or array is complete. */
  close(offset: number): void {
    const frame = this.frame;
    if (frame === undefined) return;
    this.frame = this.#at.frame = frame.parent;
    this.#depth -= 1;
    this.#completed(frame.slot, frame.items ?? frame.fields, offset);
  }

  #completed(slot: Slot, value: unknown, offset: number): void {
    this.#at.offset = offset;
    slot.node?.complete?.(this.#at, value);
    if (this.frame?.items !== undefined) this.frame.count += 1;
  }
}
