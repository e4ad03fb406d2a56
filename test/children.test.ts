import {
  type Entry,
  Machine,
  after,
  compile,
  defineFlow,
  event,
  flow,
  instant,
  isFinal,
  run,
  start,
} from "@sluice/core";
import { deferred, expectNoLeaks, itemsOf, logOf, virtualTime } from "@sluice/testing";
import { describe, expect, test } from "vitest";
import { z } from "zod";

const number = { input: z.number(), result: z.any(), stream: z.any() };
const childSpec = defineFlow({ name: "child", ...number, state: z.object({ count: z.number().default(0) }) });
const parentSpec = defineFlow({ name: "parent", ...number, state: z.object({ count: z.number().default(0) }) });
const tick = (): Promise<void> => new Promise((resolve) => void setImmediate(resolve));

describe("S22 children", () => {
  test("F16 a child computes within its parent", async () => {
    const child = flow(childSpec)
      .chunk("double", start, (n) => n * 2)
      .chunk("increment", after("double"), (n) => n + 1);
    const parent = flow(parentSpec)
      .chunk("add", start, (n) => n + 3)
      .chunk("run", after("add"), (n, ctx) => ctx.child(child, n))
      .chunk("times", after("run"), (n) => n * 5);
    const execution = run(parent, 2);
    expect(await execution.result).toBe(55);
    const log = await logOf(execution);
    expect(log.map(({ seq }) => seq)).toEqual(log.map((_entry, index) => index + 1));
    expect(log.filter(isFinal)).toHaveLength(1);
    expect(log.find((entry) => entry.type === "flow:start" && entry.path.length === 2)).toMatchObject({
      path: ["parent", "child#1"],
      input: 5,
      parent: "a2",
    });
    expectNoLeaks(execution);
  });

  test("F17 what a child puts into the stream shows in its parent's, in order, each with its path", async () => {
    const child = flow(childSpec).chunk("say", start, (_n, ctx) => {
      for (let i = 0; i < 50; i += 1) ctx.putIntoStream({ scope: "child", i });
    });
    const parent = flow(parentSpec).chunk("run", start, async (n, ctx) => {
      ctx.putIntoStream({ scope: "parent" });
      await ctx.child(child, n);
      ctx.putIntoStream({ scope: "parent" });
    });
    const execution = run(parent, 1);
    const items = (await itemsOf(execution.stream())) as { scope: string }[];
    expect(items.map(({ scope }) => scope)).toEqual(["parent", ...Array.from({ length: 50 }, () => "child"), "parent"]);
    const paths = (await logOf(execution)).flatMap((entry) =>
      entry.type === "stream:item" ? [entry.path.join("/")] : [],
    );
    expect([...new Set(paths)]).toEqual(["parent", "parent/child#1"]);
  });

  test("bridge: false hides a child's items, and those of its children", async () => {
    const inner = flow(defineFlow({ name: "inner", ...number })).chunk("say", start, (_n, ctx) =>
      ctx.putIntoStream("inner"),
    );
    const child = flow(childSpec).chunk("say", start, async (n, ctx) => {
      ctx.putIntoStream("child");
      await ctx.child(inner, n);
    });
    const parent = flow(parentSpec).chunk("run", start, async (n, ctx) => {
      await ctx.child(child, n, { bridge: false });
      ctx.putIntoStream("parent");
    });
    const execution = run(parent, 1);
    const pushed: unknown[] = [];
    execution.stream$.subscribe((item) => pushed.push(item));
    expect(await itemsOf(execution.stream())).toEqual(["parent"]);
    expect(pushed).toEqual(["parent"]);
    expect((await logOf(execution)).filter(({ type }) => type === "stream:item")).toHaveLength(3);
  });

  test("a child that stops its stream does not stop its parent's", async () => {
    const child = flow(childSpec).chunk("say", start, (_n, ctx) => {
      ctx.putIntoStream("child");
      ctx.stopStream();
    });
    const parent = flow(parentSpec).chunk("run", start, async (n, ctx) => {
      await ctx.child(child, n);
      ctx.putIntoStream("parent");
    });
    expect(await itemsOf(run(parent, 1).stream())).toEqual(["child", "parent"]);
  });

  test("F18 state is not shared: each run of a child counts for itself", async () => {
    const child = flow(childSpec).chunk("count", start, (_n, ctx) => {
      ctx.state.set("count", ctx.state.get("count") + 1);
      return ctx.state.get("count");
    });
    const parent = flow(parentSpec).chunk("run", start, async (n, ctx) => {
      const counts = [await ctx.child(child, n), await ctx.child(child, n)];
      return { counts, own: ctx.state.get("count") };
    });
    const execution = run(parent, 1);
    const states: unknown[] = [];
    execution.state$.subscribe((state) => states.push(state));
    expect(await execution.result).toEqual({ counts: [1, 1], own: 0 });
    expect(states).toEqual([{ count: 0 }]);
  });

  test("a child that fails throws in its parent, which may answer", async () => {
    const child = flow(childSpec).chunk("bad", start, () => {
      throw new Error("bad child");
    });
    const parent = flow(parentSpec).chunk("run", start, (n, ctx) =>
      ctx.child(child, n).catch((error: { code: string; cause: { code: string } }) => [error.code, error.cause.code]),
    );
    const execution = run(parent, 1);
    expect(await execution.result).toEqual(["child-failed", "chunk-failed"]);
    expect(execution.status).toBe("completed");
    const finals = (await logOf(execution)).filter(({ type }) => type.startsWith("flow:") && type !== "flow:start");
    expect(finals.map(({ type, path }) => `${type} ${path.length}`)).toEqual(["flow:failed 2", "flow:completed 1"]);
  });

  test("R7 cancelling the parent aborts the child's call; its next chunk never starts, nothing is applied in the parent", async () => {
    const signals: AbortSignal[] = [];
    let second = 0;
    const child = flow(childSpec)
      .chunk("call", start, async (_n, ctx) => {
        signals.push(ctx.abortSignal);
        await new Promise(() => {});
      })
      .chunk("second", after("call"), () => void (second += 1));
    let applied = 0;
    const parent = flow(parentSpec)
      .chunk("run", start, async (n, ctx) => ctx.child(child, n))
      .chunk("apply", after("run"), () => void (applied += 1));
    const execution = run(parent, 1);
    await tick();
    execution.cancel("enough");
    expect(signals.map(({ aborted }) => aborted)).toEqual([true]);
    await expect(execution.result).rejects.toMatchObject({ code: "execution-cancelled" });
    const log = await logOf(execution);
    expect(log.slice(-4).map((entry) => `${entry.type} ${entry.path.length}`)).toEqual([
      "chunk:failed 2",
      "flow:cancelled 2",
      "chunk:failed 1",
      "flow:cancelled 1",
    ]);
    await tick();
    expect([second, applied]).toEqual([0, 0]);
    expectNoLeaks(execution);
  });

  test("a child that nobody awaits ends with the attempt that ran it", async () => {
    const child = flow(childSpec).chunk("wait", start, () => new Promise(() => {}));
    const parent = flow(parentSpec).chunk("run", start, (n, ctx) => {
      void ctx.child(child, n);
      return "done";
    });
    const execution = run(parent, 1);
    expect(await execution.result).toBe("done");
    const log = (await logOf(execution)).map((entry) => `${entry.type} ${entry.path.length}`);
    expect(log.indexOf("flow:cancelled 2")).toBeLessThan(log.indexOf("chunk:complete 1"));
    expectNoLeaks(execution);
  });

  test("a chunk timeout ends the child with its attempt; the next attempt runs a child of its own", async () => {
    await virtualTime(async ({ execute, delay }) => {
      let calls = 0;
      const child = flow(childSpec).chunk("slow", start, async () => {
        calls += 1;
        if (calls === 1) await delay(1_000);
        return calls;
      });
      const parent = flow(parentSpec).chunk("run", start, async (n, ctx) => ctx.child(child, n), {
        timeout: 100,
        retry: { attempts: 2, delay: 10, jitter: false },
      });
      const execution = execute(parent, 1);
      expect(await execution.result).toBe(2);
      const starts = (await logOf(execution)).filter(({ type }) => type === "flow:start");
      expect(starts.map(({ path }) => path.at(-1))).toEqual(["parent", "child#1", "child#2"]);
    });
  });

  test("a wrong input of a child is its parent's error, and no child starts", async () => {
    const child = flow(childSpec).chunk("any", start, () => 1);
    const parent = flow(parentSpec).chunk("run", start, (_n, ctx) => ctx.child(child, "no number" as never));
    const execution = run(parent, 1);
    await expect(execution.result).rejects.toMatchObject({ code: "input-invalid" });
    expect((await logOf(execution)).filter(({ type }) => type === "flow:start")).toHaveLength(1);
  });

  test("a machine that the whole log is folded into takes its own entries, not its children's, nor live ones", async () => {
    const child = flow(childSpec).chunk("count", start, (n, ctx) => {
      ctx.state.set("count", n);
      return n;
    });
    const parent = flow(parentSpec)
      .chunk("run", start, async (n, ctx) => {
        const answer = await ctx.child(child, n + 6);
        ctx.state.set("count", n);
        return answer;
      })
      .chunk("last", after("run"), (answer) => `${String(answer)}!`);
    const execution = run(parent, 1);
    expect(await execution.result).toBe("7!");
    const log = await logOf(execution);
    const machine = new Machine(compile(parent));
    for (const entry of log.slice(0, -1)) machine.apply(JSON.parse(JSON.stringify(entry)) as Entry);
    expect([machine.state, machine.result, machine.ended, machine.quiet]).toEqual([{ count: 1 }, "7!", false, true]);
    machine.apply({ ...log[0], live: 1 } as Entry);
    expect(machine.pending()).toEqual([{ type: "complete" }]);
    machine.apply(log.at(-1) as Entry);
    expect(machine.ended).toBe(true);
  });

  test("children within children are limited in depth", async () => {
    const spec = defineFlow({ name: "deep", input: z.number(), result: z.any() });
    interface Deep {
      readonly "~flow": typeof spec;
    }
    const deep: { it?: Deep } = {};
    deep.it = flow(spec).chunk("down", start, (n, ctx): Promise<unknown> => ctx.child(deep.it as Deep, n + 1));
    const execution = run(deep.it, 1);
    const error = await execution.result.catch((thrown: unknown) => thrown);
    expect(JSON.stringify(error)).toContain("More than 16 executions run within each other");
    const log = await logOf(execution);
    expect(log.filter(({ type }) => type === "flow:start")).toHaveLength(16);
    expect(log.filter(({ type }) => type === "flow:failed")).toHaveLength(16);
  });

  test("a child reads replies of its own: its fields trigger its chunks, and show at the root", async () => {
    const Reply = instant("reply", z.object({ a: z.string() }));
    const child = flow(childSpec)
      .chunk("read", start, (_n, ctx) => ctx.instant(Reply, ['{"a":"x"}']))
      .chunk("a", Reply.field("a"), (text, ctx) => ctx.setResult(text.toUpperCase()));
    const parent = flow(parentSpec).chunk("run", start, (n, ctx) => ctx.child(child, n));
    const execution = run(parent, 1);
    const seen: unknown[] = [];
    execution.field$(Reply, "a").subscribe((signal) => seen.push(signal.type));
    expect(await execution.result).toBe("X");
    expect(seen).toEqual(["opened", "delta", "complete"]);
  });

  test("an execution that rolls back lets a running child undo its own work first", async () => {
    const order: string[] = [];
    const hold = deferred();
    const child = flow(childSpec)
      .chunk("book", start, () => 1, {
        compensate: async () => {
          await tick();
          order.push("child");
        },
      })
      .chunk("wait", after("book"), () => new Promise(() => {}));
    const parent = flow(parentSpec)
      .chunk("charge", start, () => 1, { compensate: () => void order.push("parent") })
      .chunk("run", after("charge"), (n, ctx) => ctx.child(child, n))
      .chunk("bad", after("charge"), async () => {
        await hold.promise;
        throw new Error("bad");
      });
    const execution = run(parent, 1);
    await tick();
    hold.resolve();
    await expect(execution.result).rejects.toMatchObject({ code: "chunk-failed" });
    expect(order).toEqual(["child", "parent"]);
    const ends = (await logOf(execution)).flatMap((entry: Entry) =>
      entry.type === "flow:rollback" || entry.type === "flow:cancelled" || entry.type === "flow:failed"
        ? [`${entry.type} ${entry.path.length}`]
        : [],
    );
    expect(ends).toEqual(["flow:rollback 2", "flow:cancelled 2", "flow:rollback 1", "flow:failed 1"]);
    expectNoLeaks(execution);
  });

  test("events from outside reach the root only", async () => {
    const Tick = event("tick", z.number());
    const child = flow(defineFlow({ name: "child", ...number, accepts: [Tick], keepOpen: true, idle: 10 }))
      .chunk("begin", start, () => "quiet")
      .chunk("tick", Tick, (_n, ctx) => ctx.end("heard"));
    await virtualTime(async ({ execute, advance }) => {
      const parent = flow(defineFlow({ name: "parent", ...number, accepts: [Tick] })).chunk("run", start, (n, ctx) =>
        ctx.child(child, n),
      );
      const execution = execute(parent, 1);
      await advance(5);
      execution.emit(Tick, 1);
      expect(await execution.result).toBe("quiet");
    });
  });

  test("nothing starts in the parent while a child undoes its work", async () => {
    await virtualTime(async ({ execute, settle, delay }) => {
      const child = flow(childSpec)
        .chunk("done", start, () => 1, { compensate: () => delay(100) })
        .chunk("wait", after("done"), () => new Promise(() => {}));
      const parent = flow(parentSpec)
        .chunk("run", start, (n, ctx) => ctx.child(child, n))
        .chunk("beside", start, () => delay(50))
        .chunk("next", after("beside"), () => new Promise(() => {}), { timeout: 5_000 });
      const execution = execute(parent, 0);
      await settle();
      execution.cancel("enough", { rollback: true });
      const log = await logOf(execution);
      const started = log.flatMap((entry) => (entry.type === "chunk:start" ? [entry.chunk] : []));
      expect(started).toEqual(["run", "beside", "done", "wait"]);
      expect(log.at(-1)).toMatchObject({ type: "flow:cancelled", path: ["parent"] });
      expectNoLeaks(execution);
    });
  });

  test("no child starts while its parent ends, and none outlives it", async () => {
    await virtualTime(async ({ execute, settle, delay }) => {
      const child = flow(childSpec)
        .chunk("done", start, (ms) => ms, { compensate: ({ input: ms }) => delay(ms) })
        .chunk("wait", after("done"), () => new Promise(() => {}));
      const other = flow({ ...childSpec, name: "other" }).chunk("wait", start, () => new Promise(() => {}));
      const parent = flow(parentSpec).chunk("run", start, async (_n, ctx) => {
        const first = ctx.child(child, 10).catch(() => ctx.child(other, 0));
        await Promise.all([first, ctx.child(child, 100)]);
      });
      const execution = execute(parent, 0);
      await settle();
      execution.cancel("enough", { rollback: true });
      const log = await logOf(execution);
      expect(log.filter(({ path }) => path.at(-1) === "other#3")).toEqual([]);
      expect(log.at(-1)).toMatchObject({ type: "flow:cancelled", path: ["parent"] });
      expectNoLeaks(execution);
    });
  });

  test("an observer that cancels because a child has ended leaves no attempt without an end", async () => {
    const child = flow(childSpec).chunk("wait", start, () => new Promise(() => {}));
    const parent = flow(parentSpec).chunk("run", start, (n, ctx) => void ctx.child(child, n));
    const execution = run(parent, 1);
    execution.on("flow:cancelled", () => execution.cancel());
    const log = await logOf(execution);
    expect(log.flatMap((entry) => (entry.type === "chunk:failed" ? [entry.chunk] : []))).toEqual(["run"]);
    expect(log.at(-1)).toMatchObject({ type: "flow:cancelled", path: ["parent"] });
    expectNoLeaks(execution);
  });
});
