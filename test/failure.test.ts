import {
  type Entry,
  Machine,
  SluiceError,
  after,
  any,
  compile,
  defineFlow,
  event,
  failed,
  flow,
  isFinal,
  run,
  start,
} from "@sluice/core";
import { VirtualTime, deferred, expectNoLeaks, logOf, virtualTime } from "@sluice/testing";
import fc from "fast-check";
import { describe, expect, test } from "vitest";
import { z } from "zod";

const spec = defineFlow({ name: "job", input: z.number(), stream: z.string(), result: z.unknown() });
const Go = event("go", z.number());
const fixed = { attempts: 3, delay: 10, factor: 1, jitter: false };
const ofType = (entries: readonly Entry[], ...types: string[]) => entries.filter(({ type }) => types.includes(type));

/** Runs a flow to its end in virtual time. */
async function ended(it: Parameters<typeof run>[0], time: VirtualTime): Promise<Entry[]> {
  const execution = (run as unknown as (flow: unknown, input: unknown, options: object) => ReturnType<typeof run>)(
    it,
    1,
    {
      scheduler: time.scheduler,
    },
  );
  await time.advance();
  expect(time.pending).toBe(0);
  return logOf(execution);
}

function throwing(message: string): never {
  throw new Error(message);
}

describe("S9 retry", () => {
  test("R1 a chunk that fails twice and then succeeds is called three times, with a chunk:retry as each wait starts", async () => {
    const time = new VirtualTime();
    const calls: [number, number][] = [];
    const it = flow(spec).chunk(
      "a",
      start,
      (_n, ctx) => {
        calls.push([time.scheduler.now(), ctx.attempt]);
        if (ctx.attempt < 3) throw new Error("not yet");
        return "done";
      },
      { retry: fixed },
    );
    const entries = await ended(it, time);
    expect(calls).toEqual([
      [0, 1],
      [10, 2],
      [20, 3],
    ]);
    expect(ofType(entries, "chunk:failed")).toMatchObject([
      { at: 0, attempt: 1, willRetry: true },
      { at: 10, attempt: 2, willRetry: true },
    ]);
    expect(ofType(entries, "chunk:retry")).toMatchObject([
      { at: 0, attempt: 1, delayMs: 10 },
      { at: 10, attempt: 2, delayMs: 10 },
    ]);
    expect(entries.at(-1)).toMatchObject({ type: "flow:completed", result: "done" });
  });

  test("R3 an error that says it is not retryable is tried once", async () => {
    const time = new VirtualTime();
    let calls = 0;
    const it = flow(spec).chunk(
      "a",
      start,
      () => {
        calls += 1;
        throw Object.assign(new Error("bad request"), { retryable: false });
      },
      { retry: fixed },
    );
    const entries = await ended(it, time);
    expect(calls).toBe(1);
    expect(entries.at(-1)).toMatchObject({ type: "flow:failed" });
  });

  test("the policy's `when` decides by the error that was thrown; one that throws fails the chunk", async () => {
    let calls = 0;
    const asked: unknown[] = [];
    const build = (when: (error: unknown) => boolean) =>
      flow(spec).chunk(
        "a",
        start,
        () => {
          calls += 1;
          throw new RangeError("full");
        },
        { retry: { ...fixed, when } },
      );
    await ended(
      build((error) => {
        asked.push(error);
        return calls < 2;
      }),
      new VirtualTime(),
    );
    expect(calls).toBe(2);
    expect(asked[0]).toBeInstanceOf(RangeError);
    const entries = await ended(
      build(() => {
        throw new Error("policy");
      }),
      new VirtualTime(),
    );
    expect(entries.at(-1)).toMatchObject({ type: "flow:failed", error: { code: "guard-failed" } });
  });

  test("R2 what a failed attempt has shown is reset before the next, and entries carry the attempt", async () => {
    const time = new VirtualTime();
    const it = flow(spec).chunk(
      "a",
      start,
      (_n, ctx) => {
        for (const item of ["a", "b"]) ctx.putIntoStream(item);
        if (ctx.attempt === 1) throw new Error("broken stream");
        ctx.putIntoStream("c");
        return "abc";
      },
      { retry: fixed },
    );
    const entries = await ended(it, time);
    expect(
      ofType(entries, "stream:item", "chunk:reset").map((entry) => [
        entry.type,
        "attempt" in entry && entry.attempt,
        "item" in entry && entry.item,
      ]),
    ).toEqual([
      ["stream:item", 1, "a"],
      ["stream:item", 1, "b"],
      ["chunk:reset", 1, false],
      ["stream:item", 2, "a"],
      ["stream:item", 2, "b"],
      ["stream:item", 2, "c"],
    ]);
    expect(entries.at(-1)).toMatchObject({ result: "abc" });
  });

  test("pauses grow, stop at the longest, and are spread the same way in every replay", async () => {
    const build = (jitter: boolean) =>
      flow(spec).chunk("a", start, () => Promise.reject(new Error("always")), {
        retry: { attempts: 5, delay: 100, factor: 3, maxDelay: 500, jitter },
      });
    const delays = async (jitter: boolean): Promise<number[]> => {
      const execution = run(build(jitter), 1, { scheduler: new VirtualTime().scheduler, id: "same" });
      const time = new VirtualTime();
      const other = run(build(jitter), 1, { scheduler: time.scheduler, id: "same" });
      execution.cancel();
      await time.advance();
      return (await logOf(other)).flatMap((entry) => (entry.type === "chunk:retry" ? [entry.delayMs] : []));
    };
    expect(await delays(false)).toEqual([100, 300, 500, 500]);
    const spread = await delays(true);
    expect(await delays(true)).toEqual(spread);
    spread.forEach((delay, index) => {
      const full = [100, 300, 500, 500][index] ?? 0;
      expect(delay).toBeGreaterThanOrEqual(full / 2);
      expect(delay).toBeLessThanOrEqual(full);
    });
  });

  test("R6 cancelling during a retry's wait is not retried, and leaves no timer", async () => {
    const time = new VirtualTime();
    const it = flow(spec).chunk("a", start, () => Promise.reject(new Error("always")), {
      retry: { attempts: 9, delay: 1_000 },
    });
    const execution = run(it, 1, { scheduler: time.scheduler });
    await time.advance(10);
    execution.cancel("enough");
    await expect(execution.result).rejects.toMatchObject({ code: "execution-cancelled" });
    await time.advance();
    expect(time.pending).toBe(0);
    expect((await logOf(execution)).at(-1)).toMatchObject({ type: "flow:cancelled", at: 10 });
  });

  test("a retry that was due when another chunk failed for good leaves neither an entry nor a timer", async () => {
    await virtualTime(async ({ execute, settle }) => {
      const it = flow(spec)
        .chunk("again", start, () => throwing("again"), { retry: { attempts: 2, delay: 10_000 } })
        .chunk("fatal", start, () => throwing("fatal"));
      const execution = execute(it, 0);
      await settle();
      expect(execution.status).toBe("failed");
      expectNoLeaks(execution);
      expect((await logOf(execution)).map(({ type }) => type)).not.toContain("timer:set");
    });
  });

  test("a timer whose setting makes an observer cancel is not set", async () => {
    await virtualTime(async ({ execute, settle }) => {
      const it = flow({ ...spec, timeout: 10_000 }).chunk("wait", start, () => new Promise(() => {}));
      const execution = execute(it, 0);
      execution.on("timer:set", () => execution.cancel());
      await settle();
      expect(execution.status).toBe("cancelled");
      expectNoLeaks(execution);
    });
  });
});

describe("S10 failed(…)", () => {
  test("all matching handlers run, in the failure's lane, with what failed, its input and its attempts; the flow goes on", async () => {
    const seen: unknown[] = [];
    const it = flow(spec)
      .chunk("a", start, () => Promise.reject(new Error("broken")), { retry: { ...fixed, attempts: 2 } })
      .chunk(
        "named",
        failed("a"),
        ({ chunk, error, input, attempts }) => void seen.push([chunk, (error.cause as Error).message, input, attempts]),
      )
      .chunk("any", failed(), ({ chunk }) => `fallback for ${chunk}`);
    const entries = await ended(it, new VirtualTime());
    expect(seen).toEqual([["a", "broken", 1, 2]]);
    expect(entries.at(-1)).toMatchObject({ type: "flow:completed", result: "fallback for a" });
  });

  test("a handler that fails fails the execution: handlers never hear handlers", async () => {
    let heard = 0;
    const it = flow(spec)
      .chunk("a", start, () => Promise.reject(new Error("first")))
      .chunk("handle", failed(), () => {
        heard += 1;
        throw new Error("second");
      });
    const entries = await ended(it, new VirtualTime());
    expect(heard).toBe(1);
    expect(entries.at(-1)).toMatchObject({ type: "flow:failed", error: { where: "job.handle" } });
  });

  test("what was aborted is nothing to answer for", async () => {
    const it = flow(spec)
      .chunk("slow", start, () => new Promise(() => {}))
      .chunk("bad", start, () => Promise.reject(new Error("x")))
      .chunk("handle", failed("slow"), () => "handled");
    expect((await ended(it, new VirtualTime())).at(-1)).toMatchObject({
      type: "flow:failed",
      error: { where: "job.bad" },
    });
  });

  test("a chunk that fails because work it shares was aborted with another's attempt has failed", async () => {
    await virtualTime(async ({ execute }) => {
      let shared: Promise<never> | undefined;
      const it = flow(spec)
        .chunk(
          "owner",
          start,
          (_input, { abortSignal }) =>
            (shared = new Promise((_resolve, reject) => {
              abortSignal.addEventListener("abort", () => reject(abortSignal.reason as Error));
            })),
          { timeout: 10 },
        )
        .chunk("sharer", start, () => shared)
        .chunk("answer", failed("owner"), () => {});
      await expect(execute(it, 0).result).rejects.toMatchObject({ code: "chunk-failed", where: "job.sharer" });
    });
  });
});

describe("S12 timeouts", () => {
  test("R4 each attempt ends at its time, whatever its code does, and no call goes on after the end", async () => {
    const time = new VirtualTime();
    const aborted: number[] = [];
    const it = flow(spec).chunk(
      "a",
      start,
      async (_n, ctx) => {
        ctx.abortSignal.addEventListener("abort", () => aborted.push(time.scheduler.now()));
        await time.delay(320);
        ctx.putIntoStream("too late");
      },
      { timeout: 100, retry: { ...fixed, delay: 1 } },
    );
    const execution = run(it, 1, { scheduler: time.scheduler });
    await time.advance();
    const entries = await logOf(execution);
    expect(aborted).toEqual([100, 201, 302]);
    expect(ofType(entries, "chunk:failed")).toMatchObject(
      [100, 201, 302].map((at) => ({ at, error: { code: "chunk-timeout", where: "job.a" } })),
    );
    expect(ofType(entries, "stream:item")).toEqual([]);
    expect(entries.at(-1)).toMatchObject({ type: "flow:failed", at: 302 });
  });

  test("R5 a flow whose time is over ends as flow:timeout, and aborts what is running", async () => {
    const time = new VirtualTime();
    const aborted = deferred<unknown>();
    const it = flow({ ...spec, timeout: 90 }).chunk("a", start, async (_n, ctx) => {
      ctx.abortSignal.addEventListener("abort", () => aborted.resolve(ctx.abortSignal.reason));
      await time.delay(250);
    });
    const execution = run(it, 1, { scheduler: time.scheduler });
    await time.advance();
    expect(await aborted.promise).toMatchObject({ code: "chunk-aborted" });
    await expect(execution.result).rejects.toMatchObject({ code: "execution-timeout" });
    const entries = await logOf(execution);
    expect(entries.at(-1)).toMatchObject({ type: "flow:timeout", at: 90, elapsedMs: 90 });
    expect(entries.filter(isFinal)).toHaveLength(1);
    expect(execution.status).toBe("timeout");
    expect(ofType(entries, "timer:set")).toMatchObject([{ timer: "flow", dueAt: 90 }]);
  });

  test("a flow that is done in time leaves no timer", async () => {
    const time = new VirtualTime();
    const it = flow({ ...spec, timeout: 1_000 }).chunk("a", start, () => "in time", { timeout: 500 });
    const entries = await ended(it, time);
    expect(entries.at(-1)).toMatchObject({ type: "flow:completed", at: 0 });
    expect(time.scheduler.frame).toBe(0);
  });
});

describe("S14 concurrency", () => {
  /** Emits `n` events, each of which takes 10 ms of chunk work; counts how many run at a time. */
  const crowd = (time: VirtualTime, n: number, limits: { flow?: number; chunk?: number }) => {
    const seen = { now: 0, most: 0, order: [] as number[] };
    const it = flow({ ...spec, ...(limits.flow !== undefined && { concurrency: limits.flow }) })
      .chunk("begin", start, (_n, ctx) => {
        for (let i = 0; i < n; i += 1) ctx.emit(Go, i);
      })
      .chunk(
        "work",
        Go,
        async (i) => {
          seen.now += 1;
          seen.most = Math.max(seen.most, seen.now);
          seen.order.push(i);
          await time.delay(10);
          seen.now -= 1;
        },
        limits.chunk === undefined ? {} : { concurrency: limits.chunk },
      );
    return { it, seen };
  };

  test.each([
    ["of a chunk", { chunk: 4 }, 4],
    ["F5 of the flow", { flow: 2 }, 2],
    ["of both, the tighter one", { flow: 3, chunk: 5 }, 3],
  ])("the limit %s holds at every moment, first in, first out", async (_name, limits, most) => {
    const time = new VirtualTime();
    const { it, seen } = crowd(time, 10, limits);
    const entries = await ended(it, time);
    expect(seen.most).toBe(most);
    expect(seen.order).toEqual([0, 1, 2, 3, 4, 5, 6, 7, 8, 9]);
    expect(entries.at(-1)).toMatchObject({ type: "flow:completed", at: Math.ceil(10 / most) * 10 });
  });

  test("S3 who waits at a full chunk does not hold up others", async () => {
    const time = new VirtualTime();
    const order: string[] = [];
    const it = flow(spec)
      .chunk("begin", start, (_n, ctx) => {
        for (let i = 0; i < 3; i += 1) ctx.emit(Go, i);
      })
      .chunk(
        "narrow",
        Go,
        async (i) => {
          order.push(`narrow ${i}`);
          await time.delay(10);
        },
        { concurrency: 1 },
      )
      .chunk("wide", Go, (i) => void order.push(`wide ${i}`));
    await ended(it, time);
    expect(order).toEqual(["narrow 0", "wide 0", "wide 1", "wide 2", "narrow 1", "narrow 2"]);
  });

  test("S9 a waiting retry holds no slot", async () => {
    const time = new VirtualTime();
    const order: string[] = [];
    const it = flow({ ...spec, concurrency: 1 })
      .chunk(
        "flaky",
        start,
        (_n, ctx) => {
          order.push(`flaky ${ctx.attempt} at ${time.scheduler.now()}`);
          if (ctx.attempt === 1) throw new Error("once");
        },
        { retry: { ...fixed, delay: 100 } },
      )
      .chunk("other", start, async () => {
        order.push(`other at ${time.scheduler.now()}`);
        await time.delay(200);
      });
    await ended(it, time);
    expect(order).toEqual(["flaky 1 at 0", "other at 0", "flaky 2 at 200"]);
  });

  test("laws: limits hold, every wait ends, one final entry, no timer left, whatever fails and waits", async () => {
    const jobs = fc.array(fc.record({ waits: fc.nat(4), failures: fc.nat(3) }), { minLength: 1, maxLength: 15 });
    await fc.assert(
      fc.asyncProperty(
        jobs,
        fc.integer({ min: 1, max: 4 }),
        fc.integer({ min: 1, max: 4 }),
        fc.option(fc.nat(30)),
        async (list, ofFlow, ofChunk, cancelAt) => {
          const time = new VirtualTime();
          const it = flow({ ...spec, concurrency: ofFlow })
            .chunk("begin", start, (_n, ctx) => list.forEach((_, i) => void ctx.emit(Go, i)))
            .chunk(
              "work",
              Go,
              async (i, ctx) => {
                await time.delay(list[i]?.waits ?? 0);
                if (ctx.attempt <= (list[i]?.failures ?? 0)) throw new Error("chance");
              },
              { concurrency: ofChunk, retry: { ...fixed, delay: 2 } },
            )
            .chunk("rest", any(after("work"), failed("work")), () => "rest");
          const execution = run(it, 1, { scheduler: time.scheduler });
          if (cancelAt !== null) time.scheduler.schedule(() => execution.cancel(), cancelAt);
          await time.advance();
          const entries = await logOf(execution);
          expect(entries.filter(isFinal)).toHaveLength(1);
          expect(isFinal(entries.at(-1) as Entry)).toBe(true);
          expect(time.pending).toBe(0);
          const running = new Map<string, string>();
          for (const entry of entries) {
            if (entry.type === "chunk:start") running.set(entry.activationId, entry.chunk);
            if (entry.type === "chunk:complete" || entry.type === "chunk:failed") running.delete(entry.activationId);
            expect(running.size).toBeLessThanOrEqual(ofFlow);
            expect([...running.values()].filter((chunk) => chunk === "work").length).toBeLessThanOrEqual(ofChunk);
          }
          expect(running.size).toBe(0);
          const rest = ofType(entries, "chunk:complete").filter((entry) => "chunk" in entry && entry.chunk === "rest");
          expect(entries.at(-1)?.type === "flow:completed" ? rest.length : list.length).toBe(list.length);
        },
      ),
      { numRuns: 150 },
    );
  });
});

describe("the machine under retries and limits", () => {
  test("in each moment a fold knows what is still to be done, and restore(snapshot) plus the rest of the log equals the fold", async () => {
    const jobs = fc.array(fc.record({ waits: fc.nat(4), failures: fc.nat(3) }), { minLength: 1, maxLength: 8 });
    await fc.assert(
      fc.asyncProperty(jobs, fc.nat(200), async (list, at) => {
        const time = new VirtualTime();
        const it = flow({ ...spec, concurrency: 2, timeout: 10_000 })
          .chunk("begin", start, (_n, ctx) => list.forEach((_, i) => void ctx.emit(Go, i)))
          .chunk(
            "work",
            Go,
            async (i, ctx) => {
              await time.delay(list[i]?.waits ?? 0);
              if (ctx.attempt <= (list[i]?.failures ?? 0)) throw new Error("chance");
            },
            { retry: { ...fixed, delay: 2 } },
          )
          .chunk("rest", failed("work"), () => "rest");
        const entries = (await ended(it, time)).filter(({ live }) => live === 0);
        const graph = compile(it);
        const cut = at % entries.length;
        const fold = new Machine(graph);
        for (const entry of entries.slice(0, cut)) fold.apply(entry);
        expect(fold.pending().length > 0).toBe(cut > 0);
        const restored = Machine.restore(graph, fold.snapshot());
        const plain = (value: unknown): unknown => JSON.parse(JSON.stringify(value));
        expect(plain(restored.pending())).toEqual(plain(fold.pending()));
        for (const entry of entries.slice(cut)) expect(plain(restored.apply(entry))).toEqual(plain(fold.apply(entry)));
        expect(plain(restored.snapshot())).toEqual(plain(fold.snapshot()));
        expect(fold.pending()).toEqual([]);
      }),
      { numRuns: 200 },
    );
  });

  test("between a failed attempt and its timer, the retry is pending", async () => {
    const time = new VirtualTime();
    const it = flow(spec).chunk("a", start, () => Promise.reject(new Error("x")), { retry: { ...fixed, attempts: 2 } });
    const entries = await ended(it, time);
    const machine = new Machine(compile(it));
    const pending = entries.map((entry) => {
      machine.apply(entry);
      return [entry.type, machine.pending().map(({ type }) => type)];
    });
    expect(pending).toEqual([
      ["flow:start", ["start"]],
      ["chunk:start", ["start"]],
      ["chunk:failed", ["retry"]],
      ["chunk:retry", ["retry"]],
      ["timer:set", ["wait"]],
      ["timer:fired", ["start"]],
      ["chunk:start", ["start"]],
      ["chunk:failed", ["fail"]],
      ["flow:failed", []],
    ]);
  });
});

describe("policies in the graph", () => {
  test("compile keeps them as plain data, with their defaults; wrong values are problems", () => {
    const it = flow({ ...spec, timeout: 60_000, concurrency: 8 }).chunk("a", start, () => 1, {
      retry: { attempts: 2 },
      timeout: 5,
      concurrency: 1,
    });
    expect(compile(it)).toMatchObject({
      timeout: 60_000,
      concurrency: 8,
      chunks: [
        { retry: { attempts: 2, delay: 1_000, factor: 2, maxDelay: 30_000, jitter: true }, timeout: 5, concurrency: 1 },
      ],
    });
    const wrong = flow({ ...spec, timeout: 0 }).chunk("a", start, () => 1, {
      concurrency: 0.5,
      retry: { attempts: 0 },
    });
    const problem = (): unknown => compile(wrong);
    expect(problem).toThrow(SluiceError);
    expect(problem).toThrow(/"concurrency" is 0\.5\. Give it a whole number of at least 1/);
    expect(problem).toThrow(/"attempts" is 0/);
    expect(problem).toThrow(/"timeout" is 0/);
  });
});

describe("S5 a failure", () => {
  test("F12 fails only the leaf that threw: what is upstream has completed", async () => {
    const it = flow(defineFlow({ name: "leaf", input: z.number(), result: z.any() }))
      .chunk("up", start, (n) => n + 1)
      .chunk("leaf", after("up"), () => {
        throw new Error("leaf");
      });
    const execution = run(it, 1);
    await expect(execution.result).rejects.toMatchObject({ code: "chunk-failed", where: "leaf.leaf" });
    const ends = (await logOf(execution)).flatMap((entry) =>
      entry.type === "chunk:complete" || entry.type === "chunk:failed" ? [`${entry.type} ${entry.chunk}`] : [],
    );
    expect(ends).toEqual(["chunk:complete up", "chunk:failed leaf"]);
  });
});
