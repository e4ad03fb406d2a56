import {
  type Context,
  type Entry,
  type Execution,
  type Runnable,
  after,
  defineFlow,
  each,
  flow,
  load,
  memoryStore,
  recover,
  run,
  start,
} from "@sluice/core";
import { VirtualTime, itemsOf } from "@sluice/testing";
import { expect, test } from "vitest";
import { z } from "zod";

const spec = <const N extends string>(name: N) =>
  defineFlow({ name, input: z.number(), stream: z.unknown(), result: z.unknown() });
const codeOf = (work: Promise<unknown> | undefined): Promise<unknown> | undefined =>
  work?.then(
    () => "resolved",
    (error: { readonly code?: string }) => error.code,
  );
const typesOf = (log: readonly Entry[]): string[] =>
  log.map(({ type, path }) => `${path.slice(1).join("/")}${path.length > 1 ? " " : ""}${type}`);

/** A store and a clock, and what is done on them. */
function world() {
  const [store, time, calls] = [memoryStore(), new VirtualTime(), [] as string[]];
  const options = { store, scheduler: time.scheduler };
  /** Undoes, which takes ten milliseconds, and fails as often as is said. */
  const undo =
    (name: string, fails = 0) =>
    async ({ output }: { readonly output: unknown }, ctx: Context) => {
      calls.push(`undo ${name} ${String(output)} ${ctx.idempotencyKey}`);
      await time.delay(10, ctx);
      if (calls.filter((call) => call.startsWith(`undo ${name}`)).length <= fails) throw new Error(`${name} stays`);
    };
  return { store, time, calls, options, undo };
}

/** Charge, reserve, confirm, which fails; `ship` fails to be undone. */
function order({ time, undo }: ReturnType<typeof world>, fails = 0) {
  return flow(spec("order"))
    .chunk("charge", start, (n) => n + 1, { compensate: undo("charge") })
    .chunk("reserve", after("charge"), (n) => n + 1, { compensate: undo("reserve", fails) })
    .chunk("confirm", after("reserve"), async (_, ctx) => {
      await time.delay(1, ctx);
      throw new Error("sold out");
    });
}

test("R8 what has completed is undone once each, the last one first, though the process dies in the middle", async () => {
  const here = world();
  const { time, calls, options } = here;
  const it = order(here);
  run(it, 1, { ...options, id: "x" });
  await time.advance(15);
  const again = await load(it, "x", options);
  await time.advance();
  expect(await codeOf(again.result)).toBe("chunk-failed");
  expect(calls).toEqual(["undo reserve 3 x/a2/undo", "undo charge 2 x/a1/undo", "undo charge 2 x/a1/undo"]);
  const log = await itemsOf(again.events());
  expect(typesOf(log).slice(-5)).toEqual([
    "flow:rollback",
    "chunk:compensated",
    "flow:resume",
    "chunk:compensated",
    "flow:failed",
  ]);
  expect(log.at(-1)).not.toHaveProperty("notUndone");
});

test("R9 a compensation that fails is told in the final entry, also after a crash, and the others still run", async () => {
  const here = world();
  const { time, calls, options } = here;
  const it = order(here, 1);
  run(it, 1, { ...options, id: "x", checkpointEvery: 1 });
  await time.advance(15);
  const { executions } = await recover([it], options);
  await time.advance();
  expect(calls.length).toBe(3);
  const log = await itemsOf((executions[0] as Execution).events());
  expect(log.at(-1)).toMatchObject({
    type: "flow:failed",
    notUndone: [{ chunk: "reserve", activationId: "a2", error: { code: "chunk-failed" } }],
  });
});

/** A parent whose child has something to undo, which takes its time. */
function family({ time, undo, calls }: ReturnType<typeof world>) {
  const child = flow(spec("child"))
    .chunk("book", start, (n) => n, { compensate: undo("book") })
    .chunk("wait", after("book"), (_, ctx) => time.delay(1_000, ctx));
  const it = flow(spec("parent"))
    .chunk("pay", start, (n) => n, { compensate: undo("pay") })
    .chunk("go", after("pay"), async (n, ctx) => {
      calls.push(`go ${ctx.attempt}`);
      return ctx.child(child, n);
    });
  return { it, child };
}

test("S11 a cancel with rollback is not forgotten when its process dies while a child undoes its work", async () => {
  const here = world();
  const { time, calls, options } = here;
  const { it, child } = family(here);
  const first = run(it, 1, { ...options, id: "x" });
  await time.advance(1);
  first.cancel("not wanted", { rollback: true });
  await time.during(first.stored());
  await time.advance(5);
  const again = await load(it, "x", { ...options, flows: [child] });
  await time.advance();
  expect(await codeOf(again.result)).toBe("execution-cancelled");
  expect(calls).toEqual([
    "go 1",
    "undo book 1 x/child#1/a1/undo",
    "undo book 1 x/child#1/a1/undo",
    "undo pay 1 x/a1/undo",
  ]);
  expect(typesOf(await itemsOf(again.events())).slice(-10)).toEqual([
    "child#1 chunk:failed",
    "child#1 flow:rollback",
    "flow:ending",
    "flow:resume",
    "child#1 chunk:compensated",
    "child#1 flow:cancelled",
    "chunk:failed",
    "flow:rollback",
    "chunk:compensated",
    "flow:cancelled",
  ]);
});

test("S11 an execution that has to undo the work of a child is refused without that child's flow", async () => {
  const here = world();
  const { time, store, options } = here;
  const { it, child } = family(here);
  const first = run(it, 1, { ...options, id: "x" });
  await time.advance(1);
  first.cancel("not wanted", { rollback: true });
  await time.advance(5);
  await expect(load(it, "x", options)).rejects.toMatchObject({ code: "flow-unknown" });
  expect(store.find("x")).toMatchObject({ epoch: 1 });
  const { executions } = await recover([it, child] as readonly Runnable[], options);
  await time.advance();
  expect(await codeOf(executions[0]?.result)).toBe("execution-cancelled");
});

test("S12 a flow's time goes on while nobody has it in memory, and what it did is undone when it is loaded", async () => {
  const { time, calls, options, undo } = world();
  const it = flow(defineFlow({ name: "timed", input: z.number(), result: z.unknown(), timeout: 100 }))
    .chunk("one", start, (n) => n, { compensate: undo("one") })
    .chunk("two", after("one"), (_, ctx) => time.delay(1_000, ctx));
  const first = run(it, 1, { ...options, id: "x" });
  await time.advance(50);
  await time.during(first.release());
  await time.advance(500);
  const again = await load(it, "x", options);
  await time.advance();
  expect(await codeOf(again.result)).toBe("execution-timeout");
  expect(calls).toEqual(["undo one 1 x/a1/undo"]);
});

test("S22 a child that nobody asks for again ends with the attempt, after all that ran in it", async () => {
  const { time, options } = world();
  const grandchild = flow(spec("grandchild")).chunk("wait", start, (_, ctx) => time.delay(1_000, ctx));
  const child = flow(spec("child")).chunk("go", start, (n, ctx) => ctx.child(grandchild, n));
  const it = flow(spec("parent")).chunk("go", start, async (n, ctx) => {
    if (ctx.attempt === 1) return ctx.child(child, n);
    return "without";
  });
  run(it, 1, { ...options, id: "x" });
  await time.advance(1);
  const again = await load(it, "x", options);
  expect(await time.during(again.result)).toBe("without");
  const types = typesOf(await itemsOf(again.events()));
  expect(types.slice(types.indexOf("flow:resume"))).toEqual([
    "flow:resume",
    "chunk:start",
    "child#1/grandchild#1 chunk:failed",
    "child#1/grandchild#1 flow:cancelled",
    "child#1 chunk:failed",
    "child#1 flow:cancelled",
    "chunk:complete",
    "flow:completed",
  ]);
});

test("S22 a child that has ended gives the same again, also one that has failed", async () => {
  const { time, calls, options } = world();
  const good = flow(spec("good")).chunk("one", start, (n) => {
    calls.push(`good ${n}`);
    return n * 2;
  });
  const bad = flow(spec("bad")).chunk("one", start, (n) => {
    calls.push(`bad ${n}`);
    throw new Error("no");
  });
  const it = flow(spec("parent")).chunk("go", start, async (n, ctx) => {
    const doubled = await ctx.child(good, n);
    const refused = await ctx.child(bad, n).catch((error: { code: string }) => error.code);
    if (ctx.attempt === 1) await time.delay(1_000, ctx);
    return [doubled, refused];
  });
  run(it, 1, { ...options, id: "x", checkpointEvery: 1 });
  await time.advance(1);
  const again = await load(it, "x", options);
  expect(await time.during(again.result)).toEqual([2, "child-failed"]);
  expect(calls).toEqual(["good 1", "bad 1"]);
});

test("S22 children run in an execution that is stored when it ends", async () => {
  const { time, options } = world();
  const child = flow(spec("child")).chunk("one", start, (n) => n * 2);
  const it = flow(spec("parent"))
    .chunk("list", start, (n) => [n, n + 1])
    .chunk("go", each(after("list")), (n, ctx) => ctx.child(child, n))
    .chunk("end", after("list"), () => "ended");
  const execution = run(it, 1, { ...options, id: "x", durability: "exit" });
  expect(await time.during(execution.result)).toBe("ended");
});

test("S26 what models have cost before a checkpoint counts against the budget that is given later", async () => {
  const { time, options } = world();
  const source = () => ({
    model: "m",
    stream: () =>
      (async function* () {
        await time.delay(1);
        yield { type: "text" as const, delta: "hello" };
        yield { type: "finish" as const, finishReason: "stop", usage: { totalTokens: 60 }, costUsd: 0.6 };
      })(),
  });
  const it = flow(spec("costs"))
    .chunk("one", start, async (_, ctx) => {
      await ctx.text(source());
      for (let item = 0; item < 100; item += 1) ctx.putIntoStream(item);
    })
    .chunk("two", after("one"), async (_, ctx) => {
      await time.delay(10, ctx);
      await ctx.text(source());
    });
  run(it, 1, { ...options, id: "x", checkpointEvery: 1 });
  await time.advance(5);
  const again = await load(it, "x", { ...options, budget: { usd: 2 } });
  await time.during(again.result);
  const told = (await itemsOf(again.events())).filter(({ type }) => type === "budget:threshold_reached");
  expect(told).toMatchObject([{ thresholdPct: 50, spentUsd: 1.2 }]);
});
