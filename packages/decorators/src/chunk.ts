import type { FirstOf, MethodsOf, Problem, Returned, Undo } from "@sluice/core";
import type { AnyFn, Placed, Site, Where } from "./dialect.ts";
import { type MethodOptions, record } from "./record.ts";

type Undoes<U, F> = [Undo<FirstOf<F>, Returned<F>>] extends [FirstOf<U>]
  ? unknown
  : Problem<
      "the compensation does not accept { input, output } of this chunk",
      { payload: Undo<FirstOf<F>, Returned<F>>; parameter: FirstOf<U> }
    >;
type CheckChunk<A, B, M> =
  Site<A, B> extends infer At
    ? At extends Placed<infer T, infer F>
      ? F extends AnyFn
        ? [M] extends [never]
          ? unknown
          : M extends MethodsOf<T> & keyof T
            ? Undoes<T[M], F>
            : Problem<`compensate: there is no method "${M & string}"`, MethodsOf<T>>
        : Problem<"a chunk is a public method of an instance">
      : At
    : never;

/** Marks a method as a chunk, in both dialects. */
export interface ChunkMark<M> {
  <A, B extends Where>(target: A & CheckChunk<A, B, M>, where: B): void;
}

/** Gives a chunk its options. What triggers it is said with `@on`. */
export function chunk<const M extends string = never>(options: MethodOptions<M> = {}): ChunkMark<M> {
  return (...site: unknown[]): void =>
    record(site, "@chunk", (known) => ({ ...known, chunk: { ...options, ...known.chunk } }));
}
