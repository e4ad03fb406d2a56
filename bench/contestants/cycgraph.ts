import {
  type DefinedTool,
  GraphRunner,
  type NodeValue,
  approval,
  graph,
  mapReduce,
  run,
  runTool,
  state,
  tool,
} from "@cycgraph/orchestrator";
import { z } from "zod";
import type { Contestant } from "../measure.ts";
import { contestant } from "./contestant.ts";
import { crowd, stepNames, stepsEach } from "./crowd.ts";
import { double, join, joined, places } from "./places.ts";
import { rest, steps } from "./step.ts";
import type { Waiter } from "./waiter.ts";

const name = "cycgraph";

type Graph = ReturnType<typeof graph>;

const counted = z.record(z.string(), z.number());

/** A tool node for each step. */
export function cycgraphChain(count: number): Contestant {
  const names = places(count).map((index) => `c${index}`);
  const chain = sequence(names, steps.asynchronous);
  return contestant(name, count, () => resultOf(chain, `c${count - 1}`, { n: 0 }, count));
}

/** A tool node with an edge back to it. Each step costs more than the one before, so it gets a part of them. */
export function cycgraphLoop(count: number): Contestant {
  const part = Math.ceil(count / 10);
  const tick = toolNode("tick", ["tick_result"], counting("tick", steps.asynchronous));
  const end = toolNode(
    "end",
    ["tick_result"],
    counting("end", async (n) => n),
  );
  const loop = graph({
    name: "loop",
    nodes: [tick, end],
    edges: [
      { from: tick, to: tick, when: `memory.tick_result < ${part}` },
      { from: tick, to: end, when: `memory.tick_result >= ${part}` },
    ],
    startNode: tick,
    endNodes: [end],
  });
  return contestant(name, part, () => resultOf(loop, "end", { tick_result: 0 }, part + 1), { scale: count / part });
}

/** A map node, which keeps the order. It runs 50 at a time at most. */
export function cycgraphFan(count: number, limit: number): Contestant {
  const items = tool({
    name: "items",
    description: "The places of a list",
    parameters: z.object({ n: z.number() }),
    execute: ({ n }) => places(n),
  });
  const work = tool({
    name: "work",
    description: "Doubles a place",
    parameters: z.object({ map_item: z.number() }),
    execute: ({ map_item: place }) => double(place),
  });
  const joining = tool({
    name: "join",
    description: "Joins the doubled places",
    parameters: z.object({ map_results: z.array(z.object({ updates: z.object({ work_result: z.number() }) })) }),
    execute: ({ map_results: results }) => join(results.map(({ updates }) => updates.work_result)),
  });
  const itemsNode = toolNode("items", ["n"], items);
  const workNode = toolNode("work", [], work);
  const mapNode = mapReduce(workNode, {
    id: "map",
    items: "$.memory.items_result",
    reads: ["items_result"],
    concurrency: limit,
  });
  const joinNode = toolNode("join", ["map_results"], joining);
  const fan = graph({
    name: "fan",
    nodes: [itemsNode, mapNode, workNode, joinNode],
    edges: [
      { from: itemsNode, to: mapNode },
      { from: mapNode, to: joinNode },
    ],
    startNode: itemsNode,
    endNodes: [joinNode],
  });
  return contestant(name, joined(count), () => resultOf(fan, "join", { n: count }, 3));
}

export function cycgraphCrowd(count: number): Contestant {
  const graphOfSteps = sequence(stepNames, rest);
  return crowd(name, count, () => resultOf(graphOfSteps, stepNames.at(-1) ?? "", { n: 0 }, stepsEach));
}

/** A runner each, at an approval, which a tool node follows. */
export function waiter(): Waiter<GraphRunner> {
  const gate = approval({ id: "gate" });
  const readTool = counting("read", async (n) => n);
  const read = toolNode("read", ["n"], readTool);
  const waiting = graph({ name: "wait", nodes: [gate, read], edges: [{ from: gate, to: read }] });
  return {
    name,
    count: 2_000,
    begin: async () => {
      const runner = new GraphRunner(waiting, state({ workflowId: waiting.id, goal: "wait", memory: { n: 0 } }), {
        tools: [readTool],
      });
      await runner.run();
      return runner;
    },
    wake: async (runner, n) => {
      runner.applyHumanResponse({ decision: "approved", memory_updates: { n } });
      return (await runner.run()).memory["read_result"];
    },
  };
}

/** A tool node for each name, each of which reads what the one before has written. */
function sequence(names: readonly string[], step: (n: number) => Promise<number>): Graph {
  const counter = counting("count", step);
  const nodes = names.map((id, index) => toolNode(id, [index === 0 ? "n" : `${names[index - 1]}_result`], counter));
  const edges = nodes.slice(1).map((to, index) => ({ from: nodes[index] ?? to, to }));
  return graph({ name: "sequence", nodes, edges });
}

/** A tool that takes the one number that its node reads. */
function counting(name: string, step: (n: number) => Promise<number>): DefinedTool {
  return tool({
    name,
    description: "Counts on",
    parameters: counted,
    execute: (numbers) => step(Object.values(numbers)[0] ?? Number.NaN),
  });
}

function toolNode(id: string, reads: string[], definition: DefinedTool): NodeValue {
  return { ...runTool(definition.name, { id, reads }), tools: [definition] } as NodeValue;
}

/** What the node `last` has written when a graph has come to its end. */
async function resultOf(one: Graph, last: string, memory: Record<string, unknown>, nodes: number): Promise<unknown> {
  const ended = await run(one, { goal: "count", memory, maxIterations: nodes + 10 });
  return ended[`${last}_result`];
}
