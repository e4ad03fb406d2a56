// A list becomes a lane for each of its items; gather waits for all of them and has the results in order.
import { setTimeout as wait } from "node:timers/promises";
import { type ContextOf, type Failure, after, any, defineFlow, each, failed, gather, run, start } from "@sluice/core";
import { flow, on } from "@sluice/decorators";
import { z } from "zod";

const Chapter = z.object({ title: z.string(), pages: z.array(z.string()) });
const spec = defineFlow({ name: "book", input: z.array(Chapter), stream: z.string(), result: z.array(z.string()) });
type Ctx = ContextOf<typeof spec>;

@flow(spec)
class Book {
  @on(each(start))
  open(chapter: z.infer<typeof Chapter>, ctx: Ctx) {
    ctx.putIntoStream(`${chapter.title} has ${chapter.pages.length} pages`);
    return chapter.pages;
  }

  @on(each(after("open")))
  async read(page: string, ctx: Ctx) {
    await wait(page.length * 20, undefined, { signal: ctx.abortSignal }); // short pages are done first
    if (page === "???") throw new Error("nobody can read this");
    ctx.putIntoStream(`read ${page}, at ${JSON.stringify(ctx.signal.indexes)}`);
    return page.toUpperCase();
  }

  @on(failed("read"))
  guess({ input }: Failure<"read", string>) {
    return `(${input})`; // in the lane of that page: the others go on
  }

  @on(any(after("read"), after("guess")))
  page(text: string) {
    return text;
  }

  @on(gather("page"))
  chapter(pages: string[], ctx: Ctx) {
    ctx.putIntoStream(`all pages of a chapter: ${JSON.stringify(pages)}`);
    return pages.join(" | ");
  }

  @on(gather("chapter"))
  book(chapters: string[]) {
    return chapters;
  }
}

const execution = run(Book, [
  { title: "Morning", pages: ["breakfast", "???", "tea"] },
  { title: "Night", pages: [] },
  { title: "Noon", pages: ["soup"] },
]);
execution.stream$.subscribe((line) => console.log(line));
console.log(await execution.result);
