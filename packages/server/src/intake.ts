import type { Execution } from "@sluice/core";

// What clients bring into an execution. Each is acknowledged when it is stored.

type Given = Readonly<Record<string, unknown>>;

/** Brings in an event. @returns its signal's id @throws SluiceError `event-not-accepted`, `payload-invalid`, `execution-ended` */
export async function takeEvent(execution: Execution, event: string, { payload }: Given): Promise<string> {
  const signal = execution.emit(event, payload);
  await execution.stored();
  return signal;
}

/** Answers a question. @throws SluiceError `answer-invalid`, `interrupt-unknown`, `interrupt-closed`, `execution-ended` */
export async function takeAnswer(execution: Execution, interrupt: string, given: Given): Promise<void> {
  const { answer, requestId } = given;
  execution.resume(interrupt, answer, typeof requestId === "string" ? { requestId } : {});
  await execution.stored();
}

/** Cancels it. */
export async function takeCancel(execution: Execution, { reason, rollback }: Given): Promise<void> {
  execution.cancel(typeof reason === "string" ? reason : "cancelled by a client", { rollback: rollback === true });
  await execution.stored();
}
