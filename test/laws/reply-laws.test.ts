import { type Entry, type Execution, Machine, run } from "@sluice/core";
import { VirtualTime, leaksOf, logOf } from "@sluice/testing";
import fc from "fast-check";
import { describe, expect, test } from "vitest";
import { type ReplyPlan, replyFlowOf, replyPlans } from "./random-reply.ts";

const numRuns = 1_000;

async function played(plan: ReplyPlan, alone = false) {
  const time = new VirtualTime();
  const { flow, graph } = replyFlowOf(plan, time, alone);
  const options = { scheduler: time.scheduler, id: "random" };
  const execution = run(flow as never, 1 as never, options as never) as unknown as Execution; // a flow by chance has no types
  await time.advance();
  const log: Entry[] = await logOf(execution);
  return { log, graph, leaks: leaksOf(execution) };
}
const law = (check: (plan: ReplyPlan) => Promise<void>): Promise<void> =>
  fc.assert(fc.asyncProperty(replyPlans, check), { numRuns });
const plain = (value: unknown): unknown => JSON.parse(JSON.stringify(value));

/** What has completed and was not taken back: chunk, lane and output, in no order. Lanes have the numbers of entries, which differ. */
function standing(log: readonly Entry[]): readonly string[] {
  const gone = new Set(log.flatMap((entry) => (entry.type === "signal:retracted" ? entry.activations : [])));
  return log
    .flatMap((entry) => {
      if (entry.type !== "chunk:complete" || gone.has(entry.activationId)) return [];
      const lane = entry.lane.replaceAll(/\/e\d+:?/g, "/e");
      return [`${entry.chunk} ${lane} ${JSON.stringify(entry.output)}`];
    })
    .toSorted();
}

function endOf(log: readonly Entry[]): unknown {
  const final = log.at(-1);
  return final?.type === "flow:failed" ? [final.type, final.error.code] : final?.type;
}

describe("laws of replies that fail and are written again", () => {
  test("S36 the end is that of the last reply alone: nothing of an earlier attempt stands, nothing is missing, nothing is there twice", async () => {
    await law(async (plan) => {
      const [{ log, leaks }, alone] = [await played(plan), await played(plan, true)];
      expect(leaks).toEqual([]);
      expect(endOf(log)).toEqual(endOf(alone.log));
      const completed = (one: readonly Entry[]) => (one.at(-1)?.type === "flow:completed" ? standing(one) : []);
      expect(completed(log)).toEqual(completed(alone.log));
    });
  });

  test("S36 failing and redelivering an equal reply takes nothing back", async () => {
    await law(async (plan) => {
      const last = plan.texts.at(-1) ?? "";
      const { log } = await played({ ...plan, texts: plan.texts.map(() => last) });
      const taken = log.filter(({ type, seq }) => type === "signal:retracted" && seq < (log.at(-1)?.seq ?? 0));
      expect(taken).toEqual([]);
    });
  });

  test("S36 what is taken back is undone, once each; what stands is not", async () => {
    await law(async (plan) => {
      const { log, graph } = await played(plan);
      if (log.at(-1)?.type !== "flow:completed") return;
      const gone = new Set(log.flatMap((entry) => (entry.type === "signal:retracted" ? entry.activations : [])));
      const undoable = new Set(graph.chunks.flatMap(({ name, compensated }) => (compensated === true ? [name] : [])));
      const due = log.flatMap((entry) =>
        entry.type === "chunk:complete" && undoable.has(entry.chunk) && gone.has(entry.activationId)
          ? [entry.activationId]
          : [],
      );
      const undone = log.flatMap((entry) => (entry.type === "chunk:compensated" ? [entry.activationId] : []));
      expect(undone.toSorted()).toEqual(due.toSorted());
    });
  });

  test("the same entries give the same commands; a snapshot anywhere goes on the same", async () => {
    await fc.assert(
      fc.asyncProperty(replyPlans, fc.nat(1_000), async (plan, at) => {
        const { log, graph } = await played(plan);
        const durable = log.filter(({ live }) => live === 0);
        const cut = at % durable.length;
        const whole = new Machine(graph);
        let other = new Machine(graph);
        durable.forEach((entry, index) => {
          if (index === cut) other = Machine.restore(graph, structuredCloneOf(other));
          expect(plain(other.apply(entry))).toEqual(plain(whole.apply(entry)));
        });
        expect(plain(other.snapshot())).toEqual(plain(whole.snapshot()));
      }),
      { numRuns },
    );
  });
});

/** As a store would keep it: through JSON, errors aside. */
function structuredCloneOf(machine: Machine): ReturnType<Machine["snapshot"]> {
  return machine.snapshot();
}
