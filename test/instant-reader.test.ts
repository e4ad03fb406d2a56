import fc from "fast-check";
import { describe, expect, test } from "vitest";
import { z } from "zod";
import * as mini from "zod/mini";
import { readReply, type ReplyOptions } from "../packages/core/src/instant/reply-reader.ts";

type Told = readonly [what: string, path: string, detail?: unknown, raw?: unknown];

/** Reads a text in chunks of `size` characters and gives what the listener was told, as far as `end`. */
function read(schema: z.core.$ZodType, text: string, { size = 3, ...options }: ReplyOptions & { size?: number } = {}) {
  const told: Told[] = [];
  const reader = readReply(schema, {
    ...options,
    listener: {
      opened: (path, _indexes, kind) => told.push(["opened", path, kind]),
      delta: (path, _indexes, piece) => told.push(["delta", path, piece]),
      complete: (path, _indexes, value, raw) => told.push(["complete", path, value, raw]),
      invalid: (path, _indexes, issues) => told.push(["invalid", path, issues.map(({ message }) => message)]),
    },
  });
  for (let at = 0; at < text.length; at += size) reader.push(text.slice(at, at + size));
  return { told, reader, of: (what: string) => told.filter(([one]) => one === what).map(([, ...rest]) => rest) };
}

const Triage = z.object({
  category: z.enum(["billing", "shipping"]),
  summary: z.string(),
  steps: z.array(z.string()).min(1),
  price: z.number().optional(),
});
const triage = '{"category":"billing","summary":"All \\u2713","steps":["one","two"],"price":12.5}';

describe("S33 what a listener is told", () => {
  test("each field is opened, written and complete, children before what holds them", () => {
    const { told } = read(Triage, triage, { size: 1000 });
    expect(told).toEqual([
      ["opened", "", "object"],
      ["opened", "category", "string"],
      ["complete", "category", "billing", "billing"],
      ["opened", "summary", "string"],
      ["delta", "summary", "All ✓"],
      ["complete", "summary", "All ✓", "All ✓"],
      ["opened", "steps", "array"],
      ["opened", "steps[0]", "string"],
      ["delta", "steps[0]", "one"],
      ["complete", "steps[0]", "one", "one"],
      ["opened", "steps[1]", "string"],
      ["delta", "steps[1]", "two"],
      ["complete", "steps[1]", "two", "two"],
      ["complete", "steps", ["one", "two"], ["one", "two"]],
      ["opened", "price", "number"],
      ["complete", "price", 12.5, 12.5],
    ]);
  });

  test("enum strings come whole", () => {
    expect(
      read(Triage, triage, { size: 1 })
        .of("delta")
        .map(([path]) => path),
    ).not.toContain("category");
  });

  test("keys that the schema does not know are not told, but are in the raw value", async () => {
    const { told, reader } = read(z.object({ a: z.string() }), '{"x":{"a":"no"},"a":"yes","y":[1]}');
    expect(new Set(told.map(([, path]) => path))).toEqual(new Set(["", "a"]));
    expect(await reader.end()).toEqual({ value: { a: "yes" }, raw: { x: { a: "no" }, a: "yes", y: [1] }, repairs: [] });
  });

  test("indexes go outermost first", () => {
    const seen: string[] = [];
    const listener = { complete: (path: string, indexes: readonly number[]) => seen.push(`${path} ${indexes.join()}`) };
    readReply(z.array(z.object({ grid: z.array(z.array(z.number())) })), { listener }).push('[{"grid":[[1],[2,3]]}');
    expect(seen).toEqual([
      "[0].grid[0][0] 0,0,0",
      "[0].grid[0] 0,0",
      "[0].grid[1][0] 0,1,0",
      "[0].grid[1][1] 0,1,1",
      "[0].grid[1] 0,1",
      "[0].grid 0",
      "[0] 0",
    ]);
  });

  test("S32 any chunking tells the same, and the deltas of a field join to its value", () => {
    const Item = z.object({ name: z.string(), tags: z.array(z.string()), n: z.number().nullable() });
    const items = fc.array(
      fc.record({
        name: fc.string({ unit: "grapheme" }),
        tags: fc.array(fc.string({ unit: "binary" })),
        n: fc.option(fc.integer()),
      }),
      { minLength: 1, maxLength: 4 },
    );
    fc.assert(
      fc.property(items, fc.integer({ min: 1, max: 9 }), (value, size) => {
        const text = `Sure:\n${JSON.stringify({ items: value })}`;
        const inPieces = read(z.object({ items: z.array(Item) }), text, { size });
        const atOnce = read(z.object({ items: z.array(Item) }), text, { size: text.length });
        const withoutDeltas = (told: readonly Told[]) => told.filter(([what]) => what !== "delta");
        expect(withoutDeltas(inPieces.told)).toEqual(withoutDeltas(atOnce.told));
        const texts = new Map<string, string>();
        for (const [what, path, detail] of inPieces.told) {
          if (what === "delta") texts.set(path, (texts.get(path) ?? "") + String(detail));
        }
        const strings = inPieces.of("complete").filter(([, text]) => typeof text === "string");
        expect(strings.filter(([path, text]) => (texts.get(String(path)) ?? "") !== text)).toEqual([]);
      }),
      { numRuns: 50 },
    );
  });

  test("I3 prose and reasoning around the reply are not told", async () => {
    const { told, reader } = read(
      z.object({ a: z.number() }),
      `Here's [1] <think>{x}</think> then {"a":1}. Done {"a":2}`,
    );
    expect(told).toEqual([
      ["opened", "", "object"],
      ["opened", "a", "number"],
      ["complete", "a", 1, 1],
    ]);
    expect((await reader.end()).value).toEqual({ a: 1 });
  });

  test("I7 hostile keys have paths of their own", async () => {
    const schema = z.object({
      "a.b": z.string(),
      __proto__: z.string().optional(),
      r: z.record(z.string(), z.number()),
    });
    const { of, reader } = read(schema, '{"a.b":"x","r":{"__proto__":1,"x[0]":2},"__proto__":{"polluted":1}}');
    expect(of("complete").map(([path]) => path)).toEqual(['["a.b"]', "r.__proto__", 'r["x[0]"]', "r"]);
    expect(Object.hasOwn(Object.prototype, "polluted")).toBe(false);
    expect((await reader.end()).raw).toHaveProperty("__proto__", { polluted: 1 });
  });
});

describe("S34 each completed value is checked by its own schema", () => {
  test("the value is the schema's output, wrappers and transforms included", () => {
    const schema = z.object({
      date: z.string().transform((text) => new Date(text)),
      count: z.coerce.number().optional(),
      note: z.string().nullable().default("none"),
      name: z.string().trim().readonly(),
      item: z.object({ n: z.number().default(7) }),
      prepared: z.preprocess((value) => [value], z.array(z.number())),
    });
    const { of } = read(schema, '{"date":"2020-01-01","count":"12","note":null,"name":" x ","item":{},"prepared":3}');
    expect(of("complete")).toEqual([
      ["date", new Date("2020-01-01"), "2020-01-01"],
      ["count", 12, "12"],
      ["note", null, null],
      ["name", "x", " x "],
      ["item", { n: 7 }, {}],
      ["prepared", [3], 3],
    ]);
  });

  test("a value that does not fit is told at once, with what was expected and what came", () => {
    const { told } = read(Triage, '{"category":"refund","steps":[],"price":"12"', { size: 1 });
    expect(told.filter(([what]) => what === "invalid")).toEqual([
      ["invalid", "category", ['Invalid option: expected one of "billing"|"shipping", got "refund"']],
      ["invalid", "steps", ["Too small: expected array to have >=1 items, got []"]],
      ["invalid", "price", ["Invalid input: expected number, received string"]],
    ]);
  });

  test("zod/mini says what was expected too", () => {
    const { of } = read(mini.object({ a: mini.number(), b: mini.enum(["x", "y"]) }), '{"a":"1","b":"z"}');
    expect(of("invalid").flatMap(([, messages]) => messages)).toEqual([
      expect.stringMatching(/expected number.*(received string|got "1")/),
      expect.stringMatching(/expected .*x.*y.*got "z"/),
    ]);
  });

  test("an issue inside an object is told with its place in it", () => {
    const issues: unknown[] = [];
    const listener = {
      invalid: (path: string, _indexes: readonly number[], all: readonly object[]) => issues.push([path, ...all]),
    };
    readReply(z.object({ item: z.object({ n: z.number() }) }), { listener }).push('{"item":{"m":1}');
    expect(issues).toEqual([["item", { path: ["n"], message: "Invalid input: expected number, received undefined" }]]);
  });

  test("in a union the member that the reply has shown to write is asked", () => {
    const schema = z.array(
      z.discriminatedUnion("kind", [
        z.object({
          kind: z.literal("a"),
          n: z.string().transform((text) => `a ${text}`),
          in: z.object({ x: z.number() }),
        }),
        z.object({
          kind: z.literal("b"),
          n: z.string().transform((text) => `b ${text}`),
          in: z.object({ x: z.string() }),
        }),
      ]),
    );
    const { of } = read(
      schema,
      '[{"kind":"b","n":"1","in":{"x":"y"}},{"kind":"a","n":"2","in":{"x":"y"}},{"n":"3","kind":"b","in":{"x":"z"}}]',
    );
    const leaves = of("complete").filter(([path]) => String(path).endsWith(".n") || String(path).endsWith(".x"));
    expect(leaves).toEqual([
      ["[0].n", "b 1", "1"],
      ["[0].in.x", "y", "y"],
      ["[1].n", "a 2", "2"],
      ["[2].n", "a 3", "3"],
      ["[2].in.x", "z", "z"],
    ]);
    expect(of("invalid").map(([path]) => path)).toEqual(["[1].in.x", "[1].in", "[1]"]);
  });

  test("where no member is shown, a value is valid if one of them accepts it", () => {
    const schema = z.union([z.object({ v: z.number() }), z.object({ v: z.boolean() })]);
    expect(read(schema, '{"v":true}').of("complete")).toEqual([["v", true, true]]);
    expect(read(schema, '{"v":"x"}').of("invalid")).toHaveLength(1);
  });

  test("asynchronous checks wait for the whole reply, and their failures are its own", async () => {
    let asked = 0;
    const schema = z.object({
      id: z.string().refine(async (id) => {
        asked += 1;
        if (id === "boom") throw new Error("no database");
        return id === "known";
      }),
      n: z.number(),
    });
    const good = read(schema, '{"id":"known","n":1}');
    expect(good.of("complete")).toEqual([
      ["id", "known", "known"],
      ["n", 1, 1],
    ]);
    expect((await good.reader.end()).value).toEqual({ id: "known", n: 1 });
    const bad = read(schema, '{"id":"unknown","n":1}');
    expect(bad.of("invalid")).toEqual([]);
    await expect(bad.reader.end()).rejects.toThrow("id: ");
    await expect(read(schema, '{"id":"boom","n":1}').reader.end()).rejects.toThrow("no database");
    expect(asked).toBeGreaterThan(2);
  });

  test("recursive replies are told at any depth", () => {
    const Node = z.object({
      name: z.string(),
      get kids() {
        return z.array(Node).optional();
      },
    });
    const { of } = read(Node, '{"name":"a","kids":[{"name":"b","kids":[{"name":"c"}]}]}');
    expect(of("complete").map(([path]) => path)).toEqual([
      "name",
      "kids[0].name",
      "kids[0].kids[0].name",
      "kids[0].kids[0]",
      "kids[0].kids",
      "kids[0]",
      "kids",
    ]);
  });
});

describe("S35 a sketch of the reply before the reply", () => {
  test.each([
    'I shall write {"category": "billing" | "shipping", "summary": …}:\n',
    '{category: "billing" | "shipping", summary: string}\n',
    "Like { category: 'billing' or 'shipping', steps: [] }, so: ",
    'It is {"price": 1 | 2} and so on. ',
  ])("is dropped, and nothing is told of it: %s", async (sketch) => {
    for (const size of [1, 5, 1000]) {
      const { told, reader } = read(Triage, sketch + triage, { size });
      expect((await reader.end()).value).toEqual(JSON.parse(triage));
      expect(told.filter(([what, path]) => what === "complete" && path === "category")).toHaveLength(1);
    }
  });

  test("among words, a value that comes whole is told with the comma behind it; else at once", () => {
    const told = (text: string): unknown[] => read(Triage, text).of("complete");
    expect(told('{"category":"billing"')).toHaveLength(1);
    expect(told('So: {"category":"billing"  ')).toEqual([]);
    expect(told('So: {"category":"billing"  ,')).toHaveLength(1);
    expect(told('So: {"category":"billing" /* paid twice */ ,"summary":"')).toHaveLength(1);
  });

  test("a reply among words that breaks off behind such a value has told it", async () => {
    const { of, reader } = read(Triage, 'So: {"category":"billing"');
    await expect(reader.end()).rejects.toMatchObject({ code: "reply-truncated" });
    expect(of("complete")).toEqual([["category", "billing", "billing"]]);
  });
});

describe("the end of a reply", () => {
  test("gives the schema's output and what the model wrote", async () => {
    const schema = z.object({ n: z.string().transform(Number), d: z.number().default(5) });
    expect(await read(schema, '{"n":"4"}').reader.end()).toEqual({
      value: { n: 4, d: 5 },
      raw: { n: "4" },
      repairs: [],
    });
  });

  test("an invalid reply is an error with every issue and its path", async () => {
    const { reader } = read(
      z.object({ items: z.array(z.object({ "a.b": z.number() })), title: z.string() }),
      '{"items":[{"a.b":"x"}]}',
      { where: "Shop.read" },
    );
    await expect(reader.end()).rejects.toMatchObject({
      code: "reply-invalid",
      where: "Shop.read",
      what: 'The reply does not fit its schema: items[0]["a.b"]: Invalid input: expected number, received string; title: Invalid input: expected string, received undefined',
    });
  });

  test("what only the whole schema can tell is told there", async () => {
    const schema = z
      .object({ from: z.number(), to: z.number() })
      .refine(({ from, to }) => from < to, "from is after to");
    const { of, reader } = read(schema, '{"from":2,"to":1}');
    expect(of("invalid")).toEqual([]);
    await expect(reader.end()).rejects.toThrow("from is after to");
  });

  test("errors of the text reject, and say where", async () => {
    const open = read(Triage, '{"category":"billing","summ', { where: "Shop.read" }).reader;
    await expect(open.end()).rejects.toMatchObject({ code: "reply-truncated", where: "Shop.read" });
    await expect(read(Triage, "Sorry.").reader.end()).rejects.toMatchObject({ code: "reply-no-json" });
    expect(() => read(Triage, "Sorry.", { strict: true })).toThrow(expect.objectContaining({ code: "reply-syntax" }));
    expect(() => read(Triage, triage, { limits: { maxElements: 1 } })).toThrow(
      expect.objectContaining({ code: "reply-limit" }),
    );
  });

  test("a listener that throws ends the reading with its error", () => {
    const reader = readReply(Triage, {
      listener: {
        complete: () => {
          throw new RangeError("enough");
        },
      },
    });
    expect(() => reader.push('{"category":"billing"')).toThrow("enough");
    expect(() => reader.push(",")).toThrow("enough");
  });

  test.each([
    [z.string(), '"hello"', "hello"],
    [z.number(), "42", 42],
    [z.enum(["yes", "no"]), '```\n"yes"\n```', "yes"],
    [z.array(z.string()), 'As in [1]: ["x"]', ["x"]],
    [z.union([z.array(z.number()), z.object({ a: z.number() })]), '5 apples: {"a":1}', { a: 1 }],
    [z.object({ a: z.number() }).nullable(), "null", null],
    [z.object({ a: z.number().optional() }), "Nothing to say: {}", {}],
    [z.record(z.string(), z.number()), 'Scores {x}: {"bob":1}', { bob: 1 }],
  ])("the root may be anything: %#", async (schema, text, value) => {
    expect((await read(schema, text).reader.end()).value).toEqual(value);
  });

  test("a word in quotes is not the root where words come before it", async () => {
    await expect(read(z.string(), 'A "word" is not it').reader.end()).rejects.toThrow("no JSON");
  });

  test("the type of the value is the schema's output", async () => {
    const reader = readReply(z.object({ n: z.string().transform(Number) }));
    reader.push('{"n":"1"}');
    const { value } = await reader.end();
    const n: number = value.n;
    expect(n).toBe(1);
    expect(reader.closed).toBe(true);
    expect(reader.partial).toEqual({ n: "1" });
  });
});
