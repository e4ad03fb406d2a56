import type { Budget } from "../define/budget.ts";
import type { ChunkOptions, OnOptions, RetryOptions } from "../define/chunk-options.ts";
import type { TriggerDefinition } from "../define/flow.ts";
import type { Spec } from "../define/spec.ts";
import { excerpt } from "../error/excerpt.ts";
import { suggest } from "../error/nearest.ts";
import type { DefinitionProblem } from "./definition-problem.ts";

type Report = (problem: DefinitionProblem) => void;
type Check = (value: unknown) => string | undefined;

const anything: Check = () => undefined;
const atLeast =
  (least: number, whole: boolean): Check =>
  (value) => {
    const fits = typeof value === "number" && value >= least && (!whole || Number.isInteger(value));
    return fits ? undefined : `${whole ? "a whole number" : "a number"} of at least ${least}`;
  };

const retryOptions: Readonly<Record<keyof RetryOptions, Check>> = {
  attempts: atLeast(1, true),
  delay: atLeast(0, false),
  factor: atLeast(1, false),
  maxDelay: atLeast(0, false),
  jitter: anything,
  when: anything,
};
const budgetOptions: Readonly<Record<keyof Budget, Check>> = {
  usd: atLeast(0, false),
  tokens: atLeast(0, false),
  unknownPrice: anything,
};
const chunkOptions: Readonly<Record<keyof ChunkOptions, Check>> = {
  name: anything,
  retry: anything,
  timeout: atLeast(1, false),
  concurrency: atLeast(1, true),
  budget: anything,
  emits: anything,
  description: anything,
};
const specOptions: Readonly<Record<keyof Spec, Check>> = {
  name: anything,
  input: anything,
  state: anything,
  stream: anything,
  result: anything,
  accepts: anything,
  keepOpen: anything,
  idle: atLeast(1, false),
  timeout: atLeast(1, false),
  concurrency: atLeast(1, true),
};
const onOptions: Readonly<Record<keyof OnOptions, Check>> = {
  when: anything,
  once: anything,
  by: anything,
  timeout: atLeast(1, false),
};

/** Refuses what a chunk cannot be given: misspelled options and wrong values. */
export function checkOptions(
  options: ChunkOptions,
  triggers: readonly TriggerDefinition[],
  where: string,
  report: Report,
): void {
  check(options, chunkOptions, "@chunk", where, report);
  check(options.retry ?? {}, retryOptions, "retry", where, report);
  check(options.budget ?? {}, budgetOptions, "budget", where, report);
  for (const trigger of triggers) check(trigger.options, onOptions, "@on", where, report);
}

/** The same for a flow's spec. */
export function checkSpecOptions(spec: Spec, report: Report): void {
  check(spec, specOptions, "The spec", spec.name, report);
}

function check(
  options: object,
  known: Readonly<Record<string, Check>>,
  owner: string,
  where: string,
  report: Report,
): void {
  for (const [option, value] of Object.entries(options)) {
    const wanted = known[option]?.(value);
    if (wanted !== undefined && value !== undefined) {
      const what = `the option "${option}" is ${excerpt(value)}`;
      report({ code: "option-invalid", where, what, mend: `Give it ${wanted}` });
    } else if (known[option] !== undefined) {
      continue;
    } else {
      const mend = suggest(option, Object.keys(known));
      report({ code: "option-unknown", where, what: `${owner} has no option "${option}"`, mend });
    }
  }
}
