import { type Execution, type FlowClass, type RunArgs, type RunInput, type SpecOf, run } from "@sluice/core";
import type { Observable, SchedulerLike } from "rxjs";
import { expectNoLeaks } from "./leaks.ts";
import { type StreamExpectation, type ToBe, watch } from "./stream-expectation.ts";
import { type Delay, VirtualTime } from "./virtual-time.ts";

/** What a test in virtual time works with. All of it may be taken apart. */
export interface TestTime {
  /** As `run`, on the virtual clock; ids are `execution-1`, `execution-2`. What an observer throws fails the test. */
  readonly execute: <C extends FlowClass | { readonly "~flow": unknown }>(
    flow: C,
    input: RunInput<C>,
    ...options: RunArgs<C>
  ) => Execution<SpecOf<C>>;
  /** Watches an Observable from now on; it is checked after the test, when the clock has moved to the end. */
  readonly expectStream: (observable: Observable<unknown>) => ToBe;
  /** Moves the clock by some milliseconds, or until nothing is scheduled; promises settle at each instant. */
  readonly advance: (ms?: number) => Promise<void>;
  /** Lets all promises settle, without moving the clock. */
  readonly settle: () => Promise<void>;
  /** Resolves after some virtual milliseconds. */
  readonly delay: Delay;
  /** Texts, each after its pause: `[[0, "{"], [40, '"a"']]`. */
  readonly tokens: (timed: readonly (readonly [afterMs: number, text: string])[]) => AsyncGenerator<string>;
  /** The time, in milliseconds; 0 when the test begins. */
  readonly now: () => number;
  /** For the operators of RxJS: `interval(10, scheduler)`. */
  readonly scheduler: SchedulerLike;
}

/** What is asked of a test. */
export interface TestTimeOptions {
  /** Whether an execution that is unfinished after the test fails it. @default "fail" */
  readonly leaks?: "fail" | "allow";
}

/**
 * Runs a test on a virtual clock. The clock moves by `advance`; while the test waits for anything else, it moves on by
 * itself. After the test it moves to the end of everything that is scheduled, and the expectations are checked. What is
 * to happen in virtual time must wait for promises and for this clock only: for files or the network it does not wait.
 *
 * @returns rejects with what the test throws, an expectation that fails, what an observer threw, or what is left pending;
 *   with an AggregateError when it is several of them.
 */
export async function virtualTime(
  test: (time: TestTime) => unknown,
  { leaks = "fail" }: TestTimeOptions = {},
): Promise<void> {
  const clock = new VirtualTime();
  const { scheduler, advance, settle, delay, tokens, now } = clock;
  const executions: Execution[] = [];
  const expectations: StreamExpectation[] = [];
  const problems: unknown[] = [];
  const execute = (flow: FlowClass, input: unknown, options?: object): Execution => {
    const id = `execution-${executions.length + 1}`; // known, so that what is hashed from it is the same in each run
    const onObserverError = (error: unknown): number => problems.push(error);
    const execution = untyped(flow, input, { id, onObserverError, ...options, scheduler });
    executions.push(execution);
    return execution;
  };
  const expectStream = (observable: Observable<unknown>): ToBe => {
    const expectation = watch(observable, now);
    expectations.push(expectation);
    return expectation;
  };
  const time = { execute, expectStream, advance, settle, delay, tokens, now, scheduler } as unknown as TestTime; // `execute` has the types of `run`
  try {
    await clock.during((async () => test(time))());
    await advance();
    problems.push(...expectations.flatMap((expectation) => expectation.check() ?? []));
    if (leaks === "fail") expectNoLeaks(...executions);
  } catch (error) {
    problems.unshift(error);
  }
  if (problems.length === 1) throw problems[0];
  if (problems.length > 1) throw new AggregateError(problems, problems.map(String).join("\n\n"));
}

// the types of `run` are for those who write a call down; here flow, input and options are only handed on
const untyped = run as unknown as (flow: FlowClass, input: unknown, options: object) => Execution;
