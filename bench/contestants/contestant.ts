import type { Contestant } from "../measure.ts";

/** What `once` is, where it is not the whole work. */
export type Sample = Pick<Contestant, "proof" | "scale">;

/** A contestant, known by the value that it has to give. */
export function contestant(name: string, expected: unknown, once: () => unknown, sample: Sample = {}): Contestant {
  return { name, once, check: (value) => value === expected, ...sample };
}
