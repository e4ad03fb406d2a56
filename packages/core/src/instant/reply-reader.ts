import { safeParseAsync, type $ZodType, type output } from "zod/v4/core";
import { SluiceError } from "../error/sluice-error.ts";
import { check } from "../schema/early-check.ts";
import { describeFieldIssues, fieldIssue, type FieldIssue } from "../schema/field-issue.ts";
import { completeParts } from "./complete-parts.ts";
import type { Cursor, FieldNode } from "./field-node.ts";
import type { ValueKind } from "../schema/value-kind.ts";
import type { Limits } from "./limits.ts";
import { createParser } from "./parser.ts";
import type { Guess, Repair } from "../schema/repair.ts";
import { shapeOf, type Place } from "../schema/shape.ts";

/** Who listens to the fields of a reply. Paths are canonical and concrete, `items[3].name`; indexes go outermost first. */
export interface FieldListener {
  /** A value begins. */
  readonly opened?: (path: string, indexes: readonly number[], kind: ValueKind) => void;
  /** More of a string, where the schema has free text: enums and literals come whole. */
  readonly delta?: (path: string, indexes: readonly number[], text: string) => void;
  /** A value is complete and valid: `value` is its schema's output, `raw` what the model wrote. */
  readonly complete?: (path: string, indexes: readonly number[], value: unknown, raw: unknown) => void;
  /** A value is complete and does not fit its schema: `raw` is what the model wrote. */
  readonly invalid?: (path: string, indexes: readonly number[], issues: readonly FieldIssue[], raw: unknown) => void;
}

export interface ReplyOptions {
  /** Accept JSON only: no prose, no code fence around it, no repair. @default false */
  readonly strict?: boolean | undefined;
  /** Repairs that may be wrong, made besides the safe ones. @default none */
  readonly guess?: readonly Guess[] | undefined;
  readonly limits?: Partial<Limits> | undefined;
  /** The schema is an array, and each document of the text is one element of it. @default false */
  readonly multi?: boolean | undefined;
  readonly listener?: FieldListener | undefined;
  /** Named in errors: the flow, chunk or reply. */
  readonly where?: string | undefined;
}

/** A reply that is whole and valid. */
export interface Outcome<T> {
  /** The schema's output. */
  readonly value: T;
  /** What the model wrote. */
  readonly raw: unknown;
  /** Where it was no JSON and was read all the same; at most 100 are kept. */
  readonly repairs: readonly Repair[];
}

/** A reply that is being read. */
export interface ReplyReader<T> {
  /**
   * Takes in more text and calls the listener. After it has thrown, it throws the same error again.
   *
   * @throws SluiceError `reply-syntax`, `reply-limit`; and what the listener throws.
   */
  push(text: string): void;
  /**
   * The text is over. Rejects where the reply is not whole or not valid: the schema decides on the whole, whatever was said
   * of its parts.
   *
   * @throws SluiceError `reply-no-json`, `reply-truncated`, `reply-invalid`; and what `push` has thrown.
   */
  end(): Promise<Outcome<T>>;
  /** Whether the root is complete: what follows would be ignored. Several documents are, when the text ends. */
  readonly closed: boolean;
  /** The raw value so far, also when the reply has broken off: live, unchecked, not to be changed. */
  readonly partial: unknown;
  /** What is complete so far: each part as its schema puts it out, where it fits; what is open is left out. */
  readonly complete: unknown;
  /** Where it is open: the path of a string, number or word, else of the innermost object or array. Undefined when it is whole. */
  readonly openPath: string | undefined;
}

/**
 * Reads a structured reply while it is written, and tells of every value that the schema knows: `opened`, deltas, then
 * `complete` or `invalid`, children before what holds them. A value is checked when it is complete, by its own schema; where
 * that is asynchronous, only with the whole. The root is opened like any value, but completed by `end()` alone. Keys that
 * the schema does not know are read and not told.
 *
 * @throws SluiceError `multi-no-array`
 */
export function readReply<S extends $ZodType>(schema: S, options: ReplyOptions = {}): ReplyReader<output<S>> {
  const { strict, guess, limits, multi, listener = {}, where } = options;
  const place = shapeOf(schema);
  const root = new Field(new Reading(listener), place, undefined);
  if (multi === true && !place.isList) {
    throw new SluiceError("multi-no-array", {
      what: "The reply may have several documents, and its schema is no array",
      where,
      mend: "Give it z.array(…) of what one document is, or leave out `multi`",
      retryable: false,
    });
  }
  const { rootKind } = multi === true ? (place.index(0) ?? place) : place;
  const parser = createParser(root, { strict, guess, limits, multi, where, root: rootKind });
  return {
    push: (text) => parser.push(text),
    async end() {
      const raw = parser.end();
      const result = await safeParseAsync(schema, raw);
      if (result.success) return { value: result.data, raw, repairs: parser.repairs };
      const issues = result.error.issues.map((issue) => fieldIssue(issue, raw));
      throw new SluiceError("reply-invalid", {
        what: `The reply does not fit its schema: ${describeFieldIssues(issues)}`,
        where,
        mend: "Tell the model what is wanted, or widen the schema",
        cause: result.error,
      });
    },
    get closed() {
      return parser.closed;
    },
    get partial() {
      return parser.partial;
    },
    get complete() {
      return completeParts(place, parser.partial, parser.openPath);
    },
    get openPath() {
      return parser.openPath;
    },
  };
}

/** An open object or array: its place as the schema has it, and as far as literals inside it have told its member of a union. */
interface Holder {
  readonly place: Place;
  actual: Place;
}

/** What the fields of one reply share. */
class Reading {
  readonly listener: FieldListener;
  readonly holders: Holder[] = [];

  constructor(listener: FieldListener) {
    this.listener = listener;
  }
}

/** One place of a reply, for the parser. Fields are made when the reply first gets there. */
class Field implements FieldNode {
  readonly delta: ((at: Cursor, text: string) => void) | undefined;
  readonly isAtomic: boolean;
  readonly #reading: Reading;
  readonly #place: Place;
  /** The key it stands under; undefined for elements and the root. */
  readonly #name: string | undefined;
  /** Elements of one place share a field. Keys do not need to: the parser remembers who stands where. */
  #elements: Map<Place, Field> | undefined;

  constructor(reading: Reading, place: Place, name: string | undefined) {
    this.#reading = reading;
    this.#place = place;
    this.#name = name;
    const { listener } = reading;
    this.isAtomic = !place.isText;
    this.delta = place.isText && listener.delta ? (at, text) => listener.delta?.(at.path, at.indexes, text) : undefined;
  }

  opened(at: Cursor, kind: ValueKind): void {
    const { listener, holders } = this.#reading;
    if (kind === "object" || kind === "array") holders.push({ place: this.#place, actual: this.#actual(at) });
    listener.opened?.(at.path, at.indexes, kind);
  }

  complete(at: Cursor, raw: unknown): void {
    const { listener, holders } = this.#reading;
    const isHolder = typeof raw === "object" && raw !== null;
    const place = isHolder ? (holders.pop()?.actual ?? this.#place) : this.#actual(at);
    const holder = holders.at(-1);
    if (holder === undefined) return;
    if (!isHolder && this.#name !== undefined) holder.actual = holder.actual.narrowed(this.#name, raw);
    if (listener.complete === undefined && listener.invalid === undefined) return;
    const { value, issues } = check(place, raw);
    if (issues === undefined) listener.complete?.(at.path, at.indexes, value, raw);
    else listener.invalid?.(at.path, at.indexes, issues, raw);
  }

  expects(kind: ValueKind): boolean {
    return this.#place.expects(kind);
  }

  key(name: string): FieldNode | undefined {
    const place = this.#place.key(name);
    return place && new Field(this.#reading, place, name);
  }

  index(position: number): FieldNode | undefined {
    const place = this.#place.index(position);
    if (place === undefined) return undefined;
    this.#elements ??= new Map();
    let field = this.#elements.get(place);
    if (field === undefined) this.#elements.set(place, (field = new Field(this.#reading, place, undefined)));
    return field;
  }

  /** Its place under the member of a union that the reply has shown to write. */
  #actual(at: Cursor): Place {
    const holder = this.#reading.holders.at(-1);
    if (holder === undefined || holder.actual === holder.place) return this.#place;
    const found =
      this.#name === undefined ? holder.actual.index(at.indexes.at(-1) ?? 0) : holder.actual.key(this.#name);
    return found ?? this.#place;
  }
}
