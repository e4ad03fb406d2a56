import {
  type Checkpoint,
  type Store,
  after,
  all,
  defineFlow,
  each,
  event,
  flow,
  instant,
  load,
  memoryStore,
  recover,
  run,
  start,
} from "@sluice/core";
import { VirtualTime } from "@sluice/testing";
import { expect, test } from "vitest";
import { z } from "zod";

test("S27 what steps came to and how long was slept outlives the process", async () => {
  const [store, time, calls] = [memoryStore(), new VirtualTime(), [] as string[]];
  const { scheduler } = time;
  const it = flow(defineFlow({ name: "steps", input: z.number(), result: z.unknown() })).chunk(
    "one",
    start,
    async (n, ctx) => {
      const paid = await ctx.step("pay", ({ idempotencyKey }) => {
        calls.push(idempotencyKey);
        return { n };
      });
      await ctx.sleep(100);
      return [paid, time.now()];
    },
  );
  run(it, 1, { store, scheduler, id: "x" });
  await time.advance(60);
  const again = await load(it, "x", { store, scheduler });
  expect(await time.during(again.result)).toEqual([{ n: 1 }, 100]);
  expect(calls).toEqual(["x/a1/pay"]);
});

test("S28 an event that was emitted before a crash is not emitted again", async () => {
  const [store, time, calls] = [memoryStore(), new VirtualTime(), [] as string[]];
  const { scheduler } = time;
  const Found = event("found", z.object({ id: z.number() }));
  const it = flow(defineFlow({ name: "emits", input: z.number(), result: z.unknown() }))
    .chunk("one", start, async (_, ctx) => {
      for (const id of [1, 1, ...(ctx.attempt > 1 ? [2] : [])]) calls.push(ctx.emit(Found, { id }));
      if (ctx.attempt === 1) await time.delay(1_000);
    })
    .chunk("heard", Found, ({ id }) => void calls.push(`heard ${id}`));
  run(it, 1, { store, scheduler, id: "x" });
  await time.advance(1);
  const again = await load(it, "x", { store, scheduler });
  await time.during(again.result);
  expect(calls.filter((call) => call.startsWith("heard"))).toEqual(["heard 1", "heard 1", "heard 2"]);
  const ids = calls.filter((call) => !call.startsWith("heard"));
  expect(ids.slice(2, 4)).toEqual(ids.slice(0, 2));
});

test("S30 a flow that was wired differently is refused with the differences, unless that is accepted", async () => {
  const [store, time] = [memoryStore(), new VirtualTime()];
  const { scheduler } = time;
  const spec = defineFlow({ name: "wired", input: z.number(), result: z.unknown() });
  const old = flow(spec).chunk("one", start, async (n) => {
    await time.delay(1_000);
    return n;
  });
  const changed = flow(spec)
    .chunk("one", start, (n) => n)
    .chunk("two", after("one"), (n) => n + 1);
  run(old, 1, { store, scheduler, id: "x" });
  await time.advance(1);
  await expect(load(changed, "x", { store, scheduler })).rejects.toThrow(
    expect.objectContaining({ code: "graph-changed", message: expect.stringContaining('"two"') }),
  );
  const { refused } = await recover([changed], { store, scheduler });
  expect(refused).toMatchObject([{ executionId: "x", error: { code: "graph-changed" } }]);
  expect(store.find("x")).toMatchObject({ epoch: 1 });
  const again = await load(changed, "x", { store, scheduler, acceptChanges: true });
  expect(await time.during(again.result)).toBe(2);
});

test("what JSON cannot hold is refused at the door of a stored execution, and taken by one that is not", async () => {
  const time = new VirtualTime();
  const { scheduler } = time;
  const circle: Record<string, unknown> = {};
  circle["self"] = circle;
  const values = [new Date(0), new Map(), 1n, Number.NaN, circle, new (class Live {})(), () => 1];
  const it = flow(defineFlow({ name: "any", input: z.any(), result: z.any() })).chunk("one", start, (n: unknown) => n);
  const maker = flow(defineFlow({ name: "makes", input: z.number(), result: z.any() })).chunk("one", start, (n) => ({
    deep: [values[n]],
  }));
  for (const [index, value] of values.entries()) {
    expect(() => run(it, value, { store: memoryStore(), scheduler })).toThrowError(
      expect.objectContaining({ code: "not-serialisable" }),
    );
    const stored = run(maker, index, { store: memoryStore(), scheduler });
    const free = run(maker, index, { scheduler });
    await time.settle();
    await expect(stored.result).rejects.toThrow(/deep\[0\]/);
    expect(await free.result).toEqual({ deep: [value] });
  }
});

test("S21 live objects are given again by `create`", async () => {
  const [store, time] = [memoryStore(), new VirtualTime()];
  const { scheduler } = time;
  class Client {
    constructor(readonly name: string) {}
  }
  let client = new Client("first");
  const it = flow(defineFlow({ name: "live", input: z.number(), result: z.unknown() })).chunk(
    "one",
    start,
    async () => {
      const { name } = client;
      await time.delay(5);
      return name;
    },
  );
  run(it, 1, { store, scheduler, id: "x" });
  await time.advance(1);
  client = new Client("second");
  const again = await load(it, "x", { store, scheduler });
  expect(await time.during(again.result)).toBe("second");
});

test("nothing is a value of its own, also through a checkpoint", async () => {
  const [store, time, seen] = [memoryStore(), new VirtualTime(), [] as unknown[]];
  const { scheduler } = time;
  const gate = Promise.withResolvers<void>();
  const it = flow(defineFlow({ name: "nothing", input: z.number(), stream: z.number(), result: z.unknown() }))
    .chunk("a", start, () => undefined)
    .chunk("b", start, () => undefined)
    .chunk("both", all(after("a"), after("b")), async (both, ctx) => {
      seen.push(both);
      for (let item = 0; item < 100; item += 1) ctx.putIntoStream(item);
      await gate.promise;
    })
    .chunk("list", start, () => [1])
    .chunk("item", each(after("list")), () => undefined);
  run(it, 1, { store, scheduler, id: "x", checkpointEvery: 1 });
  await time.settle();
  expect((store.checkpoint("x") as Checkpoint).seq).toBeGreaterThan(100);
  const again = await load(it, "x", { store, scheduler });
  await time.settle();
  gate.resolve();
  await time.during(again.result);
  expect(seen).toEqual([
    [undefined, undefined],
    [undefined, undefined],
  ]);
});

test("S26 a chunk that reads a stopped reply goes on when the stop is stored, as with a complete one", async () => {
  const Review = instant("review", z.object({ verdict: z.string(), why: z.string() }));
  for (const isStopped of [false, true]) {
    const [inner, time, order] = [memoryStore(), new VirtualTime(), [] as string[]];
    const store: Store = {
      ...inner,
      append: async (appends) => {
        await time.delay(10);
        const kinds = appends.flatMap(({ entries }) => entries).filter((text) => text.includes('"type":"reply:'));
        order.push(...kinds.map(() => "stored"));
        return inner.append(appends);
      },
    };
    const it = flow(defineFlow({ name: "reviews", input: z.string(), result: z.unknown() }))
      .chunk("read", start, async (_input, ctx) => {
        const tokens = time.tokens([
          [0, '{"verdict":"no",'],
          [50, '"why":"late"}'],
        ]);
        await ctx.instant(Review, tokens, { stoppable: true });
        order.push("gone on");
      })
      .chunk("judge", Review.field("verdict"), (_verdict, ctx) => isStopped && ctx.stop(Review));
    const execution = run(it, "", { store, scheduler: time.scheduler });
    await time.advance();
    expect(execution.status).toBe("completed");
    expect(order).toEqual(["stored", "gone on"]);
  }
});
