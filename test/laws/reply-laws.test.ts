import { type Entry, type Execution, Machine, run } from "@sluice/core";
import { VirtualTime, leaksOf, logOf } from "@sluice/testing";
import fc from "fast-check";
import { describe, expect, test } from "vitest";
import { retractedIn } from "../played.ts";
import { SecondShell, type World } from "./second-shell.ts";
import { type Reader, type ReplyPlan, readers, replyFlowOf, replyPlans } from "./random-reply.ts";

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
/** With chunks that stop replies. */
const stopping: fc.Arbitrary<ReplyPlan> = replyPlans.map((plan) => ({ ...plan, stops: true }));
/** Two joins in each of several lanes, which are taken back in the order of their making, not of what has come to them. */
const severalJoins: ReplyPlan = {
  pieces: [988, 331, 5, 475, 0, 508].map((kind, index) => ({
    kind,
    from: index === 3 ? [1, 1] : [0, 0],
    delay: 0,
    does: 0,
  })),
  written: {
    read: { texts: ['{"b":"p","list":[0,0,0],"a":0}', '{"list":[0],"rows":[]}'], cuts: [25, 1, 0] },
    second: { texts: ['{"c":0,"words":[]}', "{}"], cuts: [15, 7, 0] },
    nested: { texts: ["{}"], cuts: [43, 10, 0] },
  },
  cause: 0,
  stops: false,
  concurrency: 1,
};
const law = (check: (plan: ReplyPlan) => Promise<void>): Promise<void> =>
  fc.assert(fc.asyncProperty(replyPlans, check), { numRuns });
const plain = (value: unknown): unknown => JSON.parse(JSON.stringify(value));

/**
 * What an execution that has completed has done and not taken back: chunk, lane and output, in no order. Lanes have the
 * numbers of entries and activations, which differ; how much there is when another chunk has failed hangs on the time.
 */
function standing(log: readonly Entry[]): readonly string[] {
  if (log.at(-1)?.type !== "flow:completed") return [];
  const gone = retractedIn(log);
  return log
    .flatMap((entry) => {
      if (entry.type !== "chunk:complete" || gone.has(entry.activationId)) return [];
      const lane = entry.lane.replaceAll(/\/e\d+:?/g, "/e").replaceAll(/@a\d+/g, "@a");
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
      const again = (reader: Reader): ReplyPlan["written"][Reader] => {
        const { texts, cuts } = plan.written[reader];
        return { cuts, texts: texts.map(() => texts.at(-1) ?? "") };
      };
      const written = { read: again("read"), second: again("second"), nested: again("nested") };
      const { log } = await played({ ...plan, written });
      const taken = log.filter(({ type, seq }) => type === "signal:retracted" && seq < (log.at(-1)?.seq ?? 0));
      expect(taken).toEqual([]);
    });
  });

  test("S36 S37 what is taken back is undone, once each; what stands is not", async () => {
    await fc.assert(fc.asyncProperty(fc.oneof(replyPlans, stopping), undoneOnce), { numRuns });

    async function undoneOnce(plan: ReplyPlan): Promise<void> {
      const { log, graph, leaks } = await played(plan);
      expect(leaks).toEqual([]);
      if (log.at(-1)?.type !== "flow:completed") return;
      const gone = retractedIn(log);
      const undoable = new Set(graph.chunks.flatMap(({ name, compensated }) => (compensated === true ? [name] : [])));
      const due = log.flatMap((entry) =>
        entry.type === "chunk:complete" && undoable.has(entry.chunk) && gone.has(entry.activationId)
          ? [entry.activationId]
          : [],
      );
      const undone = log.flatMap((entry) => (entry.type === "chunk:compensated" ? [entry.activationId] : []));
      expect(undone.toSorted()).toEqual(due.toSorted());
    }
  });

  test("S37 of a reply that was stopped stands what it holds", async () => {
    await fc.assert(
      fc.asyncProperty(stopping, async (plan) => {
        const { log, leaks } = await played(plan);
        expect(leaks).toEqual([]);
        const [stopped] = log.flatMap((entry) =>
          entry.type === "reply:stopped" && entry.reply === "reply"
            ? [entry.value as { list?: readonly number[] }]
            : [],
        );
        if (stopped === undefined || log.at(-1)?.type !== "flow:completed") return;
        const gone = retractedIn(log);
        const heard = new Map<string, number[]>();
        const inOrder = (numbers: readonly number[]) => numbers.toSorted((one, other) => one - other);
        for (const entry of log) {
          if (
            entry.type !== "chunk:start" ||
            entry.trigger !== 'reply.field("list[*]")' ||
            gone.has(entry.activationId)
          )
            continue;
          if (entry.attempt === 1) heard.set(entry.chunk, [...(heard.get(entry.chunk) ?? []), entry.input as number]);
        }
        for (const inputs of heard.values()) expect(inOrder(inputs)).toEqual(inOrder(stopped.list ?? []));
      }),
      { numRuns },
    );
  });

  test("the same entries give the same commands; a snapshot anywhere goes on the same", async () => {
    await fc.assert(
      fc.asyncProperty(fc.oneof(replyPlans, stopping), fc.nat(1_000), async (plan, at) => {
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
      { numRuns, examples: [[severalJoins, 31]] },
    );
  });

  test("S26 S36 a crash after any durable entry gives the same end as no crash", () => {
    fc.assert(
      fc.property(replyPlans, (plan) => {
        const { graph, blind } = replyFlowOf(plan, new VirtualTime(), false, 200);
        const world: World = {
          reads: (chunk, attempt) => {
            if (!Object.hasOwn(readers, chunk)) return undefined;
            const { texts, cuts } = plan.written[chunk as Reader];
            const isLast = attempt >= texts.length;
            const until = isLast ? undefined : (cuts[attempt - 1] ?? 0) % 9;
            const value = JSON.parse(texts[Math.min(attempt, texts.length) - 1] ?? "") as Record<string, unknown>;
            return { reply: readers[chunk as Reader], value, until, ms: 3 };
          },
          work: (chunk, _lane, payload) => ({
            ms: plan.pieces[Number(chunk.slice(1))]?.delay ?? 0,
            output: blind.has(chunk) ? chunk : { [chunk]: payload },
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
