// Limits hold for what they are set on, whatever triggered it.
import { setTimeout as wait } from "node:timers/promises";
import { type ContextOf, defineFlow, event, run, start } from "@sluice/core";
import { chunk, flow, on } from "@sluice/decorators";
import { z } from "zod";

const Page = event("page", z.string());
const spec = defineFlow({ name: "crawl", input: z.array(z.string()), stream: z.string() });
type Ctx = ContextOf<typeof spec>;

@flow(spec)
class Crawl {
  #running = 0;

  @chunk({ emits: [Page] })
  @on(start)
  begin(pages: string[], ctx: Ctx) {
    for (const page of pages) ctx.emit(Page, page);
  }

  @chunk({ concurrency: 2 })
  @on(Page)
  async fetch(page: string, ctx: Ctx) {
    this.#running += 1;
    ctx.putIntoStream(`${page} begins, ${this.#running} at a time`);
    await wait(20, undefined, { signal: ctx.abortSignal });
    this.#running -= 1;
  }
}

const execution = run(Crawl, ["a", "b", "c", "d", "e"]);
for await (const line of execution.stream()) console.log(line);
