import { randomInt } from "node:crypto";

/** How the next token is picked from the scores the model gives. */
export interface SamplerOptions {
  /** 0 takes the best token; 1 draws by the model's own odds; more evens them out. @default 0 */
  readonly temperature?: number | undefined;
  /** Draws among this many best tokens only. @default all */
  readonly topK?: number | undefined;
  /** Draws among the best tokens that together have this share of the odds. @default 1 */
  readonly topP?: number | undefined;
  /** The same seed draws the same tokens. @default a new one */
  readonly seed?: number | undefined;
}

/** Picks a token among those that `allows` lets through; undefined when it lets none through. */
export type Sampler = (logits: Float32Array, allows: (token: number) => boolean) => number | undefined;

/** A sampler with its own stream of random numbers: one for each reply. */
export function createSampler(options: SamplerOptions = {}): Sampler {
  const { temperature = 0, topK = Infinity, topP = 1, seed = randomInt(2 ** 32) } = options;
  if (temperature <= 0) return best;
  const random = createRandom(seed);

  return (logits, allows) => {
    const ranked = Array.from(logits, (logit, token) => ({ logit, token }))
      .filter(({ token }) => allows(token))
      .sort((a, b) => b.logit - a.logit)
      .slice(0, Math.max(topK, 1));
    const top = ranked[0]?.logit ?? 0;
    const weighted = ranked.map(({ logit, token }) => ({ token, weight: Math.exp((logit - top) / temperature) }));
    const nucleus = takeShare(weighted, topP);
    let rest = random() * totalOf(nucleus);
    return (nucleus.find(({ weight }) => (rest -= weight) < 0) ?? nucleus.at(-1))?.token;
  };
}

const best: Sampler = (logits, allows) => {
  const refused = new Set<number>();
  while (refused.size < logits.length) {
    let token = -1;
    let highest = -Infinity;
    for (const [candidate, logit] of logits.entries()) {
      if (logit > highest && !refused.has(candidate)) {
        token = candidate;
        highest = logit;
      }
    }
    if (allows(token)) return token;
    refused.add(token);
  }
  return undefined;
};

interface Weighted {
  readonly token: number;
  readonly weight: number;
}

/** The first candidates that together hold `share` of the whole weight; at least one. */
function takeShare(candidates: readonly Weighted[], share: number): readonly Weighted[] {
  if (share >= 1) return candidates;
  let missing = share * totalOf(candidates);
  const end = candidates.findIndex(({ weight }) => (missing -= weight) <= 0);
  return candidates.slice(0, Math.max(end, 0) + 1);
}

function totalOf(candidates: readonly Weighted[]): number {
  return candidates.reduce((sum, { weight }) => sum + weight, 0);
}

/**
 * Random numbers from 0 to 1 that follow from `seed`.
 *
 * @see https://gist.github.com/tommyettinger/46a874533244883189143505d203312c, the generator "mulberry32"
 */
function createRandom(seed: number): () => number {
  let state = seed >>> 0;
  return () => {
    state = (state + 0x6d2b79f5) >>> 0;
    let mixed = Math.imul(state ^ (state >>> 15), state | 1);
    mixed ^= mixed + Math.imul(mixed ^ (mixed >>> 7), mixed | 61);
    return ((mixed ^ (mixed >>> 14)) >>> 0) / 2 ** 32;
  };
}
