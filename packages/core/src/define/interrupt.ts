import type { z } from "zod";
import type { Schema } from "./schema-path.ts";
import { type Now, type Trigger, trigger } from "./trigger.ts";

/** A typed question to people. What depends on the answer waits for it; everything else goes on. */
export interface Interrupt<N extends string = string, Ask extends Schema = Schema, Answer extends Schema = Schema> {
  readonly name: N;
  /** What is asked. */
  readonly ask: Ask;
  readonly answer: Answer;
  /** Milliseconds that an answer is waited for; left out where there is no limit. */
  readonly expires?: number;
  /** Fires when the question is answered, with the validated answer; `ctx.signal.interrupt` is the question's id. */
  readonly answered: Trigger<Now<z.output<Answer>>>;
  /** Fires when the time of the question is over, with what was asked. */
  readonly expired: Trigger<Now<z.output<Ask>>>;
}

/** What a question consists of. */
export interface InterruptOptions<Ask extends Schema, Answer extends Schema> {
  /** What is asked. Plain data: it is shown to people, and stored. */
  readonly ask: Ask;
  /** What an answer must fit; handlers receive the schema's output. */
  readonly answer: Answer;
  /** Longest wait for the answer, in milliseconds; then `expired` fires. @default no limit */
  readonly expires?: number;
}

/**
 * Defines a question to people: `ctx.interrupt(Approval, { draft })` asks it, `@on(Approval.answered)` goes on with the
 * answer, which `execution.resume(Approval, id, answer)` gives.
 *
 * @param name names it in the log; unique within a flow.
 */
export function interrupt<const N extends string, Ask extends Schema, Answer extends Schema>(
  name: N,
  { ask, answer, expires }: InterruptOptions<Ask, Answer>,
): Interrupt<N, Ask, Answer> {
  const limit = expires === undefined ? {} : { expires };
  const own = { name, schema: answer, ...limit };
  return {
    name,
    ask,
    answer,
    ...limit,
    answered: trigger({ on: "answered", interrupt: own }),
    expired: trigger({ on: "expired", interrupt: own }),
  };
}
