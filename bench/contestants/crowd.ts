import type { Contestant } from "../measure.ts";
import { type Sample, contestant } from "./contestant.ts";

/** Steps of each execution of a crowd. */
export const stepsEach = 5;

/** Their names, for those who name steps. */
export const stepNames = Array.from({ length: stepsEach }, (_, index) => `c${index}`);

/**
 * Many executions at the same time, each of which counts its steps.
 *
 * @param execute starts one
 */
export function crowd(name: string, count: number, execute: () => Promise<unknown>, sample: Sample = {}): Contestant {
  const once = async (): Promise<number> => {
    const counted = await Promise.all(Array.from({ length: count }, execute));
    return counted.filter((steps) => steps === stepsEach).length;
  };
  return contestant(name, count, once, sample);
}
