import type { Entry } from "@sluice/core";

/** The log of an execution, once it has ended. It waits for the end. */
export function logOf(execution: { readonly events: () => AsyncIterable<Entry> }): Promise<Entry[]> {
  return itemsOf(execution.events());
}

/** All that comes out of a view, to its end. */
export async function itemsOf<T>(items: AsyncIterable<T>): Promise<T[]> {
  const taken: T[] = [];
  for await (const item of items) taken.push(item);
  return taken;
}
