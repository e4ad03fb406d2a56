import { SluiceError } from "../error/sluice-error.ts";

/** What can be wrong with a definition. `docs/errors.md` lists each. */
export const problemCodes = [
  /** A chunk that nothing triggers. */
  "chunk-untriggered",
  /** A chunk that listens to live and to durable sources. */
  "chunk-mixed",
  /** A trigger names a chunk that is not there. */
  "chunk-unknown",
  /** A trigger on an event that nothing emits. */
  "event-never-emitted",
  /** An emitted event that nothing hears (warning). */
  "event-unheard",
  /** A flow without a chunk, or without one that starts. */
  "flow-empty",
  /** A gather with several fan-outs above its chunk. */
  "gather-ambiguous",
  /** A gather without a fan-out above its chunk. */
  "gather-outside",
  /** A join of what never happens in one lane. */
  "join-across-lanes",
  /** A join, or a chunk, that waits for what can never come. */
  "join-never-fills",
  /** A trigger on a key that the state does not have. */
  "key-unknown",
  /** A join or fan-out over a live source. */
  "live-combined",
  /** Chunks that trigger each other without a guard (warning). */
  "loop-endless",
  /** Two things with one name. */
  "name-taken",
  /** An option with a value that it cannot have. */
  "option-invalid",
  /** An option that does not exist. */
  "option-unknown",
  /** A field path that the schema does not have. */
  "path-unknown",
  /** Several chunks can give the result (warning). */
  "result-ambiguous",
  /** A state schema that does not accept {}. */
  "state-schema",
  /** Something that is no trigger. */
  "trigger-invalid",
] as const;
export type ProblemCode = (typeof problemCodes)[number];

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
