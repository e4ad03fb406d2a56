import { type Execution, defineFlow, flow, interrupt, memoryStore, run, start } from "../../packages/core/src/index.ts";
import { z } from "zod";
import { type Waiter, quiet } from "./waiter.ts";

/** The name under which stored executions that wait in memory stand in the tables. */
export const sluiceStored = "Sluice, stored";

const Answer = interrupt("answer", { ask: z.number(), answer: z.number() });
const spec = defineFlow({ name: "wait", input: z.number(), result: z.number() });
/** A flow that asks, and gives back what is answered. */
export const waiting = flow(spec)
  .chunk("begin", start, (n, ctx) => void ctx.interrupt(Answer, n))
  .chunk("end", Answer.answered, (n) => n);

/** An execution each that waits for an answer, and is stored. The store throws away what it is given: it is not what is weighed. */
export function waiter(): Waiter<Execution> {
  const store = { ...memoryStore(), append: () => [] };
  return {
    name: sluiceStored,
    begin: async () => {
      const execution = run(waiting, 0, { store });
      while (execution.status !== "waiting") await quiet();
      return execution;
    },
    wake: (execution, payload) => {
      execution.resume(execution.interrupts[0]?.id ?? "", payload);
      return execution.result;
    },
  };
}
