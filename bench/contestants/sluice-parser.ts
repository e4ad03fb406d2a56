import { isDeepStrictEqual } from "node:util";
import type { FieldNode } from "../../packages/core/src/instant/field-node.ts";
import { createParser } from "../../packages/core/src/instant/parser.ts";
import { readReply } from "../../packages/core/src/instant/reply-reader.ts";
import type { Document } from "../documents.ts";
import type { Contestant } from "../measure.ts";

/** The names under which Sluice's readers stand in the tables. */
export const sluiceEvents = "Sluice, events";
export const sluicePartial = "Sluice, partial value";
export const sluiceReply = "Sluice, validated reply";

/** What was told while a document was read. */
interface Told {
  opened: number;
  completed: number;
  characters: number;
}

/** Listeners at every place, told of every beginning, piece and completion. */
export function eventsContestant({ text, tokens }: Document): Contestant {
  const expected: unknown = JSON.parse(text);
  const wanted = toldOf(expected);
  const once = (): unknown => {
    const told: Told = { opened: 0, completed: 0, characters: 0 };
    const parser = createParser(listenerAt(told));
    for (const token of tokens) parser.push(token);
    return { value: parser.end(), told };
  };
  return { name: sluiceEvents, once, check: (got) => isDeepStrictEqual(got, { value: expected, told: wanted }) };
}

/** Listeners at the titles of the first `count` articles, each a path of its own. */
export function pathsContestant({ text, tokens }: Document, count: number): Contestant {
  const titles = (JSON.parse(text) as { title: string }[]).slice(0, count).map(({ title }) => title);
  const once = (): unknown => {
    const told: unknown[] = [];
    const nowhere = (): undefined => undefined;
    const title: FieldNode = { complete: (_at, value) => void told.push(value), key: nowhere, index: nowhere };
    const articles = titles.map((): FieldNode => ({
      key: (name) => (name === "title" ? title : undefined),
      index: nowhere,
    }));
    const parser = createParser({ key: nowhere, index: (position) => articles[position] });
    for (const token of tokens) parser.push(token);
    parser.end();
    return told;
  };
  return { name: pathsName(count), once, check: (got) => isDeepStrictEqual(got, titles) };
}

/** The name of a reader with so many paths. */
export function pathsName(count: number): string {
  return count === 1 ? "Sluice, 1 path" : `Sluice, ${count} paths`;
}

/** No listener; the value so far is looked at after each token. */
export function partialContestant({ text, tokens }: Document): Contestant {
  const expected: unknown = JSON.parse(text);
  const once = (): unknown => {
    const parser = createParser(undefined);
    let shown = 0;
    for (const token of tokens) {
      parser.push(token);
      if (parser.partial !== undefined) shown += 1;
    }
    const value = parser.end();
    return shown > 0 ? value : undefined;
  };
  return { name: sluicePartial, once, check: (got) => isDeepStrictEqual(got, expected) };
}

/** What a chunk gets: every place with its path, every complete value validated, and the whole validated at the end. */
export function replyContestant({ text, tokens, schema }: Document): Contestant {
  const expected: unknown = JSON.parse(text);
  const wanted = toldOf(expected);
  wanted.completed -= 1; // the root is told by `end()`
  const once = async (): Promise<unknown> => {
    const told: Told = { opened: 0, completed: 0, characters: 0 };
    const reader = readReply(schema, {
      listener: {
        opened: () => void (told.opened += 1),
        delta: (_path, _indexes, piece) => void (told.characters += piece.length),
        complete: () => void (told.completed += 1),
        invalid: (path) => {
          throw new Error(`${path} is valid, and was called invalid`);
        },
      },
    });
    for (const token of tokens) reader.push(token);
    return { value: (await reader.end()).value, told };
  };
  return { name: sluiceReply, once, check: (got) => isDeepStrictEqual(got, { value: expected, told: wanted }) };
}

/** One node for all places: it counts, so that nothing can be left out. */
function listenerAt(told: Told): FieldNode {
  const node: FieldNode = {
    opened: () => void (told.opened += 1),
    delta: (_at, piece) => void (told.characters += piece.length),
    complete: () => void (told.completed += 1),
    key: () => node,
    index: () => node,
  };
  return node;
}

/** What has to be told of a value: each part begins and is completed once, and each string comes whole. */
function toldOf(value: unknown): Told {
  const told = { opened: 1, completed: 1, characters: typeof value === "string" ? value.length : 0 };
  if (typeof value !== "object" || value === null) return told;
  for (const part of Object.values(value)) {
    const inside = toldOf(part);
    told.opened += inside.opened;
    told.completed += inside.completed;
    told.characters += inside.characters;
  }
  return told;
}
