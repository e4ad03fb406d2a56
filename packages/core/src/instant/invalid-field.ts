import { $ZodError } from "zod/v4/core";
import { SluiceError } from "../error/sluice-error.ts";
import { type FieldIssue, type FieldIssueAt, describeFieldIssues, fieldIssue } from "../schema/field-issue.ts";

/** The error of a reading that an invalid field ends. */
export function invalidField(reply: string, path: string, issues: readonly FieldIssue[], where: string): SluiceError {
  return new SluiceError("reply-invalid", {
    what: `The field ${path} of the reply "${reply}" does not fit its schema: ${describeFieldIssues(issues)}`,
    where,
    mend: 'Tell the model what is wanted, widen the schema, or read on with onInvalid: "report"',
  });
}

/** What is wrong with a reply as a whole, as the error of its reading tells it; undefined for errors of its source. */
export function invalidWhole(error: unknown, raw: unknown): FieldIssueAt | undefined {
  if (!(error instanceof SluiceError) || !error.code.startsWith("reply-")) return undefined;
  const { cause, code, what } = error;
  if (!(cause instanceof $ZodError)) {
    // of a reply that broke off, what is there
    return { path: "", issues: [{ path: [], message: what }], ...(code === "reply-truncated" && { raw }) };
  }
  return { path: "", issues: cause.issues.map((issue) => fieldIssue(issue, raw)), raw };
}
