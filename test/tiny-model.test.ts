import { Output, streamText } from "ai";
import fc from "fast-check";
import { afterEach, expect, test, vi } from "vitest";
import { z } from "zod";
import { END, type Grammar } from "../examples/tiny-model/grammar.ts";
import { tinyModel } from "../examples/tiny-model/index.ts";
import { schemaGrammar } from "../examples/tiny-model/schema-grammar.ts";
import { Session } from "../examples/tiny-model/transformer.ts";

type CallOptions = Parameters<ReturnType<typeof tinyModel>["doStream"]>[0];
type Stream = Awaited<ReturnType<ReturnType<typeof tinyModel>["doStream"]>>["stream"];

const TICKET = "Hello, my invoice was charged twice. I am really upset. I need it today. Regards, Nils";

const Triage = z.object({
  category: z.enum(["billing", "account", "shipping", "product"]),
  urgency: z.enum(["low", "medium", "high"]),
  product: z.string(),
  summary: z.string(),
  steps: z.array(z.string()).min(2).max(4),
});

/** A request as the AI SDK makes it. */
function ask(text: string, options: Omit<CallOptions, "prompt"> = {}): CallOptions {
  return { prompt: [{ role: "user", content: [{ type: "text", text }] }], ...options };
}

function json(schema: z.ZodType): Pick<CallOptions, "responseFormat"> {
  return { responseFormat: { type: "json", schema: z.toJSONSchema(schema, { target: "draft-7", io: "input" }) } };
}

/** The reply in one piece. */
async function reply(text: string, options?: Omit<CallOptions, "prompt">) {
  const { content, finishReason, usage, warnings } = await tinyModel().doGenerate(ask(text, options));
  const written = content.map((part) => (part.type === "text" ? part.text : "")).join("");
  return { text: written, finish: finishReason.unified, usage, warnings };
}

async function deltasOf(stream: Stream): Promise<readonly string[]> {
  const deltas: string[] = [];
  for await (const part of stream) if (part.type === "text-delta") deltas.push(part.delta);
  return deltas;
}

afterEach(() => {
  vi.restoreAllMocks();
});

test("writes the same text for the same ticket", async () => {
  const [first, second] = [await reply(TICKET), await reply(TICKET)];
  expect(first.text).toMatch(
    /^Hello Nils, we are very sorry for the trouble\. We understand that your invoice was charged twice\./,
  );
  expect(second.text).toBe(first.text);
  expect(first.finish).toBe("stop");
});

test.each([
  [TICKET, { category: "billing", urgency: "high", product: "invoice" }],
  [
    "Good morning, I have a problem: my invoice shows the wrong amount. Please let me know. Best, Olga",
    { category: "billing", urgency: "medium", product: "invoice" },
  ],
  [
    "Hi there, my account sends me too many emails. I still like it a lot. Regards, Sam",
    { category: "account", urgency: "low", product: "account" },
  ],
  [
    "Dear team, my delivery was marked as done but is not here. What should I do? Regards, Hugo",
    { category: "shipping", urgency: "medium", product: "delivery" },
  ],
  [
    "Hello, the coffee maker I bought 12 days ago leaks water. Otherwise I love your shop. Best, Mia",
    { category: "product", urgency: "low", product: "coffee maker" },
  ],
  [
    "I ordered 9 days ago and now the headphones lose the Bluetooth connection. This is the second time! Leo",
    { category: "product", urgency: "high", product: "headphones" },
  ],
])("files a ticket by its content: %s", async (ticket, expected) => {
  const { text, finish } = await reply(ticket, json(Triage));
  expect(Triage.parse(JSON.parse(text))).toMatchObject(expected);
  expect(finish).toBe("stop");
});

test.each([1, 2, 3, 4, 5])("a sampled reply fits its schema too (seed %i)", async (seed) => {
  const { text, finish } = await reply(TICKET, { ...json(Triage), temperature: 0.9, seed });
  expect(Triage.safeParse(JSON.parse(text)).error).toBeUndefined();
  expect(finish).toBe("stop");
});

test("fits a schema whose keys and values it has never seen", async () => {
  const Unseen = z.object({
    größe: z.enum(["groß", "klein"]),
    score: z.int().min(20).max(35),
    share: z.number().positive().max(1),
    note: z.string().max(12).nullable(),
    open: z.boolean(),
    parts: z.array(z.object({ id: z.int().nonnegative().max(99), kind: z.literal("part") })).length(2),
  });
  const { text } = await reply(TICKET, json(Unseen));
  expect(Unseen.safeParse(JSON.parse(text)).error).toBeUndefined();
});

test("the same seed samples the same text, another seed another", async () => {
  const sample = async (seed: number) => (await reply(TICKET, { temperature: 1.2, seed, maxOutputTokens: 30 })).text;
  const first = await sample(7);
  expect(await sample(7)).toBe(first);
  expect(await sample(8)).not.toBe(first);
});

test("the single best token is drawn when topK or topP leave no other", async () => {
  const greedy = (await reply(TICKET, { maxOutputTokens: 20 })).text;
  for (const narrow of [{ topK: 1 }, { topP: 0.01 }]) {
    expect((await reply(TICKET, { temperature: 2, seed: 1, maxOutputTokens: 20, ...narrow })).text).toBe(greedy);
  }
});

test("streams a delta for each token, and the deltas join to the whole", async () => {
  const { stream } = await tinyModel().doStream(ask(TICKET, json(Triage)));
  const deltas = await deltasOf(stream);
  const whole = await reply(TICKET, json(Triage));
  expect(deltas.join("")).toBe(whole.text);
  expect(deltas).toHaveLength(whole.usage.outputTokens.total ?? 0);
  expect(deltas.slice(0, 6)).toEqual(['{"', "category", '":', ' "', "billing", '",']);
});

test("a slow reader is not run ahead of", async () => {
  const feed = vi.spyOn(Session.prototype, "feed");
  const { stream } = await tinyModel().doStream(ask(TICKET));
  const reader = stream.getReader();
  for (let delta = ""; delta === "";) {
    const { value } = await reader.read();
    if (value?.type === "text-delta") ({ delta } = value);
  }
  const fed = feed.mock.calls.length;
  for (let turn = 0; turn < 5; turn++) await new Promise((resolve) => setImmediate(resolve));
  expect(feed).toHaveBeenCalledTimes(fed);
  await reader.cancel();
});

test("an abort ends the stream before another token is computed", async () => {
  const feed = vi.spyOn(Session.prototype, "feed");
  const abort = new AbortController();
  const { stream } = await tinyModel().doStream(ask(TICKET, { abortSignal: abort.signal }));
  let fed = 0;
  const read = async () => {
    for await (const part of stream) {
      if (part.type !== "text-delta") continue;
      abort.abort(new Error("enough"));
      fed = feed.mock.calls.length;
    }
  };
  await expect(read()).rejects.toThrow("enough");
  expect(fed).toBeGreaterThan(0);
  expect(feed).toHaveBeenCalledTimes(fed);
});

test("an abort interrupts the pause of a throttled model", async () => {
  const abort = new AbortController();
  const { stream } = await tinyModel({ tokensPerSecond: 0.001 }).doStream(ask(TICKET, { abortSignal: abort.signal }));
  const deltas: string[] = [];
  const read = async () => {
    for await (const part of stream) {
      if (part.type !== "text-delta") continue;
      deltas.push(part.delta);
      setImmediate(() => abort.abort(new Error("enough")));
    }
  };
  await expect(read()).rejects.toThrow("enough");
  expect(deltas).toEqual(["Hello"]);
});

test("others get their turn between any two tokens", async () => {
  let turns = 0;
  let writing = true;
  const count = () => {
    turns++;
    if (writing) setImmediate(count);
  };
  setImmediate(count);
  const { usage } = await reply(TICKET);
  writing = false;
  const tokens = (usage.inputTokens.total ?? 0) + (usage.outputTokens.total ?? 0);
  expect(turns).toBeGreaterThanOrEqual(tokens - 1);
});

test("counts the tokens it reads and writes", async () => {
  const { usage } = await reply(TICKET, { maxOutputTokens: 5 });
  expect(usage.inputTokens.total).toBe(29);
  expect(usage.outputTokens.total).toBe(5);
});

test("stops at maxOutputTokens with the reason length", async () => {
  const { text, finish } = await reply(TICKET, { ...json(Triage), maxOutputTokens: 5 });
  expect(text).toBe('{"category": "billing');
  expect(finish).toBe("length");
});

test("stops with the reason length when the context is full", async () => {
  const Long = z.object({ steps: z.array(z.string()).min(60) });
  const { text, finish, usage } = await reply(TICKET, json(Long));
  expect(finish).toBe("length");
  expect((usage.inputTokens.total ?? 0) + (usage.outputTokens.total ?? 0)).toBe(320);
  expect(() => JSON.parse(text)).toThrow(SyntaxError);
});

test("names the length, the limit and the way out when a prompt does not fit", async () => {
  const long = "My invoice was charged twice. ".repeat(60);
  await expect(reply(long)).rejects.toThrow(/is 4\d\d tokens long, .* at most 319, .*shorten the text/);
});

test.each(["", " \n"])("refuses a request without user text: %j", async (text) => {
  await expect(reply(text)).rejects.toThrow(/last user message has no text/);
});

test("reads the last user message alone, and no instructions", async () => {
  const user = (text: string) => ({ role: "user" as const, content: [{ type: "text" as const, text }] });
  const { usage, warnings } = await tinyModel().doGenerate({
    prompt: [{ role: "system", content: "Answer in Latin." }, user("My account is locked."), user(TICKET)],
    maxOutputTokens: 1,
  });
  expect(usage.inputTokens.total).toBe(29);
  expect(warnings).toEqual([]);
});

test("takes control tokens in a ticket for mere text", async () => {
  const { usage, finish } = await reply(`${TICKET}<|end|>`, { maxOutputTokens: 1 });
  expect(usage.inputTokens.total).toBeGreaterThan(30);
  expect(finish).toBe("length");
});

test("warns of what has no effect", async () => {
  const { warnings } = await reply(TICKET, {
    ...json(z.object({ customer: z.string().regex(/^N/) })),
    tools: [{ type: "function", name: "add", inputSchema: { type: "object" } }],
    stopSequences: ["\n"],
    maxOutputTokens: 1,
  });
  expect(warnings).toEqual([
    {
      type: "unsupported",
      feature: "part of the JSON schema",
      details: "/customer: nothing holds the value to pattern",
    },
    { type: "unsupported", feature: "tools" },
    { type: "unsupported", feature: "stopSequences" },
  ]);
});

test("writes some JSON object when there is no schema", async () => {
  const { text } = await reply(TICKET, { responseFormat: { type: "json" } });
  expect(JSON.parse(text)).toMatchObject({ category: "billing" });
});

test("streams a growing object through streamText", async () => {
  const { partialOutputStream, output, finishReason } = streamText({
    model: tinyModel(),
    prompt: TICKET,
    output: Output.object({ schema: Triage }),
  });
  const partials = [];
  for await (const partial of partialOutputStream) partials.push(partial);
  expect(partials.length).toBeGreaterThan(40);
  expect(partials.at(-1)).toEqual(await output);
  expect(await finishReason).toBe("stop");
});

test("every text that a grammar lets through fits its schema", () => {
  const Anything = z.object({
    word: z.enum(["low", "lower", "lowest", "é"]),
    integer: z.int().min(-120).max(35),
    fraction: z.number().gt(-2.5).lt(0.75),
    tiny: z.number().gt(0.1).lt(0.103),
    maybe: z.string().min(1).max(3).nullable(),
    either: z.union([z.literal("k"), z.number(), z.object({ t: z.literal(1) }), z.array(z.boolean())]),
    list: z.array(z.object({ optional: z.string().optional() })).max(2),
    anything: z.any(),
  });
  const { grammar, gaps } = schemaGrammar(z.toJSONSchema(Anything, { io: "input" }));
  expect(gaps).toEqual([]);
  fc.assert(
    fc.property(fc.infiniteStream(fc.nat(1_000_000)), (numbers) => {
      const text = wander(grammar, () => numbers.next().value ?? 0);
      expect(Anything.safeParse(JSON.parse(text)).error).toBeUndefined();
    }),
    { numRuns: 50 },
  );
});

/** Walks through a grammar to its end, with a liking for whatever closes something. */
function wander(start: Grammar, random: () => number): string {
  let text = "";
  for (let here = start; here !== END;) {
    const ways = Array.from({ length: 128 }, (_, byte) => ({ byte, next: here.after(byte) }));
    const open = ways.flatMap(({ byte, next }) => (next ? [{ character: String.fromCharCode(byte), next }] : []));
    const closing = open.filter(({ character }) => '"]},'.includes(character));
    const among = closing.length > 0 && random() % 2 === 0 ? closing : open;
    const way = among[random() % among.length];
    if (!way) throw new Error(`Nothing may follow ${text}`);
    text += way.character;
    here = way.next;
  }
  return text;
}
