/** Something that is measured: one way to do the work. */
export interface Contestant {
  readonly name: string;
  /** Does the work once. The value is looked at by `check`. */
  readonly once: () => unknown;
  readonly check: (value: unknown) => boolean;
  /** Gives the value to check in the stead of `once`: where that does a sample only, or hides what has to be seen. */
  readonly proof?: () => unknown;
  /** Where `once` does a sample only: the whole takes that many times as long. @default 1 */
  readonly scale?: number;
}

/** What the work costs a contestant, in what was measured: milliseconds or bytes. */
export interface Cost {
  readonly name: string;
  readonly min: number;
  readonly median: number;
  /** Whether it was too slow to be run whole, and was extrapolated from a sample. */
  readonly estimated: boolean;
}

export interface MeasureOptions {
  /** Measurements of each contestant. */
  readonly rounds: number;
  /** Rounds before, which do not count. */
  readonly warmUps: number;
  /** The work is repeated inside one measurement until it takes about so long. */
  readonly sliceMs: number;
  /** A contestant that has been measured for so long, and three times, is done. */
  readonly budgetMs: number;
}

/** Milliseconds since whenever. */
export type Clock = () => number;

/** The time that passes. */
export const wallClock: Clock = () => performance.now();

/** The time that processors worked for this process, on any of its threads. */
export const cpuClock: Clock = () => {
  const { user, system } = process.cpuUsage();
  return (user + system) / 1_000;
};

/** A contestant that takes longer than this is warmed up only once. */
const slowMs = 200;
const fewestRounds = 3;

interface Entrant {
  readonly contestant: Contestant;
  repeats: number;
  times: number[];
}

/**
 * Measures contestants in turn, round by round, so that what disturbs the machine disturbs all of them. Each is first asked
 * for its value, and once more at the end.
 *
 * @throws Error when a contestant's value is wrong.
 */
export async function measure(
  contestants: readonly Contestant[],
  { rounds, warmUps, sliceMs, budgetMs }: MeasureOptions,
  clock: Clock = wallClock,
): Promise<readonly Cost[]> {
  const entrants: readonly Entrant[] = contestants.map((contestant) => ({ contestant, repeats: 1, times: [] }));
  for (const entrant of entrants) await prove(entrant.contestant);
  for (let round = 0; round < warmUps; round += 1) {
    for (const entrant of entrants) {
      const isKnownSlow = round > 0 && entrant.repeats === 1 && (entrant.times[0] ?? 0) > slowMs;
      if (isKnownSlow) continue;
      const one = await time(entrant, clock);
      entrant.times = [one];
      entrant.repeats = Math.max(1, Math.ceil(sliceMs / one));
    }
  }
  for (const entrant of entrants) entrant.times = [];
  for (let round = 0; round < rounds; round += 1) {
    for (const entrant of entrants) {
      const isDone = round >= fewestRounds && sum(entrant.times) * entrant.repeats > budgetMs;
      if (!isDone) entrant.times.push(await time(entrant, clock));
    }
  }
  for (const { contestant } of entrants) await prove(contestant);
  return entrants.map(({ contestant: { name, scale = 1 }, times }) => costOf(name, times, scale));
}

/** The cost that several measurements show. */
export function costOf(name: string, measurements: readonly number[], scale = 1): Cost {
  return {
    name,
    min: Math.min(...measurements) * scale,
    median: median(measurements) * scale,
    estimated: scale !== 1,
  };
}

/**
 * Milliseconds for one of `repeats` runs. The young heap is emptied first, so that nobody pays for the one before; a whole
 * collection would also drop compiled code, and measure how fast it comes back.
 */
async function time({ contestant: { once }, repeats }: Entrant, clock: Clock): Promise<number> {
  await globalThis.gc?.({ type: "minor" });
  const startedAt = clock();
  for (let run = 0; run < repeats; run += 1) {
    const value = once();
    if (value instanceof Promise) await value;
  }
  return (clock() - startedAt) / repeats;
}

async function prove({ name, once, proof = once, check }: Contestant): Promise<void> {
  const value = await proof();
  if (!check(value))
    throw new Error(`${name} gives a wrong value, ${String(value)}: see its file in bench/contestants`);
}

function sum(numbers: readonly number[]): number {
  return numbers.reduce((total, one) => total + one, 0);
}

function median(numbers: readonly number[]): number {
  const sorted = numbers.toSorted((a, b) => a - b);
  const middle = sorted.length >> 1;
  const upper = sorted[middle] ?? Number.NaN;
  return sorted.length % 2 === 1 ? upper : ((sorted[middle - 1] ?? upper) + upper) / 2;
}
