import { linear, targets } from "./bar.ts";
import { langgraphStream } from "./contestants/langgraph.ts";
import { mastraStream } from "./contestants/mastra.ts";
import { plainStream } from "./contestants/plain.ts";
import { rxjs, rxjsStream } from "./contestants/rxjs.ts";
import { sluice, sluicePulledStream, sluiceStream } from "./contestants/sluice.ts";
import { workflowCoreStream } from "./contestants/workflow-core.ts";
import { xstateStream } from "./contestants/xstate.ts";
import { measureGrowth } from "./growth.ts";
import { type MeasureOptions, measure } from "./measure.ts";
import type { Comparison, Section } from "./section.ts";

const count = 100_000;
const sizes = [25_000, 50_000, 100_000, 200_000];
const promised = { LangGraph: 50, Mastra: 8 };

/** One chunk that shows many items to whoever watches. */
export async function stream(options: MeasureOptions): Promise<Section> {
  const one = await compare(1, options);
  const ten = await compare(10, options);
  const grower = { of: "items", sizes };
  const growth = await measureGrowth(
    [
      { ...grower, name: "Sluice, stream to 1 consumer", at: (size) => sluiceStream(size, 1) },
      { ...grower, name: "Sluice, stream to 10 consumers", at: (size) => sluiceStream(size, 10) },
    ],
    options,
  );
  const bars = [
    ...targets(one, { atMost: 5, atLeast: promised }),
    ...targets(ten, { atMost: 3, atLeast: promised }),
    ...growth.map((grown) => linear(grown, "target")),
  ];
  return { title: "Stream", comparisons: [one, ten], growth, bars };
}

async function compare(consumers: number, options: MeasureOptions): Promise<Comparison> {
  const contestants = [
    plainStream,
    rxjsStream,
    sluiceStream,
    sluicePulledStream,
    xstateStream,
    workflowCoreStream,
    mastraStream,
    langgraphStream,
  ].map((contestant) => contestant(count, consumers));
  const title = `Stream of ${count.toLocaleString("en")} items to ${consumers} consumer${consumers === 1 ? "" : "s"}`;
  return {
    title,
    note: "One execution, all items from one step. Sluice validates each item and writes its full log, which is counted before and after; pulled, it also keeps all of it for slow readers. The others log nothing.",
    costs: await measure(contestants, options),
    of: "time",
    unit: rxjs,
    ours: sluice,
    steps: { one: "an item", count },
    chart: title,
    exceptions: [
      "LangGraph has 20,000 items and workflow-core 10,000.",
      "cycgraph streams nothing of a tool: only the tokens of its own agents.",
    ],
  };
}
