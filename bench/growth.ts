import { type Clock, type Contestant, type MeasureOptions, measure } from "./measure.ts";
import type { Growth } from "./section.ts";

/** A contestant for each size of a work. */
export interface Grower {
  readonly name: string;
  /** What is counted: `chunks`, `KB`. */
  readonly of: string;
  readonly sizes: readonly number[];
  readonly at: (size: number) => Contestant;
}

/** Measures all sizes of all growers in the same rounds. */
export async function measureGrowth(
  growers: readonly Grower[],
  options: MeasureOptions,
  clock?: Clock,
): Promise<readonly Growth[]> {
  const contestants = growers.flatMap(({ sizes, at }) => sizes.map(at));
  const costs = await measure(contestants, options, clock);
  let next = 0;
  return growers.map(({ name, of, sizes }) => {
    const minMs = costs.slice(next, (next += sizes.length)).map(({ min }) => min);
    return { name, of, sizes, minMs, exponent: exponentOf(sizes, minMs) };
  });
}

/** The slope of log time over log size, by least squares. */
function exponentOf(sizes: readonly number[], times: readonly number[]): number {
  const x = sizes.map(Math.log);
  const y = times.map(Math.log);
  const meanX = mean(x);
  const meanY = mean(y);
  const covariance = mean(x.map((one, index) => (one - meanX) * ((y[index] ?? meanY) - meanY)));
  return covariance / mean(x.map((one) => (one - meanX) ** 2));
}

function mean(numbers: readonly number[]): number {
  return numbers.reduce((sum, one) => sum + one, 0) / numbers.length;
}
