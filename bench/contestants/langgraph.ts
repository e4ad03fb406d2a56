import {
  Annotation,
  Command,
  END,
  type LangGraphRunnableConfig,
  MemorySaver,
  START,
  Send,
  StateGraph,
  interrupt,
} from "@langchain/langgraph";
import type { Contestant } from "../measure.ts";
import { consumersOf, heardBy, totalOf } from "./consumer.ts";
import { contestant } from "./contestant.ts";
import { crowd, stepNames } from "./crowd.ts";
import { double, join, joined, places } from "./places.ts";
import { rest, steps } from "./step.ts";
import { text, tokens } from "./tokens.ts";
import type { Waiter } from "./waiter.ts";

const name = "LangGraph";

const State = Annotation.Root({ n: Annotation<number>() });
type State = typeof State.State;
type Step = (state: State, config: LangGraphRunnableConfig) => Promise<State>;

/** A node for each step, compiled once. Its nodes are always asynchronous. */
export function langgraphChain(count: number): Contestant {
  const graph = sequence(
    places(count).map((index) => `c${index}`),
    async ({ n }) => ({ n: await steps.asynchronous(n) }),
  );
  return contestant(name, count, async () => (await graph.invoke({ n: 0 }, { recursionLimit: count + 10 })).n);
}

/** One node, and a conditional edge back to it. A quarter of the events: they cost the same each. */
export function langgraphLoop(count: number): Contestant {
  const part = count / 4;
  const graph = new StateGraph(State)
    .addNode("tick", async ({ n }) => ({ n: await steps.asynchronous(n) }))
    .addEdge(START, "tick")
    .addConditionalEdges("tick", ({ n }) => (n < part ? "tick" : END))
    .compile();
  const once = async (): Promise<number> => (await graph.invoke({ n: 0 }, { recursionLimit: part + 10 })).n;
  return contestant(name, part, once, { scale: count / part });
}

/** A `Send` for each place; a reducer collects the results, which the join puts in their order. */
export function langgraphFan(count: number, limit: number): Contestant {
  interface Done {
    readonly place: number;
    readonly result: number;
  }
  const Fan = Annotation.Root({
    count: Annotation<number>(),
    done: Annotation<Done[]>({ reducer: (before, more) => before.concat(more), default: () => [] }),
    joined: Annotation<number>(),
  });
  const graph = new StateGraph(Fan)
    .addNode("items", async () => ({}))
    .addNode("work", async ({ place }: { place: number }) => ({ done: [{ place, result: await double(place) }] }))
    .addNode("join", async ({ done }) => {
      const results: number[] = [];
      for (const { place, result } of done) results[place] = result;
      return { joined: join(results) };
    })
    .addEdge(START, "items")
    .addConditionalEdges("items", (state) => places(state.count).map((place) => new Send("work", { place })), ["work"])
    .addEdge("work", "join")
    .addEdge("join", END)
    .compile();
  const config = limit < count ? { maxConcurrency: limit } : {};
  return contestant(name, joined(count), async () => (await graph.invoke({ count }, config)).joined);
}

/** A quarter of the executions: they cost the same each. */
export function langgraphCrowd(count: number): Contestant {
  const part = count / 4;
  const graph = sequence(stepNames, async ({ n }) => ({ n: await rest(n) }));
  return crowd(name, part, async () => (await graph.invoke({ n: 0 })).n, { scale: count / part });
}

/** The node's writer. More than one consumer: the stream, teed. A fifth of the items: they cost the same each. */
export function langgraphStream(count: number, consumers: number): Contestant {
  const part = count / 5;
  const graph = sequence(["put"], async (state, { writer }) => {
    for (let item = 0; item < part; item += 1) writer?.(item);
    return state;
  });
  const once = async (): Promise<number> => {
    const all = consumersOf(consumers);
    let remaining: ReadableStream<number> = await graph.stream({ n: 0 }, { streamMode: "custom" });
    const read = all.map(async ({ consume }, index) => {
      let mine = remaining;
      if (index + 1 < all.length) [mine, remaining] = remaining.tee();
      for await (const item of mine) consume(item);
    });
    await Promise.all(read);
    return totalOf(all);
  };
  return contestant(name, heardBy(consumers, part), once, { scale: count / part });
}

/** The node's writer, read as the custom stream. */
export function langgraphTokens(count: number): Contestant {
  const graph = sequence(["put"], async (state, { writer }) => {
    for await (const token of tokens(count)) writer?.(token);
    return state;
  });
  return contestant(name, text(count), async () => {
    let read = "";
    for await (const token of await graph.stream({ n: 0 }, { streamMode: "custom" })) read += token;
    return read;
  });
}

/** A thread each that is interrupted, in one `MemorySaver`: without it, nothing could be resumed. */
export function waiter(): Waiter<{ readonly configurable: { readonly thread_id: string } }> {
  const graph = sequence(["wait"], async () => ({ n: interrupt("tick") }), new MemorySaver());
  return {
    name,
    count: 2_000,
    begin: async () => {
      const thread = { configurable: { thread_id: crypto.randomUUID() } };
      await graph.invoke({ n: 0 }, thread);
      return thread;
    },
    wake: async (thread, payload) => (await graph.invoke(new Command({ resume: payload }), thread)).n,
  };
}

/** A node for each name, one after the other. */
function sequence(names: readonly string[], step: Step, checkpointer?: MemorySaver) {
  return new StateGraph(State)
    .addSequence(names.map((one): [string, Step] => [one, step]))
    .addEdge(START, names[0] ?? END)
    .addEdge(names.at(-1) ?? START, END)
    .compile(checkpointer === undefined ? {} : { checkpointer });
}
