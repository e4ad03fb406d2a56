import { linear, targets } from "./bar.ts";
import { stepsEach } from "./contestants/crowd.ts";
import { cycgraphCrowd } from "./contestants/cycgraph.ts";
import { langgraphCrowd } from "./contestants/langgraph.ts";
import { mastraCrowd } from "./contestants/mastra.ts";
import { plainCrowd } from "./contestants/plain.ts";
import { rxjs, rxjsCrowd } from "./contestants/rxjs.ts";
import { sluice, sluiceCrowd } from "./contestants/sluice.ts";
import { workflowCoreCrowd } from "./contestants/workflow-core.ts";
import { xstateCrowd } from "./contestants/xstate.ts";
import { measureGrowth } from "./growth.ts";
import { type MeasureOptions, cpuClock, measure } from "./measure.ts";
import type { Comparison, Section } from "./section.ts";

const count = 1_000;
const sizes = [250, 500, 1_000, 2_000];
const promised = { LangGraph: 20, Mastra: 3, xstate: 3 };

/** Many executions at the same time, all of which mostly wait. Slices are few and long, so that each has its share of collections. */
export async function crowd({ rounds, sliceMs, ...others }: MeasureOptions): Promise<Section> {
  const options = { ...others, rounds: Math.ceil(rounds / 2), sliceMs: sliceMs * 5 };
  const comparison = await compare(options);
  const grower = { of: "executions", sizes };
  const growth = await measureGrowth([{ ...grower, name: "Sluice, crowd", at: sluiceCrowd }], options, cpuClock);
  const bars = [
    ...targets(comparison, { atMost: 1.2, atLeast: promised }),
    ...growth.map((one) => linear(one, "target")),
  ];
  return { title: "Crowd", comparisons: [comparison], growth, bars };
}

async function compare(options: MeasureOptions): Promise<Comparison> {
  const contestants = [
    plainCrowd,
    rxjsCrowd,
    sluiceCrowd,
    xstateCrowd,
    workflowCoreCrowd,
    mastraCrowd,
    cycgraphCrowd,
    langgraphCrowd,
  ].map((contestant) => contestant(count));
  const executions = count.toLocaleString("en");
  return {
    title: `${executions} executions of ${stepsEach} steps of 1 ms, all at once`,
    note: "CPU time of the process, timers and garbage collection included. Sluice writes the full log of each execution, which one subscriber reads; the others log nothing.",
    costs: await measure(contestants, options, cpuClock),
    of: "CPU time",
    unit: rxjs,
    ours: sluice,
    steps: { one: "a step", count: count * stepsEach },
    chart: `${executions} executions at once, CPU`,
    exceptions: ["LangGraph has 250 executions."],
  };
}
