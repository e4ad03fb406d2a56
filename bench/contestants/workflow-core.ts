import { type Workflow, type WorkflowEvent, createWorkflow, workflowEvent } from "@llamaindex/workflow-core";
import type { Contestant } from "../measure.ts";
import { consumersOf, heardBy, totalOf } from "./consumer.ts";
import { contestant } from "./contestant.ts";
import { crowd, stepsEach } from "./crowd.ts";
import { double, join, joined, places } from "./places.ts";
import { rest, steps } from "./step.ts";
import { text, tokens } from "./tokens.ts";
import { type Waiter, quiet } from "./waiter.ts";

const name = "workflow-core";

type Context = ReturnType<Workflow["createContext"]>;

/** A flow of handlers, with the events that begin and end it. */
interface Flow {
  readonly workflow: Workflow;
  readonly begin: WorkflowEvent<number>;
  readonly end: WorkflowEvent<number>;
}

/** An event and a handler for each step. */
export function workflowCoreChain(count: number): Contestant {
  const flow = sequence(count, steps.asynchronous);
  return contestant(name, count, () => resultOf(flow, 0));
}

/** A handler of an event that gives the next one. Each event costs more than the one before, so it gets a part of them. */
export function workflowCoreLoop(count: number): Contestant {
  const part = Math.ceil(count / 4);
  const flow = emptyFlow();
  const { workflow, begin, end } = flow;
  workflow.handle([begin], async (_, { data }) => {
    const next = await steps.asynchronous(data);
    return next < part ? begin.with(next) : end.with(next);
  });
  return contestant(name, part, () => resultOf(flow, 0), { scale: count / part });
}

/** An event for each place, and one for each result, which are counted and put in their order. */
export function workflowCoreFan(count: number, limit: number): Contestant {
  const flow = emptyFlow();
  const { workflow, begin, end } = flow;
  const item = workflowEvent<number>();
  const done = workflowEvent<{ readonly place: number; readonly result: number }>();
  workflow.handle([begin], async (context) => {
    const results: number[] = [];
    let open = 0;
    let next = 0;
    const all = new Promise<void>((resolve) => {
      context.stream.on(done, ({ data: { place, result } }) => {
        results[place] = result;
        open -= 1;
        if (next < count) sendNext(context);
        else if (open === 0) resolve();
      });
    });
    const sendNext = ({ sendEvent }: Context): void => {
      open += 1;
      sendEvent(item.with(next++));
    };
    while (next < Math.min(limit, count)) sendNext(context);
    await all;
    return end.with(join(results));
  });
  workflow.handle([item], async (_, { data }) => done.with({ place: data, result: await double(data) }));
  workflow.handle([done], () => {}); // without a handler, the event would stay in the queue
  return contestant(name, joined(count), () => resultOf(flow, count));
}

export function workflowCoreCrowd(count: number): Contestant {
  const flow = sequence(stepsEach, rest);
  return crowd(name, count, () => resultOf(flow, 0));
}

/** An event for each item, which the consumers hear. A tenth of the items: they cost the same each. */
export function workflowCoreStream(count: number, consumers: number): Contestant {
  const part = count / 10;
  const flow = emptyFlow();
  const { workflow, begin, end } = flow;
  const item = workflowEvent<number>();
  workflow.handle([begin], async ({ sendEvent }, { data }) => {
    for (let next = 0; next < data; next += 1) sendEvent(item.with(next));
    return end.with(data);
  });
  workflow.handle([item], () => {}); // without a handler, the event would stay in the queue
  const once = async (): Promise<number> => {
    const all = consumersOf(consumers);
    await resultOf(flow, part, ({ stream }) => {
      for (const { consume } of all) stream.on(item, ({ data }) => consume(data));
    });
    return totalOf(all);
  };
  return contestant(name, heardBy(consumers, part), once, { scale: count / part });
}

/** An event for each token, read as the stream. */
export function workflowCoreTokens(count: number): Contestant {
  const { workflow, begin, end } = emptyFlow();
  const put = workflowEvent<string>();
  workflow.handle([begin], async ({ sendEvent }, { data }) => {
    for await (const token of tokens(data)) sendEvent(put.with(token));
    return end.with(data);
  });
  workflow.handle([put], () => {}); // without a handler, the event would stay in the queue
  return contestant(name, text(count), async () => {
    const { stream, sendEvent } = workflow.createContext();
    let read = "";
    sendEvent(begin.with(count));
    for await (const one of stream) {
      if (put.include(one)) read += one.data;
      else if (end.include(one)) break;
    }
    return read;
  });
}

/** A context each, with a handler for the event. */
export function waiter(): Waiter<{ readonly context: Context; readonly result: Promise<unknown> }> {
  const { workflow, begin, end } = emptyFlow();
  const tick = workflowEvent<number>();
  workflow.handle([begin], async () => {});
  workflow.handle([tick], async (_, { data }) => end.with(data));
  return {
    name,
    begin: async () => {
      const context = workflow.createContext();
      const result = ended(context, end);
      context.sendEvent(begin.with(0));
      await quiet();
      return { context, result };
    },
    wake: ({ context, result }, payload) => {
      context.sendEvent(tick.with(payload));
      return result;
    },
  };
}

function emptyFlow(): Flow {
  return { workflow: createWorkflow(), begin: workflowEvent<number>(), end: workflowEvent<number>() };
}

/** An event and a handler for each step. */
function sequence(count: number, step: (n: number) => Promise<number>): Flow {
  const workflow = createWorkflow();
  const begin = workflowEvent<number>();
  let last = begin;
  for (const _ of places(count)) {
    const next = workflowEvent<number>();
    workflow.handle([last], async (_, { data }) => next.with(await step(data)));
    last = next;
  }
  return { workflow, begin, end: last };
}

function resultOf({ workflow, begin, end }: Flow, input: number, watch?: (context: Context) => void): Promise<number> {
  const context = workflow.createContext();
  const result = ended(context, end);
  watch?.(context);
  context.sendEvent(begin.with(input));
  return result;
}

/** The data of the event that ends a flow. */
function ended({ stream }: Context, end: WorkflowEvent<number>): Promise<number> {
  return new Promise((resolve) => stream.on(end, ({ data }) => resolve(data)));
}
