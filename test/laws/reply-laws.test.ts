import { type Entry, type Execution, Machine, run } from "@sluice/core";
import { VirtualTime, leaksOf, logOf } from "@sluice/testing";
import fc from "fast-check";
import { describe, expect, test } from "vitest";
import { SecondShell, type World } from "./second-shell.ts";
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

/**
 * What an execution that has completed has done and not taken back: chunk, lane and output, in no order. Lanes have the
 * numbers of entries, which differ; how much there is when another chunk has failed hangs on the time.
 */
function standing(log: readonly Entry[]): readonly string[] {
  if (log.at(-1)?.type !== "flow:completed") return [];
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
  return final?.type;
}

describe("laws of replies that fail and are written again", () => {
  test("S36 the end is that of the last reply alone: nothing of an earlier attempt stands, nothing is missing, nothing is there twice", async () => {
    await law(async (plan) => {
      const [{ log, leaks }, alone] = [await played(plan), await played(plan, true)];
      expect(leaks).toEqual([]);
      expect(endOf(log)).toEqual(endOf(alone.log));
      expect(standing(log)).toEqual(standing(alone.log));
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
          if (index === cut) other = Machine.restore(graph, other.snapshot());
          expect(plain(other.apply(entry))).toEqual(plain(whole.apply(entry)));
        });
        expect(plain(other.snapshot())).toEqual(plain(whole.snapshot()));
      }),
      { numRuns },
    );
  });

  test("S26 S36 a crash after any durable entry gives the same end as no crash", () => {
    fc.assert(
      fc.property(replyPlans, (plan) => {
        const { graph } = replyFlowOf(plan, new VirtualTime(), false, 200);
        const texts = plan.texts.map((text) => JSON.parse(text) as Record<string, unknown>);
        const world: World = {
          reads: (chunk, attempt) => {
            const isLast = attempt >= texts.length;
            const until = isLast ? undefined : (plan.cuts[attempt - 1] ?? 0) % 9;
            const value = texts[isLast ? texts.length - 1 : attempt - 1] ?? {};
            return chunk === "read" ? { reply: "reply", value, until, ms: 3 } : undefined;
          },
          work: (chunk, _lane, payload) => ({
            ms: plan.pieces[Number(chunk.slice(1))]?.delay ?? 0,
            output: { [chunk]: payload },
          }),
        };
        const whole = new SecondShell(graph, world).run(1_000);
        const came = [endOf(whole), standing(whole)];
        for (let kept = 1; kept <= whole.length; kept += 1) {
          const after = new SecondShell(graph, world, whole.slice(0, kept)).run(2_000);
          expect([endOf(after), standing(after)], `after entry ${kept}`).toEqual(came);
        }
      }),
      { numRuns },
    );
  });
});
