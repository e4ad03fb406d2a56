import { type Entry, type Execution, vitalsOf } from "@sluice/core";

/**
 * What an execution still holds that it should have let go by the end of a test, as sentences: that it has not ended,
 * running chunks, timers, listeners, readers that wait. Empty when there is nothing.
 *
 * @throws SluiceError `execution-unknown`
 */
export function leaksOf(execution: Execution): string[] {
  const { timers, attempts, listeners, readers } = vitalsOf(execution);
  const over = execution.status !== "running";
  const chunks = over ? [] : runningChunks(execution);
  return [
    ...(over ? [] : ["it has not ended"]),
    ...chunks,
    ...(chunks.length < attempts ? [`${count(attempts - chunks.length, "more attempt")} running`] : []),
    ...(timers > 0 ? [`${count(timers, "timer")} set`] : []),
    ...(listeners > 0 ? [`${count(listeners, "listener")} attached to its log`] : []),
    ...(readers > 0 ? [`${count(readers, "reader")} waiting for its next entry`] : []),
  ];
}

/** Throws when an execution holds something that it should have let go. @see leaksOf */
export function expectNoLeaks(...executions: readonly Execution[]): void {
  const leaks = executions.flatMap((execution) => {
    const held = leaksOf(execution);
    return held.length === 0 ? [] : [`  ${flowOf(execution)} (${execution.id}): ${held.join("; ")}`];
  });
  if (leaks.length === 0) return;
  throw new Error(
    `Something is left pending:\n${leaks.join("\n")}\n` +
      'Let what it waits for happen, close or cancel it in the test, or allow it: virtualTime(…, { leaks: "allow" })',
  );
}

function count(n: number, noun: string): string {
  return `${n} ${noun}${n === 1 ? " is" : "s are"}`;
}

/** The retained entries: views give them at once. */
function retained(execution: Execution): Entry[] {
  const entries: Entry[] = [];
  execution.events$.subscribe((entry) => entries.push(entry)).unsubscribe();
  return entries;
}

function flowOf(execution: Execution): string {
  return retained(execution)[0]?.path[0] ?? "an execution that has not started";
}

function runningChunks(execution: Execution): string[] {
  const running = new Map<string, string>();
  for (const entry of retained(execution)) {
    if (entry.type === "chunk:start") {
      const { chunk, attempt, at } = entry;
      running.set(entry.activationId, `the chunk "${chunk}" is running (attempt ${attempt}, since ${at} ms)`);
    } else if (entry.type === "chunk:complete" || entry.type === "chunk:failed") running.delete(entry.activationId);
  }
  return [...running.values()];
}
