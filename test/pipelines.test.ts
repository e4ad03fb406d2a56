import { after, all, defineFlow, each, event, flow, run, rx, start } from "@sluice/core";
import { expectNoLeaks, logOf, virtualTime } from "@sluice/testing";
import {
  type Observable,
  bufferCount,
  bufferTime,
  debounceTime,
  finalize,
  interval,
  map,
  mergeMap,
  tap,
  throwError,
  toArray,
  withLatestFrom,
} from "rxjs";
import { describe, expect, test } from "vitest";
import { z } from "zod";

const Tick = event("tick", z.number());
const open = defineFlow({
  name: "open",
  input: z.any(),
  stream: z.any(),
  result: z.any(),
  accepts: [Tick],
  keepOpen: true,
});
const closed = defineFlow({ name: "closed", input: z.any(), stream: z.any(), result: z.any() });

describe("S38c rx pipelines", () => {
  test("a window of time on the execution's scheduler", async () => {
    await virtualTime(async ({ execute, advance, expectStream }) => {
      const it = flow(open)
        .chunk("begin", start, () => {})
        .chunk(
          "window",
          rx(Tick, (tick$, scheduler) => tick$.pipe(bufferTime(100, scheduler))),
          (ticks, ctx) => ctx.putIntoStream(ticks.join("+")),
          { when: (ticks) => ticks.length > 0 },
        );
      const execution = execute(it, 0);
      expectStream(execution.stream$).toBe("100ms a 99ms b 49ms |", { a: "1+2", b: "3" });
      execution.emit(Tick, 1);
      await advance(60);
      execution.emit(Tick, 2);
      await advance(60);
      execution.emit(Tick, 3);
      await advance(130);
      execution.close();
    });
  });

  test("what it yields is a recorded signal in the root lane, with the pipeline's name", async () => {
    const it = flow(closed)
      .chunk("items", start, () => [1, 2, 3])
      .chunk("item", each(after("items")), (n) => n * 10)
      .chunk(
        "pairs",
        rx(after("item"), (n$: Observable<number>) => n$.pipe(bufferCount(2))),
        (pair, ctx) => [pair, ctx.signal.event],
      );
    const execution = run(it, 0);
    expect(await execution.result).toEqual([[30], 'rx(after("item"))']);
    const signals = (await logOf(execution)).filter(({ type }) => type === "signal");
    expect(signals).toMatchObject([
      { event: 'rx(after("item"))', payload: [10, 20], lane: "/", cause: "pipeline", pipeline: "pairs.0.1" },
      { payload: [30], lane: "/" },
    ]);
  });

  test("its source completes when all else is quiet, and the execution waits for its end", async () => {
    await virtualTime(async ({ execute }) => {
      const it = flow(closed)
        .chunk("begin", start, (_input, ctx) => {
          for (const n of [1, 2, 3]) ctx.emit(Tick, n);
        })
        .chunk(
          "quiet",
          rx(Tick, (tick$, scheduler) => tick$.pipe(debounceTime(50, scheduler))),
          (n) => `last ${n}`,
        )
        .chunk(
          "all",
          rx(Tick, (tick$) => tick$.pipe(toArray())),
          (list, ctx) => ctx.putIntoStream(list),
        );
      const execution = execute(it, 0);
      const items: unknown[] = [];
      execution.stream$.subscribe((item) => items.push(item));
      expect(await execution.result).toBe("last 3");
      expect(items).toEqual([[1, 2, 3]]);
      expectNoLeaks(execution);
    });
  });

  test("a pipeline nests in other triggers, and goes over several of them", async () => {
    const it = flow(closed)
      .chunk("a", start, () => 1)
      .chunk("b", start, () => 2)
      .chunk("each", each(rx(after("a"), (a$: Observable<number>) => a$.pipe(map((n) => [n, n + 1])))), (n, ctx) =>
        ctx.putIntoStream(n),
      )
      .chunk(
        "both",
        rx(all(after("a"), after("b")), (pair$: Observable<[number, number]>) => pair$.pipe(map(([a, b]) => a + b))),
        (sum) => sum,
      );
    const execution = run(it, 0);
    const items: unknown[] = [];
    execution.stream$.subscribe((item) => items.push(item));
    expect(await execution.result).toBe(3);
    expect(items).toEqual([1, 2]);
  });

  test("a pipeline that fails, fails the execution", async () => {
    const it = flow(closed)
      .chunk("begin", start, (_input, ctx) => void ctx.emit(Tick, 1))
      .chunk(
        "never",
        rx(Tick, (tick$) => tick$.pipe(mergeMap(() => throwError(() => new Error("burst"))))),
        () => {},
      );
    const execution = run(it, 0);
    await expect(execution.result).rejects.toMatchObject({
      code: "pipeline-failed",
      message: "The pipeline rx(tick) failed: burst (in closed). Catch the error in the pipeline: catchError(…)",
    });
    expect((await logOf(execution)).filter(({ type }) => type.startsWith("flow:"))).toHaveLength(2);
  });

  test("a pipeline that cannot be made fails the execution at its start", async () => {
    const it = flow(closed)
      .chunk("begin", start, () => 1)
      .chunk(
        "never",
        rx(Tick, (tick$) => tick$.pipe(withLatestFrom(undefined as never))),
        () => {},
      );
    await expect(run(it, 0).result).rejects.toMatchObject({ code: "pipeline-failed" });
  });

  test("each execution has pipelines of its own, and lets go of them when it ends", async () => {
    const subscribed: string[] = [];
    const it = flow(open)
      .chunk("begin", start, () => {})
      .chunk(
        "sums",
        rx(Tick, (tick$) =>
          tick$.pipe(tap({ subscribe: () => subscribed.push("on"), unsubscribe: () => subscribed.push("off") })),
        ),
        (n, ctx) => ctx.putIntoStream(n),
      );
    const [one, two] = [run(it, 0), run(it, 0)];
    one.emit(Tick, 1);
    two.emit(Tick, 2);
    const items: unknown[] = [];
    one.stream$.subscribe({ next: (item) => items.push(item), error: () => {} });
    await new Promise((resolve) => void setImmediate(resolve));
    one.cancel();
    two.cancel();
    expect(items).toEqual([1]);
    expect(subscribed).toEqual(["on", "on", "off", "off"]);
  });

  test("an execution that ends while it starts subscribes to no further pipeline", async () => {
    await virtualTime(async ({ execute, settle, scheduler }) => {
      let subscribed = 0;
      const pipe = (): Observable<number> => {
        subscribed += 1;
        return interval(10, scheduler).pipe(finalize(() => (subscribed -= 1)));
      };
      const begun = flow(open).chunk("begin", start, () => {});
      const cancelled = execute(
        begun.chunk("ticks", rx(Tick, pipe), () => {}),
        0,
      );
      cancelled.on("flow:start", () => cancelled.cancel());
      const failing = rx(Tick, () => throwError(() => new Error("at once")));
      const failed = execute(
        begun.chunk("fails", failing, () => {}).chunk("ticks", rx(Tick, pipe), () => {}),
        0,
      );
      await settle();
      expect([cancelled.status, failed.status, subscribed]).toEqual(["cancelled", "failed", 0]);
    });
  });
});
