import {
  after,
  compile,
  defineFlow,
  flow,
  gather,
  instant,
  parseReply,
  run,
  start,
  toAsyncIterable,
} from "@sluice/core";
import { itemsOf, logOf } from "@sluice/testing";
import fc from "fast-check";
import { describe, expect, test } from "vitest";
import { z } from "zod";
import { SluiceError } from "../packages/core/src/error/sluice-error.ts";
import { readReply, type ReplyOptions } from "../packages/core/src/instant/reply-reader.ts";
import { cut } from "./cut.ts";

const Item = z.object({ name: z.string(), n: z.number().optional(), tags: z.array(z.string()).optional() });
const Items = z.array(Item);

interface Reading {
  readonly told: readonly unknown[];
  readonly ending: unknown;
  readonly partial: unknown;
}

/** What a reader tells of the chunks of a text, pieces of strings joined, and how it ends. */
async function read(
  chunks: readonly string[],
  options: ReplyOptions = {},
  schema: z.ZodType = Items,
): Promise<Reading> {
  const told: unknown[][] = [];
  const reader = readReply(schema, {
    multi: true,
    ...options,
    listener: {
      opened: (path, indexes, kind) => told.push(["opened", path, indexes, kind]),
      delta: (path, indexes, text) => {
        const last = told.at(-1);
        if (last?.[0] === "delta") told.pop();
        told.push(["delta", path, indexes, `${last?.[0] === "delta" ? String(last[3]) : ""}${text}`]);
      },
      complete: (path, indexes, value) => told.push(["complete", path, indexes, structuredClone(value)]),
      invalid: (path) => told.push(["invalid", path]),
    },
  });
  try {
    for (const chunk of chunks) reader.push(chunk);
    const { value } = await reader.end();
    return { told, ending: value, partial: reader.partial };
  } catch (error) {
    if (!(error instanceof SluiceError)) throw error;
    return { told, ending: `${error.code}: ${error.message}`, partial: reader.partial };
  }
}

const paths = ({ told }: Reading, what: string): unknown[] =>
  told.flatMap((one) => (Array.isArray(one) && one[0] === what ? [one[1]] : []));

const sizes = fc.array(fc.integer({ min: 1, max: 90 }), { minLength: 1, maxLength: 6 });
const items = fc.array(
  fc.record(
    { name: fc.string(), n: fc.double({ noDefaultInfinity: true, noNaN: true }), tags: fc.array(fc.string()) },
    { requiredKeys: ["name"] },
  ),
);
const prose = fc.constantFrom("", "\n", ", ", "\n```\nand [1] {more}:\n```json\n", ' <think>{"name":1}</think> ');

describe("several documents in one text", () => {
  test.each([
    ["lines", '{"name":"a"}\n{"name":"b"}\n'],
    ["objects without anything between them", '{"name":"a"}{"name":"b"}'],
  ])("S35 strict, %s are the elements of one array", async (_what, text) => {
    const reading = await read(cut(text, [3]), { strict: true });
    expect(reading.ending).toEqual([{ name: "a" }, { name: "b" }]);
    expect(paths(reading, "complete")).toEqual(["[0].name", "[0]", "[1].name", "[1]"]);
    expect(paths(reading, "opened")).toEqual(["", "[0]", "[0].name", "[1]", "[1].name"]);
  });

  test.each([true, false])("S32 S35 joined elements tell what their array tells, strict: %s", async (strict) => {
    await fc.assert(
      fc.asyncProperty(items, fc.constantFrom("\n", "", " \r\n\t"), sizes, async (list, between, pieces) => {
        const text = list.map((item) => JSON.stringify(item)).join(between);
        const { told, ending } = await read([JSON.stringify(list)], { strict, multi: false });
        expect(await read(cut(text, pieces), { strict })).toEqual({ told, ending, partial: ending });
      }),
    );
  });

  test.each([
    ["numbers", z.array(z.number()), fc.array(fc.integer())],
    ["strings", z.array(z.string()), fc.array(fc.string())],
    ["lists", z.array(z.array(z.union([z.boolean(), z.null()]))), fc.array(fc.array(fc.option(fc.boolean())))],
    ["anything", z.array(z.unknown()), fc.array(fc.jsonValue())],
  ] as const)("S35 %s, one a line, are read like their array", async (_what, schema, lists) => {
    const property = fc.asyncProperty(fc.boolean(), lists, sizes, async (strict, list: unknown[], pieces) => {
      const lines = list.map((item) => JSON.stringify(item)).join("\n");
      const { told, ending } = await read([JSON.stringify(list)], { strict: true, multi: false }, schema);
      expect(await read(cut(lines, pieces), { strict }, schema)).toEqual({ told, ending, partial: ending });
    });
    await fc.assert(property);
  });

  test("S35 prose, fences, commas and reasoning may stand between them, cut anywhere", async () => {
    const property = fc.asyncProperty(items, fc.array(prose, { minLength: 1 }), sizes, async (list, parts, pieces) => {
      const text = list.map((item, index) => `${parts[index % parts.length]}${JSON.stringify(item)}`).join(" ");
      const { told, ending } = await read([JSON.stringify(list)], { multi: false });
      expect(await read(cut(`${text} So far.`.repeat(list.length > 0 ? 1 : 0), pieces))).toEqual({
        told,
        ending,
        partial: ending,
      });
    });
    await fc.assert(property);
  });

  test("S35 an array that was written all the same gives its elements", async () => {
    expect((await read(['Here: [{"name":"a"}, {"name":"b"}]'])).ending).toEqual([{ name: "a" }, { name: "b" }]);
  });

  test("S35 each document may be mended, and offsets are those of the text", async () => {
    const reader = readReply(Items, { multi: true });
    reader.push('{name: "a"}\n{"name": "b",}\n');
    expect(await reader.end()).toEqual({
      value: [{ name: "a" }, { name: "b" }],
      raw: [{ name: "a" }, { name: "b" }],
      repairs: [
        { rule: "unquoted-key", offset: 1 },
        { rule: "extra-comma", offset: 25 },
      ],
    });
  });

  test("S34 a document in which nothing is known is an element, too, and told as what it is", async () => {
    const reading = await read(['{"name":"a"}\n{"nmae":"b"}\n{"name":"c"}']);
    expect(paths(reading, "complete")).toEqual(["[0].name", "[0]", "[2].name", "[2]"]);
    expect(paths(reading, "invalid")).toEqual(["[1]"]);
    expect(reading.ending).toContain("reply-invalid");
  });

  test.each(['{"name":"a"}\n{"name":"b', '{"name":"a"}\n{"na'])(
    "S33 what is open when the text ends is never complete: %s",
    async (text) => {
      for (const strict of [true, false]) {
        const reading = await read(cut(text, [4]), { strict });
        expect(reading.ending).toMatch(/^reply-truncated: .*"\[1\]/);
        expect(paths(reading, "complete")).toEqual(["[0].name", "[0]"]);
      }
    },
  );

  test("S35 a text without a document is an empty array where it is blank, and else has no JSON", async () => {
    expect(await read(["", " \n", "\t"], { strict: true })).toMatchObject({ ending: [], partial: [] });
    expect(await read(["", " \n", "\t"])).toMatchObject({
      ending: [],
      partial: [],
      told: [["opened", "", [], "array"]],
    });
    expect((await read(["There is ", "nothing."])).ending).toMatch(
      /^reply-no-json: .*begins with "There is nothing\."/,
    );
  });

  test("S35 strict, nothing but white space may stand between them", async () => {
    expect((await read(['{"name":"a"},{"name":"b"}'], { strict: true })).ending).toMatch(
      /^reply-syntax: .*expected a value, got ","/,
    );
  });

  test.each([true, false])("S38 the limits hold for the whole text, cut anywhere, strict: %s", async (strict) => {
    const text = '{"name":"a"}\n{"name":"b"}\n{"name":"c"}';
    for (const limits of [{ maxElements: 2 }, { maxChars: 30 }, { maxDepth: 1 }]) {
      const whole = await read([text], { strict, limits });
      expect(whole.ending).toContain(`reply-limit: `);
      await fc.assert(
        fc.asyncProperty(sizes, async (pieces) => {
          expect(await read(cut(text, pieces), { strict, limits })).toEqual(whole);
        }),
        { numRuns: 20 },
      );
    }
    const wordy = `${"so ".repeat(20)}${text}${" so".repeat(20)}`;
    expect((await read(cut(wordy, [7]), { limits: { maxProseChars: 125 } })).ending).toHaveLength(3);
    expect((await read(cut(wordy, [7]), { limits: { maxProseChars: 100 } })).ending).toContain("reply-limit");
  });

  test("S32 a hundred thousand documents in one chunk take time linear in them", async () => {
    const text = '{"name":"a"}'.repeat(100_000);
    expect((await read([text], { listener: {} })).ending).toHaveLength(100_000);
  });

  test("a reply of several documents whose schema is no array is refused, compiled or read", async () => {
    const Wrong = instant("items", Item, { multi: true });
    const spec = defineFlow({ name: "reader", input: z.number() });
    const reader = flow(spec).chunk("read", start, async (_input, ctx) => void (await ctx.instant(Wrong, [])));
    expect(() => compile(reader.chunk("name", Wrong.field("name"), () => {}))).toThrow(
      expect.objectContaining({
        problems: [expect.objectContaining({ code: "option-invalid", where: "reader.name" })],
      }) as Error,
    );
    await expect(run(reader, 0).result).rejects.toMatchObject({ code: "multi-no-array", where: "reader.read" });
    expect(() => parseReply(Wrong, [])).toThrow(
      expect.objectContaining({ code: "multi-no-array", where: "items" }) as Error,
    );
  });

  test("wrappers around the array do not matter", async () => {
    const Count = instant(
      "count",
      z.lazy(() => Items.transform((list) => list.length)),
      { multi: true },
    );
    expect(await parseReply(Count, ['{"name":"a"}{"name":"b"}']).done).toBe(2);
  });
});

describe("several documents in a flow", () => {
  const List = instant("list", Items, { multi: true });
  const spec = defineFlow({ name: "reader", input: z.array(z.string()), result: z.array(z.string()) });
  const it = flow(spec)
    .chunk("read", start, async (pieces, ctx) => {
      await ctx.instant(List, pieces);
    })
    .chunk("one", List.field("[*]"), ({ name }) => name)
    .chunk("third", List.field("[2].name"), () => {})
    .chunk("all", gather("one"), (names, ctx) => ctx.setResult(names))
    .chunk("whole", List.done, () => {})
    .chunk("last", after("whole"), () => {});

  test("each opens a lane of its own, and what they come to is gathered when the text ends", async () => {
    const lines = '{"name":"a"}\n{"name":"b"}\n{"name":"c"}\n';
    const entries = await logOf(run(it, cut(lines, [5])));
    expect(entries.at(-1)).toMatchObject({ type: "flow:completed", result: ["a", "b", "c"] });
    const started = entries.flatMap((entry) => (entry.type === "chunk:start" ? [[entry.chunk, entry.lane]] : []));
    expect(started).toContainEqual(["third", "/"]);
    expect(started.filter(([chunk]) => chunk === "one")).toHaveLength(3);
    const complete = entries.findIndex(({ type }) => type === "reply:complete");
    const gathered = entries.findIndex((entry) => entry.type === "chunk:start" && entry.chunk === "all");
    expect(complete).toBeGreaterThan(0);
    expect(gathered).toBeGreaterThan(complete);
  });

  test("a text without any is a reply all the same", async () => {
    const entries = await logOf(run(it, ["\n"]));
    expect(entries).toContainEqual(expect.objectContaining({ type: "chunk:start", chunk: "whole", input: [] }));
  });

  test("read outside of a flow, they show one after the other", async () => {
    const reading = parseReply(List, ['{"name":"a"}\n{"na', 'me":"b","n":', "1}"]);
    const pictures = itemsOf(toAsyncIterable(reading.snapshot$));
    expect(await itemsOf(toAsyncIterable(reading.value$("[*].name")))).toEqual(["a", "b"]);
    expect(await reading.done).toEqual([{ name: "a" }, { name: "b", n: 1 }]);
    expect(await pictures).toEqual([
      [{ name: "a" }],
      [{ name: "a" }, { name: "b" }],
      [{ name: "a" }, { name: "b", n: 1 }],
      [{ name: "a" }, { name: "b", n: 1 }], // now it is known to be all
    ]);
  });
});
