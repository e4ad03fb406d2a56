// What AG-UI's own verifier says to runs of flows by chance.
import type { AGUIEvent, Message } from "@ag-ui/core";
import type { AgUiOptions } from "@sluice/ai";
import { type Entry, type Execution, run } from "@sluice/core";
import { VirtualTime, logOf } from "@sluice/testing";
import fc from "fast-check";
import { describe, expect, test } from "vitest";
import { clientOf, eventsOf } from "../ag-ui-client.ts";
import { retractedIn } from "../played.ts";
import { Poke, flowOf, plans } from "./random-flow.ts";
import { replyFlowOf, replyPlans } from "./random-reply.ts";

const numRuns = 200;

/** Runs a flow to its end, with a reader from the start. */
async function watched(flow: unknown, time: VirtualTime, meanwhile: (execution: Execution) => void = () => {}) {
  const options = { scheduler: time.scheduler, id: "random" };
  const execution = run(flow as never, 1 as never, options as never) as unknown as Execution; // a flow by chance has no types
  meanwhile(execution);
  const events = eventsOf(execution);
  await time.advance();
  return { execution, events: await events, log: await logOf(execution) };
}
/** The same, behind each of some entries. */
async function allFrom(execution: Execution, log: readonly Entry[], at: number): Promise<AGUIEvent[][]> {
  const from = [at, at * 7, at * 31].map((index) => log[index % log.length]).filter((entry) => entry?.live === 0);
  return Promise.all(from.map((entry) => eventsOf(execution, { after: entry?.seq } as AgUiOptions)));
}

describe("laws of AG-UI's verifier", () => {
  test("no flow by chance violates it, whatever fails, is tried again or is cancelled, wherever a reader begins", async () => {
    await fc.assert(
      fc.asyncProperty(plans, fc.nat(1_000), async (plan, at) => {
        const time = new VirtualTime();
        const { flow } = flowOf(plan, time);
        const { execution, events, log } = await watched(flow, time, (running) => {
          const { cancelAt, rollback, pokes } = plan;
          if (cancelAt !== null) time.scheduler.schedule(() => running.cancel("by chance", { rollback }), cancelAt);
          for (const poke of pokes) {
            time.scheduler.schedule(() => void (running.status === "running" && running.emit(Poke, poke)), poke);
          }
        });
        const { state } = await clientOf(events);
        expect(state).toEqual({ ...(execution.state as object), replies: {} });
        for (const later of await allFrom(execution, log, at)) await clientOf(later);
      }),
      { numRuns },
    );
  });

  test("no replies by chance do, that break off and are written again; in the end a client has those that stand", async () => {
    await fc.assert(
      fc.asyncProperty(replyPlans, fc.nat(1_000), async (plan, at) => {
        const time = new VirtualTime();
        const { execution, events, log } = await watched(replyFlowOf(plan, time, false).flow, time);
        const gone = retractedIn(log);
        const { state, messages } = await clientOf(events);
        const shown = Object.values(state["replies"] as Record<string, unknown[]>).flat();
        for (const entry of log) {
          if (entry.type !== "reply:complete" || gone.has(entry.activationId)) continue;
          if (Object.keys(entry.value as object).length === 0) continue; // no field, nothing that is shown
          expect(shown).toContainEqual(entry.value);
        }
        expect(messages).toEqual([] satisfies Message[]);
        for (const later of await allFrom(execution, log, at)) await clientOf(later);
      }),
      { numRuns },
    );
  });
});
