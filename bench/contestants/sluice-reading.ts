import { compile, defineFlow, flow, instant, run, start } from "../../packages/core/src/index.ts";
import type { FieldNode } from "../../packages/core/src/instant/field-node.ts";
import { createParser } from "../../packages/core/src/instant/parser.ts";
import { z } from "zod";
import { Articles, type Document } from "../documents.ts";
import type { Contestant } from "../measure.ts";
import { contestant } from "./contestant.ts";

/** The names under which the ways to read a list, element by element, stand in the tables. */
export const bareParser = "Sluice, parser alone";
export const awaitingParser = "Sluice, parser alone, tokens awaited";
export const readingFlow = "Sluice, flow";

/** A parser whose listener hears of each element. */
export function bareParserContestant(document: Document): Contestant {
  return contestant(bareParser, countOf(document), () => {
    const { parser, heard } = listening();
    for (const token of document.tokens) parser.push(token);
    parser.end();
    return heard();
  });
}

/** The same, with the tokens awaited, as those of a model are. */
export function awaitingParserContestant(document: Document): Contestant {
  return contestant(awaitingParser, countOf(document), async () => {
    const { parser, heard } = listening();
    for await (const token of document.tokens) parser.push(token);
    parser.end();
    return heard();
  });
}

/** A flow with a chunk on each element, which does nothing else; every value is validated, and the log is full. */
export function readingFlowContestant(document: Document): Contestant {
  const List = instant("list", Articles);
  let heard = 0;
  const reading = flow(defineFlow({ name: "reading", input: z.array(z.string()) }))
    .chunk("read", start, async (tokens, ctx) => {
      await ctx.instant(List, tokens);
    })
    .chunk("element", List.field("[*]"), () => {
      heard += 1;
    });
  compile(reading);
  return contestant(readingFlow, countOf(document), async () => {
    heard = 0;
    await run(reading, [...document.tokens]).result;
    return heard;
  });
}

function listening(): { readonly parser: ReturnType<typeof createParser>; readonly heard: () => number } {
  let heard = 0;
  const nowhere = (): undefined => undefined;
  const value: FieldNode = { key: nowhere, index: nowhere };
  const element: FieldNode = { complete: () => void (heard += 1), key: () => value, index: nowhere };
  return { parser: createParser({ key: nowhere, index: () => element }), heard: () => heard };
}

function countOf({ text }: Document): number {
  return (JSON.parse(text) as unknown[]).length;
}
