import {
  type ErrorCode,
  type ErrorData,
  type Generation,
  type ModelCall,
  type ModelPart,
  type ModelRequest,
  SluiceError,
  errorCodes,
} from "@sluice/core";
import {
  type RecordedCall,
  type RecordedFailure,
  type RecordedPiece,
  type Recording,
  nameOf,
  recordingOf,
} from "./recording.ts";
import type { Delay } from "./virtual-time.ts";

/** How a recording is played. */
export interface ReplayOptions {
  /** 2 plays it in half the time, `Infinity` without pauses. @default 1 */
  readonly speed?: number;
  /** The clock. @default the execution's; outside of a flow real time */
  readonly delay?: Delay;
  /** Tools whose recorded input is read as a reply. @default none */
  readonly inputs?: NonNullable<ModelCall["inputs"]>;
}

/** How long a reader has to leave where the recorded one did: it may be a little later than that. */
const LEAVE_MS = 60_000;

/**
 * A source of tokens that gives exactly what was recorded, piece by piece at its time: the same entries of models and
 * tools, the same errors. Tools are told of and do not run. Each call gets the next recorded one of the same attempt; so
 * call `replay` once for all calls that were recorded together. In virtual time a recorded call takes no time, and
 * everything happens in the same order. It knows how many tokens are still to come.
 *
 * @param from a recording, or the path of its file
 * @throws SluiceError `model-failed` when it is no recording; its calls throw it, not to be tried again, when the call was
 * not recorded, or not as far as it is read
 */
export function replay(from: string | Recording, { speed = 1, delay, inputs }: ReplayOptions = {}): ModelCall {
  const { model, calls } = recordingOf(from);
  const given = new Map<number, number>(); // calls so far, by attempt
  const stream: ModelCall["stream"] = ({ abortSignal, allowance, clock, attempt = 1 }) => {
    const before = given.get(attempt) ?? 0;
    given.set(attempt, before + 1);
    const recorded = calls.filter((one) => (one.attempt ?? 1) === attempt);
    const call = recorded[before];
    if (call === undefined) throw notRecorded(nameOf(from), attempt, recorded.length);
    if (call.refused !== undefined) throw errorOf(call.refused);
    const wait = delay ?? clock?.delay ?? realDelay;
    const pause: Delay = async (ms) => {
      abortSignal.throwIfAborted();
      if (ms > 0) await wait(ms, { abortSignal });
    };
    return play(call, { name: nameOf(from), speed, pause, allowance });
  };
  return { model, stream, ...(inputs !== undefined && { inputs }) };
}

/** What a call is played with. */
interface PlayOptions {
  readonly name: string;
  readonly speed: number;
  readonly pause: Delay;
  readonly allowance: ModelRequest["allowance"];
}

function play({ pieces, resolved }: RecordedCall, { name, speed, pause, allowance }: PlayOptions): Generation {
  let given = 0;
  async function* parts(): AsyncGenerator<ModelPart> {
    for (const piece of pieces) {
      await pause(piece.afterMs / speed);
      if ("fails" in piece) throw errorOf(piece.fails);
      if ("left" in piece) {
        await pause(LEAVE_MS);
        throw leftThere(name, given);
      }
      given += 1;
      if ("unpriced" in piece) allowance?.unpriced(piece.unpriced);
      else yield partOf(piece);
    }
  }
  return Object.assign(parts(), {
    remaining: () => remainingOf(pieces, given),
    spent: () => spentOf(pieces[given - 1]) ?? spentOf(pieces[given]),
    ...(resolved !== undefined && { resolved }),
  });
}

type Told = Exclude<
  RecordedPiece,
  { readonly fails: unknown } | { readonly left: true } | { readonly unpriced: string }
>;

function partOf(piece: Told): ModelPart {
  if ("text" in piece) return { type: "text", delta: piece.text };
  if ("reasoning" in piece) return { type: "reasoning", delta: piece.reasoning };
  if ("part" in piece) return piece.part;
  const { afterMs: _afterMs, finish: finishReason, ...spent } = piece;
  return { type: "finish", finishReason, ...spent };
}

function spentOf(piece: RecordedPiece | undefined) {
  return piece !== undefined && "spent" in piece ? piece.spent : undefined;
}

/** Of each step, the share of its output tokens that its pieces still to come have: exact where each is a token. */
function remainingOf(pieces: readonly RecordedPiece[], given: number): number | undefined {
  let tokens = 0;
  let written = 0;
  let left = 0;
  for (const [index, piece] of pieces.entries()) {
    if ("left" in piece || "fails" in piece) return undefined;
    if ("text" in piece || "reasoning" in piece || ("part" in piece && piece.part.type === "tool-input")) {
      written += 1;
      if (index >= given) left += 1;
    } else if ("finish" in piece) {
      if (left > 0) tokens += ((piece.usage.outputTokens ?? Number.NaN) * left) / written;
      written = 0;
      left = 0;
    }
  }
  return left > 0 || Number.isNaN(tokens) ? undefined : Math.round(tokens);
}

function errorOf({ retryable, ...data }: RecordedFailure): Error {
  const { code, what, where, mend } = data;
  const caused = data.cause !== undefined && { cause: plainError(data.cause) };
  if (what === undefined || !isCode(code)) return Object.assign(plainError(data), { isRetryable: retryable });
  return new SluiceError(code, { what, where, mend, retryable, ...caused });
}

function plainError({ name, message, code, cause }: ErrorData): Error {
  const error = new Error(message, cause && { cause: plainError(cause) });
  return Object.assign(error, { name, ...(code !== undefined && { code }) });
}

function isCode(code: string | undefined): code is ErrorCode {
  return errorCodes.some((each) => each === code);
}

function notRecorded(name: string, attempt: number, has: number): SluiceError {
  const calls = `${has === 0 ? "no call" : has === 1 ? "1 call" : `${has} calls`} of attempt ${attempt}`;
  return new SluiceError("model-failed", {
    what: `The recording ${name} has ${calls}, and is asked for ${has === 0 ? "one" : "one more"}`,
    mend: "Record the flow as it is now, with one record(…) and one replay(…) for all these calls, outside of the chunk",
    retryable: false,
  });
}

function leftThere(name: string, pieces: number): SluiceError {
  return new SluiceError("model-failed", {
    what: `The recording ${name} ends after ${pieces} pieces: whoever read them then wanted no more, and now more is read`,
    mend: "Record the flow as it is now",
    retryable: false,
  });
}

const realDelay: Delay = (ms, { abortSignal } = {}) =>
  new Promise((resolve, reject) => {
    const stop = (): void => {
      clearTimeout(timer);
      reject(abortSignal?.reason as Error);
    };
    const timer = setTimeout(() => {
      abortSignal?.removeEventListener("abort", stop);
      resolve();
    }, ms);
    if (abortSignal?.aborted === true) stop();
    else abortSignal?.addEventListener("abort", stop, { once: true });
  });
