import { type Clock, type Ending, checkPauses, exhausted, hang, pause } from "./script.ts";

/** What comes of one call, `afterMs` after it was made. */
export type Outcome<T> = { readonly afterMs?: number; readonly returns: T } | Ending;

/** A function that plays its outcomes, one for each call, in order. */
export interface Scripted<T, Args extends readonly unknown[]> {
  (...args: Args): Promise<T>;
  /** The arguments of each call so far. */
  readonly calls: readonly Args[];
}

/** How a script plays a function. */
export interface ScriptedOptions extends Clock {
  /** Names the function in errors. @default "function" */
  readonly name?: string;
}

/**
 * Makes an asynchronous function for the services that a flow is given. A call too many rejects. A pause or a hanging
 * call ends with the abort signal that is among the arguments, as such or as an option `abortSignal`.
 *
 * @throws Error when an outcome pauses and no `delay` is given
 */
export function scripted<T, Args extends readonly unknown[] = unknown[]>(
  outcomes: readonly Outcome<T>[],
  { name = "function", delay }: ScriptedOptions = {},
): Scripted<T, Args> {
  checkPauses(outcomes, delay);
  const calls: Args[] = [];
  const call = async (...args: Args): Promise<T> => {
    const outcome = outcomes[calls.length];
    calls.push(args);
    if (outcome === undefined) throw exhausted(name, "outcome", outcomes.length);
    const abortSignal = signalAmong(args);
    await pause(outcome, delay, abortSignal);
    if ("hangs" in outcome) return hang(abortSignal);
    if ("throws" in outcome) throw outcome.throws;
    return outcome.returns;
  };
  return Object.assign(call, { calls });
}

function signalAmong(args: readonly unknown[]): AbortSignal | undefined {
  return args
    .map((arg) =>
      arg instanceof AbortSignal ? arg : (arg as { abortSignal?: unknown } | null | undefined)?.abortSignal,
    )
    .find((one) => one instanceof AbortSignal);
}
