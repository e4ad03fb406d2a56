import { z } from "zod";

/** A text that comes in pieces. */
export interface Document {
  /** What it is: `b: 100 KB list, 4 characters a token`. */
  readonly title: string;
  readonly text: string;
  readonly tokens: readonly string[];
  readonly schema: z.ZodType;
}

/** How a document is cut. */
export interface Cut {
  /** Characters a token. */
  readonly by: number;
}

const Order = z.object({
  id: z.string(),
  customer: z.object({
    name: z.string(),
    email: z.string(),
    address: z.object({ street: z.string(), city: z.string(), zip: z.string() }),
    isMember: z.boolean(),
  }),
  lines: z.array(
    z.object({
      sku: z.string(),
      title: z.string(),
      quantity: z.number(),
      price: z.number(),
      note: z.string().nullable(),
    }),
  ),
  totals: z.object({ net: z.number(), tax: z.number(), gross: z.number() }),
  remarks: z.string(),
});
/** The schema of a list of articles. */
export const Articles = z.array(
  z.object({
    id: z.number(),
    title: z.string(),
    body: z.string(),
    tags: z.array(z.string()),
    score: z.number(),
    published: z.boolean(),
  }),
);
const Story = z.object({ text: z.string() });

const vocabulary = (
  "the order came late because a carrier lost it twice and nobody told customer service about what had happened there " +
  "so we looked into every parcel found three in Köln asked for them back and wrote one long report with all details"
).split(" ");

/** About 2 KB: objects in objects. */
export function orderDocument(title: string, { by }: Cut): Document {
  const random = randomOf(1);
  const line = (index: number): object => ({
    sku: `SKU-${index}-${Math.floor(random() * 10_000)}`,
    title: words(random, 4),
    quantity: 1 + Math.floor(random() * 9),
    price: Math.floor(random() * 20_000) / 100,
    note: index % 3 === 0 ? null : words(random, 8),
  });
  const order = {
    id: "o-2041",
    customer: {
      name: "Ada Example",
      email: "ada@example.com",
      address: { street: "12 Analytical Row", city: "Köln", zip: "50667" },
      isMember: true,
    },
    lines: Array.from({ length: 10 }, (_, index) => line(index)),
    totals: { net: 812.4, tax: 154.36, gross: 966.76 },
    remarks: prose(random, 550),
  };
  return document(title, order, Order, by);
}

/** A list of objects with strings of 300 to 800 characters, until it is that long. */
export function articlesDocument(title: string, { by, length }: Cut & { readonly length: number }): Document {
  const random = randomOf(2);
  const articles: object[] = [];
  for (let size = 0; size < length;) {
    const article = {
      id: articles.length,
      title: words(random, 6),
      body: prose(random, 300 + Math.floor(random() * 500)),
      tags: [words(random, 1), words(random, 1)],
      score: Math.floor(random() * 1_000) / 10,
      published: random() < 0.5,
    };
    size += JSON.stringify(article).length + 1;
    articles.push(article);
  }
  return document(title, articles, Articles, by);
}

/** One string that is that long, with escapes in it. */
export function storyDocument(title: string, { by, length }: Cut & { readonly length: number }): Document {
  return document(title, { text: prose(randomOf(3), length) }, Story, by);
}

function document(title: string, value: unknown, schema: z.ZodType, by: number): Document {
  const text = JSON.stringify(value);
  const tokens: string[] = [];
  // strings of their own, as they come from a socket: slices would share the text's memory
  for (let at = 0; at < text.length; at += by) tokens.push(Buffer.from(text.slice(at, at + by)).toString());
  return { title, text, tokens, schema };
}

/** Sentences, with a quotation or a new line now and then. */
function prose(random: () => number, length: number): string {
  const parts: string[] = [];
  for (let size = 0; size < length;) {
    const sentence = words(random, 6 + Math.floor(random() * 8));
    const chance = random();
    const part = chance < 0.1 ? `"${sentence}"\n` : chance < 0.2 ? `${sentence}.\n` : `${sentence}. `;
    parts.push(part);
    size += part.length;
  }
  return parts.join("");
}

function words(random: () => number, count: number): string {
  return Array.from({ length: count }, () => vocabulary[Math.floor(random() * vocabulary.length)]).join(" ");
}

/** Numbers from 0 to 1, the same in every run (mulberry32). */
function randomOf(seed: number): () => number {
  let state = seed;
  return () => {
    state = (state + 0x6d2b79f5) | 0;
    let mixed = Math.imul(state ^ (state >>> 15), 1 | state);
    mixed = (mixed + Math.imul(mixed ^ (mixed >>> 7), 61 | mixed)) ^ mixed;
    return ((mixed ^ (mixed >>> 14)) >>> 0) / 4_294_967_296;
  };
}
