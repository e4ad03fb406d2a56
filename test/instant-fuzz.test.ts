// Replies as they may come: mended by nobody, cut anywhere. Nothing is thrown but a SluiceError, and nothing hangs.
import fc from "fast-check";
import { describe, expect, test } from "vitest";
import { z } from "zod";
import { SluiceError } from "../packages/core/src/error/sluice-error.ts";
import { readReply, type ReplyOptions } from "../packages/core/src/instant/reply-reader.ts";
import { cut } from "./cut.ts";

const Reply = z.object({
  title: z.string(),
  kind: z.enum(["a", "b"]).optional(),
  score: z.number().nullable().optional(),
  ok: z.boolean().optional(),
  tags: z.array(z.string()).optional(),
  items: z.array(z.object({ name: z.string(), parts: z.record(z.string(), z.unknown()) })).optional(),
});

function schemaFor({ multi = false }: ReplyOptions): z.ZodType {
  return multi ? z.array(Reply) : Reply;
}

type Told = readonly [what: string, path: string, detail: unknown];

interface Reading {
  readonly told: readonly Told[];
  readonly ending: unknown;
  readonly repairs?: unknown;
  readonly partial: unknown;
}

/** Reads a reply to its end; `told` has the pieces of one string joined. */
async function read(chunks: readonly string[], options: ReplyOptions): Promise<Reading> {
  const told: Told[] = [];
  const reader = readReply(schemaFor(options), {
    ...options,
    limits: { maxDepth: 20, maxStringChars: 200, maxKeyChars: 50, maxElements: 20, maxChars: 2_000, ...options.limits },
    listener: {
      opened: (path, _indexes, kind) => told.push(["opened", path, kind]),
      delta: (path, _indexes, text) => {
        const last = told.at(-1);
        if (last?.[0] === "delta") told.pop();
        told.push(["delta", path, `${last?.[0] === "delta" ? String(last[2]) : ""}${text}`]);
      },
      complete: (path, _indexes, value) => told.push(["complete", path, structuredClone(value)]),
      invalid: (path, _indexes, issues) => told.push(["invalid", path, issues.length]),
    },
  });
  try {
    for (const chunk of chunks) reader.push(chunk);
    const { value, repairs } = await reader.end();
    return { told, ending: value, repairs, partial: reader.partial };
  } catch (error) {
    if (!(error instanceof SluiceError)) throw error;
    return { told, ending: `${error.code}: ${error.message}`, partial: reader.partial };
  }
}

/** What is wrong with the order of what was told: one opened and one end for each value, its deltas between, children inside. */
function disorder(told: readonly Told[]): readonly Told[] {
  const open: { path: string; text: string | undefined }[] = [];
  return told.filter(([what, path, detail]) => {
    if (what === "opened") {
      open.push({ path, text: undefined });
      return false;
    }
    const top = open.at(-1);
    if (top?.path !== path) return true;
    if (what === "delta") {
      top.text = `${top.text ?? ""}${String(detail)}`;
      return false;
    }
    open.pop();
    return what === "complete" && top.text !== undefined && top.text !== detail;
  });
}

const texts = fc
  .array(
    fc.constantFrom(
      "a",
      "so ",
      "\u00e9",
      "\ud83d\ude00",
      '"',
      "'",
      "\\",
      "\n",
      "{",
      "]",
      ":",
      "//",
      "```",
      "“",
      "</think>",
    ),
  )
  .map((all) => all.join(""));
const replies = fc.record(
  {
    title: texts,
    kind: fc.constantFrom("a", "b", "c"),
    score: fc.oneof(fc.double({ noNaN: true }), fc.constant(null)),
    ok: fc.boolean(),
    tags: fc.array(texts, { maxLength: 4 }),
    items: fc.array(fc.record({ name: texts, parts: fc.dictionary(texts, fc.jsonValue({ maxDepth: 2 })) }), {
      maxLength: 3,
    }),
    other: fc.jsonValue({ maxDepth: 2 }),
  },
  { requiredKeys: ["title"] },
);
const documents = fc
  .tuple(replies, fc.constantFrom(0, 1, "\t"))
  .map(([value, indent]) => JSON.stringify(value, null, indent));
/** What models do to JSON. */
const scraps = fc.constantFrom(
  '"',
  "'",
  "“",
  "”",
  "‘",
  "\\",
  "{",
  "}",
  "[",
  "]",
  ",",
  ":",
  "/",
  "//",
  "/*",
  "*/",
  "#",
  "\n",
  "\u0000",
  "\u00a0",
  "True",
  "None",
  "NaN",
  "nul",
  "1e",
  "-",
  ".",
  "title:",
  "__proto__",
  "\ud83d",
  "\\ud83d",
  "\\u0",
  "<think>",
  "```json\n",
);
const mutatedOnce = fc
  .tuple(
    fc.constantFrom("", "Here: ", "<think>{}</think>", "```json\n", "{x} ", "{'"),
    documents,
    fc.array(fc.tuple(fc.nat(), fc.integer({ min: 0, max: 3 }), scraps), { maxLength: 5 }),
    fc.option(fc.nat(), { freq: 3 }),
    fc.constantFrom("", "\n```\n", " {}", "]"),
  )
  .map(([before, text, edits, end, after]) => {
    const edited = edits.reduce((now, [place, removed, scrap]) => {
      const at = place % (now.length + 1);
      return now.slice(0, at) + scrap + now.slice(at + removed);
    }, text);
    return before + (end === null ? edited + after : edited.slice(0, end % (edited.length + 1)));
  });
const mutated = fc
  .tuple(mutatedOnce, fc.option(mutatedOnce))
  .map(([one, other]) => (other === null ? one : `${one}\n${other}`));
const sizes = fc.array(fc.integer({ min: 1, max: 90 }), { minLength: 1, maxLength: 6 });
const modes = fc.constantFrom<ReplyOptions>(
  {},
  { strict: true },
  { guess: ["inner-quotes"] },
  { guess: ["brackets", "inner-quotes"] },
  { multi: true },
  { multi: true, strict: true },
  { multi: true, guess: ["brackets", "inner-quotes"] },
);
const halfPair = /[\ud800-\udfff]/u;

const bothGuesses: ReplyOptions = { guess: ["brackets", "inner-quotes"] };
/** One candidate that is mended and breaks off, and another behind it. */
const secondCandidates = [
  '{\n\t""title": "a",\n\t"kind": "a",\n\t"score": 2.464940031764942e-1\n{"title":""}',
  '"{"title"\n{"title":"","kind":"a","score":-2 .831406191743629e-237,"tags":[]}',
];

describe("mutated and truncated replies", () => {
  test("S32 any chunking tells the same, ends alike, and mends the same", async () => {
    await fc.assert(
      fc.asyncProperty(mutated, sizes, modes, async (text, pieces, mode) => {
        expect(await read(cut(text, pieces), mode)).toEqual(await read([text], mode));
      }),
      {
        numRuns: 1_500,
        examples: secondCandidates.map((text): [string, number[], ReplyOptions] => [text, [1], bothGuesses]),
      },
    );
  });

  test("S33 each value is opened once, its deltas join to it, and it ends at most once, children first", async () => {
    await fc.assert(
      fc.asyncProperty(mutated, sizes, modes, async (text, pieces, mode) => {
        const { told } = await read(cut(text, pieces), mode);
        expect(disorder(told)).toEqual([]);
      }),
      { numRuns: 1_000 },
    );
  });

  test("S33 a reply that breaks off completes nothing that was open, and shows what is there", async () => {
    await fc.assert(
      fc.asyncProperty(documents, fc.nat(), sizes, async (text, end, pieces) => {
        const part = text.slice(0, end % text.length);
        const { told, ending, partial } = await read(cut(part, pieces), {
          limits: { maxStringChars: 10_000, maxChars: 99_999 },
        });
        expect(ending).toMatch(/^reply-(truncated|no-json): /);
        const whole = JSON.parse(text) as Record<string, unknown>;
        const complete = told.filter(([what, path]) => what === "complete" && path in whole);
        expect(complete.filter(([, path, value]) => JSON.stringify(value) !== JSON.stringify(whole[path]))).toEqual([]);
        for (const [, path, value] of complete) expect(partial).toHaveProperty([path], value);
      }),
      { numRuns: 500 },
    );
  });

  test("S33 no delta has half a pair in it where the text has none", async () => {
    await fc.assert(
      fc.asyncProperty(documents, sizes, modes, async (text, pieces, mode) => {
        fc.pre(!halfPair.test(text));
        const torn: string[] = [];
        const reader = readReply(schemaFor(mode), {
          ...mode,
          listener: { delta: (_path, _indexes, piece) => void (halfPair.test(piece) && torn.push(piece)) },
        });
        for (const chunk of cut(text, pieces)) reader.push(chunk);
        expect(torn).toEqual([]);
      }),
    );
  });
});

test("S35 tolerant reading of JSON is strict reading, with nothing mended", async () => {
  await fc.assert(
    fc.asyncProperty(documents, sizes, async (text, pieces) => {
      const tolerant = await read(cut(text, pieces), {});
      expect(tolerant).toEqual(await read(cut(text, pieces), { strict: true }));
      expect(tolerant.repairs ?? []).toEqual([]);
    }),
    { numRuns: 500 },
  );
});

test("S38 marks that open something, a hundred thousand of them, are read in time linear in them", () => {
  for (const unit of [
    "'",
    "{'",
    '["',
    "/*",
    "{/*",
    "[//",
    "{#\n",
    ",",
    "[,",
    "{a:",
    "[1 ",
    "[True,",
    "\\",
    '{"\\u',
    "“",
    "{\u00a0",
    "]",
    '"\n',
  ]) {
    for (const opener of ["", '{"title":[', '{"title":"', "{title:'", "many "]) {
      const multi = opener === "many ";
      const reader = readReply(schemaFor({ multi }), { guess: ["inner-quotes", "brackets"], multi });
      const text = opener + unit.repeat(100_000);
      // were each read to the end, this test would run into its time limit
      const outcome = ((): unknown => {
        try {
          for (const chunk of cut(text, [4_096])) reader.push(chunk);
          return "open";
        } catch (error) {
          return error;
        }
      })();
      expect(outcome === "open" || outcome instanceof SluiceError).toBe(true);
    }
  }
});

test("S38 brackets that are wrong, a hundred thousand of them, are mended in time linear in them, however deep", () => {
  for (const [begin, open, wrong, schema] of [
    ["[1,", "[", "}", z.array(z.unknown())],
    ['{"a":1,"b":', '{"a":', "]", z.looseObject({ a: z.unknown() })],
  ] as const) {
    const reader = readReply(schema, { guess: ["brackets"], limits: { maxDepth: 200_000 } });
    // were the brackets above looked through for each, this test would run into its time limit
    reader.push(`${begin}${open.repeat(100_000)}1${wrong.repeat(100_001)}`);
    expect(reader.closed).toBe(true);
  }
});
