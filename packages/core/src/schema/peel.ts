import type { $ZodType, $ZodTypes } from "zod/v4/core";
import { type ValueKind, kindOf } from "./value-kind.ts";

/** The definition of a schema without its wrappers. */
export type Leaf = $ZodTypes["_zod"]["def"];

/** What is left of schemas without their wrappers. */
export interface Peeled {
  readonly leaves: readonly Leaf[];
  /** The kinds of value that may be accepted; undefined for any. */
  readonly kinds: ReadonlySet<ValueKind> | undefined;
}

/**
 * Takes the wrappers off, as the type of a path does: what remains describes what the model writes. Of a pipe that is its
 * input, unless that is a function (`z.preprocess`). Unions and intersections give all their sides.
 */
export function peel(schemas: readonly $ZodType[]): Peeled {
  const leaves: Leaf[] = [];
  const kinds = new Set<ValueKind>();
  let takesAny = false;
  const seen = new Set<$ZodType>();
  const rest = schemas.toReversed();
  for (let schema = rest.pop(); schema !== undefined; schema = rest.pop()) {
    if (seen.has(schema)) continue;
    seen.add(schema);
    const { def } = (schema as $ZodTypes)._zod; // every schema is one of zod's; the union lets its type tell
    switch (def.type) {
      case "catch":
        takesAny = true;
        rest.push(def.innerType);
        break;
      case "nullable":
        kinds.add("null");
        rest.push(def.innerType);
        break;
      case "optional":
      case "default":
      case "prefault":
      case "nonoptional":
      case "readonly":
        rest.push(def.innerType);
        break;
      case "lazy":
        rest.push(def.getter());
        break;
      case "union":
        rest.push(...def.options.toReversed());
        break;
      case "intersection":
        rest.push(def.right, def.left);
        break;
      case "pipe": {
        const isPrepared = def.in._zod.def.type === "transform";
        if (isPrepared) takesAny = true;
        rest.push(isPrepared ? def.out : def.in);
        break;
      }
      default: {
        leaves.push(def);
        const own = kindsOf(def);
        if (own === undefined) takesAny = true;
        else for (const kind of own) kinds.add(kind);
      }
    }
  }
  return { leaves, kinds: takesAny ? undefined : kinds };
}

/** The kinds a leaf accepts, undefined where that is not known. */
function kindsOf(def: Leaf): readonly ValueKind[] | undefined {
  switch (def.type) {
    case "string":
    case "number":
    case "boolean":
      return def.coerce === true ? undefined : [def.type];
    case "template_literal":
      return ["string"];
    case "null":
      return ["null"];
    case "object":
    case "record":
      return ["object"];
    case "array":
    case "tuple":
      return ["array"];
    case "enum":
      return Object.values(def.entries).map(kindOf);
    case "literal":
      return def.values.map(kindOf);
    case "never":
    case "undefined":
    case "void":
      return [];
    default:
      return undefined;
  }
}
