import type { ModelCall, ModelPart, ModelRequest, TokenSource } from "../define/token-source.ts";
import { SluiceError, located, messageOf } from "../error/sluice-error.ts";
import { excerpt } from "../error/excerpt.ts";
import { PieceReader } from "../instant/piece-reader.ts";
import { Abort } from "./abort.ts";
import type { Attempt } from "./attempt.ts";
import type { Host } from "./host.ts";
import { tokenDraft } from "./reply-draft.ts";

/** Who reads the text of a source. */
export interface TextReader<T> {
  readonly request: Omit<ModelRequest, "abortSignal">;
  /** More text. What it throws ends the reading. */
  readonly push: (text: string) => void;
  /** The text is complete. Its outcome is the reading's. */
  readonly end: () => T | Promise<T>;
}

/**
 * Reads a token source to its end, within an attempt: model entries, the abort signal, the chunks that the text starts.
 *
 * @returns what the reader makes of the text; rejects at once when the attempt ends.
 * @throws SluiceError `model-failed`, or what the reader throws
 */
export function readTokens<T>(host: Host, attempt: Attempt, source: TokenSource, reader: TextReader<T>): Promise<T> {
  const outcome = new Promise<T>((resolve, reject) => {
    const abort = new Abort();
    const forget = attempt.abort.onAbort((reason) => {
      abort.abort(() => reason);
      reject(reason); // also when the source never answers
    });
    const stop = (error: unknown): void => {
      abort.abort(() => asReason(error));
      reject(error);
    };
    pump(host, attempt, source, reader, abort).then(resolve, stop).finally(forget);
  });
  outcome.catch(() => {}); // whoever awaits it hears of it; a reading that nobody awaits must not end the process
  return outcome;
}

async function pump<T>(
  host: Host,
  attempt: Attempt,
  source: TokenSource,
  reader: TextReader<T>,
  abort: Abort,
): Promise<T> {
  const call = modelCall(source, attempt.where);
  const pieces = new PieceReader(attempt.where);
  if (call === undefined) {
    for await (const piece of source as AsyncIterable<unknown> | Iterable<unknown>) {
      if (abort.aborted) break;
      push(pieces.read(piece));
    }
    const rest = pieces.rest();
    if (rest !== "" && !abort.aborted) push(rest);
  } else {
    await pumpModel(call);
  }
  if (abort.reason !== undefined) throw abort.reason;
  return reader.end();

  function push(text: string): void {
    attempt.shown = true;
    reader.push(text);
  }

  async function pumpModel({ model, stream }: ModelCall): Promise<void> {
    const origin = attempt.origin();
    const startedAt = host.now();
    let firstTokenMs: number | undefined;
    let finish: Extract<ModelPart, { type: "finish" }> | undefined;
    host.append({ type: "model:start", ...origin, model });
    try {
      for await (const part of stream({ ...reader.request, abortSignal: abort.signal })) {
        if (abort.aborted) return;
        if (part.type === "finish") {
          finish = part;
          break;
        }
        firstTokenMs ??= host.now() - startedAt;
        if (part.type === "reasoning") {
          host.append({ type: "model:reasoning", ...origin, delta: part.delta }, true);
        } else {
          host.append(tokenDraft(attempt, part.delta), true);
          push(pieces.read(part.delta));
        }
      }
    } catch (error) {
      throw modelError(model, error, attempt.where);
    }
    if (abort.aborted) return;
    host.append({
      type: "model:finish",
      ...origin,
      model,
      usage: finish?.usage ?? {},
      finishReason: finish?.finishReason ?? "unknown",
      durationMs: host.now() - startedAt,
      ...(firstTokenMs !== undefined && { firstTokenMs }),
    });
  }
}

function modelCall(source: TokenSource, where: string): ModelCall | undefined {
  if (typeof source === "string") return undefined;
  if (typeof source === "object" && source !== null) {
    if ("stream" in source && typeof source.stream === "function") return source;
    if (Symbol.asyncIterator in source || Symbol.iterator in source) return undefined;
  }
  throw new SluiceError("model-failed", {
    what: `${excerpt(source)} is not a source of tokens`,
    where,
    mend: "Give ask(model, …), or something that yields strings or bytes",
    retryable: false,
  });
}

function modelError(model: string, error: unknown, where: string): SluiceError {
  if (error instanceof SluiceError) return located(error, where);
  return new SluiceError("model-failed", {
    what: `The model "${model}" failed: ${messageOf(error)}`,
    where,
    cause: error,
    retryable: (error as { isRetryable?: unknown } | null | undefined)?.isRetryable !== false,
  });
}

function asReason(error: unknown): SluiceError {
  if (error instanceof SluiceError) return error;
  return new SluiceError("chunk-aborted", { what: `The reading ended: ${messageOf(error)}`, cause: error });
}
