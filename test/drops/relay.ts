// A flow that shows much: piece after piece, each a reply that is written live, and items that stay.
import { defineFlow, event, flow, instant, interrupt, start } from "@sluice/core";
import { z } from "zod";

const Go = interrupt("go", { ask: z.null(), answer: z.object({ pieces: z.number() }) });
const Piece = event("piece", z.object({ n: z.number(), left: z.number() }));
const Line = instant("line", z.object({ text: z.string() }));

/** Of a piece. */
const items = 8;
const words = 6;

/** It begins when it is told to, so that many can watch it from then on. @param pause lets time pass while a piece is written */
export function relayOf(pause: () => Promise<void>) {
  async function* written(n: number): AsyncGenerator<string> {
    yield `{"text":"`;
    for (let word = 0; word < words; word += 1) {
      await pause();
      yield `Stück ${n}, Wort ${word} … `;
    }
    yield `"}`;
  }
  const stream = z.object({ n: z.number(), text: z.string() });
  return flow(defineFlow({ name: "relay", input: z.null(), stream, result: z.number() }))
    .chunk("ask", start, (_, ctx) => void ctx.interrupt(Go, null))
    .chunk("begin", Go.answered, ({ pieces }, ctx) => void ctx.emit(Piece, { n: 1, left: pieces - 1 }))
    .chunk("write", Piece, async ({ n, left }, ctx) => {
      for (let item = 0; item < items; item += 1) ctx.putIntoStream({ n, text: `Zeile ${item}` });
      await ctx.instant(Line, written(n));
      if (left > 0) ctx.emit(Piece, { n: n + 1, left: left - 1 });
      else ctx.setResult(n);
    })
    .chunk("show", Line.delta("text"), (text, ctx) => ctx.putIntoStream({ n: 0, text }));
}
