import { z } from "zod";
import { type Entry, defineFlow, flow, run, start } from "../../packages/core/src/index.ts";

/** What of a text that a model writes is put into the stream; `at` is when, in milliseconds on the clock of `now`. */
export const itemSchema = z.object({ type: z.literal("text"), text: z.string(), at: z.number() });

/** Entries around the items: the start, that of the chunk and its end, the end. */
export const entriesAround = 4;

/** The nth item, as of now. */
export function itemOf(index: number): z.infer<typeof itemSchema> {
  return { type: "text", text: `piece ${index} of a text that is written`, at: now() };
}

/** Milliseconds on a clock that all processes of the machine share. */
export function now(): number {
  return Number(process.hrtime.bigint()) / 1_000_000;
}

/** The log of an execution that puts so many items into its stream: what the others send. */
export async function entriesOf(count: number): Promise<readonly Entry[]> {
  const spec = defineFlow({ name: "text", input: z.number(), stream: itemSchema });
  const text = flow(spec).chunk("write", start, (items, ctx) => {
    for (let index = 0; index < items; index += 1) ctx.putIntoStream(itemOf(index));
  });
  const entries: Entry[] = [];
  const execution = run(text, count, { retention: { maxEntries: Infinity, maxBytes: Infinity } });
  for await (const entry of execution.events()) entries.push(entry);
  return entries;
}

/** The same entry, with an item of now. */
export function renewed(entry: Entry, index: number): Entry {
  return entry.type === "stream:item" ? { ...entry, item: itemOf(index) } : entry;
}
