import { type Entry, type Execution, isFinal } from "@sluice/core";
import { type VirtualTime, leaksOf, logOf } from "@sluice/testing";
import { expect } from "vitest";

/** Pieces of text, each with the milliseconds before it. */
export type Tokens = readonly (readonly [ms: number, text: string])[];

/** An execution, played in virtual time to its end: nothing leaks, and its final entry comes once, and last. */
export async function played(execution: Execution, time: VirtualTime) {
  await time.advance();
  const leaks = leaksOf(execution);
  if (execution.status === "running") execution.cancel("it did not end");
  const log: Entry[] = await logOf(execution);
  expect(leaks).toEqual([]);
  expect(log.filter(isFinal)).toEqual([log.at(-1)]);
  return { execution, log, result: await execution.result.catch((error: unknown) => error) };
}

type Of<K extends Entry["type"]> = Extract<Entry, { readonly type: K }>;

/** The entries of a type. */
export function entriesOf<K extends Entry["type"]>(log: readonly Entry[], type: K): Of<K>[] {
  return log.filter((entry): entry is Of<K> => entry.type === type);
}

/** What the attempts of a chunk were started with. */
export function startsOf(log: readonly Entry[], chunk: string): unknown[] {
  return entriesOf(log, "chunk:start").flatMap((entry) => (entry.chunk === chunk ? [entry.input] : []));
}

/** What has completed and was not taken back. */
export function standingIn(log: readonly Entry[]): Of<"chunk:complete">[] {
  const gone = retractedIn(log);
  return entriesOf(log, "chunk:complete").filter(({ activationId }) => !gone.has(activationId));
}

/** The activations that were taken back. */
export function retractedIn(log: readonly Entry[]): ReadonlySet<string> {
  return new Set(entriesOf(log, "signal:retracted").flatMap(({ activations }) => activations));
}
