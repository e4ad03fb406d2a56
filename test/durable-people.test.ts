import {
  type OpenQuestion,
  after,
  all,
  any,
  defineFlow,
  each,
  flow,
  gather,
  interrupt,
  load,
  memoryStore,
  recover,
  run,
  start,
} from "@sluice/core";
import { VirtualTime, itemsOf } from "@sluice/testing";
import { expect, test } from "vitest";
import { z } from "zod";

const Approval = interrupt("approval", { ask: z.string(), answer: z.object({ ok: z.boolean() }) });
const Second = interrupt("second", { ask: z.string(), answer: z.object({ ok: z.boolean() }) });
const Hurried = interrupt("hurried", { ask: z.string(), answer: z.boolean(), expires: 50 });
const spec = <const N extends string>(name: N) =>
  defineFlow({ name, input: z.number(), state: z.object({ draft: z.string().optional() }), result: z.unknown() });
const idOf = (open: readonly OpenQuestion[], name = "approval"): string =>
  open.find((one) => one.name === name)?.id ?? "";

/** A store and a clock, and what a process on them does. */
function world() {
  const [store, time] = [memoryStore(), new VirtualTime()];
  const { scheduler } = time;
  const reported: unknown[] = [];
  const options = { store, scheduler, onObserverError: (error: unknown) => reported.push(error) };
  return { store, time, options, reported };
}

test("H1 a draft and a question are stored; another process loads them, and the answer completes it", async () => {
  const { time, options } = world();
  const it = flow(spec("h1"))
    .chunk("write", start, (n, ctx) => {
      ctx.state.set("draft", `draft ${n}`);
      ctx.interrupt(Approval, "good?");
    })
    .chunk("send", Approval.answered, ({ ok }, ctx) => ctx.setResult({ draft: ctx.state.get("draft"), feedback: ok }));
  const first = run(it, 1, { ...options, id: "x" });
  expect(await time.during(first.settled)).toBe("waiting");
  await time.during(first.release());
  const again = await load(it, "x", options);
  expect(again.interrupts).toMatchObject([{ name: "approval", payload: "good?", path: ["h1"], chunk: "write" }]);
  again.resume(Approval, idOf(again.interrupts), { ok: true });
  expect(await time.during(again.result)).toEqual({ draft: "draft 1", feedback: true });
});

test("H2 what follows from the siblings of one that asks goes on at once, before and after a crash", async () => {
  const { time, options } = world();
  const calls: string[] = [];
  const it = flow(spec("h2"))
    .chunk("asks", start, (_, ctx) => void ctx.interrupt(Approval, "?"))
    .chunk("quick", start, () => "quick")
    .chunk("slow", start, () => time.delay(10))
    .chunk("afterQuick", after("quick"), () => void calls.push("after quick"))
    .chunk("afterSlow", after("slow"), () => void calls.push("after slow"))
    .chunk("answered", Approval.answered, ({ ok }, ctx) => ctx.setResult(ok));
  run(it, 1, { ...options, id: "x" });
  await time.advance(1);
  expect(calls).toEqual(["after quick"]);
  const again = await load(it, "x", options);
  await time.advance(20);
  expect(calls).toEqual(["after quick", "after slow"]);
  expect(again.status).toBe("waiting");
  again.resume(Approval, idOf(again.interrupts), { ok: true });
  expect(await time.during(again.result)).toBe(true);
});

test("H3 a lane of a fan-out asks, and is gathered with its answer in another process", async () => {
  const { time, options } = world();
  const it = flow(spec("h3"))
    .chunk("list", start, () => [1, 2, 3])
    .chunk(
      "item",
      each(after("list")),
      (n, ctx) => {
        if (n === 2) ctx.interrupt(Approval, `item ${n}`);
        else return n;
      },
      { emits: [Approval] },
    )
    .chunk("value", any(after("item"), Approval.answered), (value) => value ?? null)
    .chunk("sum", gather("value"), (values, ctx) => ctx.setResult(values));
  const first = run(it, 1, { ...options, id: "x", checkpointEvery: 1 });
  await time.during(first.settled);
  await time.during(first.release());
  const again = await load(it, "x", options);
  again.resume(Approval, idOf(again.interrupts), { ok: true });
  expect(await time.during(again.result)).toEqual([1, { ok: true }, 3]);
});

test("H4 an answer opens one gate; delivered again, also after a crash, it is refused or does nothing", async () => {
  const { time, options } = world();
  const it = flow(spec("h4"))
    .chunk("one", start, (_, ctx) => void ctx.interrupt(Approval, "1"))
    .chunk("two", Approval.answered, (_, ctx) => void ctx.interrupt(Second, "2"))
    .chunk("done", Second.answered, ({ ok }, ctx) => ctx.setResult(ok));
  const first = run(it, 1, { ...options, id: "x" });
  await time.during(first.settled);
  const id = idOf(first.interrupts);
  first.resume(Approval, id, { ok: true }, { requestId: "r" });
  await time.during(first.stored());
  const again = await load(it, "x", options);
  again.resume(Approval, id, { ok: true }, { requestId: "r" });
  await time.settle();
  expect(again.interrupts).toMatchObject([{ name: "second" }]);
  expect(() => again.resume(Approval, id, { ok: true })).toThrow(expect.objectContaining({ code: "interrupt-closed" }));
  expect(() => again.resume(Approval, id, { ok: false }, { requestId: "r" })).toThrow(
    expect.objectContaining({ code: "interrupt-closed" }),
  );
  again.resume(Second, idOf(again.interrupts, "second"), { ok: true });
  expect(await time.during(again.result)).toBe(true);
});

/** A flow with a gate inside a child. */
function gated() {
  const child = flow(spec("gate"))
    .chunk("ask", start, (n, ctx) => void ctx.interrupt(Approval, `child ${n}`))
    .chunk("answered", Approval.answered, ({ ok }, ctx) => ctx.setResult(ok));
  return flow(spec("h5")).chunk("go", start, async (n, ctx) => ({ child: await ctx.child(child, n) }));
}

test("H5 a child's gate shows at the root and is answered there, in another process when that waits again", async () => {
  const { time, options } = world();
  const it = gated();
  const first = run(it, 1, { ...options, id: "x" });
  expect(await time.during(first.settled)).toBe("waiting");
  await time.during(first.release());
  const again = await load(it, "x", options);
  expect(again.status).toBe("running");
  expect(await time.during(again.settled)).toBe("waiting");
  expect(again.interrupts).toMatchObject([{ payload: "child 1", path: ["h5", "gate#1"] }]);
  again.resume(Approval, idOf(again.interrupts), { ok: true });
  expect(await time.during(again.result)).toEqual({ child: true });
  const log = await itemsOf(again.events());
  expect(log.filter(({ type }) => type === "interrupt:raised").length).toBe(1);
});

test("H6 a wrong answer, an unknown id and one that comes too late are refused, and change nothing", async () => {
  const { store, time, options } = world();
  const it = flow(spec("h6"))
    .chunk("ask", start, (_, ctx) => {
      ctx.interrupt(Approval, "?");
      ctx.interrupt(Hurried, "?");
    })
    .chunk("answered", Approval.answered, ({ ok }, ctx) => ctx.setResult(ok))
    .chunk("late", Hurried.expired, () => undefined);
  const first = run(it, 1, { ...options, id: "x" });
  await time.during(first.settled);
  await time.during(first.release());
  const again = await load(it, "x", options);
  const [id, hurried] = [idOf(again.interrupts), idOf(again.interrupts, "hurried")];
  await time.advance(60);
  const before = store.find("x");
  const refusals = [
    () => again.resume(id, { ok: "yes" }),
    () => again.resume("nobody@a1", { ok: true }),
    () => again.resume(Hurried, hurried, true),
  ].map((act) => {
    try {
      return act();
    } catch (error) {
      return (error as { code: string }).code;
    }
  });
  expect(refusals).toEqual(["answer-invalid", "interrupt-unknown", "interrupt-closed"]);
  await time.settle();
  expect(store.find("x")).toEqual(before);
  again.resume(Approval, id, { ok: true });
  expect(await time.during(again.result)).toBe(true);
});

test("S24 a question whose time is over while nobody has it in memory expires when it is loaded", async () => {
  const { time, options } = world();
  const it = flow(spec("expires")).chunk("ask", start, (_, ctx) => void ctx.interrupt(Hurried, "?"), {
    emits: [Hurried],
  });
  const first = run(it, 1, { ...options, id: "x" });
  await time.during(first.settled);
  await time.during(first.release());
  await time.advance(500);
  const { executions } = await recover([it], options);
  await expect(time.during(executions[0]?.result ?? Promise.resolve())).rejects.toMatchObject({
    code: "interrupt-expired",
  });
});

test("S25 a chunk that asks inline starts over, and gets the answers that it has got", async () => {
  const { time, options } = world();
  const calls: string[] = [];
  const it = flow(spec("inline")).chunk("one", start, async (_, ctx) => {
    calls.push(`attempt ${ctx.attempt}`);
    const first = await ctx.ask(Approval, "1");
    const second = await ctx.ask(Approval, "2");
    return [first.ok, second.ok];
  });
  const first = run(it, 1, { ...options, id: "x" });
  await time.during(first.settled);
  first.resume(Approval, idOf(first.interrupts), { ok: true });
  await time.during(first.settled);
  await time.during(first.release());
  const again = await load(it, "x", options);
  expect(await time.during(again.settled)).toBe("waiting");
  expect(again.interrupts).toMatchObject([{ payload: "2" }]);
  again.resume(Approval, idOf(again.interrupts), { ok: false });
  expect(await time.during(again.result)).toEqual([true, false]);
  expect(calls).toEqual(["attempt 1", "attempt 2"]);
});

test("an answer that was put into the store is taken by the next load, also a child's, and forgotten", async () => {
  const { store, time, options, reported } = world();
  const it = gated();
  const first = run(it, 1, { ...options, id: "x" });
  await time.during(first.settled);
  const interrupt = idOf(first.interrupts);
  await time.during(first.release());
  expect(store.putAnswer({ executionId: "x", interrupt, answer: '{"ok":true}' })).toBe(true);
  const again = await load(it, "x", options);
  expect(await time.during(again.result)).toEqual({ child: true });
  expect([store.answers("x"), reported]).toEqual([[], []]);
});

test("stored answers that cannot be taken are reported and forgotten, so that the right one is not kept out", async () => {
  const { store, time, options, reported } = world();
  const it = flow(spec("letters"))
    .chunk("ask", start, (_, ctx) => void ctx.interrupt(Approval, "?"))
    .chunk("answered", Approval.answered, ({ ok }, ctx) => ctx.setResult(ok));
  const first = run(it, 1, { ...options, id: "x" });
  await time.during(first.settled);
  const interrupt = idOf(first.interrupts);
  await time.during(first.release());
  await store.putAnswer({ executionId: "x", interrupt, answer: '{"ok":"maybe"}' });
  await store.putAnswer({ executionId: "x", interrupt: "nobody@a7", answer: "{" });
  const second = await load(it, "x", options);
  await time.settle();
  await time.during(second.release());
  expect(reported).toMatchObject([{ code: "answer-invalid" }, { code: "answer-invalid" }]);
  expect(store.answers("x")).toEqual([]);
  expect(store.putAnswer({ executionId: "x", interrupt, answer: '{"ok":true}' })).toBe(true);
  const third = await load(it, "x", options);
  expect(await time.during(third.result)).toBe(true);
});

test("S23 several questions are answered by several processes", async () => {
  const { time, options } = world();
  const it = flow(spec("several"))
    .chunk("ask", start, (_, ctx) => {
      ctx.interrupt(Approval, "1");
      ctx.interrupt(Second, "2");
    })
    .chunk("both", all(Approval.answered, Second.answered), (both, ctx) => ctx.setResult(both));
  const first = run(it, 1, { ...options, id: "x" });
  await time.during(first.settled);
  await time.during(first.release());
  const second = await load(it, "x", options);
  second.resume(Second, idOf(second.interrupts, "second"), { ok: false });
  expect(await time.during(second.settled)).toBe("waiting");
  await time.during(second.release());
  const third = await load(it, "x", options);
  third.resume(Approval, idOf(third.interrupts), { ok: true });
  expect(await time.during(third.result)).toEqual([{ ok: true }, { ok: false }]);
});

test("S18 a reader that goes as far as the wait ends there, also behind a load", async () => {
  const { time, options } = world();
  const it = gated();
  const first = run(it, 1, { ...options, id: "x" });
  expect((await time.during(itemsOf(first.events({ until: "waiting" })))).at(-1)?.type).toBe("flow:waiting");
  await time.during(first.release());
  const again = await load(it, "x", options);
  const log = await time.during(itemsOf(again.events({ until: "waiting" })));
  expect(log.at(-1)?.type).toBe("flow:waiting");
  again.cancel();
  await time.settle();
});
