import { linear, targets } from "./bar.ts";
import { cycgraphFan } from "./contestants/cycgraph.ts";
import { langgraphFan } from "./contestants/langgraph.ts";
import { mastraFan } from "./contestants/mastra.ts";
import { plainFan } from "./contestants/plain.ts";
import { rxjs, rxjsFan } from "./contestants/rxjs.ts";
import { sluice, sluiceFan } from "./contestants/sluice.ts";
import { workflowCoreFan } from "./contestants/workflow-core.ts";
import { xstateFan } from "./contestants/xstate.ts";
import { measureGrowth } from "./growth.ts";
import { type MeasureOptions, measure } from "./measure.ts";
import type { Comparison, Section } from "./section.ts";

const count = 1_000;
const sizes = [250, 500, 1_000, 2_000];
const promised = { LangGraph: 100, Mastra: 8, "workflow-core": 8 };

/** One list, an activation for each of its places, and one that joins their results in order. */
export async function fan(options: MeasureOptions): Promise<Section> {
  const unlimited = await compare(Infinity, options);
  const limited = await compare(10, options);
  const grower = { of: "places", sizes };
  const growth = await measureGrowth(
    [
      { ...grower, name: "Sluice, fan, unlimited", at: (size) => sluiceFan(size, Infinity) },
      { ...grower, name: "Sluice, fan, 10 at a time", at: (size) => sluiceFan(size, 10) },
    ],
    options,
  );
  const bars = [
    ...[unlimited, limited].flatMap((comparison) => targets(comparison, { atMost: 2, atLeast: promised })),
    ...growth.map((one) => linear(one, "target")),
  ];
  return { title: "Fan", comparisons: [unlimited, limited], growth, bars };
}

async function compare(limit: number, options: MeasureOptions): Promise<Comparison> {
  const contestants = [
    plainFan,
    rxjsFan,
    sluiceFan,
    xstateFan,
    workflowCoreFan,
    mastraFan,
    ...(limit === Infinity ? [] : [cycgraphFan]),
    langgraphFan,
  ].map((contestant) => contestant(count, limit));
  const title = `1 to ${count.toLocaleString("en")} to an ordered join, ${limit === Infinity ? "unlimited" : `${limit} at a time`}`;
  return {
    title,
    note: "One execution. Sluice writes its full log, which one subscriber reads; the others log nothing.",
    costs: await measure(contestants, options),
    of: "time",
    unit: rxjs,
    ours: sluice,
    steps: { one: "a place", count },
    chart: title,
    ...(limit === Infinity ? { exceptions: ["cycgraph runs 50 at a time at most."] } : {}),
  };
}
