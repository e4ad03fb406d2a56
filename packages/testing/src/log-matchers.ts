import type { LogEntry } from "./log-line.ts";
import { type LogPattern, describeMatch, matchLog, patternText } from "./log-match.ts";

/** What Vitest and Jest want of a matcher. */
export interface MatcherResult {
  readonly pass: boolean;
  readonly message: () => string;
}

/** What the matchers add to `expect(…)`: for the declaration that tells TypeScript of them. */
export interface LogMatchers<R = void> {
  /**
   * The log has these entries, in this order; others may be in between. A string is an entry's type, or its line, such
   * as `chunk:start read`; an object holds some of an entry's fields, and may hold asymmetric matchers.
   */
  toMatchLog(expected: readonly LogPattern[]): R;
}

/** For `expect.extend(logMatchers)`, in Vitest or Jest. */
export const logMatchers = {
  toMatchLog(received: unknown, expected: readonly LogPattern[]): MatcherResult {
    if (!isLog(received)) {
      const message = "toMatchLog looks at entries. Give it `await logOf(execution)`";
      throw new TypeError(message);
    }
    const match = matchLog(received, expected);
    const pass = match.missing === undefined;
    return {
      pass,
      message: () =>
        pass
          ? `The log has what it is not to have: ${expected.map(patternText).join(", ")}\n\n${describeMatch(received, expected, match)}`
          : `The log is not as expected: ${match.found.length} of ${expected.length} are there.\n\n${describeMatch(received, expected, match)}`,
    };
  },
};

function isLog(value: unknown): value is readonly LogEntry[] {
  return Array.isArray(value) && value.every((one) => typeof (one as { type?: unknown } | null)?.type === "string");
}
