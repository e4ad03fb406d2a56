import type { Entry } from "@sluice/core";

/** All that comes out of a view, or of the log of an execution, to its end. */
export async function logOf(execution: { events: () => AsyncIterable<Entry> }): Promise<Entry[]> {
  return take(execution.events());
}

export async function take<T>(items: AsyncIterable<T>): Promise<T[]> {
  const taken: T[] = [];
  for await (const item of items) taken.push(item);
  return taken;
}
