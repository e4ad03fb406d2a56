import { type Comparison, type Growth, ratio } from "./section.ts";

/** A number that was promised. */
export interface Bar {
  readonly what: string;
  readonly value: number;
  readonly is: "at most" | "at least";
  readonly limit: number;
  /** A target is shown, and does not fail the run. */
  readonly kind: "bar" | "target";
}

/** What is promised of one comparison. */
export interface Promised {
  /** Our cost, as a multiple of the unit's, is at most this. */
  readonly atMost?: number;
  /** The cost of each of these, as a multiple of ours, is at least this. */
  readonly atLeast?: Readonly<Record<string, number>>;
}

/** The promises of a comparison, as targets. */
export function targets({ title, costs, ours, unit }: Comparison, { atMost, atLeast = {} }: Promised): readonly Bar[] {
  const kind = "target";
  const peers = Object.entries(atLeast).map(([name, limit]): Bar => ({
    what: `${title}: ${name}, × ${ours}`,
    value: ratio(costs, name, ours),
    is: "at least",
    limit,
    kind,
  }));
  if (atMost === undefined) return peers;
  const value = ratio(costs, ours, unit);
  return [{ what: `${title}: ${ours}, × ${unit}`, value, is: "at most", limit: atMost, kind }, ...peers];
}

/** That a cost grows as the work does. */
export function linear({ name, exponent }: Growth, kind: Bar["kind"]): Bar {
  return { what: `Growth of ${name}: exponent`, value: exponent, is: "at most", limit: 1.15, kind };
}

export function holds({ value, is, limit }: Bar): boolean {
  return is === "at most" ? value <= limit : value >= limit;
}
