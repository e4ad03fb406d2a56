import { type Claims, unionOf } from "./claims.ts";

/** What a chunk has returned in a lane of a fan-out, and can be taken back; or what came after such. */
interface Returned {
  readonly chunk: number;
  readonly index: number;
  readonly value: unknown;
  readonly claims: Claims | undefined;
}

/** One opening of lanes, one for each item of an array. It counts in the lane above until all its lanes are done. */
export interface Fan {
  readonly id: string;
  /** Which fan-outs of the graph it is: two patterns or triggers may take the same array apart. */
  readonly sources: string[];
  /** The lane above. */
  readonly lane: string;
  /** How many lanes are not done. */
  undone: number;
  /** The highest position that has a lane, plus one. */
  size: number;
  /** Whether more items can come. */
  open: boolean;
  /** Its source broke off: nothing is gathered. */
  broken: boolean;
  /** By chunk, what it returned last in each lane; sparse. */
  readonly values: Map<number, unknown[]>;
  /** What was returned since something was that can be taken back, oldest first. */
  returned: Returned[] | undefined;
  /** What it follows from and can be taken back: until that is confirmed it is kept. */
  claims: Claims | undefined;
  /** All its lanes are done, and it is kept. */
  finished: boolean;
  /** The claim of what was gathered of it. */
  gathered: string | undefined;
  /** The replies that may bring again what was taken back of it. */
  readonly awaited: string[];
}

/** A fan-out as plain data. */
export type FanData = Omit<Fan, "values"> & {
  readonly values: readonly (readonly [
    chunk: number,
    returned: readonly (readonly [index: number, value: unknown])[],
  ])[];
};

const none: readonly never[] = [];

/** What a chunk has returned in the lanes of a fan-out, in their order, and what that can be taken back with. */
export function gatheredOf(fan: Fan, chunk: number) {
  const values = fan.values.get(chunk) ?? none;
  if (fan.returned === undefined) return { present: presentIn(values), claims: undefined };
  const latest = values.slice(); // which keeps holes
  const claims = new Map<number, Claims | undefined>();
  for (const one of fan.returned) {
    if (one.chunk !== chunk) continue;
    latest[one.index] = one.value;
    claims.set(one.index, one.claims);
  }
  return { present: presentIn(latest), claims: unionOf(claims.values()) };
}

/** The positions of a sparse list that are there, with their values. */
export function presentIn(list: readonly unknown[]): readonly (readonly [index: number, value: unknown])[] {
  const present: (readonly [number, unknown])[] = [];
  list.forEach((value, index) => present.push([index, value])); // which leaves holes out
  return present;
}
