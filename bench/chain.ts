import { langgraphChain } from "./contestants/langgraph.ts";
import { plainSteps } from "./contestants/plain.ts";
import { rxjs, rxjsChain } from "./contestants/rxjs.ts";
import { sluice, sluiceChain, sluiceDefinition } from "./contestants/sluice.ts";
import type { Pace } from "./contestants/step.ts";
import { xstateChain } from "./contestants/xstate.ts";
import { measureGrowth } from "./growth.ts";
import { type MeasureOptions, measure } from "./measure.ts";
import { type Comparison, type Section, ratio } from "./section.ts";

const count = 1_000;
const sizes = [250, 500, 1_000, 2_000];

/** Chunks that run one after the other. */
export async function chain(options: MeasureOptions): Promise<Section> {
  const asynchronous = await compare("asynchronous", options);
  const synchronous = await compare("synchronous", options);
  const grower = { of: "chunks", sizes };
  const growth = await measureGrowth(
    [
      { ...grower, name: "Sluice, asynchronous steps", at: (size) => sluiceChain(size, "asynchronous") },
      { ...grower, name: "Sluice, synchronous steps", at: (size) => sluiceChain(size, "synchronous") },
      { ...grower, name: "Sluice, definition and compile()", at: sluiceDefinition },
    ],
    options,
  );
  const bars = [asynchronous, synchronous].map(({ title, timings }) => ({
    what: `${title}: Sluice, × ${rxjs}`,
    value: ratio(timings, sluice, rxjs),
    atMost: 3,
    kind: "target" as const,
  }));
  return { title: "Chain", comparisons: [asynchronous, synchronous], growth, bars };
}

async function compare(pace: Pace, options: MeasureOptions): Promise<Comparison> {
  const contestants = [
    plainSteps(count, pace),
    rxjsChain(count, pace),
    sluiceChain(count, pace),
    xstateChain(count, pace),
  ];
  if (pace === "asynchronous") contestants.push(langgraphChain(count));
  return {
    title: `${count.toLocaleString("en")} ${pace} steps`,
    note: "One execution. Sluice writes its full log, which one subscriber reads; the others log nothing.",
    timings: await measure(contestants, options),
    unit: rxjs,
    ours: sluice,
  };
}
