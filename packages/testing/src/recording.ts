import type { Generation, ModelCall, ModelPart, TokenSource } from "@sluice/core";
import { type ReplyPiece, type ToolPart, scriptedModel } from "./scripted-model.ts";
import type { Delay } from "./virtual-time.ts";

/** A token stream as it came: its pieces, each with the milliseconds since the one before. Plain JSON. */
export interface Recording {
  /** The model's name in the log. */
  readonly model: string;
  readonly pieces: readonly RecordedPiece[];
}

type RecordedPiece =
  | Extract<
      ReplyPiece,
      | { readonly text: string }
      | { readonly reasoning: string }
      | { readonly finish: string }
      | { readonly part: ToolPart }
    >
  /** The stream failed: with this message, and whether another attempt may help. */
  | { readonly afterMs: number; readonly fails: string; readonly isRetryable: boolean };

/** How a token stream is recorded. */
export interface RecordOptions {
  /** The clock, in milliseconds. @default performance.now */
  readonly now?: () => number;
}

/** How a recording is played. */
export interface ReplayOptions {
  /** 2 plays it in half the time, `Infinity` without pauses. @default 1 */
  readonly speed?: number;
  /** The clock: the `delay` of `virtualTime`. @default real time */
  readonly delay?: Delay;
  /** Tools whose recorded input is read as a reply. @default none */
  readonly inputs?: NonNullable<ModelCall["inputs"]>;
}

/**
 * The same source of tokens, which is saved to a file when it has come to its end or failed: text, reasoning, tool calls,
 * usage and timings, no prompt. A stream that its reader leaves is not saved. Each reading writes the file anew.
 *
 * @param file its path; JSON, about 40 bytes a token
 */
export function record(
  source: TokenSource,
  file: string,
  { now = () => performance.now() }: RecordOptions = {},
): ModelCall {
  const call = asCall(source);
  async function* stream(request: Parameters<ModelCall["stream"]>[0]): AsyncGenerator<ModelPart> {
    const pieces: RecordedPiece[] = [];
    let last = now();
    const afterMs = (): number => {
      const at = now();
      const passed = Math.round(at - last);
      last = at;
      return passed;
    };
    try {
      for await (const part of call.stream(request)) {
        pieces.push({ afterMs: afterMs(), ...pieceOf(part) });
        yield part;
      }
      await save(file, { model: call.model, pieces });
    } catch (error) {
      if (request.abortSignal.aborted) throw error; // the reader has left
      const { message, isRetryable } = error as { readonly message?: unknown; readonly isRetryable?: unknown };
      pieces.push({ afterMs: afterMs(), fails: String(message ?? error), isRetryable: isRetryable !== false });
      await save(file, { model: call.model, pieces });
      throw error;
    }
  }
  return { model: call.model, stream, ...(call.inputs !== undefined && { inputs: call.inputs }) };
}

/**
 * A source of tokens that gives exactly what was recorded, piece by piece at its time, as often as it is read. Tools are
 * told of and do not run. In virtual time a recorded reply takes no time, and everything happens in the same order. It knows
 * how many tokens are still to come.
 *
 * @throws Error when the file is no recording; with the first reading
 */
export function replay(file: string, { speed = 1, delay = realDelay, inputs }: ReplayOptions = {}): ModelCall {
  const stream: ModelCall["stream"] = (request) => {
    let playing: Generation | undefined;
    async function* play(): AsyncGenerator<ModelPart> {
      const { model, pieces } = await load(file);
      const script = pieces.map((piece) => ({ ...scriptOf(piece), afterMs: (piece.afterMs ?? 0) / speed }));
      playing = scriptedModel([script], { model, delay }).stream(request);
      yield* playing;
    }
    return Object.assign(play(), { remaining: () => playing?.remaining?.() });
  };
  return {
    model: `replay of ${file.slice(file.lastIndexOf("/") + 1)}`,
    stream,
    ...(inputs !== undefined && { inputs }),
  };
}

function asCall(source: TokenSource): ModelCall {
  if (typeof source === "object" && "stream" in source) return source;
  async function* stream(): AsyncGenerator<ModelPart> {
    for await (const delta of source as AsyncIterable<string>) yield { type: "text", delta };
    yield { type: "finish", finishReason: "stop", usage: {} };
  }
  return { model: "text", stream };
}

function pieceOf(part: ModelPart) {
  if (part.type === "text") return { text: part.delta };
  if (part.type === "reasoning") return { reasoning: part.delta };
  if (part.type === "finish") return { finish: part.finishReason, usage: part.usage };
  return { part };
}

function scriptOf(piece: RecordedPiece): Exclude<ReplyPiece, string> {
  if (!("fails" in piece)) return piece;
  return { throws: Object.assign(new Error(piece.fails), { isRetryable: piece.isRetryable }) };
}

async function save(file: string, recording: Recording): Promise<void> {
  const { writeFile } = await import("node:fs/promises");
  const lines = recording.pieces.map((piece) => `    ${JSON.stringify(piece)}`).join(",\n");
  await writeFile(file, `{\n  "model": ${JSON.stringify(recording.model)},\n  "pieces": [\n${lines}\n  ]\n}\n`);
}

async function load(file: string): Promise<Recording> {
  const { readFile } = await import("node:fs/promises");
  try {
    const recording = JSON.parse(await readFile(file, "utf8")) as Partial<Recording> | null;
    if (typeof recording?.model === "string" && Array.isArray(recording.pieces)) return recording as Recording;
    throw new Error('it has no "model" and "pieces"');
  } catch (cause) {
    const why = cause instanceof Error ? cause.message : String(cause);
    const mend = "Make it with record(source, file), and look at the path: it starts where the process does";
    throw Object.assign(new Error(`The recording ${file} cannot be read: ${why}. ${mend}`, { cause }), {
      isRetryable: false,
    });
  }
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
