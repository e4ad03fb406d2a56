import { SluiceError } from "../error/sluice-error.ts";
import { type Execution, shellOf } from "./execution.ts";

/** What an execution holds at this moment. After its end, all of it is 0. */
export interface Vitals {
  /** Timers that are set: retries, timeouts, idle time. */
  readonly timers: number;
  /** Attempts that are running. */
  readonly attempts: number;
  /** Those to whom entries are pushed. */
  readonly listeners: number;
  /** Cursors that wait for the next entry. */
  readonly readers: number;
}

/**
 * Looks at what an execution holds, for diagnosis and tests. Looking changes nothing.
 *
 * @throws SluiceError `execution-unknown`
 */
export function vitalsOf(execution: Execution): Vitals {
  const shell = shellOf(execution);
  if (shell === undefined) {
    throw new SluiceError("execution-unknown", {
      what: "The vitals of something were asked for that run() has not given",
      mend: "Give the execution itself, not a copy of it",
    });
  }
  return { ...shell.held, listeners: shell.log.listeners, readers: shell.log.parked };
}
