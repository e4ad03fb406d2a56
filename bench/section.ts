import type { Bar } from "./bar.ts";
import type { Cost } from "./measure.ts";
import type { Page } from "./page.ts";
import type { Quantity } from "./quantity.ts";
import type { Table } from "./table.ts";

/** Contestants at one work, side by side. */
export interface Comparison {
  readonly title: string;
  /** What was done, in a sentence. */
  readonly note: string;
  readonly costs: readonly Cost[];
  /** What the costs are. */
  readonly of: Quantity;
  /** The contestant whose cost is 1. */
  readonly unit: string;
  /** The contestant of ours that the others are held against; the unit where there is none. */
  readonly ours: string;
  /** The steps of the work, for the cost of one. @default no such column */
  readonly steps?: { readonly one: string; readonly count: number };
  /** Its row in the chart. @default none */
  readonly chart?: string;
  /** Who is not there or does less, and why: a sentence each. @default everybody does all of it */
  readonly exceptions?: readonly string[];
}

/** How the cost of one contestant grows with the size of the work. */
export interface Growth {
  readonly name: string;
  /** What is counted: `chunks`, `KB`. */
  readonly of: string;
  readonly sizes: readonly number[];
  readonly minMs: readonly number[];
  /** 1: twice the work takes twice as long; 2: four times. */
  readonly exponent: number;
}

/** What one work has to say. */
export interface Section {
  readonly title: string;
  readonly comparisons: readonly Comparison[];
  readonly growth: readonly Growth[];
  readonly bars: readonly Bar[];
  /** What is not measured but worked out. @default none */
  readonly tables?: readonly Table[];
  /** What it has to say elsewhere, the same on each machine. @default nothing */
  readonly pages?: readonly Page[];
}

/**
 * How many times as much the contestant `name` costs as `unit`, by their minima.
 *
 * @throws Error when one of them is not there.
 */
export function ratio(costs: readonly Cost[], name: string, unit: string): number {
  return minOf(costs, name) / minOf(costs, unit);
}

/** @throws Error when it is not there. */
export function minOf(costs: readonly Cost[], wanted: string): number {
  const cost = costs.find(({ name }) => name === wanted);
  if (cost === undefined) throw new Error(`There is no contestant "${wanted}"`);
  return cost.min;
}
