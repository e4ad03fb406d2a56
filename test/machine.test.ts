import {
  type Command,
  type Entry,
  Machine,
  after,
  any,
  compile,
  defineFlow,
  event,
  flow,
  instant,
  run,
  start,
} from "@sluice/core";
import { VirtualTime } from "@sluice/testing";
import fc from "fast-check";
import { describe, expect, test } from "vitest";
import { z } from "zod";

const Ping = event("ping", z.number());
const Reply = instant("reply", z.object({ a: z.string(), items: z.array(z.number()) }));
const spec = defineFlow({
  name: "law",
  input: z.number(),
  state: z.object({ n: z.number().default(0) }),
  result: z.unknown(),
});

/** A flow with events, completions, lanes and state, whose chunks take as long as they are told. */
const build = (time: VirtualTime, waits: readonly number[], failAt: number) => {
  const wait = async (index: number): Promise<void> => {
    const ms = waits[index % waits.length] ?? 0;
    if (ms > 0) await time.delay(ms);
    if (index === failAt) throw new Error("chance");
  };
  return flow(spec)
    .chunk("read", start, async (n, ctx) => {
      ctx.emit(Ping, n);
      await wait(0);
      return ctx.instant(
        Reply,
        time.tokens([
          [waits[1] ?? 0, '{"a":"x","items":[1,'],
          [waits[2] ?? 0, "2,3]}"],
        ]),
      );
    })
    .chunk("ping", Ping, async (n, ctx) => {
      await wait(1);
      ctx.state.set("n", n);
      if (n < 4) ctx.emit(Ping, n + 1);
    })
    .chunk("item", Reply.field("items[*]"), async (item, ctx) => {
      await wait(2 + item);
      ctx.state.update((draft) => void (draft.n += item));
      return item;
    })
    .chunk("after", after("item"), (item) => item, { when: (item: number) => item !== 2 })
    .chunk("end", any(Reply.done, Reply.field("a")), async (_payload, ctx) => {
      await wait(6);
      ctx.setResult("end");
    });
};
const runs = fc.record({
  waits: fc.array(fc.nat(5), { minLength: 7, maxLength: 7 }),
  failAt: fc.integer({ min: -4, max: 6 }),
  cancelAt: fc.option(fc.nat(12)),
});

async function logOf(parameters: { waits: number[]; failAt: number; cancelAt: number | null }) {
  const time = new VirtualTime();
  const it = build(time, parameters.waits, parameters.failAt);
  const execution = run(it, 1, { scheduler: time.scheduler, id: "law" });
  if (parameters.cancelAt !== null) time.scheduler.schedule(() => execution.cancel(), parameters.cancelAt);
  await time.advance();
  const entries: Entry[] = [];
  for await (const entry of execution.events()) entries.push(entry);
  return { graph: compile(it), durable: entries.filter(({ live }) => live === 0) };
}
const plain = (value: unknown): unknown => JSON.parse(JSON.stringify(value));

describe("the machine", () => {
  test("invariant 1: the same entries give the same commands and the same state, and call no user code", async () => {
    await fc.assert(
      fc.asyncProperty(runs, async (parameters) => {
        const { graph, durable } = await logOf(parameters);
        const [one, two] = [new Machine(graph), new Machine(graph)];
        for (const entry of durable) expect(plain(one.apply(entry))).toEqual(plain(two.apply(entry)));
        expect(plain(one.snapshot())).toEqual(plain(two.snapshot()));
      }),
      { numRuns: 100 },
    );
  });

  test("fold(log) equals the live state, and restore(snapshot) plus the rest of the log equals both", async () => {
    await fc.assert(
      fc.asyncProperty(runs, fc.nat(60), async (parameters, at) => {
        const { graph, durable } = await logOf(parameters);
        const whole = new Machine(graph);
        for (const entry of durable) whole.apply(entry);
        const final = durable.at(-1) as Entry & { state: unknown };
        expect(whole.state).toEqual(final.state);
        const cut = at % durable.length;
        const first = new Machine(graph);
        for (const entry of durable.slice(0, cut)) first.apply(entry);
        const restored = Machine.restore(graph, structuredCloneOf(first));
        for (const entry of durable.slice(cut)) restored.apply(entry);
        expect(plain(restored.snapshot())).toEqual(plain(whole.snapshot()));
      }),
      { numRuns: 100 },
    );
  });

  test("invariant 2: in each moment, what is pending after a fold is what was started and not ended, or waits", async () => {
    await fc.assert(
      fc.asyncProperty(runs, fc.nat(60), async (parameters, at) => {
        const { graph, durable } = await logOf({ ...parameters, cancelAt: null, failAt: -1 });
        const machine = new Machine(graph);
        const open = new Set<string>();
        for (const entry of durable.slice(0, (at % durable.length) + 1)) {
          for (const command of machine.apply(entry)) if (command.type === "start") open.add(command.activation.id);
          if (entry.type === "chunk:complete" || entry.type === "chunk:skipped") open.delete(entry.activationId);
          const pending = machine
            .pending()
            .map((command: Command) => (command.type === "start" ? command.activation.id : command.type));
          const due = open.size === 0 ? ["complete"] : [...open];
          expect(pending.toSorted()).toEqual(machine.ended ? [] : due.toSorted());
        }
      }),
      { numRuns: 100 },
    );
  });

  test("invariant 10: after a final entry there is no command", async () => {
    const { graph, durable } = await logOf({ waits: [0, 1, 2, 0, 1, 2, 0], failAt: -1, cancelAt: null });
    const machine = new Machine(graph);
    for (const entry of durable) machine.apply(entry);
    expect(machine.ended).toBe(true);
    expect(machine.pending()).toEqual([]);
    for (const entry of durable) expect(machine.apply(entry)).toEqual([]);
  });

  test("S12 S26 when the time of an execution is over, it stays over after a fold: it is not set anew", async () => {
    const time = new VirtualTime();
    const slow = defineFlow({ name: "slow", input: z.number(), timeout: 30, result: z.unknown() });
    const it = flow(slow).chunk("wait", start, () => time.delay(100));
    const execution = run(it, 1, { scheduler: time.scheduler });
    await time.advance();
    const durable: Entry[] = [];
    for await (const entry of execution.events()) if (entry.live === 0) durable.push(entry);
    const fired = durable.findIndex(({ type }) => type === "timer:fired");
    const pendingAfter = (count: number) => {
      const machine = new Machine(compile(it));
      for (const entry of durable.slice(0, count)) machine.apply(entry);
      const restored = Machine.restore(compile(it), structuredCloneOf(machine));
      expect(plain(restored.pending())).toEqual(plain(machine.pending()));
      return machine.pending().filter(({ type }) => type !== "start");
    };
    expect(pendingAfter(fired)).toEqual([{ type: "wait", timer: "flow", dueAt: 30 }]);
    expect(pendingAfter(fired + 1)).toEqual([{ type: "timeout" }]);
    expect(pendingAfter(durable.length)).toEqual([]);
  });

  test("a snapshot of another graph is refused", () => {
    const one = compile(flow(spec).chunk("a", start, () => 1));
    const two = compile(flow(spec).chunk("b", start, () => 1));
    expect(() => Machine.restore(two, new Machine(one).snapshot())).toThrowError(
      expect.objectContaining({ code: "snapshot-invalid" }),
    );
  });
});

/** As a store would keep it: through JSON. */
function structuredCloneOf(machine: Machine): ReturnType<Machine["snapshot"]> {
  const snapshot = machine.snapshot();
  const { failure } = snapshot.progress;
  const kept = plain({ ...snapshot, progress: { ...snapshot.progress, failure: undefined } }) as typeof snapshot;
  return { ...kept, progress: { ...kept.progress, failure } };
}
