import { type ModelPart, type ModelRequest, type ResolvedBecause, SluiceError, type Spent } from "@sluice/core";
import { property } from "./property.ts";
import { retryAfter } from "./retry-after.ts";

/** When a model has had its chance. Times are in milliseconds, by the execution's clock. */
export interface FallbackOptions {
  /**
   * Longest wait for the first sign of a reply: text, reasoning or a call of a tool. Then the next model is asked; the
   * last one has failed. @default no limit
   */
  readonly firstTokenTimeoutMs?: number | undefined;
  /**
   * Longest wait for a rate limit, when no other model is left and the provider says when to come again. Each model is
   * waited for at most once. 0: it is not waited for. @default 60_000 for a list; a single model is asked once
   */
  readonly maxWaitMs?: number | undefined;
}

/** One of the models that may be asked. */
export interface Candidate {
  /** How the log names it. */
  readonly name: string;
  readonly read: (request: ModelRequest) => AsyncGenerator<ModelPart>;
}

/** Knows what models use. */
export interface SpentMeter {
  /** What the call that has failed has used, as far as it is known. */
  readonly spent: () => Spent | undefined;
  /** That has been told. */
  readonly forget: () => void;
}

/** How models take turns. */
export interface TurnOptions extends FallbackOptions {
  /** The model that is asked when all is well. @default the first */
  readonly wanted?: string;
  readonly maxWaitMs: number;
  readonly meter: SpentMeter;
}

/** A model that is not to be asked before a time. */
interface Limited {
  readonly candidate: Candidate;
  readonly until: number;
}

/**
 * Asks the models in turn, until one has begun to answer: what has been shown or has triggered is not taken back for
 * another model. From then on a failure is the attempt's.
 *
 * @throws SluiceError of the model that was asked last; at once where another model would not help
 */
export async function* inTurn(
  candidates: readonly Candidate[],
  request: ModelRequest,
  { firstTokenTimeoutMs, maxWaitMs, wanted = candidates[0]?.name ?? "", meter }: TurnOptions,
): AsyncGenerator<ModelPart> {
  const { clock } = request;
  const rest = [...candidates];
  let limited: readonly Limited[] = [];
  const waitedFor = new Set<Candidate>();
  let candidate = rest.shift();
  while (candidate !== undefined) {
    let begun = false;
    try {
      for await (const part of withFirstToken(candidate, request, firstTokenTimeoutMs)) {
        begun = true;
        yield part;
      }
      return;
    } catch (error) {
      const reason = reasonOf(error);
      if (begun || reason === undefined) throw error;
      const pause = retryAfter(property(error, "cause"));
      if (clock !== undefined && reason === "rate-limit" && pause !== undefined && !waitedFor.has(candidate)) {
        const until = clock.now() + pause.msFrom(clock.now());
        limited = [...limited, { candidate, until }].toSorted((one, other) => one.until - other.until);
      }
      let waitMs = 0;
      candidate = rest.shift();
      if (candidate === undefined) {
        const [next, ...others] = limited;
        waitMs = next === undefined ? Infinity : next.until - (clock?.now() ?? 0);
        if (next === undefined || waitMs > maxWaitMs) throw error;
        limited = others;
        waitedFor.add(next.candidate);
        candidate = next.candidate;
      }
      yield { type: "finish", finishReason: "error", ...(meter.spent() ?? { usage: {} }) }; // the wait is not a part of the call
      meter.forget(); // now that it is in the log
      if (waitMs > 0) await clock?.delay(waitMs);
      const what = error instanceof SluiceError ? error.what : String(error);
      const remainingBudgetUsd = request.allowance?.left().usd;
      const left = remainingBudgetUsd !== undefined && { remainingBudgetUsd };
      yield { type: "resolved", wanted, model: candidate.name, reason, error: what, ...left };
    }
  }
}

/** Why another model is to be asked; undefined where it would not help. */
function reasonOf(error: unknown): ResolvedBecause | undefined {
  if (error instanceof SluiceError && timeouts.has(error)) return "timeout";
  if (property(property(error, "cause"), "statusCode") === 429) return "rate-limit";
  return error instanceof SluiceError && error.code === "model-failed" && error.retryable ? "failure" : undefined;
}

/** The errors of models that did not begin. No class of their own: an error of the core's is told with its place. */
const timeouts = new WeakSet<SluiceError>();

async function* withFirstToken(
  candidate: Candidate,
  request: ModelRequest,
  timeoutMs: number | undefined,
): AsyncGenerator<ModelPart> {
  const { clock } = request;
  if (timeoutMs === undefined || clock === undefined) return yield* candidate.read(request);
  const tooLate = new AbortController(); // ends the request that is given up
  const came = new AbortController(); // takes the wait off the clock
  const abortSignal = AbortSignal.any([request.abortSignal, tooLate.signal]);
  const parts = candidate.read({ ...request, abortSignal });
  const late = clock.delay(timeoutMs, { abortSignal: came.signal }).then(() => "late" as const);
  late.catch(() => {}); // it is given up when something comes
  try {
    const first = await Promise.race([parts.next(), late]);
    if (first === "late") throw timedOut(candidate.name, timeoutMs);
    came.abort();
    if (first.done === true) return;
    yield first.value;
    yield* parts;
  } finally {
    came.abort();
    tooLate.abort();
    void parts.return(undefined); // one that hangs does not answer
  }
}

function timedOut(name: string, timeoutMs: number): SluiceError {
  const error = new SluiceError("model-failed", {
    what: `The model "${name}" had not begun to answer after ${timeoutMs} ms`,
    mend: "Try again, raise `firstTokenTimeoutMs`, or give ask() a list of models",
  });
  timeouts.add(error);
  return error;
}
