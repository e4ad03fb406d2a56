import { allocatedBytes } from "./allocation.ts";
import { type Bar, type Promised, linear, targets } from "./bar.ts";
import {
  aiSdkContestant,
  jsonParse,
  jsonParseContestant,
  jsonriverContestant,
  partialJsonContestant,
  samples,
  streamparserContestant,
  streamparserPartialContestant,
} from "./contestants/peer-parsers.ts";
import {
  awaitingParser,
  awaitingParserContestant,
  bareParserContestant,
  readingFlow,
  readingFlowContestant,
} from "./contestants/sluice-reading.ts";
import {
  eventsContestant,
  partialContestant,
  pathsContestant,
  pathsName,
  replyContestant,
  sluiceEvents,
  sluicePartial,
} from "./contestants/sluice-parser.ts";
import { type Document, articlesDocument, orderDocument, storyDocument } from "./documents.ts";
import { type Grower, measureGrowth } from "./growth.ts";
import { type MeasureOptions, measure } from "./measure.ts";
import { type Comparison, type Section, ratio } from "./section.ts";

const kilobytes = [12.5, 25, 50, 100, 200];
const listTitle = "b: list of 100 KB";
const streamparserName = "@streamparser/json, complete values";
/** What is promised of each document, by the first letter of its title; the cost of b is a bar. */
const promises: Readonly<Record<string, Promised>> = {
  a: { atMost: 7, atLeast: { [streamparserName]: 5, jsonriver: 5 } },
  b: { atLeast: { [streamparserName]: 5, jsonriver: 5 } },
  c: { atMost: 6, atLeast: { [streamparserName]: 4, jsonriver: 4 } },
  d: { atMost: 12, atLeast: { [streamparserName]: 6.7, jsonriver: 6.7 } },
  h: { atMost: 3, atLeast: { [streamparserName]: 5, jsonriver: 5 } },
};
/** How much the partial value after each token may cost where that differs. */
const partialAtMost: Readonly<Record<string, number>> = { b: 11 };

/** Structured replies, token by token. */
export async function instant(options: MeasureOptions): Promise<Section> {
  const comparisons: Comparison[] = [];
  for (const document of documents()) comparisons.push(await compare(document, options));
  const growth = await measureGrowth(growers(), options);
  const list = comparisons.find(({ title }) => title.startsWith(listTitle))?.costs ?? [];
  const promised = comparisons.flatMap((comparison): readonly Bar[] => {
    const letter = comparison.title.slice(0, 1);
    const promise = promises[letter] ?? {};
    const atMost = partialAtMost[letter] ?? promise.atMost;
    const partial = { ...comparison, ours: sluicePartial };
    return [...targets(comparison, promise), ...targets(partial, atMost === undefined ? {} : { atMost })];
  });
  const paths = await comparePaths(options);
  const flow = await compareFlow(options);
  const bars: Bar[] = [
    await allocationBar(),
    ...promised,
    ...targets(paths, { atMost: 2 }),
    ...targets(flow, { atMost: 3 }),
    ...growth.map((one) => linear(one, "bar")),
    {
      what: `${listTitle}: ${sluiceEvents}, × ${jsonParse}`,
      value: ratio(list, sluiceEvents, jsonParse),
      is: "at most",
      limit: 12,
      kind: "bar",
    },
  ];
  return { title: "Instant", comparisons: [...comparisons, paths, flow], growth, bars };
}

function documents(): readonly Document[] {
  return [
    orderDocument("a: nested object of 2 KB", { by: 4 }),
    articlesDocument(listTitle, { by: 4, length: 100_000 }),
    articlesDocument("c: list of 1 MB", { by: 16, length: 1_000_000 }),
    storyDocument("d: one string of 200 KB", { by: 4, length: 200_000 }),
    articlesDocument("h: list of 1 MB", { by: 4_096, length: 1_000_000 }),
  ];
}

async function compare(document: Document, options: MeasureOptions): Promise<Comparison> {
  const { title, text, tokens } = document;
  const contestants = [
    jsonParseContestant,
    eventsContestant,
    partialContestant,
    replyContestant,
    streamparserContestant,
    streamparserPartialContestant,
    jsonriverContestant,
    partialJsonContestant,
    aiSdkContestant,
  ].map((contestant) => contestant(document));
  const costs = await measure(contestants, options);
  const isSampled = costs.some(({ estimated }) => estimated);
  return {
    title: `${title}, ${tokens[0]?.length} characters a token`,
    note: `${text.length.toLocaleString("en")} characters in ${tokens.length.toLocaleString("en")} tokens.`,
    costs,
    of: "time",
    unit: jsonParse,
    ours: sluiceEvents,
    ...(isSampled
      ? { exceptions: [`Who starts over at each token is asked for ${samples} evenly spread prefixes.`] }
      : {}),
  };
}

async function comparePaths(options: MeasureOptions): Promise<Comparison> {
  const document = articlesDocument("", { by: 4, length: 100_000 });
  return {
    title: "List of 100 KB, few paths and many",
    note: "Somebody listens to the titles of the first articles, each at a path of its own.",
    costs: await measure(
      [1, 50].map((count) => pathsContestant(document, count)),
      options,
    ),
    of: "time",
    unit: pathsName(1),
    ours: pathsName(50),
  };
}

async function compareFlow(options: MeasureOptions): Promise<Comparison> {
  const document = articlesDocument("", { by: 4, length: 100_000 });
  const contestants = [bareParserContestant, awaitingParserContestant, readingFlowContestant];
  return {
    title: "List of 100 KB, through a whole flow",
    note: "Somebody hears of each article. The flow starts a chunk for it, validates every value, and writes an entry for each piece, beginning and end of a value; the parser does none of that.",
    costs: await measure(
      contestants.map((contestant) => contestant(document)),
      options,
    ),
    of: "time",
    unit: awaitingParser,
    ours: readingFlow,
  };
}

async function allocationBar(): Promise<Bar> {
  const document = articlesDocument(listTitle, { by: 4, length: 100_000 });
  const value = (await allocatedBytes(eventsContestant(document))) / document.tokens.length;
  return {
    what: `${listTitle}: ${sluiceEvents}, bytes allocated a token`,
    value,
    is: "at most",
    limit: 150,
    kind: "bar",
  };
}

function growers(): readonly Grower[] {
  const of = "KB";
  const list = (size: number): Document => articlesDocument("", { by: 4, length: size * 1_000 });
  const string = (size: number): Document => storyDocument("", { by: 4, length: size * 1_000 });
  return [
    { name: `${sluiceEvents}, list`, of, sizes: kilobytes, at: (size) => eventsContestant(list(size)) },
    { name: `${sluiceEvents}, one string`, of, sizes: kilobytes, at: (size) => eventsContestant(string(size)) },
    { name: "Sluice, partial value, list", of, sizes: kilobytes, at: (size) => partialContestant(list(size)) },
    { name: "Sluice, validated reply, list", of, sizes: kilobytes, at: (size) => replyContestant(list(size)) },
  ];
}
