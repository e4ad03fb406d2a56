import type { ChunkOptions, Problem } from "@sluice/core";
import type { AnyFn, Placed, Site, Where } from "./dialect.ts";
import { record } from "./record.ts";

type CheckChunk<A, B> =
  Site<A, B> extends infer At
    ? At extends Placed<unknown, infer F>
      ? F extends AnyFn
        ? unknown
        : Problem<"a chunk is a public method of an instance">
      : At
    : never;

/** Marks a method as a chunk, in both dialects. */
export interface ChunkMark {
  <A, B extends Where>(target: A & CheckChunk<A, B>, where: B): void;
}

/** Gives a chunk its options. What triggers it is said with `@on`. */
export function chunk(options: ChunkOptions = {}): ChunkMark {
  return (...site: unknown[]): void =>
    record(site, "@chunk", (known) => ({ ...known, chunk: { ...options, ...known.chunk } }));
}
