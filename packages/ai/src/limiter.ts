import type { SourceClock } from "@sluice/core";

/** What a provider allows for one key, in a minute. As much may come at once. */
export interface LimiterOptions {
  /** @default no limit */
  readonly requestsPerMinute?: number;
  /** Input and output together. @default no limit */
  readonly tokensPerMinute?: number;
}

/** Keeps the calls of one key under its limits, in all executions that share it: first come, first served. */
export interface Limiter {
  /**
   * Waits until a call may be made, by the clock of its execution.
   *
   * @param tokens what it is expected to use
   * @returns corrects that, when it is known
   */
  readonly enter: (tokens: number, clock: SourceClock, abortSignal?: AbortSignal) => Promise<(used: number) => void>;
  /** No call is made before a time, in Unix milliseconds: the provider has said so. */
  readonly pause: (until: number) => void;
}

const MINUTE_MS = 60_000;

/** Makes a limiter: one for each key of a provider, outside of the flow. @see docs/decisions.md D-088 */
export function limiter({ requestsPerMinute, tokensPerMinute }: LimiterOptions): Limiter {
  const requests = bucket(requestsPerMinute);
  const tokens = bucket(tokensPerMinute);
  let pausedUntil = 0;
  return {
    pause: (until) => void (pausedUntil = Math.max(pausedUntil, until)),
    async enter(expected, clock, abortSignal) {
      const now = clock.now();
      const waitMs = Math.max(requests.take(1, now), tokens.take(expected, now), pausedUntil - now);
      try {
        if (waitMs > 0) await clock.delay(waitMs, abortSignal && { abortSignal });
      } catch (error) {
        requests.giveBack(1);
        tokens.giveBack(expected);
        throw error;
      }
      return (used) => tokens.giveBack(expected - used);
    },
  };
}

/** A token bucket that may be in debt: who takes what is not there waits until it is. */
function bucket(perMinute = Infinity) {
  let content = perMinute;
  let filledAt: number | undefined;
  return {
    /** @returns milliseconds to wait */
    take(count: number, now: number): number {
      if (perMinute === Infinity) return 0;
      content = Math.min(perMinute, content + (Math.max(0, now - (filledAt ?? now)) * perMinute) / MINUTE_MS);
      filledAt = now;
      content -= count;
      return content >= 0 ? 0 : Math.ceil((-content * MINUTE_MS) / perMinute);
    },
    giveBack(count: number): void {
      content = Math.min(perMinute, content + count);
    },
  };
}
