import type { LanguageModelV4, LanguageModelV4CallOptions, LanguageModelV4StreamResult } from "@ai-sdk/provider";
import { APICallError, UnsupportedFunctionalityError, simulateStreamingMiddleware, wrapLanguageModel } from "ai";
import { property } from "./property.ts";

/** What a model answers to one call. */
export interface Answer extends LanguageModelV4StreamResult {
  /** Whether all of it came at once: its model cannot stream. */
  readonly isWhole: boolean;
}

/**
 * Asks a model for a stream, and one that cannot stream for the whole, which is told like a stream then.
 *
 * @param canStream whether a stream is asked for at all
 * @see docs/decisions.md D-101, what is taken for a model that cannot stream
 */
export async function answerOf(
  model: LanguageModelV4,
  params: LanguageModelV4CallOptions,
  canStream: boolean,
): Promise<Answer> {
  if (canStream) {
    try {
      return { ...(await model.doStream(params)), isWhole: false };
    } catch (error) {
      if (!isRefusal(error)) throw error;
    }
  }
  const generating = wrapLanguageModel({ model, middleware: simulateStreamingMiddleware() });
  return { ...(await generating.doStream(params)), isWhole: true };
}

/** Whether a call has failed because it was to be streamed. */
function isRefusal(error: unknown): boolean {
  if (UnsupportedFunctionalityError.isInstance(error)) return true;
  const message = property(error, "message");
  if (typeof message !== "string" || !UNABLE.test(message)) return false;
  if (!APICallError.isInstance(error)) return true;
  return /\bstream/i.test(message) && error.statusCode !== undefined && error.statusCode < 500;
}

const UNABLE =
  /\bunsupported\b|\bnot (?:yet )?(?:supported|implemented|available|allowed)\b|\bdoes(?: not|n't) support\b|\bdoStream is not a function|\bverified to stream\b/i;
