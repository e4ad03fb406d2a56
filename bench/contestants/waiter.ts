/** Executions that wait for an event from outside, as one contestant has them. */
export interface Waiter<T> {
  readonly name: string;
  /** Begins one, and comes back when it waits. @returns what has to be held to go on with it */
  readonly begin: () => Promise<T>;
  /** Brings it its event. @returns its result, which has to be the event's payload */
  readonly wake: (waiting: T, payload: number) => Promise<unknown>;
  /** How many are begun: fewer for who is slow at it. @default 10_000 */
  readonly count?: number;
}

/** After whatever can run without waiting has run. */
export async function quiet(): Promise<void> {
  await new Promise((resolve) => setImmediate(resolve));
}
