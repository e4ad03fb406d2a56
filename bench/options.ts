import { parseArgs } from "node:util";
import type { MeasureOptions } from "./measure.ts";

/** All works, in the order of the report. */
export const works = [
  "chain",
  "loop",
  "fan",
  "crowd",
  "stream",
  "waiting",
  "durable",
  "durable-alone",
  "recovery",
  "serve",
  "importing",
  "tokens",
  "instant",
  "early",
] as const;
export type Work = (typeof works)[number];

/** What the command line asks for. */
export interface Options {
  /** The works to do. @default all */
  readonly only: readonly Work[];
  /** Few and short measurements: to see that all runs, not to compare. */
  readonly quick: boolean;
}

/** How works are measured. */
export function measureOptions({ quick }: Pick<Options, "quick">): MeasureOptions {
  return quick
    ? { rounds: 2, warmUps: 1, sliceMs: 5, budgetMs: 0 }
    : { rounds: 15, warmUps: 3, sliceMs: 20, budgetMs: 1_000 };
}

/**
 * Reads `--only chain --only loop --quick`.
 *
 * @throws Error that lists what is known.
 */
export function readOptions(args: readonly string[]): Options {
  const { values } = parseArgs({
    args: [...args],
    options: { only: { type: "string", multiple: true }, quick: { type: "boolean", default: false } },
  });
  const only = (values.only ?? []).flatMap((names) => names.split(",")).map(workNamed);
  return { only: only.length === 0 ? works : only, quick: values.quick };
}

/** @throws Error that lists what is known. */
export function workNamed(name: string | undefined): Work {
  const work = works.find((one) => one === name);
  if (work === undefined) throw new Error(`There is no work "${name}"; there are ${works.join(", ")}`);
  return work;
}
