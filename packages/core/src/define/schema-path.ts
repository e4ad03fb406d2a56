import type { z } from "zod";
import type { Problem } from "./problem.ts";

/** Any zod schema, of zod or of zod/mini. */
export type Schema = z.core.$ZodType;
type DefOf<S> = S extends { _zod: { def: infer D } } ? D : never;
/** The schema's definition without its wrappers; a union of definitions for a union of schemas. */
type Peel<S, D = DefOf<S>> = D extends {
  type: "optional" | "nullable" | "default" | "prefault" | "nonoptional" | "readonly" | "catch";
  innerType: infer I;
}
  ? Peel<I>
  : D extends { type: "lazy"; getter: () => infer L }
    ? Peel<L>
    : D extends { type: "union"; options: infer O extends readonly unknown[] }
      ? Peel<O[number]>
      : D extends { type: "intersection"; left: infer L; right: infer R }
        ? Peel<L> | Peel<R>
        : D extends { type: "pipe"; in: infer A; out: infer B }
          ? DefOf<A> extends { type: "transform" }
            ? Peel<B>
            : Peel<A>
          : D;

/** The schema under one segment: `name`, `[*]`, `[3]`, `*`. */
type Child<D, Seg extends string> = D extends { type: "object"; shape: infer Shape }
  ? Seg extends keyof Shape
    ? Shape[Seg]
    : never
  : D extends { type: "array"; element: infer E }
    ? Seg extends "[*]" | `[${number}]`
      ? E
      : never
    : D extends { type: "record"; valueType: infer V }
      ? Seg extends `[${string}]`
        ? never
        : V
      : D extends { type: "tuple"; items: infer I extends readonly unknown[]; rest: infer R }
        ? Seg extends "[*]"
          ? I[number] | NonNullable<R>
          : Seg extends `[${infer N}]`
            ? N extends keyof I
              ? I[N]
              : NonNullable<R>
            : never
        : never;
/** What may follow a path, for completion and for messages. */
type Next<S, Before extends string> = NextOf<Peel<S>, Before>;
type NextOf<D, Before extends string> = D extends { type: "object"; shape: infer Shape }
  ? Dot<Before, keyof Shape & string>
  : D extends { type: "array" | "tuple" }
    ? `${Before}[*]`
    : D extends { type: "record" }
      ? Dot<Before, "*">
      : never;
type Dot<Before extends string, Key extends string> = Key extends `${string}${"." | "["}${string}`
  ? `${Before}["${Key}"]`
  : Before extends ""
    ? Key
    : `${Before}.${Key}`;

/** Splits the first segment off: `[segment, how it is written, rest]`. */
type Cut<P extends string> = P extends `["${infer K}"]${infer R}`
  ? [K, `["${K}"]`, R]
  : P extends `[${infer I}]${infer R}`
    ? [`[${I}]`, `[${I}]`, R]
    : P extends `${infer A}.${infer B}`
      ? A extends `${infer K}[${infer R}`
        ? [K, K, `[${R}.${B}`]
        : [A, A, `.${B}`]
      : P extends `${infer K}[${infer R}`
        ? [K, K, `[${R}`]
        : [P, P, ""];
/** Walks a path: the schemas it ends at, or `Stuck` with what could have followed. One step a segment, whatever the schema's size. */
type Walk<S, P extends string, Before extends string = ""> =
  Cut<P> extends [infer Seg extends string, infer Text extends string, infer Rest extends string]
    ? Child<Peel<S>, Seg> extends infer C
      ? [C] extends [never]
        ? Stuck<[Next<S, Before>] extends [never] ? Before : Next<S, Before>>
        : Rest extends ""
          ? C
          : Walk<
              C,
              Rest extends `.${infer R}` ? R : Rest,
              Text extends `[${string}` ? `${Before}${Text}` : Before extends "" ? Text : `${Before}.${Text}`
            >
      : never
    : never;
interface Stuck<Paths> {
  readonly stuck: Paths;
}

/** The parameter type of a path: the path itself (and what may follow, for completion), else the paths that would be right there. */
export type PathIn<S extends Schema, P extends string> =
  Walk<S, P> extends infer W ? (W extends Stuck<infer Right> ? Right : P | Next<W, NoInfer<P>>) : never;
/** As PathIn, for paths of string fields. */
export type TextPathIn<S extends Schema, P extends string> =
  Walk<S, P> extends infer W
    ? W extends Stuck<infer Right>
      ? Right
      : Peel<W> extends { type: "string" | "template_literal" }
        ? P
        : [Extract<Peel<W>, { type: "string" | "template_literal" }>] extends [never]
          ? Next<W, NoInfer<P>> extends infer N
            ? [N] extends [never]
              ? Problem<`"${P}" is not text: only string fields have deltas`, z.output<W & Schema>>
              : N
            : never
          : P
    : never;
/** The value at a path, as its schema puts it out. `undefined` is left out: JSON has none. `never` for a path that is not there. */
export type ValueAt<S extends Schema, P extends string> =
  Walk<S, P> extends infer W ? (W extends Schema ? Exclude<z.output<W>, undefined> : never) : never;
/** As ValueAt, for people: a wrong path is a Problem, which no value fits. */
export type FieldAt<S extends Schema, P extends string> =
  Walk<S, P> extends Stuck<infer Right> ? Problem<`the schema has no "${P}"`, Right> : ValueAt<S, P>;
