import { setImmediate } from "node:timers/promises";
import {
  type Entry,
  after,
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
import { deferred } from "@sluice/testing";
import { expect, test } from "vitest";
import { z } from "zod";

test("S26 with a store nothing is shown, and no chunk starts, before what led to it is stored", async () => {
  const store = memoryStore();
  const calls: string[] = [];
  const it = flow(defineFlow({ name: "two", input: z.number(), result: z.number() }))
    .chunk("one", start, (n) => {
      calls.push(`one ${store.find("x") === undefined ? 0 : 1}`);
      return n + 1;
    })
    .chunk("two", after("one"), (n, ctx) => {
      calls.push("two");
      ctx.setResult(n * 2);
    });
  const execution = run(it, 1, { store, id: "x" });
  const seen: Entry[] = [];
  execution.events$.subscribe((entry) => {
    expect(store.find("x")).toMatchObject({ lastSeq: expect.any(Number) });
    seen.push(entry);
  });
  expect(await execution.result).toBe(4);
  expect(calls).toEqual(["one 1", "two"]);
  expect(seen.map(({ type }) => type)).toEqual([
    "flow:start",
    "chunk:start",
    "chunk:complete",
    "chunk:start",
    "chunk:complete",
    "flow:completed",
  ]);
  expect(store.find("x")).toMatchObject({ status: "completed", lastSeq: 6, epoch: 1, flow: "two" });
});

const Approval = interrupt("approval", { ask: z.object({ draft: z.string() }), answer: z.object({ ok: z.boolean() }) });

test("H1 a waiting execution is released, loaded in another place, answered, and completes", async () => {
  const store = memoryStore();
  const calls: string[] = [];
  const it = flow(
    defineFlow({
      name: "approve",
      input: z.string(),
      state: z.object({ draft: z.string().optional() }),
      result: z.unknown(),
    }),
  )
    .chunk("write", start, (text, ctx) => {
      calls.push("write");
      ctx.state.set("draft", text);
      ctx.interrupt(Approval, { draft: text });
    })
    .chunk("send", Approval.answered, ({ ok }, ctx) => {
      calls.push("send");
      ctx.setResult({ draft: ctx.state.get("draft"), ok });
    });
  const execution = run(it, "hello", { store, id: "x" });
  expect(await execution.settled).toBe("waiting");
  const { result } = execution;
  await execution.release();
  await expect(result).rejects.toMatchObject({ code: "execution-released" });
  expect(store.find("x")).toMatchObject({ status: "waiting" });
  const again = await load(it, "x", { store });
  expect(again.status).toBe("waiting");
  const [question] = again.interrupts;
  expect(question?.payload).toEqual({ draft: "hello" });
  again.resume(Approval, question?.id ?? "", { ok: true });
  expect(await again.result).toEqual({ draft: "hello", ok: true });
  expect(calls).toEqual(["write", "send"]);
});

test("S22 after a crash the same call gets the same child back", async () => {
  const store = memoryStore();
  const gate = deferred<void>();
  const calls: string[] = [];
  const child = flow(defineFlow({ name: "child", input: z.number(), result: z.number() }))
    .chunk("a", start, (n) => {
      calls.push(`a ${n}`);
      return n + 1;
    })
    .chunk("b", after("a"), async (n) => {
      calls.push(`b ${n}`);
      await gate.promise;
      return n * 10;
    });
  const it = flow(defineFlow({ name: "parent", input: z.number(), result: z.unknown() })).chunk(
    "go",
    start,
    async (n, ctx) => {
      calls.push("go");
      const values = await Promise.all([ctx.child(child, n), ctx.child(child, n + 1)]);
      ctx.setResult(values);
    },
  );
  const first = run(it, 1, { store, id: "x" });
  for (let turn = 0; turn < 20; turn += 1) await setImmediate();
  expect(calls).toEqual(["go", "a 1", "a 2", "b 2", "b 3"]);
  const { executions, refused } = await recover([it], { store });
  expect(refused).toEqual([]);
  gate.resolve();
  const [execution] = executions;
  expect(await execution?.result).toEqual([20, 30]);
  expect(calls).toEqual(["go", "a 1", "a 2", "b 2", "b 3", "go", "b 2", "b 3"]);
  await expect(first.result).rejects.toMatchObject({ code: "claim-lost" });
});

test("a fan-out goes on where a crash has left it", async () => {
  const store = memoryStore();
  const gate = deferred<void>();
  const calls: number[] = [];
  const it = flow(defineFlow({ name: "fan", input: z.array(z.number()), result: z.unknown() }))
    .chunk("list", start, (items) => items)
    .chunk("work", each(after("list")), async (n) => {
      calls.push(n);
      if (n > 2) await gate.promise;
      return n * 10;
    })
    .chunk("sum", gather("work"), (values, ctx) => ctx.setResult(values));
  run(it, [1, 2, 3, 4], { store, id: "x" });
  for (let turn = 0; turn < 20; turn += 1) await setImmediate();
  const { executions } = await recover([it], { store });
  gate.resolve();
  expect(await executions[0]?.result).toEqual([10, 20, 30, 40]);
  expect(calls).toEqual([1, 2, 3, 4, 3, 4]);
});

test("S22 S23 a child's question that was put away with its parent is open again when the parent's chunk asks for it", async () => {
  const store = memoryStore();
  const calls: string[] = [];
  const child = flow(defineFlow({ name: "child", input: z.string(), result: z.boolean() }))
    .chunk("put", start, (draft, ctx) => {
      calls.push("put");
      ctx.interrupt(Approval, { draft });
    })
    .chunk("take", Approval.answered, ({ ok }) => ok);
  const parent = flow(defineFlow({ name: "parent", input: z.string(), result: z.unknown() })).chunk(
    "go",
    start,
    async (text, ctx) => {
      calls.push("go");
      const draft = await ctx.step("draft", () => {
        calls.push("draft");
        return `Dear ${text}`;
      });
      const own = ctx.ask(Approval, { draft: "own" });
      const ok = await ctx.child(child, draft);
      ctx.setResult([ok, await own]);
    },
  );
  const first = run(parent, "Ann", { store, id: "x" });
  expect(await first.settled).toBe("waiting");
  await first.release();
  const again = await load(parent, "x", { store });
  expect(await again.settled).toBe("waiting");
  expect(again.interrupts.map(({ id, path }) => [id, path.join("/")])).toEqual([
    ["approval@a1", "parent"],
    ["child#1/approval@a1", "parent/child#1"],
  ]);
  again.resume("child#1/approval@a1", { ok: true });
  again.resume("approval@a1", { ok: false });
  expect(await again.result).toEqual([true, { ok: false }]);
  expect(calls).toEqual(["go", "draft", "put", "go"]);
});

test("S25 while an answer to ctx.ask is being stored, the execution does not wait for people", async () => {
  const it = flow(defineFlow({ name: "ask", input: z.string(), result: z.boolean() })).chunk(
    "ask",
    start,
    async (draft, ctx) => {
      const { ok } = await ctx.ask(Approval, { draft });
      ctx.setResult(ok);
    },
  );
  const execution = run(it, "hello", { store: memoryStore() });
  const waits: number[] = [];
  execution.on("flow:waiting", ({ interrupts }) => waits.push(interrupts.length));
  await execution.settled;
  execution.resume(execution.interrupts[0]?.id ?? "", { ok: true });
  expect(await execution.result).toBe(true);
  expect(waits).toEqual([1]);
});

test("what has just been run is found again as soon as it says that it is stored", async () => {
  const store = memoryStore();
  const it = flow(defineFlow({ name: "one", input: z.number() })).chunk("one", start, () => {});
  await run(it, 1, { store, id: "x" }).stored();
  expect(store.find("x")).toMatchObject({ executionId: "x", flow: "one" });
});

test.each(["sync", "async", "exit"] as const)("S22 with %s a child's end is told to its parent", async (durability) => {
  const child = flow(defineFlow({ name: "child", input: z.number(), result: z.number() })).chunk(
    "a",
    start,
    (n) => n + 1,
  );
  const it = flow(defineFlow({ name: "parent", input: z.number(), result: z.number() })).chunk("go", start, (n, ctx) =>
    ctx.child(child, n),
  );
  const store = memoryStore();
  expect(await run(it, 1, { store, id: "x", durability }).result).toBe(2);
  expect(store.find("x")).toMatchObject({ status: "completed" });
});
