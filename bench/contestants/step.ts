/** Whether a step gives its value at once, or a promise of it. */
export type Pace = "asynchronous" | "synchronous";

/** The work of one step, the same for every contestant. */
export const steps = {
  asynchronous: async (n: number): Promise<number> => n + 1,
  synchronous: (n: number): number => n + 1,
} as const satisfies Record<Pace, (n: number) => number | Promise<number>>;

/** A step that takes a millisecond, in which nothing is computed. */
export async function rest(n: number): Promise<number> {
  await new Promise((resolve) => setTimeout(resolve, 1));
  return n + 1;
}
