import { type AnyStateMachine, assign, createActor, createMachine, fromPromise, raise, toPromise } from "xstate";
import type { Contestant } from "../measure.ts";
import { type Pace, steps } from "./step.ts";

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
const input = ({ context }: Told): number => context.n;
const takeOutput = assign({ n: ({ event }: Done) => event.output } as never);
const takeStep = assign({ n: ({ context }: Told) => steps.synchronous(context.n) } as never);
const done = { type: "final" };

/** A state for each step: it invokes a promise actor, or passes on at once (`always`). */
export function xstateChain(count: number, pace: Pace): Contestant {
  const states: Record<string, unknown> = { done };
  for (let index = 0; index < count; index += 1) {
    const target = index + 1 < count ? `c${index + 1}` : "done";
    states[`c${index}`] =
      pace === "asynchronous"
        ? { invoke: { src: stepActor, input, onDone: { target, actions: takeOutput } } }
        : { always: { target, actions: takeStep } };
  }
  return contestant(count, machine("c0", states));
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
  return contestant(count, machine("tick", { done, tick: { asynchronous, synchronous }[pace] }));
}

function machine(initial: string, states: Record<string, unknown>): AnyStateMachine {
  const config = { initial, states, context: { n: 0 }, output: input };
  return createMachine(config as never) as AnyStateMachine; // its types want the states' names, which are computed here
}

function contestant(count: number, logic: AnyStateMachine): Contestant {
  const once = (): Promise<unknown> => {
    const actor = createActor(logic);
    const result = toPromise(actor);
    actor.start();
    return result;
  };
  return { name: "xstate", once, check: (value) => value === count };
}
