import { isDeepStrictEqual } from "node:util";
import { JSONParser } from "@streamparser/json";
import { parsePartialJson } from "ai";
import { parse as parseStream } from "jsonriver";
import { parse as parsePartial } from "partial-json";
import type { Document } from "../documents.ts";
import type { Contestant } from "../measure.ts";

/** The name under which one JSON.parse of the whole text stands in the tables: their unit. */
export const jsonParse = "JSON.parse, once";

/** Prefixes of which a parser that starts over at each token is asked. Fewer tokens are all asked. */
export const samples = 24;
const fewTokens = 1_000;

export function jsonParseContestant(document: Document): Contestant {
  return whole(jsonParse, document, () => JSON.parse(document.text) as unknown);
}

/** A partial value after each token. */
export function jsonriverContestant(document: Document): Contestant {
  const once = async (): Promise<unknown> => {
    let last: unknown;
    for await (const value of parseStream(stream(document.tokens))) last = value;
    return last;
  };
  return whole("jsonriver", document, once);
}

/** Each complete value. Partial strings are not in the tree that it shows. */
export function streamparserContestant(document: Document): Contestant {
  return whole("@streamparser/json, complete values", document, () => streamparse(document, false));
}

/** Each complete value, and after each token the value that is open. */
export function streamparserPartialContestant(document: Document): Contestant {
  return whole("@streamparser/json, partial values", document, () => streamparse(document, true));
}

/** A partial value after each token, by parsing all that is there again. */
export function partialJsonContestant(document: Document): Contestant {
  return startingOver("partial-json", document, (text) => parsePartial(text) as unknown);
}

/** A partial value after each token, by parsing all that is there again. */
export function aiSdkContestant(document: Document): Contestant {
  return startingOver("AI SDK, parsePartialJson", document, async (text) => (await parsePartialJson(text)).value);
}

async function* stream(tokens: readonly string[]): AsyncGenerator<string> {
  yield* tokens;
}

function streamparse({ tokens }: Document, partial: boolean): unknown {
  let root: unknown;
  let shown = 0;
  const parser = new JSONParser(partial ? { emitPartialTokens: true, emitPartialValues: true } : {});
  parser.onValue = ({ value, parent, partial: isOpen }) => {
    shown += 1;
    if (parent === undefined && isOpen !== true) root = value;
  };
  for (const token of tokens) parser.write(token);
  return shown > 0 ? root : undefined;
}

function whole(name: string, { text }: Document, once: () => unknown): Contestant {
  const expected: unknown = JSON.parse(text);
  return { name, once, check: (value) => isDeepStrictEqual(value, expected) };
}

/** Asks a parser for each prefix; where there are many tokens, for some that are evenly spread. */
function startingOver(name: string, document: Document, parse: (prefix: string) => unknown): Contestant {
  const { text, tokens } = document;
  const asked = tokens.length <= fewTokens && text.length <= 10_000 ? tokens.length : samples;
  const size = tokens[0]?.length ?? 0;
  const prefixes = Array.from({ length: asked }, (_, index) => {
    const token = Math.ceil(((index + 0.5) * tokens.length) / asked); // the middles of equal stretches
    return text.slice(0, token * size);
  });
  const once = async (): Promise<number> => {
    for (const prefix of prefixes) await parse(prefix);
    return prefixes.length;
  };
  return {
    ...whole(name, document, once),
    proof: () => parse(text),
    scale: tokens.length / asked,
  };
}
