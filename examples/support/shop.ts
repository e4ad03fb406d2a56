import { readFileSync } from "node:fs";
import { setTimeout as wait } from "node:timers/promises";
import { z } from "zod";

const Article = z.object({ id: z.string(), title: z.string() });
const Data = z.object({
  products: z.record(z.string(), z.object({ sku: z.string(), warrantyMonths: z.number() })),
  articles: z.array(Article.extend({ words: z.array(z.string()) })),
});
export type Article = z.infer<typeof Article>;

/** The shop's own records, in `shop.json`. Each look-up takes 300 ms, as it would over a network. */
export class Shop {
  readonly #data = Data.parse(JSON.parse(readFileSync(new URL("shop.json", import.meta.url), "utf8")));

  async product(name: string, abortSignal: AbortSignal): Promise<string> {
    await wait(300, undefined, { signal: abortSignal });
    const found = this.#data.products[name];
    return found === undefined ? `no record of "${name}"` : `${found.sku}, ${found.warrantyMonths} months of warranty`;
  }

  /** The article that shares the most words with a step. */
  async articleFor(step: string, abortSignal: AbortSignal): Promise<Article> {
    await wait(300, undefined, { signal: abortSignal });
    const score = (words: readonly string[]): number => words.filter((word) => step.includes(word)).length;
    const best = this.#data.articles.reduce((a, b) => (score(b.words) > score(a.words) ? b : a));
    return Article.parse(best);
  }
}
