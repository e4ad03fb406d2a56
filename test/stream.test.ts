import { type Entry, type Execution, after, defineFlow, event, flow, positionOf, run, start } from "@sluice/core";
import { deferred, itemsOf, leaksOf, logOf, outline, virtualTime } from "@sluice/testing";
import { bufferCount, map } from "rxjs";
import { describe, expect, test, vi } from "vitest";
import { z } from "zod";

const counting = defineFlow({ name: "counting", input: z.number(), stream: z.number(), result: z.string() });
const keyed = defineFlow({ name: "keyed", input: z.number(), stream: z.object({ key: z.string(), n: z.number() }) });

/** Puts 1 to n, then ends. */
const counter = flow(counting).chunk("count", start, (n, ctx) => {
  for (let i = 1; i <= n; i += 1) ctx.putIntoStream(i);
  return "done";
});

describe("runtime stream", () => {
  test("T1 the stream ends with the flow, without stopStream", async () => {
    expect(await itemsOf(run(counter, 3).stream())).toEqual([1, 2, 3]);
  });

  test("T2 a flow that fails after two items gives two items, then the error", async () => {
    const failing = flow(counting).chunk("a", start, (_n, ctx) => {
      ctx.putIntoStream(1);
      ctx.putIntoStream(2);
      throw new Error("broken");
    });
    const items: number[] = [];
    const reading = async (): Promise<void> => {
      for await (const item of run(failing, 1).stream()) items.push(item);
    };
    await expect(reading()).rejects.toMatchObject({ code: "chunk-failed" });
    expect(items).toEqual([1, 2]);
  });

  test("T3 S18 stopStream ends the stream and not the execution; what is put afterwards is late", async () => {
    const hold = deferred();
    const stopping = flow(counting).chunk("a", start, async (_n, ctx) => {
      ctx.putIntoStream(1);
      ctx.stopStream();
      ctx.putIntoStream(2);
      await hold.promise;
      return "still";
    });
    const execution = run(stopping, 1);
    const pushed: number[] = [];
    const complete = deferred();
    execution.stream$.subscribe({ next: (n) => pushed.push(n), complete: () => complete.resolve() });
    expect(await itemsOf(execution.stream())).toEqual([1]);
    await complete.promise;
    expect(execution.status).toBe("running");
    hold.resolve();
    expect(await execution.result).toBe("still");
    expect(pushed).toEqual([1]);
    const late = (await itemsOf(execution.events())).find(({ type }) => type === "chunk:late");
    expect(late).toMatchObject({ call: "putIntoStream" });
  });

  test("T4 two readers from the start and a third after the end get all items in the same order", async () => {
    const execution = run(counter, 4);
    const [one, two] = await Promise.all([itemsOf(execution.stream()), itemsOf(execution.stream())]);
    const pushed: number[] = [];
    execution.stream$.subscribe((n) => pushed.push(n));
    expect([one, two, await itemsOf(execution.stream()), pushed]).toEqual(Array(4).fill([1, 2, 3, 4]));
  });

  test("T5 S16 a late reader from a position gets what is there from it on, then what comes", async () => {
    const hold = deferred();
    const slow = flow(counting).chunk("a", start, async (n, ctx) => {
      for (let i = 1; i <= n; i += 1) ctx.putIntoStream(i);
      await hold.promise;
      ctx.putIntoStream(n + 1);
      return "";
    });
    const execution = run(slow, 3);
    const entries: Entry[] = [];
    execution.events$.subscribe((entry) => entries.push(entry));
    await Promise.resolve();
    const items = entries.filter(({ type }) => type === "stream:item");
    const from = itemsOf(execution.stream({ from: positionOf(items[1] as Entry) }));
    const after = itemsOf(execution.stream({ after: positionOf(items[1] as Entry) }));
    hold.resolve();
    expect(await from).toEqual([2, 3, 4]);
    expect(await after).toEqual([3, 4]);
  });

  test("T6 a reader that leaves releases its cursor; with cancelOnExit it cancels the execution", async () => {
    const reached = deferred();
    const endless = flow(counting).chunk("a", start, (_n, ctx) => {
      ctx.putIntoStream(1);
      ctx.abortSignal.addEventListener("abort", () => reached.resolve());
      return new Promise<string>(() => {});
    });
    const execution = run(endless, 1);
    for await (const item of execution.stream()) if (item === 1) break;
    expect(execution.status).toBe("running");
    for await (const item of execution.stream({ cancelOnExit: true })) if (item === 1) break;
    await reached.promise;
    expect(execution.status).toBe("cancelled");
  });

  test("T7 S17 a reader that pauses while 20,000 items are put gets stream-gap, with the position to resume from", async () => {
    const execution = run(counter, 20_000, { retention: { maxEntries: 100 } });
    const reader = execution.stream()[Symbol.asyncIterator]();
    const first = reader.next();
    await execution.result;
    await expect(first).rejects.toMatchObject({
      code: "stream-gap",
      mend: expect.stringMatching(/Resume from \d+/) as string,
    });
    expect((await itemsOf(execution.stream())).length).toBeLessThanOrEqual(100);
  });

  test("T7 S17 with lag gap it gets a marker that names what is missing, and goes on", async () => {
    const execution = run(counter, 1_000, { retention: { maxEntries: 10 } });
    const reading = itemsOf(execution.stream({ lag: "gap" }));
    const items = await reading;
    const [gap, ...rest] = items;
    expect(gap).toMatchObject({ type: "gap", from: "0" });
    expect(rest.at(-1)).toBe(1_000);
    expect(rest.length).toBeLessThan(10);
  });

  test("T7 S17 with conflate it gets the latest item per key, however slow it is", async () => {
    const it = flow(keyed).chunk("a", start, (n, ctx) => {
      for (let i = 1; i <= n; i += 1) ctx.putIntoStream({ key: i % 2 === 0 ? "even" : "odd", n: i });
    });
    const execution = run(it, 1_000, { retention: { maxEntries: 10 } });
    expect(await itemsOf(execution.stream({ conflate: "key" }))).toEqual([
      { key: "odd", n: 999 },
      { key: "even", n: 1_000 },
    ]);
  });

  test("S16 retention is bounded by bytes too", async () => {
    const spec = defineFlow({ name: "big", input: z.number(), stream: z.string() });
    const it = flow(spec).chunk("a", start, (n, ctx) => {
      for (let i = 0; i < n; i += 1) ctx.putIntoStream("x".repeat(1_000));
    });
    const execution = run(it, 1_000, { retention: { maxBytes: 100_000 } });
    await execution.result;
    const kept = await itemsOf(execution.stream());
    expect(kept.length).toBeGreaterThan(10);
    expect(kept.length).toBeLessThan(60);
  });

  test("T8 an observer that throws is detached; the execution and the other observers do not notice", async () => {
    const reported: unknown[] = [];
    const execution = run(counter, 3, { onObserverError: (error) => reported.push(error) });
    const good: number[] = [];
    let calls = 0;
    const bad = (): never => {
      calls += 1;
      throw new Error("observer");
    };
    execution.stream$.subscribe(bad);
    execution.stream$.pipe(map((n) => n)).subscribe({ next: bad });
    execution.on("stream:item", bad);
    execution.stream$.subscribe((n) => good.push(n));
    expect(await execution.result).toBe("done");
    expect(good).toEqual([1, 2, 3]);
    expect(calls).toBe(3);
    expect(reported).toHaveLength(3);
  });

  test("an observer that appends by what it does does not disturb the order of others", async () => {
    const Ping = event("ping", z.number());
    const spec = defineFlow({ name: "ping", input: z.number(), accepts: [Ping], stream: z.number() });
    const hold = deferred();
    const it = flow(spec).chunk("a", start, async (_n, ctx) => {
      ctx.putIntoStream(1);
      await hold.promise;
    });
    const execution = run(it, 1);
    execution.on("stream:item", () => void execution.emit(Ping, 1));
    const seen: number[] = [];
    execution.events$.subscribe(({ seq }) => seen.push(seq));
    hold.resolve();
    await execution.result;
    expect(seen).toEqual(seen.toSorted((a, b) => a - b));
    expect(seen).toHaveLength(6);
  });

  test("an observer is never called inside its own call", async () => {
    const Ping = event("ping", z.number());
    const hold = deferred();
    const it = flow(defineFlow({ name: "nested", input: z.number(), accepts: [Ping] })).chunk(
      "a",
      start,
      () => hold.promise,
    );
    const execution = run(it, 1);
    let [depth, deepest, sent] = [0, 0, 0];
    execution.events$.subscribe(() => {
      depth += 1;
      deepest = Math.max(deepest, depth);
      sent += 1;
      if (sent < 4) execution.emit(Ping, sent);
      depth -= 1;
    });
    await Promise.resolve();
    hold.resolve();
    await execution.result;
    expect([sent, deepest]).toEqual([7, 1]);
  });

  test("cancelOnExit does not cancel an execution whose stream has ended by itself", async () => {
    const hold = deferred();
    const it = flow(counting).chunk("a", start, async (_n, ctx) => {
      ctx.stopStream();
      await hold.promise;
      return "whole";
    });
    const execution = run(it, 1);
    expect(await itemsOf(execution.stream({ cancelOnExit: true }))).toEqual([]);
    hold.resolve();
    expect(await execution.result).toBe("whole");
  });

  test("S15 putIntoStream works from any callback of a running attempt and keeps order", () =>
    virtualTime(({ execute, expectStream, delay }) => {
      const it = flow(counting).chunk("a", start, async (_n, { putIntoStream }) => {
        putIntoStream(1);
        await Promise.all([delay(20).then(() => putIntoStream(3)), delay(10).then(() => putIntoStream(2))]);
        return "";
      });
      expectStream(execute(it, 1).stream$).toBe("a 9ms b 9ms (c|)", { a: 1, b: 2, c: 3 });
    }));

  test("F19 an item of the wrong shape fails its chunk and names the item", async () => {
    const it = flow(counting).chunk("a", start, (_n, ctx) => {
      ctx.putIntoStream("one" as unknown as number);
      return "";
    });
    await expect(run(it, 1).result).rejects.toMatchObject({ code: "item-invalid", where: "counting.a" });
  });

  test("S18 timeout bounds the wait for the next item, on the execution's clock", () =>
    virtualTime(async ({ execute, delay, now }) => {
      const it = flow(counting).chunk("a", start, async (_n, ctx) => {
        await delay(40);
        ctx.putIntoStream(1);
        await delay(60);
        ctx.putIntoStream(2);
        return "";
      });
      const items: number[] = [];
      const reading = (async () => {
        for await (const item of execute(it, 1).stream({ timeout: 50 })) items.push(item);
      })();
      await expect(reading).rejects.toMatchObject({ code: "stream-timeout" });
      expect([items, now()]).toEqual([[1], 90]);
    }));

  test("S18 what is no item does not begin the wait for the next item anew", () =>
    virtualTime(async ({ execute, delay, now }) => {
      const Noise = event("noise", z.number());
      const it = flow(counting).chunk("a", start, async (_n, ctx) => {
        for (let i = 0; i < 20; i += 1) {
          await delay(30);
          ctx.emit(Noise, i);
        }
        return "";
      });
      await expect(itemsOf(execute(it, 1).stream({ timeout: 50 }))).rejects.toMatchObject({ code: "stream-timeout" });
      expect(now()).toBe(50);
    }));

  test("S19 entries say where they come from", async () => {
    const entries = await itemsOf(run(counter, 1).events());
    expect(entries.find(({ type }) => type === "stream:item")).toMatchObject({
      path: ["counting"],
      chunk: "count",
      activationId: "a1",
      attempt: 1,
      lane: "/",
    });
  });

  test("views can be piped like any Observable", async () => {
    const execution = run(counter, 4);
    const pairs: number[][] = [];
    execution.stream$
      .pipe(
        map((n) => n * 10),
        bufferCount(2),
      )
      .subscribe((pair) => pairs.push(pair));
    await execution.result;
    expect(pairs).toEqual([
      [10, 20],
      [30, 40],
    ]);
  });

  test("a position that cannot be read is refused", async () => {
    const reading = itemsOf(run(counter, 1).stream({ from: "first" }));
    await expect(reading).rejects.toMatchObject({ code: "position-invalid" });
  });

  test("after an execution nothing is left attached to its log or its clock", () =>
    virtualTime(async ({ execute, delay, advance, now }) => {
      const it = flow(counting)
        .chunk("a", start, () => "x")
        .chunk("b", after("a"), () => delay(5).then(() => "y"));
      const execution = execute(it, 1);
      const reading = itemsOf(execution.stream({ timeout: 1_000 }));
      expect(await execution.result).toBe("y");
      await reading;
      expect(leaksOf(execution)).toEqual([]);
      await advance();
      expect(now()).toBe(5);
    }));
});

describe("whoever watches", () => {
  const Token = event("token", z.string());
  const written = defineFlow({ name: "written", input: z.number(), stream: z.string(), result: z.string() });

  test("T9 S4 the log is the same with a stream reader, with the result only, and with a log reader and three listeners", async () => {
    const texts: unknown[] = [];
    const logs: unknown[] = [];
    const watch = {
      stream: (execution: Execution) => void itemsOf(execution.stream()),
      nothing: () => {},
      everything: (execution: Execution) => {
        execution.events$.subscribe();
        for (const type of ["chunk:start", "chunk:complete", "stream:item"] as const) execution.on(type, () => {});
      },
    };
    for (const watching of Object.values(watch)) {
      await virtualTime(async ({ execute, tokens }) => {
        const it = flow(written).chunk("write", start, async (_n, ctx) => {
          const text = ctx.text(
            tokens([
              [5, "Hel"],
              [5, "lo"],
            ]),
          );
          for await (const piece of text) ctx.putIntoStream(piece);
          return text;
        });
        const execution = execute(it, 1);
        watching(execution);
        texts.push(await execution.result);
        logs.push(outline(await logOf(execution)));
      });
    }
    expect(texts).toEqual(["Hello", "Hello", "Hello"]);
    expect(logs[1]).toEqual(logs[0]);
    expect(logs[2]).toEqual(logs[0]);
  });

  test("T11 what each token triggers runs beside the others", async () => {
    await virtualTime(async ({ execute, delay, now }) => {
      const it = flow(written)
        .chunk("write", start, async (n, ctx) => {
          for (let i = 0; i < n; i += 1) {
            if (i > 0) await delay(100);
            ctx.emit(Token, `token ${i}`);
          }
        })
        .chunk("work", Token, async (token, ctx) => {
          await delay(500);
          ctx.putIntoStream(token);
          ctx.setResult(token);
        });
      expect(await execute(it, 4).result).toBe("token 3");
      expect(now()).toBe(800);
    });
  });

  test("S17 who is told of observers that throw may throw, too", async () => {
    const told = vi.spyOn(console, "error").mockImplementation(() => {});
    const onObserverError = (): never => {
      throw new Error("told");
    };
    const execution = run(counter, 3, { onObserverError });
    execution.on("chunk:start", () => {
      throw new Error("observer");
    });
    await execution.result;
    expect(told).toHaveBeenCalledOnce();
    told.mockRestore();
  });
});
