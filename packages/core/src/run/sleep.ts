import { SluiceError } from "../error/sluice-error.ts";
import { excerpt } from "../error/excerpt.ts";
import type { Attempt } from "./attempt.ts";
import type { Host } from "./host.ts";

/**
 * The next sleep of an attempt, by a recorded timer. When the same sleep of an earlier attempt is over, it is over; when
 * its timer is still set, that one is waited for.
 *
 * @returns rejects at once when the attempt ends.
 * @throws SluiceError `sleep-invalid`
 */
export function sleep(host: Host, attempt: Attempt, ms: number): Promise<void> {
  const { promise, resolve, reject } = Promise.withResolvers<void>();
  promise.catch(() => {}); // whoever awaits it hears of it; a sleep that nobody awaits must not end the process
  if (typeof ms !== "number" || !Number.isFinite(ms) || ms < 0) {
    reject(invalid(ms, attempt.where));
    return promise;
  }
  const timer = attempt.nextSleep();
  const before = host.machine.done.sleep(attempt.owner, timer);
  if (before === true) resolve();
  else {
    const unwait = host.onTimer(timer, () => {
      forget();
      host.whenSafe((failure) => (failure === undefined ? resolve() : reject(failure)));
    });
    const forget = attempt.abort.onAbort((reason) => {
      unwait();
      reject(reason);
    });
    if (before === undefined) host.append({ type: "timer:set", timer, dueAt: host.now() + ms });
  }
  return promise;
}

function invalid(ms: unknown, where: string): SluiceError {
  return new SluiceError("sleep-invalid", {
    what: `ctx.sleep was called with ${excerpt(ms)}`,
    where,
    mend: "Give it milliseconds: a finite number, 0 or more",
    retryable: false,
  });
}
