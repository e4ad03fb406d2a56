// Stands in for a model, so that nothing needs a key. With @sluice/ai it would be:
//   ask(openai("gpt-5-mini"), { prompt: `What does this customer want? ${note.text}` })
import { setTimeout } from "node:timers/promises";

export interface Note {
  from: string;
  text: string;
}

/** How long work takes here, in milliseconds: to be watched. */
export const pauseMs = Number(process.env["MODEL_PAUSE_MS"] ?? 60);

/** Writes its reply piece by piece, as models do. */
export async function* scriptedModel({ from, text }: Note): AsyncGenerator<string> {
  const isBroken = /broken|defect|damaged/i.test(text);
  const reply = {
    topic: isBroken ? "complaint" : "question",
    urgency: /today|tomorrow|saturday|urgent/i.test(text) ? "high" : "low",
    summary: `${from} writes: ${text}`,
    steps: isBroken
      ? ["look up the order", "send a new one by express", "print a label for the old one"]
      : ["look up the order", "answer the question"],
  };
  for (const piece of JSON.stringify(reply).match(/.{1,5}/gs) ?? []) {
    await setTimeout(pauseMs);
    yield piece;
  }
}
