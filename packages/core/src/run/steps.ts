import type { StepOptions } from "../define/context.ts";
import { SluiceError } from "../error/sluice-error.ts";
import { aborted } from "./abort.ts";
import type { Attempt } from "./attempt.ts";
import type { Host } from "./host.ts";
import { plainCopy } from "./plain-data.ts";

/**
 * A step of an attempt: what an earlier attempt has stored under its name, else what `work` comes to, which is stored.
 *
 * @returns a copy of the value; rejects at once when the attempt ends.
 * @throws SluiceError `step-repeated`, `not-serialisable`, or what `work` throws; nothing is stored then
 */
export function takeStep(
  host: Host,
  attempt: Attempt,
  name: string,
  work: (step: StepOptions) => unknown,
): Promise<unknown> {
  const where = `${attempt.where}, step "${name}"`;
  const { promise, resolve, reject } = Promise.withResolvers<unknown>();
  promise.catch(() => {}); // whoever awaits it hears of it; a step that nobody awaits must not end the process
  const finish = async (): Promise<void> => {
    const made = copyOf(await work(optionsOf(host, attempt, name)), where);
    if (!attempt.ended && host.append({ type: "step:complete", ...attempt.origin(), name, value: made })) {
      const value = copyOf(made, where); // the log's own is not handed out
      return host.whenSafe((failure) => (failure === undefined ? resolve(value) : reject(failure)));
    }
    host.append({ type: "chunk:late", ...attempt.origin(), call: "step" }, true);
    throw aborted(where, "its attempt ended before the step");
  };
  if (attempt.steps?.has(name) === true) reject(repeated(name, attempt.where));
  else {
    (attempt.steps ??= new Set()).add(name);
    const stored = host.machine.done.step(attempt.owner, name);
    if (stored !== undefined) resolve(copyOf(stored.value, where));
    else {
      const forget = attempt.abort.onAbort(reject);
      finish().catch(reject).finally(forget);
    }
  }
  return promise;
}

function optionsOf(host: Host, attempt: Attempt, name: string): StepOptions {
  // the key of a compensation is its chunk's with "/undo" behind it
  const own = name === "undo" || name.startsWith("undo/") ? `/${name}` : name;
  return {
    get abortSignal() {
      return attempt.abort.signal;
    },
    idempotencyKey: `${host.keyOf(attempt)}/${own}`,
  };
}

function copyOf(value: unknown, where: string): unknown {
  return value === undefined ? undefined : plainCopy(value, where);
}

function repeated(name: string, where: string): SluiceError {
  return new SluiceError("step-repeated", {
    what: `Two steps of one attempt have the name "${name}"`,
    where,
    mend: "Name each step once: put the item's id into the name",
    retryable: false,
  });
}
