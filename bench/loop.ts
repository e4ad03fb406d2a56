import { langgraphLoop } from "./contestants/langgraph.ts";
import { plainSteps } from "./contestants/plain.ts";
import { rxjs, rxjsLoop } from "./contestants/rxjs.ts";
import { sluice, sluiceLoop } from "./contestants/sluice.ts";
import type { Pace } from "./contestants/step.ts";
import { xstateLoop } from "./contestants/xstate.ts";
import { measureGrowth } from "./growth.ts";
import { type MeasureOptions, measure } from "./measure.ts";
import { type Comparison, type Section, ratio } from "./section.ts";

const count = 10_000;
const sizes = [2_500, 5_000, 10_000, 20_000];

/** A step that brings about the next event, until enough have come. */
export async function loop(options: MeasureOptions): Promise<Section> {
  const asynchronous = await compare("asynchronous", options);
  const synchronous = await compare("synchronous", options);
  const grower = { of: "events", sizes };
  const growth = await measureGrowth(
    [
      { ...grower, name: "Sluice, asynchronous steps", at: (size) => sluiceLoop(size, "asynchronous") },
      { ...grower, name: "Sluice, synchronous steps", at: (size) => sluiceLoop(size, "synchronous") },
    ],
    options,
  );
  const bars = [asynchronous, synchronous].map(({ title, timings }) => ({
    what: `${title}: Sluice, × ${rxjs}`,
    value: ratio(timings, sluice, rxjs),
    atMost: 4,
    kind: "target" as const,
  }));
  return { title: "Loop", comparisons: [asynchronous, synchronous], growth, bars };
}

async function compare(pace: Pace, options: MeasureOptions): Promise<Comparison> {
  const contestants = [
    plainSteps(count, pace),
    rxjsLoop(count, pace),
    sluiceLoop(count, pace),
    xstateLoop(count, pace),
  ];
  if (pace === "asynchronous") contestants.push(langgraphLoop(count));
  return {
    title: `${count.toLocaleString("en")} events, ${pace} steps`,
    note: "One execution. Sluice writes its full log, which one subscriber reads; the others log nothing.",
    timings: await measure(contestants, options),
    unit: rxjs,
    ours: sluice,
  };
}
