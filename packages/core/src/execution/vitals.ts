import { SluiceError } from "../error/sluice-error.ts";
import type { EntryLog } from "../log/entry-log.ts";
import type { Shell } from "../run/shell.ts";
import type { Execution } from "./execution.ts";

/** What an execution holds at this moment. After its end, all of it is 0. */
export interface Vitals {
  /** Timers that are set: retries, timeouts, idle time. */
  readonly timers: number;
  /** Attempts that are running. */
  readonly attempts: number;
  /** Those to whom entries are pushed, the execution's own bookkeeping left out. */
  readonly listeners: number;
  /** Cursors that wait for the next entry. */
  readonly readers: number;
}

const sources = new WeakMap<object, { readonly shell: Shell; readonly log: EntryLog }>();

/** Notes what the vitals of an execution are read from. */
export function keepVitals(execution: Execution, shell: Shell, log: EntryLog): void {
  sources.set(execution, { shell, log });
}

/**
 * Looks at what an execution holds, for diagnosis and tests. Looking changes nothing.
 *
 * @throws SluiceError `execution-unknown`
 */
export function vitalsOf(execution: Execution): Vitals {
  const source = sources.get(execution);
  if (source === undefined) {
    throw new SluiceError("execution-unknown", {
      what: "The vitals of something were asked for that run() has not given",
      mend: "Give the execution itself, not a copy of it",
    });
  }
  const { shell, log } = source;
  const own = execution.status === "running" ? 1 : 0; // which keeps the status
  return { ...shell.held, listeners: log.listeners - own, readers: log.parked };
}
