import { linear, targets } from "./bar.ts";
import { cycgraphChain } from "./contestants/cycgraph.ts";
import { langgraphChain } from "./contestants/langgraph.ts";
import { mastraChain } from "./contestants/mastra.ts";
import { plainSteps } from "./contestants/plain.ts";
import { rxjs, rxjsChain } from "./contestants/rxjs.ts";
import { sluice, sluiceChain, sluiceDefinition } from "./contestants/sluice.ts";
import type { Pace } from "./contestants/step.ts";
import { workflowCoreChain } from "./contestants/workflow-core.ts";
import { xstateChain } from "./contestants/xstate.ts";
import { measureGrowth } from "./growth.ts";
import { type MeasureOptions, measure } from "./measure.ts";
import type { Comparison, Section } from "./section.ts";

const count = 1_000;
const sizes = [250, 500, 1_000, 2_000];
const promised = { LangGraph: 150, Mastra: 30, "workflow-core": 30, xstate: 8 };

/** Chunks that run one after the other. */
export async function chain(options: MeasureOptions): Promise<Section> {
  const asynchronous = await compare("asynchronous", options);
  const synchronous = await compare("synchronous", options);
  const grower = { of: "chunks", sizes };
  const growth = await measureGrowth(
    [
      { ...grower, name: "Sluice, chain of asynchronous steps", at: (size) => sluiceChain(size, "asynchronous") },
      { ...grower, name: "Sluice, chain of synchronous steps", at: (size) => sluiceChain(size, "synchronous") },
      { ...grower, name: "Sluice, definition and compile()", at: sluiceDefinition },
    ],
    options,
  );
  const bars = [
    ...targets(asynchronous, { atMost: 3, atLeast: promised }),
    ...targets(synchronous, { atMost: 3 }),
    ...growth.map((one) => linear(one, "target")),
  ];
  return { title: "Chain", comparisons: [asynchronous, synchronous], growth, bars };
}

async function compare(pace: Pace, options: MeasureOptions): Promise<Comparison> {
  const contestants = [
    plainSteps(count, pace),
    rxjsChain(count, pace),
    sluiceChain(count, pace),
    xstateChain(count, pace),
  ];
  const isAsynchronous = pace === "asynchronous";
  if (isAsynchronous) {
    contestants.push(workflowCoreChain(count), mastraChain(count), cycgraphChain(count), langgraphChain(count));
  }
  return {
    title: `Chain of ${count.toLocaleString("en")} ${pace} steps`,
    note: "One execution. Sluice writes its full log, which one subscriber reads; the others log nothing.",
    costs: await measure(contestants, options),
    of: "time",
    unit: rxjs,
    ours: sluice,
    steps: { one: "a step", count },
    ...(isAsynchronous
      ? { chart: "Chain of 1,000 chunks" }
      : { exceptions: ["The steps of the other peers are always asynchronous."] }),
  };
}
