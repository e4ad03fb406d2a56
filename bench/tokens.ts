import { linear, targets } from "./bar.ts";
import { langgraphTokens } from "./contestants/langgraph.ts";
import { mastraTokens } from "./contestants/mastra.ts";
import { plainTokens } from "./contestants/plain.ts";
import { rxjs, rxjsTokens } from "./contestants/rxjs.ts";
import { sluice, sluicePulledTokens, sluiceTokens } from "./contestants/sluice.ts";
import { workflowCoreTokens } from "./contestants/workflow-core.ts";
import { xstateTokens } from "./contestants/xstate.ts";
import { measureGrowth } from "./growth.ts";
import { type MeasureOptions, measure } from "./measure.ts";
import type { Comparison, Section } from "./section.ts";

const count = 2_000;
const sizes = [500, 1_000, 2_000, 4_000];
const promised = { LangGraph: 8, Mastra: 5 };

/** A model's tokens that go through a chunk to who reads them. */
export async function tokens(options: MeasureOptions): Promise<Section> {
  const comparison = await compare(options);
  const grower = { of: "tokens", sizes };
  const growth = await measureGrowth([{ ...grower, name: "Sluice, tokens", at: sluiceTokens }], options);
  const bars = [
    ...targets(comparison, { atMost: 3, atLeast: promised }),
    ...growth.map((one) => linear(one, "target")),
  ];
  return { title: "Tokens", comparisons: [comparison], growth, bars };
}

async function compare(options: MeasureOptions): Promise<Comparison> {
  const contestants = [
    plainTokens,
    rxjsTokens,
    sluiceTokens,
    sluicePulledTokens,
    xstateTokens,
    workflowCoreTokens,
    mastraTokens,
    langgraphTokens,
  ].map((contestant) => contestant(count));
  const title = `${count.toLocaleString("en")} tokens to 1 consumer`;
  return {
    title,
    note: "One execution; the tokens come from an async generator through one step. Sluice validates each and writes its full log, which is counted before and after; the others log nothing.",
    costs: await measure(contestants, options),
    of: "time",
    unit: rxjs,
    ours: sluice,
    steps: { one: "a token", count },
    chart: title,
    exceptions: ["cycgraph streams nothing of a tool: only the tokens of its own agents."],
  };
}
