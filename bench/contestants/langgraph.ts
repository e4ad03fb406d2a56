import { Annotation, END, START, StateGraph } from "@langchain/langgraph";
import type { Contestant } from "../measure.ts";
import { steps } from "./step.ts";

const State = Annotation.Root({ n: Annotation<number>() });
type State = typeof State.State;
const node = async ({ n }: State): Promise<State> => ({ n: await steps.asynchronous(n) });

/** A node for each step, compiled once. Its nodes are always asynchronous. */
export function langgraphChain(count: number): Contestant {
  const names = Array.from({ length: count }, (_, index) => `c${index}`);
  const graph = new StateGraph(State)
    .addSequence(names.map((name): [string, typeof node] => [name, node]))
    .addEdge(START, names[0] ?? END)
    .addEdge(names.at(-1) ?? START, END)
    .compile();
  return contestant(count, async () => (await graph.invoke({ n: 0 }, { recursionLimit: count + 10 })).n);
}

/** One node, and a conditional edge back to it. */
export function langgraphLoop(count: number): Contestant {
  const graph = new StateGraph(State)
    .addNode("tick", node)
    .addEdge(START, "tick")
    .addConditionalEdges("tick", ({ n }) => (n < count ? "tick" : END))
    .compile();
  return contestant(count, async () => (await graph.invoke({ n: 0 }, { recursionLimit: count + 10 })).n);
}

function contestant(count: number, once: () => Promise<number>): Contestant {
  return { name: "LangGraph", once, check: (value) => value === count };
}
