/** Something that is measured: one way to do the work. */
export interface Contestant {
  readonly name: string;
  /** Does the work once. The value is looked at by `check`. */
  readonly once: () => unknown;
  readonly check: (value: unknown) => boolean;
  /** Where `once` does a sample only: gives the value to check, in its stead. */
  readonly proof?: () => unknown;
  /** Where `once` does a sample only: the whole takes that many times as long. @default 1 */
  readonly scale?: number;
}

/** How long a contestant takes for the work. */
export interface Timing {
  readonly name: string;
  readonly minMs: number;
  readonly medianMs: number;
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
}

/** A contestant that takes longer than this is warmed up only once. */
const slowMs = 500;

/**
 * Measures contestants in turn, round by round, so that what disturbs the machine disturbs all of them. Each is first asked
 * for its value, and once more at the end.
 *
 * @throws Error when a contestant's value is wrong.
 */
export async function measure(
  contestants: readonly Contestant[],
  { rounds, warmUps, sliceMs }: MeasureOptions,
): Promise<readonly Timing[]> {
  const entrants = contestants.map((contestant) => ({ contestant, repeats: 1, timesMs: [] as number[] }));
  for (const entrant of entrants) await prove(entrant.contestant);
  for (let round = 0; round < warmUps; round += 1) {
    for (const entrant of entrants) {
      const isKnownSlow = round > 0 && entrant.repeats === 1 && (entrant.timesMs[0] ?? 0) > slowMs;
      if (isKnownSlow) continue;
      const oneMs = await time(entrant.contestant, entrant.repeats);
      entrant.timesMs = [oneMs];
      entrant.repeats = Math.max(1, Math.ceil(sliceMs / oneMs));
    }
  }
  for (const entrant of entrants) entrant.timesMs = [];
  for (let round = 0; round < rounds; round += 1) {
    for (const { contestant, repeats, timesMs } of entrants) timesMs.push(await time(contestant, repeats));
  }
  for (const { contestant } of entrants) await prove(contestant);
  return entrants.map(({ contestant: { name, scale = 1 }, timesMs }) => ({
    name,
    minMs: Math.min(...timesMs) * scale,
    medianMs: median(timesMs) * scale,
    estimated: scale !== 1,
  }));
}

/**
 * Milliseconds for one of `repeats` runs. The young heap is emptied first, so that nobody pays for the one before; a whole
 * collection would also drop compiled code, and measure how fast it comes back.
 */
async function time({ once }: Contestant, repeats: number): Promise<number> {
  await globalThis.gc?.({ type: "minor" });
  const startedAt = performance.now();
  for (let run = 0; run < repeats; run += 1) {
    const value = once();
    if (value instanceof Promise) await value;
  }
  return (performance.now() - startedAt) / repeats;
}

async function prove({ name, once, proof = once, check }: Contestant): Promise<void> {
  if (!check(await proof())) throw new Error(`${name} gives a wrong value: see its file in bench/contestants`);
}

function median(numbers: readonly number[]): number {
  const sorted = numbers.toSorted((a, b) => a - b);
  const middle = sorted.length >> 1;
  const upper = sorted[middle] ?? Number.NaN;
  return sorted.length % 2 === 1 ? upper : ((sorted[middle - 1] ?? upper) + upper) / 2;
}
