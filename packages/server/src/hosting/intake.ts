import type { Execution } from "@sluice/core";
import type { Hosted } from "./hosted.ts";

// What clients bring into an execution. Each is acknowledged when it is stored.

type Given = Readonly<Record<string, unknown>>;

/** Brings in an event. @returns its signal's id @throws SluiceError `event-not-accepted`, `payload-invalid`, `execution-ended` */
export async function takeEvent(execution: Execution, event: string, { payload }: Given): Promise<string> {
  const signal = execution.emit(event, payload);
  await execution.stored();
  return signal;
}

/**
 * Answers a question, as soon as it is known whether there is one.
 *
 * @throws SluiceError `answer-invalid`, `interrupt-unknown`, `interrupt-closed`, `execution-ended`; Refusal 503
 */
export async function takeAnswer(hosted: Hosted, execution: Execution, interrupt: string, given: Given): Promise<void> {
  const { answer, requestId } = given;
  await hosted.asked(execution, interrupt);
  execution.resume(interrupt, answer, typeof requestId === "string" ? { requestId } : {});
  await execution.stored();
}

/** Cancels it. */
export async function takeCancel(execution: Execution, { reason, rollback }: Given): Promise<void> {
  execution.cancel(typeof reason === "string" ? reason : "cancelled by a client", { rollback: rollback === true });
  await execution.stored();
}
