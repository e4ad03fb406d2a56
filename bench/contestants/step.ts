/** Whether a step gives its value at once, or a promise of it. */
export type Pace = "asynchronous" | "synchronous";

/** The work of one step, the same for every contestant. */
export const steps = {
  asynchronous: async (n: number): Promise<number> => n + 1,
  synchronous: (n: number): number => n + 1,
} as const satisfies Record<Pace, (n: number) => number | Promise<number>>;
