// Stands in for a model, so that nothing needs a key. With @sluice/ai it would be:
//   ask(openai("gpt-5-mini"), { prompt: `What does this customer want? ${note.text}` })
import { setTimeout } from "node:timers/promises";
import type { ModelCall, ModelPart, ModelRequest } from "@sluice/core";

export interface Note {
  from: string;
  text: string;
}

/** How long work takes here, in milliseconds: to be watched. */
export const pauseMs = Number(process.env["MODEL_PAUSE_MS"] ?? 60);

/** A model that is asked about a note. */
export function scriptedModel(note: Note): ModelCall {
  return { model: "scripted", stream: (request) => written(note, request) };
}

/** Writes its reply piece by piece, as models do, and tells at the end what it has cost. */
async function* written({ from, text }: Note, { abortSignal }: ModelRequest): AsyncGenerator<ModelPart> {
  const isBroken = /broken|defect|damaged/i.test(text);
  const reply = {
    topic: isBroken ? "complaint" : "question",
    urgency: /today|tomorrow|saturday|urgent/i.test(text) ? "high" : "low",
    summary: `${from} writes: ${text}`,
    steps: isBroken
      ? ["look up the order", "send a new one by express", "print a label for the old one"]
      : ["look up the order", "answer the question"],
  };
  const pieces = JSON.stringify(reply).match(/.{1,5}/gs) ?? [];
  for (const delta of pieces) {
    await setTimeout(pauseMs, undefined, { signal: abortSignal });
    yield { type: "text", delta };
  }
  const usage = { inputTokens: Math.ceil(text.length / 4), outputTokens: pieces.length };
  yield { type: "finish", finishReason: "stop", usage, costUsd: usage.outputTokens * 0.000002 };
}
