import { isSameJson } from "../machine/same-json.ts";
import type { Entry } from "../machine/entry.ts";
import { textOf } from "../store/entry-text.ts";
import { type Replay, ownEntries } from "./replay.ts";

/** What something was in each of two executions; left out where there was none. */
export interface Pair<T = unknown> {
  readonly one?: T;
  readonly other?: T;
}

/** How a chunk's run came out. */
export type Outcome =
  | { readonly output: unknown }
  | { readonly error: string }
  /** It had begun, and was not over. */
  | { readonly unfinished: true };

/** A run of a chunk that came out otherwise. */
export interface ChunkDifference extends Pair<Outcome> {
  readonly chunk: string;
  readonly lane: string;
  /** 1 for its first run in that lane. */
  readonly nth: number;
}

/** How two executions differ. */
export interface ExecutionDiff {
  /** Number of the last entry up to which their logs tell the same, times and ids left aside. */
  readonly agreeUpTo: number;
  /** Runs of chunks, in the order of the logs. */
  readonly chunks: readonly ChunkDifference[];
  /** Keys of the state. */
  readonly state: Readonly<Record<string, Pair>>;
  /** The items of the runtime stream from the first that differs. Left out where they are the same. */
  readonly items?: Required<Pair<readonly unknown[]>> & { readonly from: number };
  /** Left out where it is the same. */
  readonly status?: Required<Pair<string>>;
  readonly result?: Pair;
}

/** How one execution differs from another, or from an earlier moment of itself: `diff(await replay(…), await replay(…))`. */
export function diff(one: Replay, other: Replay): ExecutionDiff {
  const [runsOfOne, runsOfOther] = [runsOf(one), runsOf(other)];
  const runs = new Map([...runsOfOne, ...runsOfOther]);
  const from = firstDifference(one.items, other.items, isSameJson);
  const items = { from, one: one.items.slice(from), other: other.items.slice(from) };
  const result = pairOf("result" in one, one.result, "result" in other, other.result);
  return {
    agreeUpTo: firstDifference(one.entries, other.entries, (a, b) => told(a) === told(b)),
    chunks: [...runs].flatMap(([key, { chunk, lane, nth }]) => {
      const [a, b] = [runsOfOne.get(key)?.outcome, runsOfOther.get(key)?.outcome];
      const pair = pairOf(a !== undefined, a, b !== undefined, b);
      return pair === undefined ? [] : [{ chunk, lane, nth, ...pair }];
    }),
    state: stateDifferences(one.state, other.state),
    ...(items.one.length + items.other.length > 0 && { items }),
    ...(one.status !== other.status && { status: { one: one.status, other: other.status } }),
    ...(result !== undefined && { result }),
  };
}

interface Run extends Omit<ChunkDifference, keyof Pair> {
  outcome: Outcome;
}

/** The runs of chunks, by chunk, lane and number. */
function runsOf(execution: Replay): ReadonlyMap<string, Run> {
  const runs = new Map<string, Run>();
  const counts = new Map<string, number>();
  const byActivation = new Map<string, Run>();
  for (const entry of ownEntries(execution)) {
    if (entry.type === "chunk:start" && !byActivation.has(entry.activationId)) {
      const { chunk, lane, activationId } = entry;
      const nth = (counts.get(`${chunk} ${lane}`) ?? 0) + 1;
      counts.set(`${chunk} ${lane}`, nth);
      const run: Run = { chunk, lane, nth, outcome: { unfinished: true } };
      byActivation.set(activationId, run);
      runs.set(`${chunk} ${lane} ${nth}`, run);
    }
    if (entry.type === "chunk:complete") settle(byActivation.get(entry.activationId), { output: entry.output });
    if (entry.type === "chunk:failed") settle(byActivation.get(entry.activationId), { error: entry.error.message });
  }
  return runs;
}

function settle(run: Run | undefined, outcome: Outcome): void {
  if (run !== undefined) run.outcome = outcome;
}

function stateDifferences(one: Readonly<Record<string, unknown>>, other: Readonly<Record<string, unknown>>) {
  const keys = new Set([...Object.keys(one), ...Object.keys(other)]);
  return Object.fromEntries(
    [...keys].flatMap((key) => {
      const pair = pairOf(key in one, one[key], key in other, other[key]);
      return pair === undefined ? [] : [[key, pair] as const];
    }),
  );
}

/** Both, where they differ. */
function pairOf<T>(hasOne: boolean, one: T, hasOther: boolean, other: T): Pair<T> | undefined {
  if (hasOne === hasOther && isSameJson(one, other)) return undefined;
  return { ...(hasOne && { one }), ...(hasOther && { other }) };
}

/** How many there are at the beginning that are the same. */
function firstDifference<T>(one: readonly T[], other: readonly T[], isSame: (a: T, b: T) => boolean): number {
  const shorter = one.length < other.length ? one : other;
  const found = shorter.findIndex((_, index) => !isSame(one[index] as T, other[index] as T)); // both have that index
  return found < 0 ? shorter.length : found;
}

/** What an entry tells, without times and ids. */
function told(entry: Entry): string {
  const { at: _at, executionId: _id, ...rest } = entry;
  const timed: Readonly<Record<string, unknown>> = rest;
  const { durationMs: _ms, dueAt: _due, elapsedMs: _elapsed, firstTokenMs: _first, ...lasting } = timed;
  return textOf(lasting);
}
