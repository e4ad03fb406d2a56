import type { Timing } from "./measure.ts";

/** Contestants at one work, side by side. */
export interface Comparison {
  readonly title: string;
  /** What was done, in a sentence. */
  readonly note: string;
  readonly timings: readonly Timing[];
  /** The contestant whose time is 1. */
  readonly unit: string;
  /** The contestant of ours that the others are held against. */
  readonly ours: string;
}

/** How the time of one contestant grows with the size of the work. */
export interface Growth {
  readonly name: string;
  /** What is counted: `chunks`, `KB`. */
  readonly of: string;
  readonly sizes: readonly number[];
  readonly minMs: readonly number[];
  /** 1: twice the work takes twice as long; 2: four times. */
  readonly exponent: number;
}

/** A number that was promised. */
export interface Bar {
  readonly what: string;
  readonly value: number;
  readonly atMost: number;
  /** A target is shown, and does not fail the run. */
  readonly kind: "bar" | "target";
}

/** What one work has to say. */
export interface Section {
  readonly title: string;
  readonly comparisons: readonly Comparison[];
  readonly growth: readonly Growth[];
  readonly bars: readonly Bar[];
}

export function holds({ value, atMost }: Bar): boolean {
  return value <= atMost;
}

/** How many times as long the contestant `name` takes as `unit`, by their minima. */
export function ratio(timings: readonly Timing[], name: string, unit: string): number {
  const minOf = (wanted: string): number => timings.find((timing) => timing.name === wanted)?.minMs ?? Number.NaN;
  return minOf(name) / minOf(unit);
}
