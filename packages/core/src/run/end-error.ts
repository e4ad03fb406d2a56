import { SluiceError } from "../error/sluice-error.ts";
import type { EntryDraft } from "../machine/entry.ts";

/** What `result` and the views of an execution fail with, by its final entry; undefined when it completed. */
export function endError(final: EntryDraft, where: string): SluiceError | undefined {
  switch (final.type) {
    case "flow:failed":
      return final.error;
    case "flow:timeout":
      return new SluiceError("execution-timeout", {
        what: `The execution took longer than its flow allows, and was ended after ${final.elapsedMs} ms`,
        where,
        mend: "Raise the spec's `timeout`",
        retryable: false,
      });
    case "flow:cancelled":
      return new SluiceError("execution-cancelled", {
        what: `The execution was cancelled: ${final.reason}`,
        where,
        retryable: false,
      });
    default:
      return undefined;
  }
}
