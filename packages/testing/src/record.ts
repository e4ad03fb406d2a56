import {
  type Generation,
  type ModelCall,
  type ModelPart,
  type ModelRequest,
  type Resolved,
  SluiceError,
  type Spent,
  type TokenSource,
  errorData,
} from "@sluice/core";
import { type RecordedCall, type RecordedFailure, type RecordedPiece, saveRecording } from "./recording.ts";

type Untimed<P> = P extends unknown ? Omit<P, "afterMs"> : never;

/**
 * The same source of tokens, whose calls are recorded in a file: each step's text and reasoning, what tools did, usage and
 * costs, which model was asked and why, errors, and the time of each by the execution's clock; no prompt. Call it once for
 * all calls that belong together: the file begins anew with each `record`, and has one call more whenever one has ended.
 * What a reader leaves is recorded as far as it came.
 *
 * @param source one, or a function that makes them, such as `(prompt: string) => ask(model, { prompt })`, for a flow that
 * asks the same model several things
 * @param file its path; JSON, about 40 bytes a token
 * @throws SluiceError `model-failed` when the function's sources do not have the same name
 */
export function record(source: TokenSource, file: string): ModelCall;
export function record<Args extends readonly unknown[]>(
  source: (...args: Args) => TokenSource,
  file: string,
): (...args: Args) => ModelCall;
export function record(
  source: TokenSource | ((...args: readonly unknown[]) => TokenSource),
  file: string,
): ModelCall | ((...args: readonly unknown[]) => ModelCall) {
  const tape = new Tape(file);
  if (typeof source === "function") return (...args) => taped(asCall(source(...args)), tape);
  return taped(asCall(source), tape);
}

/** A recording that grows. */
class Tape {
  readonly #file: string;
  readonly #calls: Track[] = [];
  #model: string | undefined;

  constructor(file: string) {
    this.#file = file;
  }

  begin(model: string, request: ModelRequest): Track {
    this.#model ??= model;
    if (model !== this.#model) {
      throw new SluiceError("model-failed", {
        what: `The recording ${this.#file} has calls of "${this.#model}", and "${model}" is to be added`,
        mend: "Record each model in a file of its own",
        retryable: false,
      });
    }
    const track = new Track(request, () => {
      const calls = this.#calls.flatMap(({ recorded }) => recorded ?? []);
      saveRecording(this.#file, { version: 1, model, calls });
    });
    this.#calls.push(track);
    return track;
  }
}

/** A call that is being recorded. */
class Track {
  /** All of it, when it has ended. */
  recorded: RecordedCall | undefined;
  readonly #call: Pick<RecordedCall, "attempt">;
  readonly #pieces: RecordedPiece[] = [];
  readonly #now: () => number;
  readonly #onEnded: () => void;
  #last: number;

  constructor({ attempt = 1, clock }: ModelRequest, onEnded: () => void) {
    this.#call = attempt === 1 ? {} : { attempt };
    this.#now = () => (clock ?? performance).now();
    this.#onEnded = onEnded;
    this.#last = this.#now();
  }

  note(piece: Untimed<RecordedPiece>): void {
    const at = this.#now();
    const passed = at - this.#last;
    const afterMs = Math.max(0, Math.round(passed));
    this.#last = passed < -1 ? at : this.#last + afterMs; // a wall clock may be set back; roundings do not add up
    this.#pieces.push({ afterMs, ...piece } as RecordedPiece); // each kind has it
  }

  /** The first end counts. */
  end(how: Pick<RecordedCall, "refused" | "resolved"> = {}): void {
    if (this.recorded !== undefined) return;
    this.recorded = { ...this.#call, ...how, pieces: this.#pieces };
    this.#onEnded();
  }
}

function taped(call: ModelCall, tape: Tape): ModelCall {
  const stream: ModelCall["stream"] = (request) => {
    const track = tape.begin(call.model, request);
    const generation = opened(() => call.stream(overheard(request, track)), track);
    const { resolved } = generation;
    const wasResolved = resolved !== undefined && { resolved };
    return Object.assign(noted(generation, request, { track, ...wasResolved }), {
      remaining: () => generation.remaining?.(),
      spent: () => generation.spent?.(),
      ...wasResolved,
    });
  };
  return { model: call.model, stream, ...(call.inputs !== undefined && { inputs: call.inputs }) };
}

/** The same request, whose budget is told through the track. */
function overheard(request: ModelRequest, track: Track): ModelRequest {
  const { allowance } = request;
  if (allowance === undefined) return request;
  const unpriced = (model: string): void => {
    track.note({ unpriced: model });
    allowance.unpriced(model);
  };
  return { ...request, allowance: { ...allowance, unpriced } };
}

function opened(open: () => Generation, track: Track): Generation {
  try {
    return open();
  } catch (error) {
    track.end({ refused: failureOf(error) });
    throw error;
  }
}

async function* noted(
  generation: Generation,
  { abortSignal }: ModelRequest,
  { track, ...how }: { readonly track: Track; readonly resolved?: Resolved },
): AsyncGenerator<ModelPart> {
  const spent = (): { readonly spent?: Spent } => {
    try {
      const used = generation.spent?.();
      return used === undefined ? {} : { spent: used };
    } catch {
      return {}; // a source that fails to tell does not know
    }
  };
  const end = (piece?: Untimed<RecordedPiece>): void => {
    if (track.recorded !== undefined) return;
    if (piece !== undefined) track.note(piece);
    track.end(how);
  };
  const leave = (): void => end({ left: true, ...spent() });
  abortSignal.addEventListener("abort", leave, { once: true }); // a source that hangs does not answer
  try {
    for await (const part of generation) {
      if (track.recorded === undefined) track.note(pieceOf(part, part.type === "resolved" ? spent() : {}));
      yield part;
    }
    end();
  } catch (error) {
    end({ fails: failureOf(error), ...spent() });
    throw error;
  } finally {
    abortSignal.removeEventListener("abort", leave);
    leave();
  }
}

function pieceOf(part: ModelPart, spent: { readonly spent?: Spent }): Untimed<RecordedPiece> {
  if (part.type === "text") return { text: part.delta };
  if (part.type === "reasoning") return { reasoning: part.delta };
  if (part.type !== "finish") return { part, ...spent };
  const { type: _type, finishReason: finish, ...used } = part;
  return { finish, ...used };
}

function failureOf(error: unknown): RecordedFailure {
  const { isRetryable } = (error ?? {}) as { readonly isRetryable?: unknown };
  return { ...errorData(error), retryable: error instanceof SluiceError ? error.retryable : isRetryable !== false };
}

function asCall(source: TokenSource): ModelCall {
  if (typeof source === "object" && "stream" in source) return source;
  async function* stream(): AsyncGenerator<ModelPart> {
    const decoder = new TextDecoder();
    for await (const piece of source as AsyncIterable<string | Uint8Array>) {
      yield { type: "text", delta: typeof piece === "string" ? piece : decoder.decode(piece, { stream: true }) };
    }
    yield { type: "finish", finishReason: "stop", usage: {} };
  }
  return { model: "text", stream };
}
