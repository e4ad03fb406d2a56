import type { Generation, ModelCall, ModelPart, ModelRequest, Usage } from "@sluice/core";
import { type Clock, type Ending, checkPauses, exhausted, hang, pause } from "./script.ts";

/** One piece of a scripted reply; it comes `afterMs` after the one before. */
export type ReplyPiece =
  | string
  | { readonly afterMs?: number; readonly text: string }
  | { readonly afterMs?: number; readonly reasoning: string }
  /** The end of a call. @default `{ finish: "stop" }` at the end of the reply */
  | { readonly afterMs?: number; readonly finish: string; readonly usage?: Usage }
  /** A part of a tool, which is only told and not run, or the start of a further call. */
  | { readonly afterMs?: number; readonly part: ToolPart }
  | Ending;

/** What models say of their tools, and what comes after these have run. */
export type ToolPart = Exclude<ModelPart, { readonly type: "text" | "reasoning" | "finish" }>;

/** What a model answers to one call. */
export type ScriptedReply = string | readonly ReplyPiece[];

/** One call of a scripted model. */
export interface ScriptedCall {
  /** What was given to `ask`. */
  readonly prompt: unknown;
  /** The name of the reply that was asked for; undefined for plain text. */
  readonly reply: string | undefined;
  /** What the model is told of this reply in the attempt before; undefined when nothing was wrong. */
  readonly issues: ModelRequest["issues"];
  /** The text that has been given out so far. */
  readonly text: string;
  /** `aborted`: the reader wanted no more. */
  readonly outcome: "running" | "finished" | "failed" | "aborted";
}

/** A model that plays its replies, one for each call, in order. */
export interface ScriptedModel extends ModelCall {
  /** The same model, asked with a prompt, which is recorded. */
  readonly ask: (prompt: unknown) => ModelCall;
  /** The calls so far. */
  readonly calls: readonly ScriptedCall[];
}

/** How a script plays a model. */
export interface ScriptedModelOptions extends Clock {
  /** Names the model in the log. @default "scripted" */
  readonly model?: string;
}

type Writable<T> = { -readonly [K in keyof T]: T[K] };

/**
 * Makes a source of tokens for `ctx.instant` and `ctx.text`, without a model. A call too many fails. Of a reply whose
 * `finish` tells its output tokens, it is known how many are still to come: their part in its pieces, exact where each
 * piece is a token.
 *
 * @param replies a text, or its pieces with their pauses; one may end in an error or hang until it is aborted
 * @throws Error when a piece pauses and no `delay` is given
 */
export function scriptedModel(
  replies: readonly ScriptedReply[],
  { model = "scripted", delay }: ScriptedModelOptions = {},
): ScriptedModel {
  checkPauses(replies.flat(), delay);
  const calls: Writable<ScriptedCall>[] = [];
  const streamOf =
    (prompt: unknown) =>
    ({ reply, issues, abortSignal }: ModelRequest): Generation => {
      const script = replies[calls.length];
      const call: Writable<ScriptedCall> = { prompt, reply: reply?.name, issues, text: "", outcome: "running" };
      calls.push(call);
      abortSignal.addEventListener("abort", () => end(call, "aborted"), { once: true });
      if (script !== undefined) {
        const played = { pieces: typeof script === "string" ? [script] : script, given: 0 };
        return Object.assign(play(played, call, abortSignal, delay), { remaining: () => remainingOf(played) });
      }
      end(call, "failed");
      throw exhausted(`model "${model}"`, "reply", replies.length);
    };
  return { model, calls, stream: streamOf(undefined), ask: (prompt) => ({ model, stream: streamOf(prompt) }) };
}

/** A reply that is being played. */
interface Played {
  readonly pieces: readonly ReplyPiece[];
  /** Pieces of text and reasoning that have been given out. */
  given: number;
}

function remainingOf({ pieces, given }: Played): number | undefined {
  const tokens = pieces.find((piece) => typeof piece === "object" && "finish" in piece)?.usage?.outputTokens;
  const written = pieces.filter((piece) => typeof piece === "string" || "text" in piece || "reasoning" in piece).length;
  return tokens === undefined || written === 0 ? undefined : Math.round(tokens * (1 - given / written));
}

async function* play(
  played: Played,
  call: Writable<ScriptedCall>,
  abortSignal: AbortSignal,
  delay: Clock["delay"],
): AsyncGenerator<ModelPart> {
  let open = true;
  try {
    for (const piece of played.pieces) {
      const part = typeof piece === "string" ? { text: piece } : piece;
      await pause(part, delay, abortSignal);
      if ("hangs" in part) await hang(abortSignal);
      else if ("throws" in part) throw part.throws;
      else if ("text" in part) {
        played.given += 1;
        call.text += part.text;
        yield { type: "text", delta: part.text };
      } else if ("reasoning" in part) {
        played.given += 1;
        yield { type: "reasoning", delta: part.reasoning };
      } else if ("finish" in part) {
        if (piece === played.pieces.at(-1)) end(call, "finished");
        open = false;
        yield { type: "finish", finishReason: part.finish, usage: part.usage ?? {} };
      } else {
        open ||= part.part.type === "start";
        yield part.part;
      }
    }
    end(call, "finished");
    if (open) yield { type: "finish", finishReason: "stop", usage: {} };
  } catch (error) {
    end(call, "failed");
    throw error;
  } finally {
    end(call, "aborted"); // the reader has left
  }
}

/** The first end counts. */
function end(call: Writable<ScriptedCall>, outcome: ScriptedCall["outcome"]): void {
  if (call.outcome === "running") call.outcome = outcome;
}
