import { type $ZodIssue, type $ZodType, $ZodAsyncError, safeParse } from "zod/v4/core";
import type { ErrorCode } from "./error-code.ts";
import { SluiceError } from "./sluice-error.ts";

/** How a value that does not fit is reported. */
export interface Complaint {
  readonly code: ErrorCode;
  /** What the value is: `The input of "triage"`. */
  readonly what: string;
  readonly where?: string | undefined;
  readonly mend: string;
}

/**
 * The schema's output for a value.
 *
 * @throws SluiceError with the complaint's code, listing each issue with its path, what was expected and what came.
 */
export function validate(schema: $ZodType, value: unknown, complaint: Complaint): unknown {
  const { code, what, where, mend } = complaint;
  let parsed: ReturnType<typeof safeParse>;
  try {
    parsed = safeParse(schema, value);
  } catch (cause) {
    if (!(cause instanceof $ZodAsyncError)) throw cause;
    throw new SluiceError(code, {
      what: `${what} has a schema with an asynchronous check`,
      where,
      mend: "Check it synchronously here, and the rest in a chunk",
      cause,
    });
  }
  if (parsed.success) return parsed.data;
  throw new SluiceError(code, {
    what: `${what} does not fit its schema: ${describeIssues(parsed.error.issues, value)}`,
    where,
    mend,
    cause: parsed.error,
    retryable: false,
  });
}

/** Issues in one line: `category: Invalid option: expected one of "billing"|"shipping", got "refund"`. */
export function describeIssues(issues: readonly $ZodIssue[], value: unknown): string {
  return issues.map((issue) => describeIssue(issue, value)).join("; ");
}

function describeIssue({ path, message }: $ZodIssue, value: unknown): string {
  const got = at(value, path);
  const place = path.length === 0 ? "" : `${path.map(String).join(".")}: `;
  const tells = message.includes("received") || message.startsWith("Unrecognized");
  return `${place}${message}${tells ? "" : `, got ${excerpt(got)}`}`;
}

function at(value: unknown, path: readonly PropertyKey[]): unknown {
  let found = value;
  for (const key of path) {
    if (typeof found !== "object" || found === null || !Object.hasOwn(found, key)) return undefined;
    found = Reflect.get(found, key);
  }
  return found;
}

/** The beginning of a value, for people. */
export function excerpt(value: unknown, length = 40): string {
  let text: string | undefined;
  try {
    text = typeof value === "bigint" ? `${value}n` : JSON.stringify(value);
  } catch {
    text = undefined; // circular, or a toJSON that throws: its kind has to do
  }
  const shown = text ?? (value === undefined ? "nothing" : typeof value);
  return shown.length > length ? `${shown.slice(0, length - 1)}…` : shown;
}
