import { SluiceError, messageOf } from "../error/sluice-error.ts";
import type { Attempt } from "./attempt.ts";

/** @returns a guard's answer, or why it has none */
export function guardAnswer(when: (payload: never) => boolean, { activation, where }: Attempt): boolean | SluiceError {
  try {
    const answer: unknown = when(activation.arrival.payload as never); // the trigger's type has checked it
    if (!isThenable(answer)) return Boolean(answer);
    throw new TypeError("it returned a promise, and a guard is synchronous");
  } catch (cause) {
    return broken(`The guard of ${activation.event}`, where, cause);
  }
}

/** @returns the error of an attempt; one that is not to be tried again, when the retry's `when` says so */
export function retryVerdict(
  when: ((error: unknown) => boolean) | undefined,
  { where }: Attempt,
  error: SluiceError,
): SluiceError {
  if (when === undefined || !error.retryable) return error;
  try {
    if (when(error.code === "chunk-failed" ? error.cause : error)) return error;
  } catch (cause) {
    return broken("The `when` of its retry", where, cause);
  }
  const { code, what, mend, cause } = error;
  return new SluiceError(code, { what, where, mend, retryable: false, ...(cause !== undefined && { cause }) });
}

export function isThenable(value: unknown): value is PromiseLike<unknown> {
  return typeof (value as { then?: unknown } | null | undefined)?.then === "function";
}

function broken(what: string, where: string, cause: unknown): SluiceError {
  return new SluiceError("guard-failed", {
    what: `${what} failed: ${messageOf(cause)}`,
    where,
    mend: "Keep `when` synchronous and pure",
    cause,
    retryable: false,
  });
}
