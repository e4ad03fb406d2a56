import {
  type Context,
  type Entry,
  Machine,
  type Undo,
  after,
  compile,
  defineFlow,
  event,
  failed,
  flow,
  instant,
  run,
  start,
} from "@sluice/core";
import { VirtualTime, linesOf, outline } from "@sluice/testing";
import { describe, expect, test } from "vitest";
import { z } from "zod";
import { entriesOf, played } from "./played.ts";

const Paid = event("paid", z.any());
const Other = event("other", z.any());
const spec = defineFlow({ name: "shop", input: z.number(), stream: z.any(), result: z.any() });
const retry = { attempts: 3, delay: 10, jitter: false };

/** Fails in its first attempts; then it is done. */
const failsIn = (attempts: number, ctx: Pick<Context, "attempt">): void => {
  if (ctx.attempt <= attempts) throw new Error(`attempt ${ctx.attempt}`);
};

/** Plays a flow of one chunk, which may have three attempts. */
async function playedChunk(work: (ctx: Context, time: VirtualTime) => unknown, options: object = { retry }) {
  const time = new VirtualTime();
  const it = flow(spec).chunk("pay", start, (_input, ctx) => work(ctx, time), options);
  const { log, result, execution } = await played(run(it, 1, { scheduler: time.scheduler, id: "e" }), time);
  return { log, result, execution, graph: compile(it) };
}

/** A machine of what a crash has left. */
function folded(graph: ReturnType<typeof compile>, entries: readonly Entry[]): Machine {
  const machine = new Machine(graph, { durable: true });
  for (const entry of entries) machine.apply(entry);
  return machine;
}

describe("S27 steps", () => {
  test("a later attempt gets what a step has come to, and does not call it again", async () => {
    let calls = 0;
    const { log, result } = await playedChunk(async (ctx) => {
      const receipt = await ctx.step("charge", () => ({ n: (calls += 1) }));
      failsIn(2, ctx);
      return receipt;
    });
    expect(result).toEqual({ n: 1 });
    expect(calls).toBe(1);
    expect(entriesOf(log, "step:complete")).toEqual([
      expect.objectContaining({ chunk: "pay", activationId: "a1", attempt: 1, name: "charge", value: { n: 1 } }),
    ]);
    expect(linesOf(log).slice(0, 4)).toEqual([
      "flow:start",
      "chunk:start pay",
      "step:complete charge",
      "chunk:failed pay",
    ]);
  });

  test("its work gets an abort signal, and a key that is the same in each attempt", async () => {
    const keys: string[] = [];
    await playedChunk(async (ctx) => {
      await ctx
        .step("charge", ({ idempotencyKey, abortSignal }) => {
          keys.push(`${idempotencyKey} ${abortSignal.aborted}`);
          failsIn(1, ctx);
        })
        .then(() => ctx.step("undo", ({ idempotencyKey }) => void keys.push(idempotencyKey)));
    });
    // a1/undo is the key of the chunk's compensation
    expect(keys).toEqual(["e/a1/charge false", "e/a1/charge false", "e/a1//undo"]);
  });

  test("what is returned first and later is the same plain data, and nobody's to change but the caller's", async () => {
    const got: unknown[] = [];
    const { log } = await playedChunk(async (ctx) => {
      const value = await ctx.step("list", () => ({ items: [1], left: undefined as unknown }));
      got.push(structuredClone(value));
      value.items.push(2);
      expect(await ctx.step("nothing", () => {})).toBeUndefined();
      failsIn(2, ctx);
    });
    expect(got).toEqual([{ items: [1] }, { items: [1] }, { items: [1] }]);
    expect(got.map((value) => Object.keys(value as object))).toEqual([["items"], ["items"], ["items"]]);
    expect(entriesOf(log, "step:complete").map(({ value }) => value)).toEqual([{ items: [1] }, undefined]);
  });

  test("what JSON cannot hold is refused with its place, is not stored, and is not tried again", async () => {
    const { log, result } = await playedChunk((ctx) => ctx.step("when", () => ({ at: new Date(0) })));
    expect(result).toMatchObject({ code: "not-serialisable", what: expect.stringContaining("at is a Date") });
    expect(result).toMatchObject({ where: 'shop.pay, step "when"' });
    expect(entriesOf(log, "step:complete")).toEqual([]);
    expect(entriesOf(log, "chunk:start")).toHaveLength(1);
  });

  test("a name twice in one attempt is an error, which is not tried again", async () => {
    const { log, result } = await playedChunk(async (ctx) => {
      await ctx.step("charge", () => 1);
      await ctx.step("charge", () => 2);
    });
    expect(result).toMatchObject({ code: "step-repeated", where: "shop.pay" });
    expect(entriesOf(log, "chunk:start")).toHaveLength(1);
  });

  test("a step that fails stores nothing: a later attempt does it again", async () => {
    const { log, result } = await playedChunk((ctx) =>
      ctx.step("charge", () => {
        failsIn(2, ctx);
        return ctx.attempt;
      }),
    );
    expect(result).toBe(3);
    expect(entriesOf(log, "step:complete").map(({ attempt }) => attempt)).toEqual([3]);
  });

  test("the error of a step is the one that it threw", async () => {
    const own = new RangeError("too much");
    const { result } = await playedChunk((ctx) =>
      ctx.step("charge", () => Promise.reject(own)).catch((error) => error === own),
    );
    expect(result).toBe(true);
  });

  test("steps run side by side, and those that are finished stay so", async () => {
    const called: string[] = [];
    const { result } = await playedChunk((ctx, time) =>
      Promise.all(
        [3, 1, 2].map((n) =>
          ctx.step(`item ${n}`, async () => {
            called.push(`${n} in ${ctx.attempt}`);
            await time.delay(n);
            if (n === 2) failsIn(1, ctx);
            return n * 10;
          }),
        ),
      ),
    );
    expect(result).toEqual([30, 10, 20]);
    expect(called).toEqual(["3 in 1", "1 in 1", "2 in 1", "3 in 2", "2 in 2"]);
  });

  test("a step whose attempt has ended meanwhile is not stored, and rejects with that end", async () => {
    const ends: unknown[] = [];
    const { log } = await playedChunk(
      async (ctx, time) => {
        if (ctx.attempt > 1) return "late";
        return ctx
          .step("charge", ({ abortSignal }) =>
            time.delay(20).then(() => {
              ends.push(abortSignal.aborted);
              return 1;
            }),
          )
          .catch((error: { code: string }) => void ends.push(error.code));
      },
      { retry: { ...retry, delay: 50 }, timeout: 5 },
    );
    expect(ends).toEqual(["chunk-aborted", true]);
    expect(entriesOf(log, "step:complete")).toEqual([]);
    expect(entriesOf(log, "chunk:late").map(({ call }) => call)).toEqual(["step"]);
  });

  test("a ctx that is dead takes no steps and does not sleep", async () => {
    let kept: Context | undefined;
    const called: string[] = [];
    const time = new VirtualTime();
    const it = flow(spec)
      .chunk("one", start, (_input, ctx) => void (kept = ctx))
      .chunk("two", after("one"), async () => {
        await kept?.step("late", () => called.push("step")).catch((error) => called.push(error.code));
        await kept?.sleep(1).catch((error) => called.push(error.code));
      });
    const { log } = await played(run(it, 1, { scheduler: time.scheduler }), time);
    expect(called).toEqual(["chunk-aborted", "chunk-aborted"]);
    expect(entriesOf(log, "chunk:late").map(({ call }) => call)).toEqual(["step", "sleep"]);
  });

  test("a live chunk takes no steps", async () => {
    const Reply = instant("reply", z.object({ text: z.string() }));
    const time = new VirtualTime();
    const it = flow(spec)
      .chunk("read", start, (_input, ctx) =>
        ctx.instant(
          Reply,
          time.tokens([
            [1, '{"text":"a'],
            [1, 'b"}'],
          ]),
        ),
      )
      .chunk("show", Reply.delta("text"), (_delta, ctx) => void ctx.step("no", () => 1));
    const { result } = await played(run(it, 1, { scheduler: time.scheduler }), time);
    expect(result).toMatchObject({ code: "live-chunk" });
  });

  test("activations do not share steps, and an undoing has its own", async () => {
    const called: string[] = [];
    const time = new VirtualTime();
    const it = flow(spec)
      .chunk(
        "pay",
        start,
        (_input, ctx) => ctx.step("call", ({ idempotencyKey }) => void called.push(idempotencyKey)),
        {
          retry,
          compensate: async (_undo: Undo<number, unknown>, ctx: Context) => {
            await ctx.step("call", ({ idempotencyKey }) => void called.push(idempotencyKey));
            failsIn(1, ctx);
          },
        },
      )
      .chunk("again", start, (_input, ctx) =>
        ctx.step("call", ({ idempotencyKey }) => void called.push(idempotencyKey)),
      )
      .chunk("fails", after("pay"), () => {
        throw new Error("no");
      });
    const { log } = await played(run(it, 1, { scheduler: time.scheduler, id: "e" }), time);
    expect(called).toEqual(["e/a1/call", "e/a2/call", "e/a1/undo/call"]);
    expect(entriesOf(log, "chunk:compensated").map(({ error }) => error?.code)).toEqual(["chunk-failed", undefined]);
  });

  test("what was done is kept in a snapshot, also between attempts, and forgotten at the end", async () => {
    const { log, graph } = await playedChunk(async (ctx) => {
      ctx.emit(Paid, { n: 1 });
      ctx.putIntoStream("paying");
      await ctx.step("charge", () => ({ receipt: 7 }));
      await ctx.step("nothing", () => {});
      await ctx.sleep(5);
      failsIn(1, ctx);
      await ctx.sleep(5);
    });
    const durable = log.filter(({ live }) => live === 0);
    const whole = new Machine(graph);
    const known = durable.map((entry) => {
      whole.apply(entry);
      const again = Machine.restore(graph, JSON.parse(JSON.stringify(whole.snapshot())));
      expect(JSON.stringify(again.snapshot())).toBe(JSON.stringify(whole.snapshot()));
      const { done } = again;
      const sleep = done.sleep("a1", "sleep a1#1");
      const parts = [done.step("a1", "charge")?.value, done.step("a1", "nothing"), sleep, done.hasShown("a1")];
      return `${entry.type} ${JSON.stringify([...parts, done.signals("a1", "paid").length])}`;
    });
    expect(known).toEqual([
      "flow:start [null,null,null,false,0]",
      "chunk:start [null,null,null,false,0]",
      "signal [null,null,null,false,1]",
      "stream:item [null,null,null,true,1]",
      'step:complete [{"receipt":7},null,null,true,1]',
      'step:complete [{"receipt":7},{},null,true,1]',
      'timer:set [{"receipt":7},{},false,true,1]',
      'timer:fired [{"receipt":7},{},true,true,1]',
      'chunk:failed [{"receipt":7},{},true,true,1]',
      'chunk:reset [{"receipt":7},{},true,false,1]',
      'chunk:retry [{"receipt":7},{},true,false,1]',
      'timer:set [{"receipt":7},{},true,false,1]',
      'timer:fired [{"receipt":7},{},true,false,1]',
      'chunk:start [{"receipt":7},{},true,false,1]',
      'stream:item [{"receipt":7},{},true,true,1]',
      'timer:set [{"receipt":7},{},true,true,1]',
      'timer:fired [{"receipt":7},{},true,true,1]',
      "chunk:complete [null,null,null,false,0]",
      "flow:completed [null,null,null,false,0]",
    ]);
    expect(whole.snapshot()).not.toHaveProperty("done");
  });

  test("what cannot be followed by another attempt remembers no signals, unless it is durable", async () => {
    const { log, graph } = await playedChunk((ctx) => {
      ctx.emit(Paid, 1);
      ctx.putIntoStream("paying");
    }, {});
    const [plain, durable] = [new Machine(graph), new Machine(graph, { durable: true })];
    for (const entry of log.slice(0, 4)) for (const machine of [plain, durable]) machine.apply(entry);
    expect(plain.snapshot()).not.toHaveProperty("done");
    expect([durable.done.signals("a1", "paid").length, durable.done.hasShown("a1")]).toEqual([1, true]);
    const restored = Machine.restore(graph, new Machine(graph).snapshot(), { durable: true });
    for (const entry of log.slice(0, 4)) restored.apply(entry);
    expect(restored.snapshot()).toEqual(durable.snapshot());
  });
});

describe("S27 sleeps", () => {
  test("a sleep is a recorded timer, and over in a later attempt", async () => {
    const woken: string[] = [];
    const { log } = await playedChunk(async (ctx, time) => {
      await ctx.sleep(100);
      woken.push(`${time.now()} in ${ctx.attempt}`);
      failsIn(1, ctx);
      await ctx.sleep(50);
      woken.push(`${time.now()} in ${ctx.attempt}`);
    });
    expect(woken).toEqual(["100 in 1", "110 in 2", "160 in 2"]);
    expect(entriesOf(log, "timer:set").map(({ timer, dueAt }) => [timer, dueAt])).toEqual([
      ["sleep a1#1", 100],
      ["a1", 110],
      ["sleep a1#2", 160],
    ]);
    expect(linesOf(log)).toContain("timer:fired sleep");
    expect(outline(log).filter(({ type }) => type === "timer:set")).toContainEqual({
      type: "timer:set",
      timer: "sleep a1#1",
    });
  });

  test("one that is still set is waited for, and not set anew", async () => {
    const woken: number[] = [];
    const { log } = await playedChunk(async (ctx, time) => {
      const asleep = ctx.sleep(100);
      failsIn(2, ctx);
      await asleep;
      woken.push(time.now());
    });
    expect(woken).toEqual([100]);
    expect(entriesOf(log, "timer:set").map(({ timer }) => timer)).toEqual(["sleep a1#1", "a1", "a1"]);
  });

  test("one that ends between two attempts is over in the next", async () => {
    const woken: number[] = [];
    const { log } = await playedChunk(async (ctx, time) => {
      const asleep = ctx.sleep(5);
      failsIn(1, ctx);
      await asleep;
      woken.push(time.now());
    });
    expect(woken).toEqual([10]);
    expect(entriesOf(log, "timer:fired").map(({ timer }) => timer)).toEqual(["sleep a1#1", "a1"]);
  });

  test("when its activation ends, its timers are gone", async () => {
    const ends: string[] = [];
    const time = new VirtualTime();
    const it = flow(spec)
      .chunk("pay", start, (_input, ctx) => void ctx.sleep(10).catch((error) => ends.push(error.code)))
      .chunk("next", after("pay"), () => time.delay(20));
    const { log } = await played(run(it, 1, { scheduler: time.scheduler }), time);
    expect(ends).toEqual(["chunk-aborted"]);
    expect(entriesOf(log, "timer:fired")).toEqual([]);
    expect(log.at(-1)?.at).toBe(20);
  });

  test("when an undoing ends, its timers are gone", async () => {
    const time = new VirtualTime();
    const it = flow(spec)
      .chunk("one", start, () => 1, { compensate: () => time.delay(20) })
      .chunk("two", after("one"), () => 2, {
        compensate: (_undo: Undo<number, number>, ctx: Context) => void ctx.sleep(10),
      })
      .chunk("fails", after("two"), () => {
        throw new Error("no");
      });
    const { log } = await played(run(it, 1, { scheduler: time.scheduler }), time);
    expect(entriesOf(log, "timer:set").map(({ timer }) => timer)).toEqual(["sleep undo a2#1"]);
    expect(entriesOf(log, "timer:fired")).toEqual([]);
    expect(log.at(-1)?.at).toBe(20);
  });

  test("when a chunk has failed for good that can still be taken back, its timers are gone", async () => {
    const time = new VirtualTime();
    const Reply = instant("reply", z.object({ a: z.string(), b: z.string() }));
    const it = flow(spec)
      .chunk("read", start, (_input, ctx) =>
        ctx.instant(
          Reply,
          time.tokens([
            [0, '{"a":"x",'],
            [20, '"b":"y"}'],
          ]),
        ),
      )
      .chunk("use", Reply.field("a"), (_a, ctx) => {
        void ctx.sleep(10);
        throw new Error("no");
      })
      .chunk("mend", failed("use"), () => {});
    const { log } = await played(run(it, 1, { scheduler: time.scheduler }), time);
    expect(log.at(-1)).toMatchObject({ type: "flow:completed", at: 20 });
    expect(entriesOf(log, "timer:fired")).toEqual([]);
  });

  test("the time of the chunk goes on while it sleeps", async () => {
    const { result, log } = await playedChunk((ctx) => ctx.sleep(100), { timeout: 30 });
    expect(result).toMatchObject({ code: "chunk-timeout" });
    expect(log.at(-1)?.at).toBe(30);
  });

  test("what is no time is refused, and nothing is set", async () => {
    for (const ms of [-1, Number.NaN, Number.POSITIVE_INFINITY, "5" as unknown as number]) {
      const { result, log } = await playedChunk((ctx) => ctx.sleep(ms));
      expect(result).toMatchObject({ code: "sleep-invalid", where: "shop.pay" });
      expect(linesOf(log)).toEqual(["flow:start", "chunk:start pay", "chunk:failed pay", "flow:failed"]);
    }
  });

  test("it may be longer than a timer of the platform", async () => {
    const time = new VirtualTime();
    const day = 24 * 60 * 60 * 1_000;
    const plain = time.scheduler.schedule.bind(time.scheduler);
    // what setTimeout does with a wait that does not fit into 31 bits
    time.scheduler.schedule = (work, delay = 0, state) =>
      plain(work as never, delay > 2 ** 31 - 1 ? 1 : delay, state as never);
    const it = flow(spec).chunk("wait", start, (_input, ctx) => ctx.sleep(60 * day));
    const { log } = await played(run(it, 1, { scheduler: time.scheduler }), time);
    expect(log.at(-1)).toMatchObject({ type: "flow:completed", at: 60 * day });
  });

  test("an undoing sleeps by timers of its own", async () => {
    const time = new VirtualTime();
    const undone: string[] = [];
    const it = flow(spec)
      .chunk("pay", start, (_input, ctx) => ctx.sleep(10), {
        retry,
        compensate: async (_undo: Undo<number, unknown>, ctx: Context) => {
          await ctx.sleep(20);
          failsIn(1, ctx);
          undone.push(`${ctx.attempt} at ${time.now()}`);
        },
      })
      .chunk("fails", after("pay"), () => {
        throw new Error("no");
      });
    const { log } = await played(run(it, 1, { scheduler: time.scheduler }), time);
    expect(undone).toEqual(["2 at 40"]);
    expect(entriesOf(log, "timer:set").map(({ timer, dueAt }) => [timer, dueAt])).toEqual([
      ["sleep a1#1", 10],
      ["sleep undo a1#1", 30],
      ["undo a1", 40],
    ]);
    const machine = folded(
      compile(it),
      log.slice(0, log.findIndex((entry) => entry.type === "timer:set" && entry.dueAt === 30) + 1),
    );
    expect(machine.pending().map((command) => [command.type, "timer" in command ? command.timer : ""])).toEqual([
      ["wait", "sleep undo a1#1"],
      ["undo", ""],
    ]);
  });

  test("an undoing that sleeps when the execution begins to roll back goes on in its time", async () => {
    const time = new VirtualTime();
    const undone: string[] = [];
    const Reply = instant("reply", z.object({ a: z.string(), b: z.string() }));
    const written = ['{"a":"x",', '{"a":"y","b":"z"}'];
    const it = flow(spec)
      .chunk("read", start, (_input, ctx) => ctx.instant(Reply, [written[ctx.attempt - 1] ?? ""]), {
        retry: { attempts: 2, delay: 5, jitter: false },
      })
      .chunk("use", Reply.field("a"), () => 1, {
        compensate: async (_undo: Undo<string, number>, ctx: Context) => {
          await ctx.sleep(20);
          undone.push(`at ${time.now()}`);
        },
      })
      .chunk("fails", start, () =>
        time.delay(10).then(() => {
          throw new Error("no");
        }),
      );
    const { log } = await played(run(it, 1, { scheduler: time.scheduler }), time);
    expect(entriesOf(log, "flow:rollback").map(({ at }) => at)).toEqual([10]);
    expect(undone).toContain("at 25");
    expect(log.at(-1)).toMatchObject({ type: "flow:failed", error: { code: "chunk-failed" } });
    expect(log.at(-1)).not.toHaveProperty("notUndone");
  });

  test("S26 after a fold what slept still waits for the same time", async () => {
    const { log, graph } = await playedChunk(async (ctx) => {
      await ctx.sleep(100);
      await ctx.sleep(100);
    });
    const upTo = (type: string, nth: number): Machine => {
      const at = log.filter((entry) => entry.type === type)[nth - 1]?.seq ?? 0;
      return folded(graph, log.slice(0, at));
    };
    const pending = (machine: Machine) =>
      machine.pending().map((command) => (command.type === "wait" ? [command.timer, command.dueAt] : [command.type]));
    expect(pending(upTo("timer:set", 1))).toContainEqual(["sleep a1#1", 100]);
    expect(pending(upTo("timer:fired", 1))).toEqual([["start"]]);
    expect(pending(upTo("timer:set", 2))).toContainEqual(["sleep a1#2", 200]);
  });
});

describe("S28 signals of a later attempt", () => {
  test("an equal one is not delivered again, one for one; anything else is new", async () => {
    const heard: unknown[] = [];
    const ids: string[][] = [];
    const time = new VirtualTime();
    const it = flow(spec)
      .chunk(
        "pay",
        start,
        (_input, ctx) => {
          const all = [
            ctx.emit(Paid, ctx.attempt === 1 ? { a: 1, b: [2] } : { b: [2], a: 1 }),
            ctx.emit(Paid, { a: 1, b: [2] }),
            ctx.emit(Paid, ctx.attempt),
            ctx.emit(Other, { a: 1, b: [2] }),
          ];
          if (ctx.attempt === 2) all.push(ctx.emit(Paid, { a: 1, b: [2] }));
          ids.push(all);
          failsIn(2, ctx);
        },
        { retry },
      )
      .chunk("hear", Paid, (payload) => void heard.push(payload))
      .chunk("other", Other, (payload) => void heard.push(payload));
    const { log } = await played(run(it, 1, { scheduler: time.scheduler }), time);
    const same = { a: 1, b: [2] };
    expect(heard).toEqual([same, same, 1, same, 2, same, 3]);
    const [first = [], second = [], third = []] = ids;
    expect(second).toEqual([first[0], first[1], expect.anything(), first[3], expect.anything()]);
    expect(third).toEqual([first[0], first[1], expect.anything(), first[3]]);
    const signals = entriesOf(log, "signal");
    expect(signals.map(({ attempt }) => attempt)).toEqual([1, 1, 1, 1, 2, 2, 3]);
    expect(new Set(signals.map(({ id }) => id)).size).toBe(7);
  });

  test("those of all earlier attempts count", async () => {
    const { log } = await playedChunk((ctx) => {
      for (let n = ctx.attempt; n < 4; n += 1) ctx.emit(Paid, n);
      if (ctx.attempt === 3) ctx.emit(Paid, 1);
      failsIn(2, ctx);
    });
    expect(entriesOf(log, "signal").map(({ payload }) => payload)).toEqual([1, 2, 3]);
  });

  test("what another activation has emitted is not the same", async () => {
    const time = new VirtualTime();
    const emits = (_input: unknown, ctx: Context): void => {
      ctx.emit(Paid, "same");
      failsIn(1, ctx);
    };
    const it = flow(spec).chunk("one", start, emits, { retry }).chunk("two", start, emits, { retry });
    const { log } = await played(run(it, 1, { scheduler: time.scheduler }), time);
    expect(entriesOf(log, "signal").map(({ activationId }) => activationId)).toEqual(["a1", "a2"]);
  });

  test("payloads that JSON cannot hold are never equal", async () => {
    const { log } = await playedChunk((ctx) => {
      ctx.emit(Paid, { at: new Date(ctx.attempt) });
      failsIn(1, ctx);
    });
    expect(entriesOf(log, "signal")).toHaveLength(2);
  });

  test("what answers a failure for good has a memory of its own", async () => {
    const time = new VirtualTime();
    const it = flow(spec)
      .chunk(
        "pay",
        start,
        (_input, ctx) => {
          ctx.emit(Paid, 1);
          failsIn(3, ctx);
        },
        { retry },
      )
      .chunk("mend", failed("pay"), (_failure, ctx) => void ctx.emit(Paid, 1));
    const { log } = await played(run(it, 1, { scheduler: time.scheduler }), time);
    expect(entriesOf(log, "signal").map(({ chunk }) => chunk)).toEqual(["pay", "mend"]);
  });

  test("many signals cost about as much as they are", async () => {
    const n = 50_000;
    const { log } = await playedChunk((ctx) => {
      for (let i = 0; i < n; i += 1) ctx.emit(Paid, { i: ctx.attempt === 1 ? i : n - 1 - i });
      for (let i = 0; i < n; i += 1) ctx.emit(Other, "the same");
      failsIn(1, ctx);
    });
    // besides: the start, two attempts with their ends, the retry with its timer, the end
    expect(log.at(-1)).toMatchObject({ type: "flow:completed", seq: 2 * n + 9 });
  });
});
