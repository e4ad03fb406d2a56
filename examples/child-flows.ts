// A chunk runs another flow: one log, a state of its own, and nothing between them but input and result.
import { type ContextOf, SluiceError, defineFlow, each, gather, run, start } from "@sluice/core";
import { flow, on } from "@sluice/decorators";
import { z } from "zod";

const page = defineFlow({
  name: "page",
  input: z.object({ url: z.string() }),
  state: z.object({ links: z.number().default(0) }),
  stream: z.string(),
  result: z.number(),
});

/** Counts the links of one page. It knows nothing of who runs it. */
@flow(page)
class Page {
  readonly #pages: Readonly<Record<string, string[]>>;

  constructor(pages: Readonly<Record<string, string[]>>) {
    this.#pages = pages;
  }

  @on(start)
  count({ url }: { url: string }, ctx: ContextOf<typeof page>) {
    const links = this.#pages[url];
    if (links === undefined) throw new Error("404");
    ctx.putIntoStream(`${url} has ${links.length} links`);
    ctx.state.set("links", links.length);
    return links.length;
  }
}

const site = defineFlow({ name: "site", input: z.array(z.string()), stream: z.string(), result: z.number() });
type Ctx = ContextOf<typeof site>;

@flow(site)
class Site {
  readonly #create = () => new Page({ "/": ["/a", "/b"], "/a": ["/"], "/secret": ["/a", "/b", "/c"] });

  @on(each(start))
  async visit(url: string, ctx: Ctx): Promise<number> {
    try {
      return await ctx.child(Page, { url }, { create: this.#create, bridge: url !== "/secret" });
    } catch (error) {
      if (!(error instanceof SluiceError && error.code === "child-failed")) throw error;
      ctx.putIntoStream(`${url} is left out: ${(error.cause as SluiceError).what}`);
      return 0;
    }
  }

  @on(gather("visit"))
  sum(counts: number[], _ctx: Ctx) {
    return counts.reduce((sum, count) => sum + count, 0);
  }
}

const execution = run(Site, ["/", "/a", "/secret", "/gone"]);
execution.stream$.subscribe((line) => console.log(`shown: ${line}`));
console.log(`${await execution.result} links`);

console.log("\nIn the log, with the path of each entry:");
for await (const entry of execution.events()) {
  const where = entry.path.join(" › ");
  if (entry.type === "stream:item") console.log(`${where}: ${entry.item}`);
  if (entry.type === "state:changed") console.log(`${where}: state ${JSON.stringify(entry.diff.values)}`);
  if (entry.type === "flow:failed") console.log(`${where}: failed`);
}
