import { property } from "./property.ts";

/** How long a provider asks to wait. */
export interface RetryAfter {
  /** `7 s`, or `until` a date. */
  readonly words: string;
  /** The pause, for a clock that shows `now`, in milliseconds. */
  readonly msFrom: (now: number) => number;
}

/** The headers that tell it: the standard one, and the finer one of OpenAI and Azure. */
const HEADERS = ["retry-after-ms", "retry-after"] as const;
const NUMBER = /^\d+(?:\.\d+)?$/;

/** @returns undefined when the provider does not say */
export function retryAfter(error: unknown): RetryAfter | undefined {
  const { "retry-after-ms": fine, "retry-after": after } = waitHeaders(error);
  if (fine !== undefined && NUMBER.test(fine)) return pause(Number(fine));
  if (after === undefined) return undefined;
  if (NUMBER.test(after)) return pause(Number(after) * 1000);
  const date = Date.parse(after);
  return Number.isNaN(date) ? undefined : { words: `until ${after}`, msFrom: (now) => Math.max(0, date - now) };
}

/** Of an error's headers, those that say how long to wait. */
export function waitHeaders(error: unknown): Partial<Record<(typeof HEADERS)[number], string>> {
  const headers = property(error, "responseHeaders");
  return Object.fromEntries(
    HEADERS.flatMap((name) => {
      const value = property(headers, name);
      return typeof value === "string" ? [[name, value]] : [];
    }),
  );
}

function pause(ms: number): RetryAfter {
  return { words: `${ms / 1000} s`, msFrom: () => ms };
}
