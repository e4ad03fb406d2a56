/** Whom a tool runs for: what it knows of the chunk whose model called it. */
export interface Caller {
  /** The same for every attempt of the activation: give it, with what is done, to services that must act once. */
  readonly idempotencyKey: string | undefined;
  /** Tells viewers how far the tool has come: a live `tool:progress` entry. After the tool's end it does nothing. */
  readonly progress: (data: unknown) => void;
}

const CALLER = Symbol("sluice:caller");

/**
 * Whom a tool runs for. A tool calls it with the second argument of its `execute`.
 *
 * @returns undefined where the tool does not run under `ask`, but under a plain `generateText`, say
 */
export function callerOf(options: object): Caller | undefined {
  return (options as { readonly [CALLER]?: Caller })[CALLER];
}

/** The options of an execution that know their caller. */
export function calledBy<T extends object>(options: T, caller: Caller): T {
  return { ...options, [CALLER]: caller };
}
