import type { Delay } from "./virtual-time.ts";

/** Where a script takes its time from. */
export interface Clock {
  /** The `delay` of `virtualTime`. Needed where something pauses. */
  readonly delay?: Delay;
}

/** How a script can end other than well. */
export type Ending =
  | { readonly afterMs?: number; readonly throws: unknown }
  /** Nothing more comes, until somebody aborts. */
  | { readonly afterMs?: number; readonly hangs: true };

/** Fails at once when something pauses and there is no clock. */
export function checkPauses(steps: readonly unknown[], delay: Delay | undefined): void {
  const pausing = steps.map(pauseOf).find((ms) => ms > 0);
  if (pausing === undefined || delay !== undefined) return;
  throw new Error(`The script pauses for ${pausing} ms and has no clock. Give it the delay of virtualTime: { delay }`);
}

/** Waits as long as a step says. Rejects when it is aborted meanwhile, or was before. */
export async function pause(step: unknown, delay: Delay | undefined, abortSignal?: AbortSignal): Promise<void> {
  abortSignal?.throwIfAborted();
  const ms = pauseOf(step);
  if (ms > 0) await delay?.(ms, { ...(abortSignal && { abortSignal }) });
}

/** Never resolves; rejects with the signal's reason when that fires, at once if it has. */
export function hang(abortSignal?: AbortSignal): Promise<never> {
  return new Promise((_, reject) => {
    const stop = (): void => reject(abortSignal?.reason as Error);
    if (abortSignal?.aborted === true) stop();
    else abortSignal?.addEventListener("abort", stop, { once: true });
  });
}

/** The error of a call that the script has nothing for. Another attempt cannot mend it. */
export function exhausted(who: string, noun: string, length: number): Error {
  const has = length === 1 ? `1 ${noun}` : `${length} ${noun.replace(/y$/, "ie")}s`;
  return Object.assign(
    new Error(`The scripted ${who} has ${has} and was called once more. Script the call, or find out who makes it`),
    { retryable: false, isRetryable: false },
  );
}

function pauseOf(step: unknown): number {
  return (step as { readonly afterMs?: number } | null)?.afterMs ?? 0;
}
