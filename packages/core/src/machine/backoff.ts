import type { GraphRetry } from "../graph/graph.ts";
import { fnv1a } from "../graph/hash.ts";

/**
 * The pause before the next attempt, in milliseconds: exponential, at most `maxDelay`. With jitter it is spread over its
 * upper half, by a hash of what identifies the attempt, so that a replay waits as long.
 *
 * @param failed attempts that have failed, from 1
 */
export function backoff({ delay, factor, maxDelay, jitter }: GraphRetry, failed: number, identity: string): number {
  const pause = Math.min(maxDelay, delay * factor ** (failed - 1));
  if (!jitter) return pause;
  const spread = Number.parseInt(fnv1a(`${identity}/${failed}`).slice(0, 8), 16) / 0x1_0000_0000;
  return Math.round(pause * (0.5 + spread / 2));
}
