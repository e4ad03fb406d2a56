import { SluiceError } from "../error/sluice-error.ts";
import { type FieldIssue, describeFieldIssues } from "../schema/field-issue.ts";

/** The error of a reading that an invalid field ends. */
export function invalidField(reply: string, path: string, issues: readonly FieldIssue[], where: string): SluiceError {
  return new SluiceError("reply-invalid", {
    what: `The field ${path} of the reply "${reply}" does not fit its schema: ${describeFieldIssues(issues)}`,
    where,
    mend: 'Tell the model what is wanted, widen the schema, or read on with onInvalid: "report"',
  });
}
