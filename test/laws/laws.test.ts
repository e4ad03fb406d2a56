import { type Entry, type Graph, Machine, run, vitalsOf } from "@sluice/core";
import { VirtualTime, itemsOf, outline } from "@sluice/testing";
import fc from "fast-check";
import { describe, expect, test } from "vitest";
import { brokenLaws } from "./lawful.ts";
import { SecondShell, type World } from "./second-shell.ts";
import { type Plan, Poke, flowOf, plans } from "./random-flow.ts";

const numRuns = 1_000;

/** Runs a plan to its end, watched or not. */
async function played(plan: Plan, watched = false) {
  const time = new VirtualTime();
  const { flow, graph } = flowOf(plan, time);
  const execution = run(flow, 1, { scheduler: time.scheduler, id: "random" });
  if (plan.cancelAt !== null) {
    time.scheduler.schedule(() => execution.cancel("by chance", { rollback: plan.rollback }), plan.cancelAt);
  }
  for (const at of plan.pokes) {
    time.scheduler.schedule(() => void (execution.status === "running" && execution.emit(Poke, at)), at);
  }
  const watchers: Promise<unknown>[] = [];
  if (watched) {
    for (const view$ of [execution.stream$, execution.state$, execution.events$, execution.status$]) view$.subscribe();
    execution.on("chunk:complete", () => {});
    watchers.push(
      itemsOf(execution.stream()).catch(() => {}),
      itemsOf(execution.events()),
    );
  }
  await time.advance();
  await execution.result.catch(() => {});
  await Promise.all(watchers);
  const log: Entry[] = await itemsOf(execution.events());
  return { log, graph, time, execution };
}
const plain = (value: unknown): unknown => JSON.parse(JSON.stringify(value));
const law = (check: (plan: Plan) => Promise<void>): Promise<void> =>
  fc.assert(fc.asyncProperty(plans, check), { numRuns });

describe("laws, over random flows, durations, failures and cancels", () => {
  test("one final entry, last; no holes; attempts end once and say nothing afterwards; limits hold; gathers fire once, in order", async () => {
    await law(async (plan) => {
      const { log, graph } = await played(plan);
      expect(brokenLaws(log, graph)).toEqual([]);
    });
  });

  test("after the end nothing is left pending", async () => {
    await law(async (plan) => {
      const { time, execution } = await played(plan);
      expect({ ...vitalsOf(execution), scheduled: time.pending }).toEqual({
        timers: 0,
        attempts: 0,
        listeners: 0,
        readers: 0,
        scheduled: 0,
      });
    });
  });

  test("observed or not, the log is the same", async () => {
    await law(async (plan) => {
      const [one, two] = [await played(plan), await played(plan, true)];
      expect(outline(two.log)).toEqual(outline(one.log));
    });
  });

  test("the same entries give the same commands; fold(log) is the live state; a snapshot anywhere goes on the same", async () => {
    await fc.assert(
      fc.asyncProperty(plans, fc.nat(1_000), async (plan, at) => {
        const { log, graph } = await played(plan);
        const durable = log.filter(({ live }) => live === 0);
        const cut = at % durable.length;
        const whole = new Machine(graph);
        let other = new Machine(graph);
        durable.forEach((entry, index) => {
          if (index === cut) other = restored(other, graph);
          expect(plain(other.apply(entry))).toEqual(plain(whole.apply(entry)));
        });
        expect(plain(other.snapshot())).toEqual(plain(whole.snapshot()));
        expect(whole.state).toEqual((durable.at(-1) as { state?: unknown } | undefined)?.state);
      }),
      { numRuns },
    );
  });
});

describe("laws of recovery", () => {
  /** Kinds whose outcome does not hang on who comes first. */
  const steady = [0, 1, 2, 6, 7, 8, 9, 10, 11];

  test("a crash after any durable entry gives the same end as no crash", () => {
    fc.assert(
      fc.property(plans, (plan) => {
        const pieces = plan.pieces.map((own) => ({
          ...own,
          kind: steady[own.kind % steady.length] ?? 0,
          timeout: 0,
          does: own.does === 5 ? 5 : 0,
        }));
        const { graph } = flowOf({ ...plan, pieces, timeout: 0 }, new VirtualTime());
        const world: World = {
          work: (chunk, lane) => {
            const own = pieces[Number(chunk.slice(1))];
            const index = Number(/(\d+)\]$/.exec(lane)?.[1] ?? 0);
            const output = Array.from({ length: own?.list ?? 0 }, (_, item) => item);
            return {
              ms: own?.delay ?? 0,
              output,
              fails: own !== undefined && own.fails >= 2 && index % 2 === 0,
              steps: ((own?.remembers ?? 0) & 1) > 0,
              ...(own !== undefined && own.remembers & 2 && { sleepMs: own.delay }),
            };
          },
        };
        const whole = new SecondShell(graph, world).run(400);
        if (whole.length > 400) return; // what follows a handler fails and calls the handler, again and again
        for (let kept = 1; kept <= whole.length; kept += 1) {
          const after = new SecondShell(graph, world, whole.slice(0, kept)).run(2_000);
          expect(endOf(after, graph), `after entry ${kept}`).toEqual(endOf(whole, graph));
          expect(repeatedIn(after), `after entry ${kept}`).toEqual([]);
        }
      }),
      { numRuns },
    );
  });
});

/**
 * What an execution came to: its final entry, what is left undone of what can be, and, when it completed, all that was
 * completed where. How much had completed when another chunk failed hangs on the time that a crash costs.
 */
function endOf(log: readonly Entry[], { chunks }: Graph): unknown {
  const final = log.at(-1)?.type;
  const outputs = log.flatMap((entry) => (entry.type === "chunk:complete" ? [entry] : []));
  if (final === "flow:completed") {
    const completed = outputs.map(
      ({ chunk, lane, output }) => `${chunk} ${namedByPlace(lane)} ${JSON.stringify(output)}`,
    );
    return { final, completed: completed.toSorted() };
  }
  const undone = new Set(log.flatMap((entry) => (entry.type === "chunk:compensated" ? [entry.activationId] : [])));
  const compensated = new Set(chunks.flatMap(({ name, compensated: has }) => (has === true ? [name] : [])));
  const left = outputs.filter(({ chunk, activationId }) => compensated.has(chunk) && !undone.has(activationId));
  return { final, left };
}

/** What was done again that had been done. */
function repeatedIn(log: readonly Entry[]): string[] {
  const done = log.flatMap((entry) => {
    if (entry.type === "step:complete") return [`${entry.activationId} ${entry.name}`];
    const isSleep = (entry.type === "timer:set" || entry.type === "timer:fired") && entry.timer.startsWith("sleep ");
    return isSleep ? [`${entry.type} ${entry.timer}`] : [];
  });
  return done.filter((one, index) => done.indexOf(one) < index);
}

/** Lanes have the numbers of the entries that opened them, which a crash shifts. */
function namedByPlace(lane: string): string {
  return lane.replaceAll(/\/e\d+/g, "/e");
}

/** Through JSON, as a store would keep it. */
function restored(machine: Machine, graph: Parameters<typeof Machine.restore>[0]): Machine {
  const snapshot = machine.snapshot();
  const { failure } = snapshot.progress;
  const kept = plain({
    ...snapshot,
    rollback: undefined,
    progress: { ...snapshot.progress, failure: undefined },
  }) as typeof snapshot;
  return Machine.restore(graph, {
    ...kept,
    rollback: snapshot.rollback,
    progress: { ...kept.progress, failure },
  });
}
