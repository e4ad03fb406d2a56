import type { Arrivals } from "./recordings.ts";
import { lookUpMs } from "./way.ts";

/**
 * When all can be done at the earliest, in milliseconds: at the model's end, or a look-up after the last step, if each
 * starts when its step is there and, of those at the same time, a place is free.
 */
export function earliestEnd({ steps, modelEnd }: Arrivals, atOnce = Number.POSITIVE_INFINITY): number {
  const ends: number[] = [];
  for (const at of steps) ends.push(Math.max(at, ends[ends.length - atOnce] ?? 0) + lookUpMs);
  return Math.max(modelEnd, ...ends);
}
