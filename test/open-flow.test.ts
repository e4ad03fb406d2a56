import { after, changed, compile, defineFlow, event, flow, run, start } from "@sluice/core";
import { VirtualTime, deferred, logOf } from "@sluice/testing";
import { describe, expect, test } from "vitest";
import { z } from "zod";

const Tick = event("tick", z.number());
const counter = defineFlow({
  name: "counter",
  input: z.number(),
  state: z.object({ total: z.number().default(0), name: z.string().optional() }),
  result: z.number(),
  accepts: [Tick],
  keepOpen: true,
});
const counting = flow(counter)
  .chunk("begin", start, () => {})
  .chunk("tick", Tick, (n, ctx) => {
    ctx.state.update((draft) => void (draft.total += n));
    if (ctx.state.get("total") >= 3) ctx.end(ctx.state.get("total"));
  });

describe("S8b flows that stay open", () => {
  test("F15 it waits between events from outside until ctx.end answers", async () => {
    const time = new VirtualTime();
    const execution = run(counting, 0, { scheduler: time.scheduler });
    for (let i = 0; i < 3; i += 1) {
      await time.advance(i * 10);
      expect(execution.status).toBe("running");
      execution.emit(Tick, 1);
    }
    await time.advance();
    expect(await execution.result).toBe(3);
  });

  test("close() waits no longer; what is unfinished goes on, then it completes", async () => {
    const hold = deferred<number>();
    const it = flow(counter)
      .chunk("begin", start, () => hold.promise)
      .chunk("tick", Tick, () => {});
    const execution = run(it, 0);
    await Promise.resolve();
    execution.close();
    execution.close();
    expect(execution.status).toBe("running");
    hold.resolve(7);
    expect(await execution.result).toBe(7);
    expect((await logOf(execution)).map(({ type }) => type)).toEqual([
      "flow:start",
      "chunk:start",
      "flow:close",
      "chunk:complete",
      "flow:completed",
    ]);
    execution.close();
  });

  test("an open execution that is quiet completes when it is closed, and not before", async () => {
    const time = new VirtualTime();
    const execution = run(
      flow(counter)
        .chunk("begin", start, () => 1)
        .chunk("tick", Tick, () => {}),
      0,
      { scheduler: time.scheduler },
    );
    await time.advance();
    expect([execution.status, time.pending]).toEqual(["running", 0]);
    execution.close();
    await time.advance();
    expect(await execution.result).toBe(1);
  });

  test("idle closes it when nothing has happened for so long; each event begins the time anew", async () => {
    const time = new VirtualTime();
    const it = flow({ ...counter, idle: 100 })
      .chunk("begin", start, () => 1)
      .chunk("tick", Tick, () => time.delay(30).then(() => {}));
    const execution = run(it, 0, { scheduler: time.scheduler });
    await time.advance(80);
    execution.emit(Tick, 1);
    await time.advance();
    const entries = await logOf(execution);
    expect(entries.at(-1)).toMatchObject({ type: "flow:completed", at: 210 });
    expect(entries.find(({ type }) => type === "flow:close")).toMatchObject({ reason: "idle", at: 210 });
    expect(time.pending).toBe(0);
  });

  test("a cancel ends it", async () => {
    const execution = run(counting, 0);
    execution.cancel("over");
    await expect(execution.result).rejects.toMatchObject({ code: "execution-cancelled" });
  });
});

describe("ctx.end", () => {
  test("it answers now: what else is running is aborted, what would follow does not start, and what it calls afterwards is late", async () => {
    const time = new VirtualTime();
    const spec = defineFlow({ name: "first", input: z.number(), result: z.string() });
    const started: string[] = [];
    const aborted = deferred();
    const it = flow(spec)
      .chunk("slow", start, (_n, ctx) => {
        ctx.abortSignal.addEventListener("abort", () => aborted.resolve());
        return time.delay(1_000);
      })
      .chunk("fast", start, async (_n, ctx) => {
        await time.delay(10);
        ctx.end("fast");
        ctx.setResult("too late");
      })
      .chunk("never", after("fast"), () => void started.push("never"));
    const execution = run(it, 1, { scheduler: time.scheduler });
    await time.advance();
    await aborted.promise;
    expect(await execution.result).toBe("fast");
    const entries = await logOf(execution);
    expect(entries.at(-1)).toMatchObject({ type: "flow:completed", at: 10 });
    expect(started).toEqual([]);
  });

  test("a result of the wrong shape fails the chunk instead", async () => {
    const it = flow(counter).chunk("begin", start, (_n, ctx) => ctx.end("three" as unknown as number));
    await expect(run(it, 1).result).rejects.toMatchObject({ code: "result-invalid", where: "counter.begin" });
  });
});

describe("changed(key)", () => {
  const spec = defineFlow({ ...counter, name: "watch", keepOpen: false });

  test("F11 a chunk on a key runs with its value before and after, and what follows it runs with what it returns", async () => {
    const it = flow(spec)
      .chunk("begin", start, (_n, ctx) => {
        ctx.state.set("total", 5);
        ctx.state.set("name", "x");
        ctx.state.set("total", 5);
      })
      .chunk("a", changed("total"), ({ from, to }) => [from, to])
      .chunk("b", after("a"), ([from, to]) => (from ?? 0) * 100 + (to ?? 0));
    const execution = run(it, 0);
    expect(await execution.result).toBe(5);
    const started = (await logOf(execution)).flatMap((entry) => (entry.type === "chunk:start" ? [entry.chunk] : []));
    expect(started).toEqual(["begin", "a", "b"]);
  });

  test("a key that is added or removed has changed, too", async () => {
    const seen: unknown[] = [];
    const it = flow(spec)
      .chunk("begin", start, (_n, ctx) => {
        ctx.state.set("name", "x");
        ctx.state.update((draft) => void delete draft.name);
      })
      .chunk("a", changed("name"), (change) => void seen.push(change));
    await run(it, 0).result.catch(() => {});
    expect(seen).toEqual([
      { from: undefined, to: "x" },
      { from: "x", to: undefined },
    ]);
  });

  test("a key that the state does not have is a definition problem with the nearest name", () => {
    const it = flow(spec)
      .chunk("begin", start, () => 1)
      .chunk("a", changed("totl" as "total"), () => {});
    expect(() => compile(it)).toThrow(/watch\.a: the state has no key "totl"\. Did you mean "total"\?/);
  });
});
