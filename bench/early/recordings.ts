import { readFileSync } from "node:fs";
import { fileURLToPath } from "node:url";
import type { Recording } from "../../packages/testing/src/index.ts";

/** How fast the toy model wrote: slowed to the pace of a hosted model, or as fast as the machine went. */
export const paces = ["80-per-second", "own-pace"] as const;
export type Pace = (typeof paces)[number];

/** Steps of a review. */
export const sizes = [3, 12, 30] as const;
export const verdicts = ["accept", "reject"] as const;
export type Verdict = (typeof verdicts)[number];

/** When a reply was there, in milliseconds from the call on: worked out from its recording, without a parser of ours. */
export interface Arrivals {
  /** Each step's last character, its quote. */
  readonly steps: readonly number[];
  /** The end of the model's stream. */
  readonly modelEnd: number;
  readonly tokens: number;
}

/** The path of a recording; scripts/record-reviews.ts makes them. */
export function recordingOf(pace: Pace, verdict: Verdict, size: number): string {
  return fileURLToPath(new URL(`../recordings/${pace}/${size}-${verdict}.json`, import.meta.url));
}

/** @throws Error when the file is no recording of a whole review */
export function arrivalsOf(file: string): Arrivals {
  const { calls } = JSON.parse(readFileSync(file, "utf8")) as Recording;
  const pieces = calls.flatMap((call) => call.pieces);
  const ends: { readonly length: number; readonly at: number }[] = [];
  let text = "";
  let now = 0;
  let tokens: number | undefined;
  for (const piece of pieces) {
    now += piece.afterMs ?? 0;
    if ("text" in piece) ends.push({ length: (text += piece.text).length, at: now });
    if ("finish" in piece) tokens = piece.usage?.outputTokens;
  }
  const list = /"steps": \[(.*?)\]/.exec(text);
  if (list === null || tokens === undefined) throw new Error(`${file} is no recording of a review: make it anew`);
  const begin = list.index + list[0].indexOf("[") + 1;
  const steps = [...(list[1] ?? "").matchAll(/"[^"]*"/g)].map(({ index, 0: step }) => {
    const end = begin + index + step.length;
    return ends.find(({ length }) => length >= end)?.at ?? now;
  });
  return { steps, modelEnd: now, tokens };
}
