import { SluiceError } from "../error/sluice-error.ts";

/** What can be wrong with a definition. `docs/errors.md` lists each. */
export const problemCodes = {
  "chunk-untriggered": "a chunk that nothing triggers",
  "chunk-mixed": "a chunk that listens to live and to durable sources",
  "chunk-unknown": "a trigger names a chunk that is not there",
  "event-never-emitted": "a trigger on an event that nothing emits",
  "event-unheard": "an emitted event that nothing hears (warning)",
  "flow-empty": "a flow without a chunk, or without one that starts",
  "gather-ambiguous": "a gather with several fan-outs above its chunk",
  "gather-outside": "a gather without a fan-out above its chunk",
  "join-across-lanes": "a join of what never happens in one lane",
  "join-never-fills": "a join, or a chunk, that waits for what can never come",
  "key-unknown": "a trigger on a key that the state does not have",
  "live-combined": "a join or fan-out over a live source",
  "loop-endless": "chunks that trigger each other without a guard (warning)",
  "name-taken": "two things with one name",
  "option-invalid": "an option with a value that it cannot have",
  "option-unknown": "an option that does not exist",
  "path-unknown": "a field path that the schema does not have",
  "result-ambiguous": "several chunks can give the result (warning)",
  "state-schema": "a state schema that does not accept {}",
  "trigger-invalid": "something that is no trigger",
} as const;
export type ProblemCode = keyof typeof problemCodes;

/** One thing that is wrong with a definition. */
export interface DefinitionProblem {
  readonly code: ProblemCode;
  /** The flow and method: `SupportTriage.read`. */
  readonly where: string;
  readonly what: string;
  readonly mend: string;
}

/** All that is wrong with the definition of a flow, at once. */
export class FlowDefinitionError extends SluiceError {
  override readonly name = "FlowDefinitionError";
  readonly problems: readonly DefinitionProblem[];

  constructor(flow: string, problems: readonly DefinitionProblem[]) {
    const lines = problems.map(({ code, where, what, mend }) => `  ${where}: ${what}. ${mend} [${code}]`);
    const count = problems.length === 1 ? "a problem" : `${problems.length} problems`;
    super("flow-invalid", { what: `The flow "${flow}" has ${count}:\n${lines.join("\n")}` });
    this.problems = problems;
  }
}
