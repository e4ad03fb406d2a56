import {
  type AnyActorLogic,
  type AnyStateMachine,
  assign,
  createActor,
  createMachine,
  enqueueActions,
  fromPromise,
  raise,
  toPromise,
} from "xstate";
import type { Contestant } from "../measure.ts";
import { consumersOf, heardBy, totalOf } from "./consumer.ts";
import { contestant } from "./contestant.ts";
import { crowd, stepNames } from "./crowd.ts";
import { double, join, joined, places } from "./places.ts";
import { type Pace, rest, steps } from "./step.ts";
import { text, tokens } from "./tokens.ts";
import type { Waiter } from "./waiter.ts";

const name = "xstate";

interface Counter {
  readonly n: number;
}
/** What the functions of a machine are called with, as far as they look at it. */
interface Told {
  readonly context: Counter;
}
interface Done {
  readonly event: { readonly output: number };
}

const stepActor = fromPromise(({ input }: { input: number }) => steps.asynchronous(input));
const restActor = fromPromise(({ input }: { input: number }) => rest(input));
const input = ({ context }: Told): number => context.n;
const takeOutput = assign({ n: ({ event }: Done) => event.output } as never);
const takeStep = assign({ n: ({ context }: Told) => steps.synchronous(context.n) } as never);
const done = { type: "final" };

/** A state for each step: it invokes a promise actor, or passes on at once (`always`). */
export function xstateChain(count: number, pace: Pace): Contestant {
  const names = places(count).map((index) => `c${index}`);
  if (pace === "asynchronous") return counting(count, sequence(names, stepActor));
  const states = names.map((one, index) => [
    one,
    { always: { target: names[index + 1] ?? "done", actions: takeStep } },
  ]);
  return counting(count, machine("c0", { ...Object.fromEntries(states), done }));
}

/** One state that enters itself again when its promise actor is done, or that raises the next event. */
export function xstateLoop(count: number, pace: Pace): Contestant {
  const more = ({ context }: Told): boolean => context.n < count - 1;
  const asynchronous = {
    invoke: {
      src: stepActor,
      input,
      onDone: [
        { guard: more, target: "tick", reenter: true, actions: takeOutput },
        { target: "done", actions: takeOutput },
      ],
    },
  };
  const synchronous = {
    entry: raise({ type: "tick" }),
    on: {
      tick: [
        { guard: more, actions: [takeStep, raise({ type: "tick" })] },
        { target: "done", actions: takeStep },
      ],
    },
  };
  return counting(count, machine("tick", { done, tick: { asynchronous, synchronous }[pace] }));
}

/** A promise actor for each place; those that are done are counted, and their results put in their order. */
export function xstateFan(count: number, limit: number): Contestant {
  const worker = fromPromise(async ({ input: place }: { input: number }) => ({ place, result: await double(place) }));
  interface Fan {
    readonly context: { readonly next: number; readonly done: number; readonly results: readonly number[] };
    readonly event: { readonly output: { readonly place: number; readonly result: number } };
    readonly enqueue: {
      (action: unknown): void;
      readonly assign: (change: Partial<Fan["context"]>) => void;
      readonly spawnChild: (logic: AnyActorLogic, options: object) => void;
    };
  }
  const spawn = ({ spawnChild }: Fan["enqueue"], place: number): void =>
    spawnChild(worker, { id: `work${place}`, input: place });
  const begin = ({ enqueue }: Fan): void => {
    const next = Math.min(limit, count);
    for (let place = 0; place < next; place += 1) spawn(enqueue, place);
    enqueue.assign({ next });
  };
  const take = ({ enqueue, context, event: { output } }: Fan): void => {
    const results = context.results as number[]; // one array for all of them: a copy each would be quadratic
    results[output.place] = output.result;
    if (context.next < count) spawn(enqueue, context.next);
    enqueue.assign({ next: context.next + 1, done: context.done + 1 });
  };
  const logic = createMachine({
    context: () => ({ next: 0, done: 0, results: [] }),
    initial: "work",
    states: {
      work: {
        entry: enqueueActions(begin as never),
        on: {
          "xstate.done.actor.*": [
            {
              guard: ({ context }: Fan) => context.done === count - 1,
              target: "done",
              actions: enqueueActions(take as never),
            },
            { actions: enqueueActions(take as never) },
          ],
        },
      },
      done,
    },
    output: ({ context }: Fan) => join(context.results),
  } as never);
  return contestant(name, joined(count), () => resultOf(logic));
}

export function xstateCrowd(count: number): Contestant {
  const logic = sequence(stepNames, restActor);
  return crowd(name, count, () => resultOf(logic));
}

/** A promise actor that emits the items. */
export function xstateStream(count: number, consumers: number): Contestant {
  interface Item {
    readonly type: "item";
    readonly item: number;
  }
  const logic = fromPromise<void, undefined, Item>(async ({ emit }) => {
    for (let item = 0; item < count; item += 1) emit({ type: "item", item });
  });
  return contestant(name, heardBy(consumers, count), async () => {
    const all = consumersOf(consumers);
    const actor = createActor(logic);
    for (const { consume } of all) actor.on("item", ({ item }) => consume(item));
    actor.start();
    await toPromise(actor);
    return totalOf(all);
  });
}

/** A promise actor that emits the tokens. */
export function xstateTokens(count: number): Contestant {
  const logic = fromPromise<void, undefined, { readonly type: "token"; readonly token: string }>(async ({ emit }) => {
    for await (const token of tokens(count)) emit({ type: "token", token });
  });
  return contestant(name, text(count), async () => {
    let read = "";
    const actor = createActor(logic);
    actor.on("token", ({ token }) => (read += token));
    actor.start();
    await toPromise(actor);
    return read;
  });
}

/** An actor each, in a state that waits for the event. */
export function waiter(): Waiter<ReturnType<typeof createActor<AnyStateMachine>>> {
  const takePayload = assign({ n: ({ event }: { event: { payload: number } }) => event.payload } as never);
  const logic = machine("wait", { wait: { on: { tick: { target: "done", actions: takePayload } } }, done });
  return {
    name,
    begin: async () => createActor(logic).start(),
    wake: (actor, payload) => {
      actor.send({ type: "tick", payload });
      return toPromise(actor);
    },
  };
}

/** A state for each name, which invokes an actor. */
function sequence(names: readonly string[], src: AnyActorLogic): AnyStateMachine {
  const states = names.map((one, index) => [
    one,
    { invoke: { src, input, onDone: { target: names[index + 1] ?? "done", actions: takeOutput } } },
  ]);
  return machine(names[0] ?? "done", { ...Object.fromEntries(states), done });
}

function machine(initial: string, states: Record<string, unknown>): AnyStateMachine {
  const config = { initial, states, context: { n: 0 }, output: input };
  return createMachine(config as never) as AnyStateMachine; // its types want the states' names, which are computed here
}

function counting(count: number, logic: AnyStateMachine): Contestant {
  return contestant(name, count, () => resultOf(logic));
}

function resultOf(logic: AnyActorLogic): Promise<unknown> {
  const actor = createActor(logic);
  const result = toPromise(actor);
  actor.start();
  return result;
}
