import fc from "fast-check";
import { describe, expect, test } from "vitest";
import { SluiceError } from "../packages/core/src/error/sluice-error.ts";
import type { FieldNode } from "../packages/core/src/instant/field-node.ts";
import { matchesPath, parsePath } from "../packages/core/src/schema/field-path.ts";
import { createParser, type ParserOptions } from "../packages/core/src/instant/parser.ts";
import { cut } from "./cut.ts";

/** What a listener was told: its path, and what else there was to tell. */
type Told = readonly [what: string, path: string, ...rest: unknown[]];

/** Listens everywhere, or only under the names given for the root. */
function recorder(names?: readonly string[]): { node: FieldNode; told: Told[] } {
  const told: Told[] = [];
  const node = (isRoot: boolean): FieldNode => ({
    opened: (at, kind) => told.push(["opened", at.path, kind, at.offset]),
    delta: (at, text) => told.push(["delta", at.path, text]),
    complete: (at, value) => told.push(["complete", at.path, structuredClone(value), at.offset, [...at.indexes]]),
    key: (name) => (isRoot && names !== undefined && !names.includes(name) ? undefined : anywhere),
    index: () => anywhere,
  });
  const anywhere = node(false);
  return { node: node(true), told };
}

interface Outcome {
  readonly told: readonly Told[];
  readonly value?: unknown;
  readonly error?: string;
}

function parse(chunks: readonly string[], options: ParserOptions = {}, names?: readonly string[]): Outcome {
  const { node, told } = recorder(names);
  const parser = createParser(node, options);
  try {
    for (const chunk of chunks) parser.push(chunk);
    return { told, value: parser.end() };
  } catch (error) {
    if (!(error instanceof SluiceError)) throw error;
    return { told, error: `${error.code}: ${error.message}` };
  }
}

/** Pieces of one string's text joined, so that two chunkings can be compared. */
function joined(told: readonly Told[]): readonly Told[] {
  const result: Told[] = [];
  for (const one of told) {
    const last = result.at(-1);
    if (one[0] === "delta" && last?.[0] === "delta" && last[1] === one[1]) {
      result[result.length - 1] = ["delta", one[1], `${String(last[2])}${String(one[2])}`];
    } else result.push(one);
  }
  return result;
}

function hexEscape(unit: string): string {
  return `\\u${unit.charCodeAt(0).toString(16).padStart(4, "0")}`;
}

function parsedByPlatform(text: string): { value: unknown; isError: boolean } {
  try {
    return { value: JSON.parse(text), isError: false };
  } catch {
    return { value: undefined, isError: true };
  }
}

/** A surrogate without its other half. */
const halfPair = /[\ud800-\udfff]/u;

const sizes = fc.array(fc.integer({ min: 1, max: 12 }), { minLength: 1, maxLength: 6 });
/** JSON as models write it: any value, indented or not, some characters as escapes. */
const documents = fc
  .tuple(fc.jsonValue({ maxDepth: 4 }), fc.constantFrom(0, 2), fc.boolean())
  .map(([value, indent, escapes]) => {
    const text = JSON.stringify(value, null, indent);
    const literal = /"(?:[^"\\]|\\.)*"/g;
    return escapes ? text.replace(literal, (all) => all.replaceAll(/(?<!\\)[aeu]/g, hexEscape)) : text;
  });
const scraps = fc.constantFrom(
  '"',
  "\\",
  "{",
  "}",
  "[",
  "]",
  ",",
  ":",
  "0",
  "-",
  ".",
  "e",
  "true",
  "nul",
  " ",
  "\n",
  "\u0001",
  "\ud83d",
  "'",
  "\ufeff",
);
const mutated = fc
  .tuple(
    documents,
    fc.array(fc.tuple(fc.nat(), fc.integer({ min: 0, max: 2 }), scraps), { minLength: 1, maxLength: 3 }),
  )
  .map(([text, edits]) =>
    edits.reduce((before, [place, removed, scrap]) => {
      const at = place % (before.length + 1);
      return before.slice(0, at) + scrap + before.slice(at + removed);
    }, text),
  );

describe("strict", () => {
  const strict = { strict: true, limits: { maxDepth: 10_000 } };

  test("accepts JSON as JSON.parse does, with the same value", () => {
    fc.assert(
      fc.property(documents, sizes, (text, chunking) => {
        expect(parse(cut(text, chunking), strict).value).toStrictEqual(JSON.parse(text));
      }),
    );
  });

  test("refuses what JSON.parse refuses, at the same character for every chunking", () => {
    fc.assert(
      fc.property(mutated, sizes, (text, chunking) => {
        const inPieces = parse(cut(text, chunking), strict);
        const atOnce = parse([text], strict);
        expect({ ...inPieces, told: joined(inPieces.told) }).toStrictEqual({ ...atOnce, told: joined(atOnce.told) });
        expect({ value: atOnce.value, isError: atOnce.error !== undefined }).toStrictEqual(parsedByPlatform(text));
      }),
      { numRuns: 400 },
    );
  });

  test.each([
    "[1,]",
    "[,1]",
    "[1 2]",
    '{"a":1,}',
    '{"a" 1}',
    "{a:1}",
    "{'a':1}",
    '{"a":1 "b":2}',
    '["a',
    "[",
    "{",
    '{"a"',
    '{"a":',
    "01",
    "-",
    "-01",
    "1.",
    ".5",
    "1e",
    "1e+",
    "+1",
    "0x1",
    "1_0",
    "NaN",
    "Infinity",
    "nul",
    "truE",
    "tru",
    "True",
    "undefined",
    '"\\x"',
    '"\\u00g0"',
    '"\\u12"',
    '"a\nb"',
    '"\t"',
    '"\u0000"',
    '"',
    "'a'",
    '"a" b',
    "1 2",
    "[]]",
    "{}}",
    "/**/1",
    "\ufeff1",
    "\u00a01",
    "",
    " ",
  ])("refuses %j", (text) => {
    expect(parsedByPlatform(text).isError).toBe(true);
    expect(parse(cut(text, [1]), strict).error).toMatch(/^reply-/);
    expect(parse(cut(text, [1]), strict).error).toBe(parse([text], strict).error);
  });

  test.each([
    "0",
    "-0",
    "1E400",
    "1e-400",
    "123456789012345678901",
    "-1.5e+3",
    " null ",
    '"\\ud83d"',
    '"\\udc00\\ud83d"',
    '"\u007f\u2028"',
    '{"a":1,"b":2,"a":3}',
    '{"":{"":[]}}',
    '"\\/\\b\\f\\n\\r\\t\\"\\\\"',
    "[[[]],{}]",
    '{"10":1,"2":2,"a":3}',
  ])("reads %j like JSON.parse", (text) => {
    const { value } = parse(cut(text, [1]), strict);
    expect(value).toStrictEqual(JSON.parse(text));
    expect(JSON.stringify(value)).toBe(JSON.stringify(JSON.parse(text)));
  });

  test("names what was expected, where, and the text before it", () => {
    expect(parse(cut('{"steps": ["one" "two"]}', [5]), strict).error).toBe(
      String.raw`reply-syntax: The reply is not JSON: expected "," or "]", got "\"" at character 17, in "{\"steps\": [\"one\" \"". Ask the model again, or for structured output, which can only be JSON`,
    );
  });
});

describe("S32 any chunking of a reply gives the same fields", () => {
  test("events and value do not depend on the chunks, but for the borders of deltas", () => {
    fc.assert(
      fc.property(documents, sizes, (text, chunking) => {
        const inPieces = parse(cut(text, chunking));
        const atOnce = parse([text]);
        expect(joined(inPieces.told)).toEqual(joined(atOnce.told));
        expect(inPieces.value).toStrictEqual(atOnce.value);
      }),
    );
  });

  test("in prose neither, nor which candidate is the root, nor the error", () => {
    const scrap = fc.constantFrom(
      "{",
      "}",
      "[",
      "]",
      '"',
      ":",
      '{"a":',
      '{"b":1}',
      "1",
      " so ",
      "<think>",
      "</think>",
      "```json\n",
      '[{"a":"s"}]',
      '{"\\u00',
      '{"b":"\\n',
      "\\",
    );
    const replies = fc.array(scrap, { maxLength: 20 }).map((all) => all.join(""));
    fc.assert(
      fc.property(
        replies,
        sizes,
        fc.constantFrom("object" as const, "array" as const, "any" as const),
        (text, chunking, root) => {
          const inPieces = parse(cut(text, chunking), { root }, ["a"]);
          const atOnce = parse([text], { root }, ["a"]);
          expect({ ...inPieces, told: joined(inPieces.told) }).toEqual({ ...atOnce, told: joined(atOnce.told) });
        },
      ),
      { numRuns: 400 },
    );
  });

  test("text in which every character could begin the root costs no more than its length", () => {
    for (const unit of ["{", '{"', '{"b":[', "<think", '{"b":{}}']) {
      // if each were read to the end, this test would run into its time limit
      const { told } = parse([unit.repeat(50_000)], { root: "object", limits: { maxDepth: 1_000_000 } }, ["a"]);
      expect(told.length).toBeLessThan(3);
    }
  });
});

describe("S32 time is linear in a chunk", () => {
  test("a string of escapes costs no more than its length", () => {
    // if the end of the string were looked for at each escape, this test would run into its time limit
    const parser = createParser(undefined, { strict: true });
    parser.push(`["${"\\n".repeat(2_000_000)}`);
    parser.push('"]');
    expect(parser.end()).toEqual(["\n".repeat(2_000_000)]);
  });
});

describe("S33 the order of a field's signals", () => {
  test("one opened, deltas that join to the value, one complete; children before their container", () => {
    fc.assert(
      fc.property(documents, sizes, (text, chunking) => {
        const { told, value } = parse(cut(text, chunking));
        const open: { path: string; text: string }[] = [];
        const amiss: Told[] = [];
        for (const one of told) {
          const [what, path, detail] = one;
          if (what === "opened") open.push({ path, text: "" });
          const top = open.at(-1);
          if (top?.path !== path) amiss.push(one);
          if (what === "delta" && top !== undefined) top.text += String(detail);
          if (what !== "complete") continue;
          if (typeof detail === "string" && top?.text !== detail) amiss.push(one);
          open.pop();
        }
        expect({ amiss, open }).toEqual({ amiss: [], open: [] });
        expect(told.at(-1)?.slice(0, 3)).toEqual(["complete", "", value]);
      }),
    );
  });

  test("I1 a string that is cut is whole, and a number comes once", () => {
    const { told } = parse(['{"n":5,"t":"Hel', "lo wor", 'ld"}'], {}, ["n", "t"]);
    expect(told).toEqual([
      ["opened", "", "object", 0],
      ["opened", "n", "number", 5],
      ["complete", "n", 5, 6, []],
      ["opened", "t", "string", 11],
      ["delta", "t", "Hel"],
      ["delta", "t", "lo wor"],
      ["delta", "t", "ld"],
      ["complete", "t", "Hello world", 24, []],
      ["complete", "", { n: 5, t: "Hello world" }, 25, []],
    ]);
  });

  test("I2 keys that are cut are whole", () => {
    const { told } = parse(['{"ti', 'tle":"H', 'i","ti', 'ps":["a', ' b"]}']);
    expect(told.map(([what, path]) => `${what} ${path}`)).toEqual([
      "opened ",
      "opened title",
      "delta title",
      "delta title",
      "complete title",
      "opened tips",
      "opened tips[0]",
      "delta tips[0]",
      "delta tips[0]",
      "complete tips[0]",
      "complete tips",
      "complete ",
    ]);
  });

  test("I4 an element is complete at its closing brace", () => {
    const { node, told } = recorder();
    const parser = createParser(node, { root: "object" });
    parser.push('{"items":[{"id":1}');
    expect(told.at(-1)).toEqual(["complete", "items[0]", { id: 1 }, 18, [0]]);
    expect(parser.closed).toBe(false);
    parser.push("]}");
    expect(parser.closed).toBe(true);
  });

  test("I6 half a surrogate pair or half an escape is held back until it is whole", () => {
    const deltas = (...chunks: string[]) =>
      parse(chunks).told.flatMap(([what, , text]) => (what === "delta" ? [text] : []));
    expect(deltas('["a\ud83d', '\ude00b"]')).toEqual(["a", "\ud83d\ude00b"]);
    expect(deltas('["a\\ud8', "3d", "\\ude", '00"]')).toEqual(["a", "\ud83d\ude00"]);
    expect(deltas('["\\u00', 'e9"]')).toEqual(["\u00e9"]);
    expect(deltas('["x\\', 'n"]')).toEqual(["x", "\n"]);
    expect(deltas('["x\ud83d', '"]')).toEqual(["x", "\ud83d"]);
  });

  test("no delta has half a pair, unless the string itself has", () => {
    const texts = fc
      .array(fc.constantFrom("a", "\ud83d\ude00", "\u00e9", '"', "\n", "\u{20000}"))
      .map((all) => all.join(""));
    fc.assert(
      fc.property(texts, fc.boolean(), sizes, (text, escapes, chunking) => {
        const json = escapes ? JSON.stringify(text).replaceAll(/[^ -~]/g, hexEscape) : JSON.stringify(text);
        const deltas = parse(cut(`[${json}]`, chunking)).told.filter(([what]) => what === "delta");
        expect(deltas.filter(([, , delta]) => halfPair.test(String(delta)))).toEqual([]);
      }),
    );
  });

  test.each(['{"ok": tru', '{"ok": 12', '{"ok": -', '{"ok": nul', '{"o'])(
    "I8 nothing is known of ok after %j",
    (text) => {
      const { node, told } = recorder();
      const parser = createParser(node, { root: "object", strict: true });
      parser.push(text);
      expect(told).toEqual([["opened", "", "object", 0]]);
      expect(parser.partial).toEqual({});
      expect(() => parser.end()).toThrow(/ended after \d+ characters/);
    },
  );

  test("a number is complete when something else follows, and at the root when the text ends", () => {
    const { node, told } = recorder();
    const parser = createParser(node, { strict: true });
    parser.push("1");
    parser.push("2");
    expect(told).toEqual([]);
    expect(parser.end()).toBe(12);
    expect(told).toEqual([
      ["opened", "", "number", 0],
      ["complete", "", 12, 2, []],
    ]);
  });

  test("I7 paths are unambiguous, and __proto__ is a key like any other", () => {
    const text = '{"a.b":{"c[0]":1},"":[2],"*":3,"q\\"":4,"__proto__":{"x":5},"plain":[[6]]}';
    const { told, value } = parse(cut(text, [3]));
    const paths = told.flatMap(([what, path]) => (what === "complete" ? [path] : []));
    expect(paths).toEqual([
      '["a.b"]["c[0]"]',
      '["a.b"]',
      '[""][0]',
      '[""]',
      '["*"]',
      String.raw`["q\""]`,
      "__proto__.x",
      "__proto__",
      "plain[0][0]",
      "plain[0]",
      "plain",
      "",
    ]);
    expect(value).toStrictEqual(JSON.parse(text));
    expect(Object.getPrototypeOf(value)).toBe(Object.prototype);
    for (const path of paths) expect(matchesPath(path)(path)).toBe(true);
    expect(parsePath(String.raw`["q\""]`)).toEqual([{ kind: "key", name: 'q"' }]);
  });

  test("of a key that comes twice the later value counts", () => {
    expect(parse(cut('{"a":[1],"b":2,"a":"x"}', [2])).value).toEqual({ a: "x", b: 2 });
  });

  test("the partial value shows open strings and closed values, and grows in place", () => {
    const parser = createParser(undefined, { strict: true });
    parser.push('{"a":{"b":["x","hal');
    expect(parser.partial).toEqual({ a: { b: ["x", "hal"] } });
    const before = parser.partial;
    parser.push('f"],"c');
    expect(parser.partial).toEqual({ a: { b: ["x", "half"] } });
    parser.push('":1}}');
    expect(parser.partial).toBe(before);
    expect(parser.end()).toEqual({ a: { b: ["x", "half"], c: 1 } });
  });

  test("reading the partial value changes nothing", () => {
    fc.assert(
      fc.property(documents, sizes, (text, chunking) => {
        const parser = createParser(undefined, { strict: true });
        for (const chunk of cut(text, chunking)) {
          parser.push(chunk);
          JSON.stringify(parser.partial);
        }
        expect(parser.end()).toStrictEqual(JSON.parse(text));
      }),
    );
  });
});

describe("S35 what stands around the JSON", () => {
  test("I3 prose, other brackets and reasoning before it are passed over", () => {
    const { value, told } = parse(cut(`Here's [1] <think>{x}</think> then {"a":1}`, [3]), { root: "object" });
    expect(value).toEqual({ a: 1 });
    expect(told.map(([what, path]) => `${what} ${path}`)).toEqual(["opened ", "opened a", "complete a", "complete "]);
  });

  test.each([
    ["a fence", '```json\n{"a": 1}\n```\nThat is all. {"a": 2}'],
    ["a byte order mark", '\ufeff{"a":1}'],
    ["sets and placeholders", 'Of {x, y} and {"a", "b"}, in the form {"a": <number>}: {"a":1}'],
    ["a brace that is never closed", 'Use { and {" like so: {"a":1}'],
    ["JSON about something else", 'Not {"b": 2}, nor {}, but {"a":1}'],
    ["reasoning with an answer in it", '<thinking>{"a": 2}</thinking><think>{"a": 3}</think>{"a":1}'],
    ["half a tag", '<<think>{"a":2}</thin</think>{"a":1}'],
  ])("%s is passed over", (_what, text) => {
    expect(parse(cut(text, [4]), { root: "object" }, ["a"]).value).toEqual({ a: 1 });
  });

  test("a fence inside a string is data", () => {
    const code = "```js\nrun();\n```";
    expect(parse(cut(`\`\`\`json\n${JSON.stringify({ a: code })}\n\`\`\``, [5]), { root: "object" }).value).toEqual({
      a: code,
    });
  });

  test("an array is looked for where the schema is one", () => {
    expect(parse(cut('A {"a":1} in [x]: [{"a":2}]', [2]), { root: "array" }).value).toEqual([{ a: 2 }]);
  });

  test("an element that the nodes do not expect does not begin the root", () => {
    const element: FieldNode = { expects: (kind) => kind === "string", key: () => undefined, index: () => undefined };
    const parser = createParser({ key: () => undefined, index: () => element }, { root: "array" });
    for (const chunk of cut('As in [1]: ["x"]', [3])) parser.push(chunk);
    expect(parser.end()).toEqual(["x"]);
  });

  test.each(['"x"', "12", "true", '```\n"x"\n```', "<think>5</think> null"])(
    "a bare %s may be the root of any schema",
    (text) => {
      expect(parse(cut(text, [2])).error).toBeUndefined();
    },
  );

  test("a document in which nothing is known is the root if nothing better comes", () => {
    expect(parse(['First {}, then {"b":1} and {"c":2}'], { root: "object" }, ["a"]).value).toEqual({ b: 1 });
    const { told, value } = parse(["[]"], { root: "array" });
    expect(value).toEqual([]);
    expect(told.map(([what]) => what)).toEqual(["opened", "complete"]);
  });

  test("a candidate sends nothing before something in it is known", () => {
    const { node, told } = recorder(["a"]);
    const parser = createParser(node, { root: "object" });
    parser.push('{"b":{"c":"text"}, "a"');
    expect(told).toEqual([]);
    parser.push(':"x');
    expect(told.map(([what, path]) => `${what} ${path}`)).toEqual(["opened ", "opened a", "delta a"]);
  });

  test.each([
    [
      "I cannot help with that, for reasons that are long.",
      `it begins with "I cannot help with that, for reasons tha"`,
    ],
    ["", "it is empty"],
    ['<think>{"a":1}', "ended while the model was still reasoning"],
  ])("text without JSON is an error with its beginning: %j", (text, words) => {
    const { error } = parse(cut(text, [6]), { root: "object" });
    expect(error).toMatch(/^reply-no-json: /);
    expect(error).toContain(words);
  });

  test("where nothing is JSON, the error tells how far the likeliest part went, and what was wrong", () => {
    const text = 'Of {x}: {"a": refund, "b": {"c": x}}';
    const { error } = parse([text], { root: "object" });
    expect(error).toContain("; what begins at character 8 is no JSON at character 14: expected a value");
    for (let size = 1; size < text.length; size += 1)
      expect(parse(cut(text, [size]), { root: "object" }).error).toBe(error);
  });

  test("what is open when the text ends is never complete", () => {
    const { error, told } = parse(cut('{"items":[{"name":"wid', [4]), { root: "object" });
    expect(error).toContain(
      'reply-truncated: The reply ended after 22 characters, while "items[0].name" was still open',
    );
    expect(told.some(([what]) => what === "complete")).toBe(false);
  });
});

describe("S38 hostile input", () => {
  test.each([
    ["maxDepth", { maxDepth: 3 }, "[[[[1]]]]"],
    ["maxChars", { maxChars: 10 }, '{"a":"0123456789"}'],
    ["maxStringChars", { maxStringChars: 5 }, '{"a":"abc\\u0041efg"}'],
    ["maxKeyChars", { maxKeyChars: 5 }, '{"abcdef":1}'],
    ["maxNumberChars", { maxNumberChars: 5 }, '{"a":1234567}'],
    ["maxElements", { maxElements: 2 }, "[1,2,3]"],
    ["maxProseChars", { maxProseChars: 20 }, 'a long introduction before {"a":1}'],
  ] as const)("%s is a limit, with the same error for every chunking", (name, limits, text) => {
    const atOnce = parse([text], { limits });
    expect(atOnce.error).toMatch(/^reply-limit: The reply has more than \d+ /);
    expect(atOnce.error).toContain(`raise the option limits.${name}`);
    for (const size of [1, 2, 3, 7]) {
      const inPieces = parse(cut(text, [size]), { limits });
      expect(inPieces.error).toBe(atOnce.error);
      expect(joined(inPieces.told)).toEqual(joined(atOnce.told));
    }
  });

  test("what is exactly at a limit passes", () => {
    const text = '{"abc":[123,"abcd"]}';
    const limits = {
      maxDepth: 2,
      maxChars: text.length,
      maxStringChars: 4,
      maxKeyChars: 3,
      maxNumberChars: 3,
      maxElements: 2,
    };
    expect(parse(cut(text, [2]), { strict: true, limits }).value).toEqual({ abc: [123, "abcd"] });
  });

  test("deep nesting needs no stack", () => {
    const depth = 100_000;
    const limits = { maxDepth: depth };
    const parser = createParser(undefined, { strict: true, limits });
    parser.push("[".repeat(depth) + "]".repeat(depth));
    expect(parser.closed).toBe(true);
  });

  test("after an error the parser says the same again", () => {
    const parser = createParser(undefined, { strict: true });
    expect(() => parser.push("x")).toThrow("not JSON");
    expect(() => parser.push("[]")).toThrow("not JSON");
    expect(() => parser.end()).toThrow("not JSON");
  });

  test("what a listener throws goes to who pushes", () => {
    const failing: FieldNode = {
      complete: () => {
        throw new RangeError("no");
      },
      key: () => failing,
      index: () => failing,
    };
    const parser = createParser(failing, { strict: true });
    expect(() => parser.push("[1,")).toThrow(RangeError);
    expect(() => parser.push("2]")).toThrow(RangeError);
  });
});
