import { type $ZodType, $ZodAsyncError, safeParse } from "zod/v4/core";
import type { ErrorCode } from "../error/error-code.ts";
import { SluiceError, messageOf } from "../error/sluice-error.ts";
import { describeFieldIssues, fieldIssue } from "./field-issue.ts";

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
    const isAsync = cause instanceof $ZodAsyncError;
    throw new SluiceError(code, {
      what: isAsync
        ? `${what} has a schema with an asynchronous check`
        : `A check of ${what} threw: ${messageOf(cause)}`,
      where,
      mend: isAsync
        ? "Check it synchronously here, and the rest in a chunk"
        : "Let a check tell with an issue, not with a throw",
      cause,
      retryable: false,
    });
  }
  if (parsed.success) return parsed.data;
  throw new SluiceError(code, {
    what: `${what} does not fit its schema: ${describeFieldIssues(parsed.error.issues.map((issue) => fieldIssue(issue, value)))}`,
    where,
    mend,
    cause: parsed.error,
    retryable: false,
  });
}
