import { linear, targets } from "./bar.ts";
import { cycgraphLoop } from "./contestants/cycgraph.ts";
import { langgraphLoop } from "./contestants/langgraph.ts";
import { mastraLoop } from "./contestants/mastra.ts";
import { plainSteps } from "./contestants/plain.ts";
import { rxjs, rxjsLoop } from "./contestants/rxjs.ts";
import { sluice, sluiceLoop } from "./contestants/sluice.ts";
import type { Pace } from "./contestants/step.ts";
import { workflowCoreLoop } from "./contestants/workflow-core.ts";
import { xstateLoop } from "./contestants/xstate.ts";
import { measureGrowth } from "./growth.ts";
import { type MeasureOptions, measure } from "./measure.ts";
import type { Comparison, Section } from "./section.ts";

const count = 10_000;
const sizes = [2_500, 5_000, 10_000, 20_000];
const promised = { LangGraph: 80, Mastra: 10, "workflow-core": 4, xstate: 4 };

/** A step that brings about the next event, until enough have come. */
export async function loop(options: MeasureOptions): Promise<Section> {
  const asynchronous = await compare("asynchronous", options);
  const synchronous = await compare("synchronous", options);
  const grower = { of: "events", sizes };
  const growth = await measureGrowth(
    [
      { ...grower, name: "Sluice, loop of asynchronous steps", at: (size) => sluiceLoop(size, "asynchronous") },
      { ...grower, name: "Sluice, loop of synchronous steps", at: (size) => sluiceLoop(size, "synchronous") },
    ],
    options,
  );
  const bars = [
    ...targets(asynchronous, { atMost: 4, atLeast: promised }),
    ...targets(synchronous, { atMost: 4 }),
    ...growth.map((one) => linear(one, "target")),
  ];
  return { title: "Loop", comparisons: [asynchronous, synchronous], growth, bars };
}

async function compare(pace: Pace, options: MeasureOptions): Promise<Comparison> {
  const contestants = [
    plainSteps(count, pace),
    rxjsLoop(count, pace),
    sluiceLoop(count, pace),
    xstateLoop(count, pace),
  ];
  const isAsynchronous = pace === "asynchronous";
  if (isAsynchronous) {
    contestants.push(workflowCoreLoop(count), mastraLoop(count), cycgraphLoop(count), langgraphLoop(count));
  }
  return {
    title: `Loop of ${count.toLocaleString("en")} events, ${pace} steps`,
    note: "One execution. Sluice writes its full log, which one subscriber reads; the others log nothing.",
    costs: await measure(contestants, options),
    of: "time",
    unit: rxjs,
    ours: sluice,
    steps: { one: "an event", count },
    ...(isAsynchronous
      ? {
          chart: "Loop of 10,000 events",
          exceptions: [
            "LangGraph and workflow-core do 2,500 events, cycgraph 1,000; more cost the last two more each.",
          ],
        }
      : { exceptions: ["The steps of the other peers are always asynchronous."] }),
  };
}
