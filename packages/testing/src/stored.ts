import type { Append, Store, StoredExecution } from "@sluice/core";
import { equals } from "@jest/expect-utils";
import { excerpt } from "./excerpt.ts";

/** An append of one entry that founds an execution, but for what is given. */
export function founding(executionId: string, more: Partial<Append> = {}): Append {
  const founded = { flow: "triage", graphHash: "hash-1", graph: '{"flow":"triage"}' };
  return { ...follow(executionId, 1), founding: founded, ...more };
}

/** An append of one entry of a running execution that its first owner makes, but for what is given. */
export function follow(executionId: string, first: number, more: Partial<Append> = {}): Append {
  return { executionId, epoch: 1, first, entries: [entry(first)], status: "running", at: 1000 + first, ...more };
}

/** The text of an entry, as short as they come. */
export function entry(seq: number): string {
  return `{"seq":${seq},"type":"signal"}`;
}

/** The texts of entries with the numbers `from` to `to`. */
export function entries(from: number, to: number): string[] {
  return Array.from({ length: to - from + 1 }, (_, index) => entry(from + index));
}

/** Appends all of it, and fails where something is refused. */
export async function take(store: Store, ...appends: readonly Append[]): Promise<void> {
  same(await store.append(appends), [], "what append refuses");
}

/** What is stored of an execution; fails where nothing is. */
export async function found(store: Store, executionId: string): Promise<StoredExecution> {
  const stored = await store.find(executionId);
  if (stored === undefined) throw new Error(`find("${executionId}") gives nothing, but it is stored`);
  return stored;
}

/** Takes an execution over; fails where it is not stored. */
export async function claimed(store: Store, executionId: string): Promise<StoredExecution> {
  const stored = await store.claim(executionId);
  if (stored === undefined) throw new Error(`claim("${executionId}") gives nothing, but it is stored`);
  return stored;
}

/** Fails where two values differ. Keys that are undefined count as missing. */
export function same(got: unknown, expected: unknown, what: string): void {
  if (equals(got, expected)) return;
  throw new Error(`${what}: expected ${excerpt(expected, 300)}, got ${excerpt(got, 300)}`);
}

/** Fails where the call neither throws nor rejects. */
export async function fails(call: () => unknown, what: string): Promise<void> {
  let error: unknown;
  try {
    await call();
  } catch (thrown) {
    error = thrown;
  }
  if (!(error instanceof Error)) throw new Error(`${what}: expected an error, got ${excerpt(error)}`);
}
