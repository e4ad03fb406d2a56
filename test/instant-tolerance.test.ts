import fc from "fast-check";
import { describe, expect, test } from "vitest";
import { SluiceError } from "../packages/core/src/error/sluice-error.ts";
import type { FieldNode } from "../packages/core/src/instant/field-node.ts";
import { createParser, type ParserOptions } from "../packages/core/src/instant/parser.ts";

interface Outcome {
  readonly value?: unknown;
  readonly error?: string;
  /** `rule@offset`, in the order of the text. */
  readonly repairs: readonly string[];
  readonly told: readonly unknown[];
}

/** Reads a text in pieces, with a listener everywhere; the pieces of one string are joined. */
function read(chunks: readonly string[], options: ParserOptions = {}): Outcome {
  const told: unknown[][] = [];
  const node: FieldNode = {
    opened: (at, kind) => told.push(["opened", at.path, kind, at.offset]),
    delta: (at, text) => {
      const last = told.at(-1);
      if (last?.[0] === "delta") last[2] = `${String(last[2])}${text}`;
      else told.push(["delta", at.path, text]);
    },
    complete: (at, value) => told.push(["complete", at.path, structuredClone(value), at.offset]),
    key: () => node,
    index: () => node,
  };
  const parser = createParser(node, options);
  const outcome = ending(() => {
    for (const chunk of chunks) parser.push(chunk);
    return parser.end();
  });
  return { ...outcome, repairs: parser.repairs.map(({ rule, offset }) => `${rule}@${offset}`), told };
}

function ending(work: () => unknown): { value?: unknown; error?: string } {
  try {
    return { value: work() };
  } catch (error) {
    if (!(error instanceof SluiceError)) throw error;
    return { error: `${error.code}: ${error.message}` };
  }
}

/** One at a time, and in two at every place. */
function cuts(text: string): string[][] {
  return [text.split(""), ...Array.from(text, (_, at) => [text.slice(0, at), text.slice(at)])];
}

/** What a text gives at once, having seen that it gives the same in any pieces. */
function readAnyhow(text: string, options: ParserOptions = {}): Outcome {
  const atOnce = read([text], options);
  for (const chunks of cuts(text)) expect(read(chunks, options)).toStrictEqual(atOnce);
  return atOnce;
}

type Case = readonly [text: string, value: unknown, repairs: readonly string[]];

describe("S35 what models write instead of JSON", () => {
  test.each<Case>([
    ['{"a":1, // one\n"b":2}', { a: 1, b: 2 }, ["comment@8"]],
    [
      '{/* first */"a":/**/1 /* * / **/ ,"b":[ # none\n]}',
      { a: 1, b: [] },
      ["comment@1", "comment@16", "comment@22", "comment@40"],
    ],
    ['{"a":"x" // one\r,"b":2 // two\n}', { a: "x", b: 2 }, ["comment@9", "comment@23"]],
    ["[1/* one */,2// two\n]", [1, 2], ["comment@2", "comment@13"]],
    ['{"a": "http://x # /* y"}', { a: "http://x # /* y" }, []],
    ["[1,2,]", [1, 2], ["extra-comma@5"]],
    ['{"a":1 , }', { a: 1 }, ["extra-comma@9"]],
    ["[1,,2]", [1, 2], ["extra-comma@3"]],
    ['[,{,"a":1,,"b":2,}]', [{ a: 1, b: 2 }], ["extra-comma@1", "extra-comma@3", "extra-comma@10", "extra-comma@17"]],
    ["[1 2]", [1, 2], ["missing-comma@3"]],
    [
      '["a" "b"\n{"c":1}[2]true]',
      ["a", "b", { c: 1 }, [2], true],
      ["missing-comma@5", "missing-comma@9", "missing-comma@16", "missing-comma@19"],
    ],
    ['{"a":1\n"b":{}\n"c":3}', { a: 1, b: {}, c: 3 }, ["missing-comma@7", "missing-comma@14"]],
    ["{'a':'it\\'s \"so\"'}", { a: 'it\'s "so"' }, ["single-quotes@1", "single-quotes@5", "escape@9"]],
    [
      '{“a”: “x”, „b“: ‘y’, "c": ’z"’}',
      { a: "x", b: "y", c: 'z"' },
      Array.from([1, 6, 11, 16, 26], (at) => `typographic-quotes@${at}`),
    ],
    ['{"a": "“x” and ‘y’ aren\'t ends"}', { a: "“x” and ‘y’ aren't ends" }, []],
    [
      "{a:1, b_2 : 2, $c:3, 4:4, ключ:5, d-e:6}",
      { a: 1, b_2: 2, $c: 3, 4: 4, ключ: 5, "d-e": 6 },
      ["unquoted-key@1", "unquoted-key@6", "unquoted-key@15", "unquoted-key@21", "unquoted-key@26", "unquoted-key@34"],
    ],
    ["{true:1,null:2}", { true: 1, null: 2 }, ["unquoted-key@1", "unquoted-key@8"]],
    ['{"a":True,"b":False,"c":[None]}', { a: true, b: false, c: [null] }, ["literal@5", "literal@14", "literal@25"]],
    ["[NaN,Infinity,undefined]", [null, null, null], ["literal@1", "literal@5", "literal@14"]],
    ['["a\nb\tc\u0000"]', ["a\nb\tc\u0000"], ["control-character@3", "control-character@5", "control-character@7"]],
    [
      String.raw`["\d+ \(x\) C:\Windows \u00", "\u12zz", "\'"]`,
      [String.raw`\d+ \(x\) C:\Windows \u00`, String.raw`\u12zz`, "'"],
      ["escape@3", "escape@7", "escape@10", "escape@15", "escape@27", "escape@35", "escape@42"],
    ],
    [
      '{\u00a0"a"\u2003:\ufeff1\u00a0,\u3000"b":2}',
      { a: 1, b: 2 },
      ["space@1", "space@5", "space@7", "space@9", "space@11"],
    ],
  ])("%j is read, and each repair is told", (text, value, repairs) => {
    expect(readAnyhow(text)).toMatchObject({ value, repairs });
  });

  test.each([
    ['{"a": "He said "hi" to me"}', '":"'],
    ['{"a": [1, 2}', '"," or "]"'],
    ['{"a": tru}', "true"],
    ['{"a": Nine}', "None"],
    ['{"a": }', "a value"],
    ['{"a" 1}', '":"'],
    ['{"a"/b', '"/" or "*"'],
    ['{"a\nb": 1}', "a control character to be escaped"],
    ["[billing]", "a value"],
    ["[1/2]", '"/" or "*"'],
    ["[12px]", "the number to end"],
    ["[+1]", "a value"],
  ])("%j stays an error, for what it means is a guess", (text, expected) => {
    const known = text.replace(/^[{[]/, (opener) => (opener === "{" ? '{"known":1,' : "[0,"));
    expect(readAnyhow(known).error).toContain(`reply-syntax: The reply is not JSON: expected ${expected}`);
  });

  test("a list of repairs ends with the hundredth", () => {
    const { value, repairs } = read([`[${"True,".repeat(500)}]`]);
    expect(value).toHaveLength(500);
    expect(repairs).toHaveLength(100);
  });

  test("repairs in what turned out not to be the root are not told", () => {
    const parser = createParser(
      {
        key: (name) => (name === "a" ? { key: () => undefined, index: () => undefined } : undefined),
        index: () => undefined,
      },
      { root: "object" },
    );
    parser.push("First {x: 'y',}, then {\"a\": 1,}");
    expect(parser.end()).toEqual({ a: 1 });
    expect(parser.repairs).toEqual([{ rule: "extra-comma", offset: 30 }]);
  });

  test("an odd quote in what turned out not to be the root closes nothing behind it", () => {
    expect(readAnyhow("{'x\n {\"a\\t'b\": 1}").value).toEqual({ "a\t'b": 1 });
  });

  test("strict mends nothing", () => {
    for (const text of [
      "[1,]",
      "{'a':1}",
      "{a:1}",
      "[True]",
      "[1 2]",
      '["\n"]',
      "[1]//",
      "[/**/]",
      "[\u00a01]",
      '["\\d"]',
    ])
      expect(read([text], { strict: true, guess: ["brackets", "inner-quotes"] }).error).toMatch(/^reply-syntax/);
  });
});

describe("S35 guesses, where they are asked for", () => {
  test.each<Case>([
    ['{"a": [1, {"b": 2]}', { a: [1, { b: 2 }] }, ["brackets@17"]],
    ['{"a": [1, 2}', { a: [1, 2] }, ["brackets@11"]],
    ['{"a": [1, 2,}', { a: [1, 2] }, ["brackets@12"]],
    ['{"a": {"b": 1], "c": 2}', { a: { b: 1 }, c: 2 }, ["brackets@13"]],
    ["[[}]", [[]], ["brackets@2"]],
    ['{"a": 1]', { a: 1 }, ["brackets@7"]],
  ])("brackets: %j", (text, value, repairs) => {
    expect(readAnyhow(text, { guess: ["brackets"] })).toMatchObject({ value, repairs });
  });

  test.each<Case>([
    [
      '{"a": "He said "hi" to me", "b": "x"}',
      { a: 'He said "hi" to me', b: "x" },
      ["inner-quotes@15", "inner-quotes@18"],
    ],
    ['["5" tall", "\u201dso" ]', ['5" tall', "\u201dso"], ["inner-quotes@3"]],
    ['{"a "b" c" : ""}', { 'a "b" c': "" }, ["inner-quotes@4", "inner-quotes@6"]],
    ['["a"\n"b"]', ["a", "b"], ["missing-comma@5"]],
    ["['it's', 'me']", ["it's", "me"], ["single-quotes@1", "inner-quotes@4", "single-quotes@9"]],
  ])("inner quotes: %j", (text, value, repairs) => {
    expect(readAnyhow(text, { guess: ["inner-quotes"] })).toMatchObject({ value, repairs });
  });

  test("valid JSON is read as ever", () => {
    fc.assert(
      fc.property(fc.jsonValue({ maxDepth: 3 }), (value) => {
        const text = JSON.stringify([value], null, 1);
        const outcome = read(text.split(""), { guess: ["inner-quotes", "brackets"] });
        expect(outcome).toMatchObject({ value: JSON.parse(text), repairs: [] });
      }),
    );
  });
});
