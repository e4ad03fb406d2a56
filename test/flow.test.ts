import {
  type Context,
  type Entry,
  type Execution,
  SluiceError,
  after,
  any,
  defineFlow,
  event,
  flow,
  isFinal,
  run,
  start,
} from "@sluice/core";
import { VirtualTime, deferred, logOf, itemsOf } from "@sluice/testing";
import fc from "fast-check";
import { describe, expect, test } from "vitest";
import { z } from "zod";

const Tick = event("tick", z.object({ n: z.number() }));
const Note = event("note", z.string());
const numbers = defineFlow({ name: "numbers", input: z.number(), result: z.unknown() });

const typesOf = (entries: readonly Entry[]): string[] => entries.map(({ type }) => type);

describe("starting and delivery", () => {
  test("S1 a wrong input throws at the door, and names what was expected and what came", () => {
    const greet = flow(defineFlow({ name: "greet", input: z.object({ name: z.string() }) })).chunk(
      "hi",
      start,
      () => 1,
    );
    expect(() => run(greet, { name: 3 as unknown as string })).toThrowError(
      expect.objectContaining({ code: "input-invalid", message: expect.stringContaining("name: ") as string }),
    );
  });

  test("S1 who subscribes synchronously misses nothing", async () => {
    const seen: string[] = [];
    const execution = run(
      flow(numbers).chunk("a", start, (n) => n + 1),
      1,
    );
    execution.events$.subscribe(({ type }) => seen.push(type));
    expect(seen).toEqual([]);
    expect(await execution.result).toBe(2);
    expect(seen).toEqual(["flow:start", "chunk:start", "chunk:complete", "flow:completed"]);
  });

  test("an execution that is given no id has a UUID of version 4, its own", () => {
    const it = flow(numbers).chunk("a", start, (n) => n);
    const ids = Array.from({ length: 64 }, () => run(it, 1).id);
    expect(new Set(ids).size).toBe(64);
    for (const id of ids) expect(id).toMatch(/^[0-9a-f]{8}-[0-9a-f]{4}-4[0-9a-f]{3}-[89ab][0-9a-f]{3}-[0-9a-f]{12}$/);
  });

  test("S1 the input is what its schema puts out", async () => {
    const spec = defineFlow({ name: "dated", input: z.object({ at: z.string().transform(Number) }) });
    expect(
      await run(
        flow(spec).chunk("a", start, ({ at }) => at + 1),
        { at: "41" },
      ).result,
    ).toBe(42);
  });

  test("S2 emit returns the signal's id at once and starts nothing inside the call", async () => {
    const order: string[] = [];
    const it = flow(numbers)
      .chunk("a", start, (_n, ctx) => {
        const id = ctx.emit(Note, "x");
        order.push(`emitted ${id}`);
      })
      .chunk("b", Note, (_text, ctx) => void order.push(`ran for ${ctx.signal.id}`));
    await run(it, 1).result;
    expect(order).toEqual(["emitted s3", "ran for s3"]);
  });

  test("S2 a payload that does not fit its schema fails the chunk, with the path", async () => {
    const it = flow(numbers).chunk("a", start, (_n, ctx) => ctx.emit(Tick, { n: "no" as unknown as number }));
    await expect(run(it, 1).result).rejects.toMatchObject({ code: "payload-invalid", where: "numbers.a" });
  });

  test("S3 signals are delivered first in, first out, and listeners start in declaration order", async () => {
    const order: string[] = [];
    const it = flow(numbers)
      .chunk("a", start, (_n, ctx) => {
        ctx.emit(Note, "1");
        ctx.emit(Tick, { n: 2 });
        ctx.emit(Note, "3");
      })
      .chunk("first", Note, (text) => void order.push(`first ${text}`))
      .chunk("tick", Tick, ({ n }) => void order.push(`tick ${n}`))
      .chunk("second", Note, (text) => void order.push(`second ${text}`));
    await run(it, 1).result;
    expect(order).toEqual(["first 1", "second 1", "tick 2", "first 3", "second 3"]);
  });

  test("S3 the same entries from outside in the same order give the same log", async () => {
    const spec = defineFlow({ name: "outside", input: z.number(), accepts: [Tick] });
    const gate: PromiseWithResolvers<void>[] = [];
    const it = flow(spec)
      .chunk("hold", start, () => {
        const hold = deferred();
        gate.push(hold);
        return hold.promise;
      })
      .chunk("tick", Tick, ({ n }) => n * 2);
    const log = async (): Promise<unknown[]> => {
      const execution = run(it, 1, { id: "same" });
      execution.emit(Tick, { n: 1 });
      execution.emit(Tick, { n: 2 });
      await Promise.resolve();
      gate.shift()?.resolve();
      return (await logOf(execution)).map((entry) => ({ ...entry, at: 0, durationMs: 0 }));
    };
    expect(await log()).toEqual(await log());
  });

  test("S4 observed or not, an execution leaves the same log and the same end", async () => {
    const spec = defineFlow({
      name: "watched",
      input: z.number(),
      stream: z.number(),
      state: z.object({ n: z.number().optional() }),
    });
    const it = flow(spec)
      .chunk("a", start, async (n, ctx) => {
        ctx.putIntoStream(n);
        await Promise.resolve();
        ctx.state.set("n", n);
        ctx.emit(Tick, { n });
      })
      .chunk("b", Tick, ({ n }, ctx) => {
        ctx.putIntoStream(n + 1);
        return n;
      });
    const plain = (entries: readonly Entry[]) => entries.map((entry) => ({ ...entry, at: 0, durationMs: 0 }));
    const alone = run(it, 5, { id: "x" });
    await alone.result;
    const watched = run(it, 5, { id: "x" });
    for (let i = 0; i < 3; i += 1) watched.events$.subscribe();
    watched.stream$.subscribe();
    const items: number[] = [];
    for await (const item of watched.stream()) items.push(item);
    expect(items).toEqual([5, 6]);
    expect(plain(await logOf(watched))).toEqual(plain(await logOf(alone)));
  });

  test("S5 a chunk that throws fails only itself: chunks upstream stay completed", async () => {
    const it = flow(numbers)
      .chunk("up", start, (n) => n)
      .chunk("leaf", after("up"), () => {
        throw new Error("no luck");
      });
    const execution = run(it, 1);
    await expect(execution.result).rejects.toMatchObject({ code: "chunk-failed", where: "numbers.leaf" });
    const entries = await logOf(execution);
    expect(
      entries.filter(({ type }) => type === "chunk:failed").map((entry) => "chunk" in entry && entry.chunk),
    ).toEqual(["leaf"]);
    expect(typesOf(entries)).toEqual([
      "flow:start",
      "chunk:start",
      "chunk:complete",
      "chunk:start",
      "chunk:failed",
      "flow:failed",
    ]);
  });

  test("S5 a ctx used after its attempt's end does nothing and leaves a live chunk:late entry", async () => {
    const gate = deferred();
    const late = deferred();
    const it = flow(numbers)
      .chunk("a", start, (_n, ctx) => {
        void gate.promise.then(() => {
          ctx.emit(Note, "too late");
          late.resolve();
        });
        return 1;
      })
      .chunk("hold", after("a"), async () => {
        gate.resolve();
        await late.promise;
        return 2;
      })
      .chunk("never", Note, () => 3);
    const entries = await logOf(run(it, 1));
    const call = entries.find(({ type }) => type === "chunk:late");
    expect(call).toMatchObject({ chunk: "a", call: "emit" });
    expect(call?.live).toBeGreaterThan(0);
    expect(typesOf(entries)).not.toContain("signal");
  });

  test("S5b what a chunk emits before it throws stays; its return value and result do not", async () => {
    const it = flow(numbers).chunk("a", start, (_n, ctx) => {
      ctx.emit(Note, "fact");
      ctx.setResult("never");
      throw new Error("after the fact");
    });
    const entries = await logOf(run(it, 1));
    expect(typesOf(entries)).toEqual(["flow:start", "chunk:start", "signal", "chunk:failed", "flow:failed"]);
  });
});

describe("triggers", () => {
  test("any fires for each of its triggers and says which", async () => {
    const seen: string[] = [];
    const it = flow(numbers)
      .chunk("a", start, (n, ctx) => {
        ctx.emit(Note, "x");
        return n;
      })
      .chunk(
        "both",
        any(Note, after("a")),
        (payload, ctx) => void seen.push(`${ctx.signal.event}: ${String(payload)}`),
      );
    await run(it, 7).result;
    expect(seen).toEqual(["note: x", 'after("a"): 7']);
  });

  test("F1 a guard lets exactly one branch run, and the others leave chunk:skipped", async () => {
    const it = flow(defineFlow({ name: "grade", input: z.number(), result: z.string() }))
      .chunk("a", start, () => "A", { when: (score) => score >= 90 })
      .chunk("b", start, () => "B", { when: (score) => score >= 80 && score < 90 })
      .chunk("c", start, () => "C", { when: (score) => score < 80 });
    const execution = run(it, 82);
    expect(await execution.result).toBe("B");
    const entries = await logOf(execution);
    expect(
      entries.filter(({ type }) => type === "chunk:skipped").map((entry) => "chunk" in entry && entry.chunk),
    ).toEqual(["a", "c"]);
    expect(entries.filter(({ type }) => type === "chunk:start")).toHaveLength(1);
  });

  test("S38b a guard that ends the execution starts nothing", async () => {
    let ran = false;
    const holder: { cancel?: () => void } = {};
    const it = flow(defineFlow({ name: "guarded", input: z.number() })).chunk("a", start, () => void (ran = true), {
      when: () => {
        holder.cancel?.();
        return true;
      },
    });
    const execution = run(it, 1);
    holder.cancel = () => execution.cancel();
    await expect(execution.result).rejects.toMatchObject({ code: "execution-cancelled" });
    await new Promise((resolve) => void setImmediate(resolve));
    expect(ran).toBe(false);
  });

  test("S38b a guard that throws fails its chunk", async () => {
    const it = flow(numbers).chunk("a", start, () => 1, {
      when: () => {
        throw new Error("guard broke");
      },
    });
    await expect(run(it, 1).result).rejects.toMatchObject({ code: "guard-failed", where: "numbers.a" });
  });

  test("F6 a loop by event runs until its chunk stops emitting", async () => {
    const it = flow(numbers)
      .chunk("begin", start, (n, ctx) => void ctx.emit(Tick, { n }))
      .chunk("next", Tick, ({ n }, ctx) => {
        if (n < 3) ctx.emit(Tick, { n: n + 1 });
        else ctx.setResult(`done: ${n}`);
      });
    expect(await run(it, 0).result).toBe("done: 3");
  });

  test("F10 a chain of the same function three times counts to three", async () => {
    const add = (n: number): number => n + 1;
    const it = flow(numbers).chunk("one", start, add).chunk("two", after("one"), add).chunk("three", after("two"), add);
    expect(await run(it, 0).result).toBe(3);
  });

  test("F20 an event that nothing hears is no error and stands in the log", async () => {
    const it = flow(numbers).chunk("a", start, (_n, ctx) => void ctx.emit(Note, "hello?"));
    const execution = run(it, 1);
    await execution.result;
    expect((await logOf(execution)).find(({ type }) => type === "signal")).toMatchObject({
      event: "note",
      payload: "hello?",
    });
  });
});

describe("completion and result", () => {
  test("S8 the execution completes when nothing is unfinished, and result settles with the final entry", async () => {
    const left = deferred<string>();
    const right = deferred<string>();
    const it = flow(numbers)
      .chunk("left", start, () => left.promise)
      .chunk("right", start, () => right.promise);
    const execution = run(it, 1);
    const order: string[] = [];
    void execution.result.then((value) => order.push(`result ${String(value)}`));
    execution.on("flow:completed", () => order.push("final"));
    right.resolve("R");
    await Promise.resolve();
    left.resolve("L");
    expect(await execution.result).toBe("L");
    expect(order).toEqual(["final", "result L"]);
  });

  test("F13 the last setResult wins; nothing is merged", async () => {
    const it = flow(numbers).chunk("a", start, (_n, ctx) => {
      ctx.setResult({ a: 1 });
      ctx.setResult({ b: 2 });
    });
    expect(await run(it, 1).result).toEqual({ b: 2 });
  });

  test("S8 without setResult the result is what a leaf returned; undefined does not count", async () => {
    const it = flow(numbers)
      .chunk("a", start, () => "inner")
      .chunk("b", after("a"), () => "leaf")
      .chunk("c", after("b"), () => undefined, { when: () => false })
      .chunk("d", after("a"), () => undefined);
    expect(await run(it, 1).result).toBeUndefined();
    const leaf = flow(numbers)
      .chunk("a", start, () => "inner")
      .chunk("b", after("a"), () => "leaf")
      .chunk("d", after("a"), () => undefined);
    expect(await run(leaf, 1).result).toBe("leaf");
  });

  test("F19 a result of the wrong shape fails the execution and names the result", async () => {
    const it = flow(defineFlow({ name: "wrong", input: z.number(), result: z.object({ reply: z.string() }) })).chunk(
      "a",
      start,
      () => ({ reply: 3 }),
    );
    await expect(run(it, 1).result).rejects.toMatchObject({
      code: "result-invalid",
      message: expect.stringContaining("reply") as string,
    });
  });

  test("a check of the result that throws fails the execution like one that tells", async () => {
    const result = z.number().refine(() => {
      throw new Error("broken check");
    });
    const it = flow(defineFlow({ name: "checked", input: z.number(), result })).chunk("a", start, (n) => n);
    await expect(run(it, 1).result).rejects.toMatchObject({
      code: "result-invalid",
      what: expect.stringContaining("broken check") as string,
    });
  });

  test("S8b an event from outside is taken when the flow accepts it, and refused otherwise", async () => {
    const hold = deferred();
    const it = flow(defineFlow({ name: "open", input: z.number(), accepts: [Tick] }))
      .chunk("hold", start, () => hold.promise)
      .chunk("tick", Tick, ({ n }) => n);
    const execution = run(it, 1);
    execution.emit(Tick, { n: 5 });
    expect(() => execution.emit(Note as never, "x" as never)).toThrowError(
      expect.objectContaining({ code: "event-not-accepted" }),
    );
    hold.resolve();
    expect(await execution.result).toBe(5);
    expect(() => execution.emit(Tick, { n: 6 })).toThrowError(expect.objectContaining({ code: "execution-ended" }));
  });
});

describe("failure and cancel", () => {
  test("S10 a failure aborts what is running and is told by the result", async () => {
    const aborted = deferred<unknown>();
    const it = flow(numbers)
      .chunk("slow", start, (_n, { abortSignal }) => {
        abortSignal.addEventListener("abort", () => aborted.resolve(abortSignal.reason));
        return new Promise(() => {});
      })
      .chunk("bad", start, async () => {
        await Promise.resolve();
        throw new Error("broken");
      });
    const execution = run(it, 1);
    await expect(execution.result).rejects.toMatchObject({
      code: "chunk-failed",
      cause: expect.objectContaining({ message: "broken" }) as Error,
    });
    expect(await aborted.promise).toMatchObject({ code: "chunk-aborted" });
    expect(typesOf(await logOf(execution)).slice(-3)).toEqual(["chunk:failed", "chunk:failed", "flow:failed"]);
  });

  test("S13 cancel reaches a running chunk, which may ignore it, and ends with one final entry", async () => {
    const time = new VirtualTime();
    const reached = deferred();
    const it = flow(numbers)
      .chunk("deaf", start, async () => {
        await time.delay(1_000);
        return 1;
      })
      .chunk("polite", start, (_n, ctx) => {
        ctx.abortSignal.addEventListener("abort", () => reached.resolve());
        return new Promise(() => {});
      });
    const execution = run(it, 1, { scheduler: time.scheduler });
    await time.settle();
    execution.cancel("user left");
    await reached.promise;
    await expect(execution.result).rejects.toMatchObject({ code: "execution-cancelled" });
    await time.advance();
    const entries = await logOf(execution);
    expect(entries.filter(isFinal)).toHaveLength(1);
    expect(entries.at(-1)).toMatchObject({ type: "flow:cancelled", reason: "user left" });
    expect(time.pending).toBe(0);
  });

  test("R10 an abort signal that has fired gives flow:start and flow:cancelled, and no chunk runs", async () => {
    let ran = false;
    const execution = run(
      flow(numbers).chunk("a", start, () => void (ran = true)),
      1,
      { abortSignal: AbortSignal.abort("early") },
    );
    await expect(execution.result).rejects.toBeInstanceOf(SluiceError);
    expect(typesOf(await logOf(execution))).toEqual(["flow:start", "flow:cancelled"]);
    expect(ran).toBe(false);
  });

  test("S13 a result that nobody reads is no unhandled rejection, nor is a stream without an error handler", async () => {
    const unhandled: unknown[] = [];
    const hear = (error: unknown): void => void unhandled.push(error);
    process.on("unhandledRejection", hear);
    process.on("uncaughtException", hear);
    const execution = run(
      flow(defineFlow({ name: "f", input: z.number(), stream: z.number() })).chunk("a", start, () =>
        Promise.reject(new Error("x")),
      ),
      1,
    );
    const seen: string[] = [];
    execution.stream$.subscribe();
    execution.stream$.pipe().subscribe(() => {});
    execution.status$.subscribe((status) => seen.push(status));
    for await (const _ of execution.events());
    await new Promise((resolve) => void setImmediate(resolve));
    process.off("unhandledRejection", hear);
    process.off("uncaughtException", hear);
    expect(unhandled).toEqual([]);
    expect(seen).toEqual(["running", "failed"]);
  });

  test("S13 whoever asks for another end while it ends changes nothing: one final entry, one error for all", async () => {
    const it = flow(defineFlow({ name: "f", input: z.number(), stream: z.number() }))
      .chunk("slow", start, () => new Promise(() => {}))
      .chunk("bad", start, () => Promise.reject(new Error("first")));
    const execution = run(it, 1);
    execution.on("chunk:failed", ({ error }) => error.code === "chunk-aborted" && execution.cancel("me too"));
    await expect(execution.result).rejects.toMatchObject({ code: "chunk-failed" });
    await expect(itemsOf(execution.stream())).rejects.toMatchObject({ code: "chunk-failed" });
    const entries = await logOf(execution);
    expect(entries.filter(isFinal).map(({ type }) => type)).toEqual(["flow:failed"]);
    expect(execution.status).toBe("failed");
  });

  test("await using cancels an execution that is still running", async () => {
    let outside: { readonly status: string } | undefined;
    {
      await using execution = run(
        flow(numbers).chunk("a", start, () => new Promise(() => {})),
        1,
      );
      outside = execution;
    }
    expect(outside.status).toBe("cancelled");
  });

  test("F8 two executions of one flow do not share anything", async () => {
    const holds = new Map([
      [1, deferred<number>()],
      [2, deferred<number>()],
    ]);
    const it = flow(numbers)
      .chunk("a", start, (n) => holds.get(n)?.promise)
      .chunk("b", after("a"), (n) => n);
    const [one, two] = [run(it, 1), run(it, 2)];
    holds.get(2)?.resolve(20);
    expect(await two.result).toBe(20);
    holds.get(1)?.resolve(10);
    expect(await one.result).toBe(10);
  });
});

/** A builder and a run for graphs that are made at run time, whose types nobody knows. */
interface Loose {
  chunk(name: string, trigger: unknown, run: (payload: unknown, ctx: Context) => unknown): Loose;
}
const runLoose = run as unknown as (flow: Loose, input: unknown, options: object) => Execution;

describe("laws", () => {
  /** A random tree of chunks that emit, wait, throw or return. */
  const plans = fc.array(fc.record({ parent: fc.nat(), waits: fc.nat(3), fails: fc.boolean(), emits: fc.nat(2) }), {
    minLength: 1,
    maxLength: 12,
  });

  test("every path ends with exactly one final entry, which is last, and seq has no holes", async () => {
    await fc.assert(
      fc.asyncProperty(plans, fc.option(fc.nat(12)), fc.boolean(), async (plan, cancelAt, failing) => {
        const time = new VirtualTime();
        let it = flow(numbers) as unknown as Loose;
        plan.forEach(({ parent, waits, fails, emits }, index) => {
          const trigger = index === 0 ? start : after(`c${parent % index}`);
          it = it.chunk(`c${index}`, trigger, async (_in: unknown, ctx: Context) => {
            for (let i = 0; i < emits; i += 1) ctx.emit(Note, `${index}`);
            if (waits > 0) await time.delay(waits);
            if (fails && failing) throw new Error("chance");
            return index;
          });
        });
        const execution = runLoose(it, 1, { scheduler: time.scheduler });
        if (cancelAt !== null) time.scheduler.schedule(() => execution.cancel(), cancelAt);
        await time.advance();
        const entries = await logOf(execution);
        expect(entries.filter(isFinal)).toHaveLength(1);
        expect(isFinal(entries.at(-1) as Entry)).toBe(true);
        const durable = entries.filter(({ live }) => live === 0);
        expect(durable.map(({ seq }) => seq)).toEqual(durable.map((_, index) => index + 1));
        const started = entries.filter(({ type }) => type === "chunk:start").length;
        const ended = entries.filter(
          (entry) => entry.type === "chunk:complete" || entry.type === "chunk:failed",
        ).length;
        expect(ended).toBe(started);
        expect(time.pending).toBe(0);
      }),
      { numRuns: 100 },
    );
  });
});
