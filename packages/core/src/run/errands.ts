import type { EntryDraft } from "../machine/entry.ts";
import type { Machine } from "../machine/machine.ts";
import type { Order } from "./command-queue.ts";
import type { Finale } from "./finale.ts";
import type { People } from "./people.ts";
import type { Pipelines } from "./pipelines.ts";
import type { Runner } from "./runner.ts";
import type { Timers } from "./timers.ts";

/** The execution that orders are about. */
interface Ordered {
  readonly people: People;
  readonly machine: Machine;
  readonly runner: Runner;
  readonly timers: Timers;
  readonly finale: Finale;
  readonly pipelines: Pipelines | undefined;
  readonly now: () => number;
  readonly append: (draft: EntryDraft) => unknown;
  readonly drain: () => void;
  /** Waits for events no longer. */
  readonly close: (reason: string) => void;
  /** Nothing is unfinished for the machine: it completes, as soon as pipelines and live chunks are done. */
  readonly complete: () => void;
}

/** Carries an order out, unless the end of the execution has overtaken it. */
export function carryOut(order: Order, execution: Ordered): void {
  if (isOver(order, execution)) return;
  const { machine, runner, timers, finale, pipelines } = execution;
  switch (order.type) {
    case "start":
      if (machine.holds(order.activation)) runner.start(order.activation);
      break;
    case "expire":
      runner.expire(order.activation);
      break;
    case "live":
      runner.start(order.activation);
      break;
    case "undo":
      runner.undo(order.undo);
      break;
    case "retry":
      runner.wait(order.of, order.delayMs);
      break;
    case "limit":
      execution.append({ type: "timer:set", timer: order.timer, dueAt: execution.now() + order.timeoutMs });
      break;
    case "wait":
      timers.set(order.timer, order.dueAt - execution.now(), () => {
        execution.append({ type: "timer:fired", timer: order.timer });
        execution.drain();
      });
      break;
    case "unset":
      timers.cancel(order.timer);
      break;
    case "pipe":
      pipelines?.give(order.step, order.payload);
      break;
    case "raise":
    case "lapse":
      execution.people.carryOut(order);
      break;
    case "close":
      execution.close("idle");
      break;
    case "timeout":
      finale.timeout();
      break;
    case "complete":
      execution.complete();
      break;
    case "fail":
      finale.fail(order.error);
      break;
    case "end":
      finale.end(order.cause);
      break;
    case "retract":
      if (!order.told) execution.append({ type: "signal:retracted", ids: order.ids, activations: order.activations });
      for (const activation of order.running) runner.retract(activation);
      break;
    case "rolled-back":
      finale.finish();
      break;
    default:
      order satisfies never;
  }
}

/** Whether nothing is to come of an order any more: the execution has failed or ends, and it is not about an undoing. */
function isOver({ type }: Order, { finale, machine }: Ordered): boolean {
  if (type === "fail" || type === "end" || type === "live") return finale.ending !== undefined;
  if (finale.ending === undefined) return !machine.isRunning;
  return machine.ended || machine.rollback.cause === undefined;
}
