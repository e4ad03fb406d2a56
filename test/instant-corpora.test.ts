// How far the parser agrees with what the test suites of other parsers expect.
import { readFileSync } from "node:fs";
import { isDeepStrictEqual } from "node:util";
import { describe, expect, test } from "vitest";
import { SluiceError } from "../packages/core/src/error/sluice-error.ts";
import type { FieldNode } from "../packages/core/src/instant/field-node.ts";
import { createParser, type ParserOptions } from "../packages/core/src/instant/parser.ts";
import { formatPath } from "../packages/core/src/schema/field-path.ts";

interface Repaired {
  readonly input: string;
  readonly value?: unknown;
  readonly throws?: unknown;
}
interface Riverine {
  readonly invalid: readonly { readonly name: string; readonly input: string }[];
  readonly sequences: readonly {
    readonly text: string;
    readonly expectedValues: readonly unknown[];
    readonly completeValues: readonly (readonly [unknown, readonly (string | number)[]])[];
  }[];
}

function corpus<T>(name: string): T {
  return JSON.parse(readFileSync(new URL(`corpora/${name}.json`, import.meta.url), "utf8")) as T;
}

function read(chunks: readonly string[], options: ParserOptions = {}): { value?: unknown; code?: string } {
  const parser = createParser(undefined, options);
  try {
    for (const chunk of chunks) parser.push(chunk);
    return { value: parser.end() };
  } catch (error) {
    if (!(error instanceof SluiceError)) throw error;
    return { code: error.code };
  }
}

const repaired = [...corpus<Repaired[]>("jsonrepair"), ...corpus<Repaired[]>("best-effort-json-parser")];

describe("S35 what other parsers repair", () => {
  const isEqual = (got: unknown, { value }: Repaired) => isDeepStrictEqual(got, value) || Object.is(got, -0);

  test("is read alike or refused; only these get another value", () => {
    const others = repaired
      .filter((one) => {
        const { code, value } = read([one.input]);
        return code === undefined && (one.throws !== undefined || !isEqual(value, one));
      })
      .map(({ input }) => input);
    expect(others).toEqual([
      // the root is a word, and what follows is ignored
      "trueble",
      "false_value",
      "false$",
      "nullifiable",
      // an escape that JSON does not know keeps its backslash
      '"\\a"',
      '"first\\\nsecond"',
      // the root is a string, which ends at its second quote; what follows is ignored
      '"The TV has a 24" screen"',
      '"The TV is 72""',
      '"He is six feet (72") tall"',
      '"a (b) ((c") d)"',
      '"He (52) is six feet ((72")) tall"',
      '"the list [1, 2"] more"',
      '"the set {a, b"} more"',
      // words before the root are passed over
      "callback {}",
      // the first candidate is none, and something in it is one
      '[{"i":1{"i":2}]',
      // the root is a string, and what follows is ignored
      '"hello" + " world"',
      '"hello" +\n " world"',
      '"a"+"b"+"c"',
      '"hello" + /*comment*/ " world"',
      '"hello +\n " world"',
      // there is one root
      "1\n2",
      "/* 1 */\n{}\n\n/* 2 */\n{}\n\n/* 3 */\n{}\n",
      "/* 1 */\n{},\n\n/* 2 */\n{},\n\n/* 3 */\n{}\n",
      "/* 1 */\n{},\n\n/* 2 */\n{},\n\n/* 3 */\n{},\n",
      "1,2,3",
      "1,2,3,",
      "1\n2\n3",
      '{"a":2}{}',
      '{"a":2}foo',
      // what the others refuse
      '"\\u26"',
      '"\\uZ000"',
      '"abc\u0000"',
      '"abc\u001f"',
      // quotes around the whole are passed over
      `'{"refresh_token":"xxxx"}'`,
    ]);
  });

  test("in any pieces too, guesses or none", () => {
    for (const { input } of repaired) {
      for (const options of [{}, { guess: ["inner-quotes", "brackets"] }] satisfies ParserOptions[]) {
        const atOnce = read([input], options);
        for (let at = 0; at < input.length; at += 1)
          expect(read([input.slice(0, at), input.slice(at)], options)).toStrictEqual(atOnce);
        expect(read(input.split(""), options)).toStrictEqual(atOnce);
      }
    }
  });

  test("guesses read more of it", () => {
    const alike = (options: ParserOptions) =>
      repaired.filter((one) => one.throws === undefined && isEqual(read([one.input], options).value, one)).length;
    const [safe, guessed] = [alike({}), alike({ guess: ["inner-quotes", "brackets"] })];
    expect([safe, guessed]).toEqual([210, 215]);
  });
});

describe("S33 what another incremental parser shows", () => {
  const { invalid, sequences } = corpus<Riverine>("jsonriver");

  test.each(invalid)("$name is refused in strict mode", ({ input }) => {
    expect(read(input.split(""), { strict: true }).code).toMatch(/^reply-/);
  });

  test.each(sequences)("$text shows the same partial values, and completes in the same order", (sequence) => {
    const completed: unknown[] = [];
    const node: FieldNode = {
      complete: (at, value) => void completed.push([structuredClone(value), at.path]),
      key: () => node,
      index: () => node,
    };
    const parser = createParser(node, { strict: true });
    const shown: unknown[] = [];
    for (const character of sequence.text) {
      parser.push(character);
      const partial: unknown = structuredClone(parser.partial);
      if (partial !== undefined && !isDeepStrictEqual(partial, shown.at(-1))) shown.push(partial);
    }
    parser.end();
    expect(shown).toEqual(sequence.expectedValues);
    const paths = sequence.completeValues.map(([value, path]) => [
      value,
      formatPath(
        path.map((one) => (typeof one === "number" ? { kind: "index", position: one } : { kind: "key", name: one })),
      ),
    ]);
    expect(completed).toEqual(paths);
  });
});
