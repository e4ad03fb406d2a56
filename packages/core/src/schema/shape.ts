import type { $ZodType } from "zod/v4/core";
import { nearest } from "../error/nearest.ts";
import type { ValueKind } from "./value-kind.ts";
import { formatPath, joinPath, keySegment, parsePath, type Segment } from "./field-path.ts";
import { peel, type Leaf } from "./peel.ts";

/** What kind of JSON value a reply is, as far as its schema tells. */
export type RootKind = "object" | "array" | "any";

const places = new WeakMap<$ZodType, Place>();

/** The places of a schema, from its root. Built as far as they are visited, and kept as long as the schema. */
export function shapeOf(schema: $ZodType): Place {
  let place = places.get(schema);
  if (place === undefined) places.set(schema, (place = new Place([schema])));
  return place;
}

/**
 * One place of the values that a schema describes, as the model writes them. Where unions or intersections lead to it,
 * it has several schemas. Recursive schemas have finitely many places: a place is reached again, not built again.
 */
export class Place {
  /** The schemas as they stand here, wrappers included: each gives its output for a value that it accepts. */
  readonly schemas: readonly $ZodType[];
  readonly #leaves: readonly Leaf[];
  readonly #kinds: ReadonlySet<ValueKind> | undefined;
  /** Children with several schemas, and this place with fewer leaves: few, and compared by their parts. */
  readonly #shared: Place[] = [];
  readonly #narrowed: Place[] = [];

  constructor(schemas: readonly $ZodType[], leaves?: readonly Leaf[]) {
    this.schemas = schemas;
    const peeled = peel(schemas);
    this.#leaves = leaves ?? peeled.leaves;
    this.#kinds = peeled.kinds;
  }

  /** Whether a string here is free text, whose pieces mean something; enums and literals are not. */
  get isText(): boolean {
    return this.#leaves.some(({ type }) => type === "string" || type === "template_literal");
  }

  /** What the model writes here. */
  get rootKind(): RootKind {
    const only = this.#kinds?.size === 1 ? [...this.#kinds][0] : undefined;
    return only === "object" || only === "array" ? only : "any";
  }

  /** Whether the model writes a list here, of whatever length. */
  get isList(): boolean {
    return this.#leaves.length > 0 && this.#leaves.every(({ type }) => type === "array");
  }

  /** Whether the schema could accept a value of this kind. */
  expects(kind: ValueKind): boolean {
    return this.#kinds === undefined || this.#kinds.has(kind);
  }

  /** The place of a key, of a record's values, or of what an object's catch-all describes. */
  key(name: string): Place | undefined {
    return this.#child(this.#leaves.map((leaf) => keyOf(leaf, name)));
  }

  /** The place of an array's or tuple's element. */
  index(position: number): Place | undefined {
    return this.#child(this.#leaves.map((leaf) => (leaf.type === "array" ? leaf.element : tupleItem(leaf, position))));
  }

  /** The place that a segment of a path leads to; wildcards lead to all that they stand for. */
  under(segment: Segment): Place | undefined {
    switch (segment.kind) {
      case "key":
        return this.key(segment.name);
      case "index":
        return this.index(segment.position);
      case "any-key":
        return this.#child(this.#leaves.map(anyKeyOf));
      case "any-index":
        return this.#child(this.#leaves.flatMap(elementsOf));
      default:
        return segment satisfies never;
    }
  }

  /**
   * This place once one of its keys is complete: members of a union that have another literal there are left out. If none
   * would be left, all stay.
   */
  narrowed(name: string, value: unknown): Place {
    if (this.#leaves.length < 2) return this;
    const left = this.#leaves.filter((leaf) => admits(leaf, name, value));
    if (left.length === 0 || left.length === this.#leaves.length) return this;
    return kept(
      this.#narrowed,
      (place) => same(place.#leaves, left),
      () => new Place(this.schemas, left),
    );
  }

  /** The paths that lead on from here. */
  pathsUnder(path: string): readonly string[] {
    const paths = this.#leaves.flatMap((leaf) => {
      if (leaf.type === "object") return Object.keys(leaf.shape).map((name) => joinPath(path, keySegment(name)));
      if (leaf.type === "array" || leaf.type === "tuple") return [joinPath(path, "[*]")];
      return leaf.type === "record" ? [joinPath(path, ".*")] : [];
    });
    return [...new Set(paths)];
  }

  #child(found: readonly ($ZodType | undefined)[]): Place | undefined {
    const schemas = [...new Set(found)].filter((schema) => schema !== undefined);
    const [first] = schemas;
    if (first === undefined || schemas.length === 1) return first && shapeOf(first);
    return kept(
      this.#shared,
      (place) => same(place.schemas, schemas),
      () => new Place(schemas),
    );
  }
}

/** Where a path leads. */
export interface Found {
  /** The place, or undefined where the schema has none. */
  readonly place: Place | undefined;
  /** The path up to its first segment that leads nowhere. */
  readonly wrong: string | undefined;
  /** The paths that would be right in its stead. */
  readonly right: readonly string[];
  /** The one of them that is most like it. */
  readonly nearest: string | undefined;
}

/**
 * Looks for the place of a path, which may have wildcards.
 *
 * @throws SluiceError `path-invalid`, where the path cannot be read.
 */
export function findPlace(schema: $ZodType, path: string): Found {
  const segments = parsePath(path);
  let place = shapeOf(schema);
  for (const [count, segment] of segments.entries()) {
    const next = place.under(segment);
    if (next === undefined) {
      const wrong = formatPath(segments.slice(0, count + 1));
      const right = place.pathsUnder(formatPath(segments.slice(0, count)));
      return { place: undefined, wrong, right, nearest: nearest(wrong, right) };
    }
    place = next;
  }
  return { place, wrong: undefined, right: [], nearest: undefined };
}

function keyOf(leaf: Leaf, name: string): $ZodType | undefined {
  if (leaf.type === "record") {
    const names = leaf.keyType._zod.values;
    return names === undefined || names.has(name) ? leaf.valueType : undefined;
  }
  if (leaf.type !== "object") return undefined;
  return Object.hasOwn(leaf.shape, name) ? leaf.shape[name] : catchallOf(leaf);
}

function anyKeyOf(leaf: Leaf): $ZodType | undefined {
  if (leaf.type === "record") return leaf.valueType;
  return leaf.type === "object" ? catchallOf(leaf) : undefined;
}

/** What an object says of its other keys, where it says anything: loose and strict objects do not. */
function catchallOf({ catchall }: Extract<Leaf, { type: "object" }>): $ZodType | undefined {
  const type = catchall?._zod.def.type;
  return type === "never" || type === "unknown" || type === "any" ? undefined : catchall;
}

function tupleItem(leaf: Leaf, position: number): $ZodType | undefined {
  return leaf.type === "tuple" ? (leaf.items[position] ?? leaf.rest ?? undefined) : undefined;
}

function elementsOf(leaf: Leaf): readonly ($ZodType | undefined)[] {
  if (leaf.type === "array") return [leaf.element];
  return leaf.type === "tuple" ? [...leaf.items, leaf.rest ?? undefined] : [];
}

/** Whether an object may have this value at a key, as far as literals tell. */
function admits(leaf: Leaf, name: string, value: unknown): boolean {
  if (leaf.type !== "object" || !Object.hasOwn(leaf.shape, name)) return true;
  const values: ReadonlySet<unknown> | undefined = leaf.shape[name]?._zod.values;
  return values === undefined || values.has(value);
}

function kept(list: Place[], isIt: (place: Place) => boolean, make: () => Place): Place {
  let place = list.find(isIt);
  if (place === undefined) list.push((place = make()));
  return place;
}

function same(a: readonly unknown[], b: readonly unknown[]): boolean {
  return a.length === b.length && a.every((one, index) => one === b[index]);
}
