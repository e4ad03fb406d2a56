import {
  type ContextOf,
  type Field,
  after,
  defineFlow,
  flow as build,
  instant,
  run,
  start,
  vitalsOf,
} from "@sluice/core";
import { flow, on } from "@sluice/decorators";
import {
  type LogMatchers,
  type ScriptedReply,
  VirtualTime,
  deferred,
  expectNoLeaks,
  leaksOf,
  linesOf,
  logMatchers,
  logOf,
  outline,
  scripted,
  scriptedModel,
  itemsOf,
  virtualTime,
} from "@sluice/testing";
import { interval } from "rxjs";
import { describe, expect, expectTypeOf, test, vi } from "vitest";
import { z } from "zod";

declare module "vitest" {
  // oxlint-disable-next-line no-unused-vars -- merged declarations have the same type parameters
  interface Matchers<R extends void | Promise<void> = void | Promise<void>, T = unknown> extends LogMatchers<R> {}
}
expect.extend(logMatchers);

const spec = defineFlow({
  name: "ticker",
  input: z.number(),
  stream: z.string(),
  state: z.object({ ticks: z.number().default(0) }),
  result: z.unknown(),
});
type Ctx = ContextOf<typeof spec>;
type Wait = (ms: number) => Promise<void>;

/** Puts "a", "b" and "c" into the stream, the input's milliseconds apart. */
@flow(spec)
class Ticker {
  readonly #wait: Wait;

  constructor(wait: Wait) {
    this.#wait = wait;
  }

  @on(start)
  async tick(ms: number, ctx: Ctx) {
    ctx.putIntoStream("a");
    for (const item of ["b", "c"]) {
      await this.#wait(ms);
      ctx.putIntoStream(item);
    }
    return "done";
  }
}

const silent = build(spec).chunk("wait", start, () => new Promise<void>(() => {}));
const open = build(defineFlow({ name: "open", input: z.number(), keepOpen: true })).chunk("begin", start, () => {});
const failing = build(spec).chunk("a", start, () => Promise.reject(new Error("always")), {
  retry: { attempts: 3, delay: 100 },
});
const Order = instant("order", z.object({ id: z.string(), items: z.array(z.string()) }));
const fixed = { attempts: 3, delay: 100, factor: 1, jitter: false };

/** What a test in virtual time fails with; undefined when it does not. */
async function failureOf(outcome: Promise<unknown>): Promise<Error | undefined> {
  return outcome.then(
    () => undefined,
    (error: unknown) => error as Error,
  );
}

function lines(...text: string[]): string {
  return text.join("\n");
}

describe("virtual time", () => {
  test("marbles say what a stream shows, and when", () =>
    virtualTime(({ execute, expectStream, delay }) => {
      const execution = execute(Ticker, 10, { create: () => new Ticker(delay) });
      expectStream(execution.stream$).toBe("a 9ms b 9ms (c|)");
    }));

  test("letters stand for values and for an error, with asymmetric matchers", () =>
    virtualTime(({ execute, expectStream, delay }) => {
      const it = build(spec).chunk("a", start, async (n, ctx) => {
        await delay(n);
        ctx.putIntoStream("first");
        throw new Error("broken");
      });
      expectStream(execute(it, 5).stream$).toBe(
        "5ms (a#)",
        { a: expect.stringContaining("rst") },
        expect.objectContaining({ code: "chunk-failed" }),
      );
    }));

  test("execute has the types of run", () =>
    virtualTime(({ execute, delay }) => {
      const execution = execute(Ticker, 1, { create: () => new Ticker(delay) });
      expectTypeOf(execution).toEqualTypeOf(run(Ticker, 1, { create: () => new Ticker(delay) }));
      // @ts-expect-error the constructor needs an argument
      expect(() => execute(Ticker, "1")).toThrowError(expect.objectContaining({ code: "input-invalid" }));
    }));

  test("while the test waits for a result, the clock moves on by itself", () =>
    virtualTime(async ({ execute, delay, now }) => {
      expect(await execute(Ticker, 3_600_000, { create: () => new Ticker(delay) }).result).toBe("done");
      expect(now()).toBe(7_200_000);
    }));

  test("advance moves the clock by so much and no further", () =>
    virtualTime(async ({ execute, delay, advance, now }) => {
      const execution = execute(Ticker, 10, { create: () => new Ticker(delay) });
      const seen: [number, string][] = [];
      execution.stream$.subscribe((item) => seen.push([now(), item]));
      await advance(15);
      expect([now(), seen]).toEqual([
        15,
        [
          [0, "a"],
          [10, "b"],
        ],
      ]);
      await advance(5);
      expect([now(), seen.at(-1)]).toEqual([20, [20, "c"]]);
      await advance();
      expect(now()).toBe(20);
    }));

  test("settle lets everything happen that is due, and no time passes", () =>
    virtualTime(async ({ execute, delay, settle, now }) => {
      const execution = execute(Ticker, 10, { create: () => new Ticker(delay) });
      await settle();
      expect(vitalsOf(execution).attempts).toBe(1);
      expect(now()).toBe(0);
    }));

  test("moves that overlap are made one after the other", () =>
    virtualTime(async ({ advance, now }) => {
      const times: number[] = [];
      await Promise.all([10, 5].map((ms) => advance(ms).then(() => times.push(now()))));
      expect(times).toEqual([10, 15]);
    }));

  test("a test may wait for something that no clock knows", () =>
    virtualTime(async ({ delay, now }) => {
      for (let turn = 0; turn < 5; turn += 1) await new Promise((resolve) => void setImmediate(resolve));
      await delay(10);
      expect(now()).toBe(10);
    }));

  test("a wait that is given up leaves the clock", () =>
    virtualTime(async ({ delay, advance, now }) => {
      const { signal: aborted } = new AbortController();
      const giveUp = new AbortController();
      const waits = [
        delay(1_000, { abortSignal: giveUp.signal }),
        delay(10, { abortSignal: aborted }),
        delay(1_000, { abortSignal: AbortSignal.abort("before") }),
      ];
      const outcomes = Promise.allSettled(waits);
      giveUp.abort("enough");
      expect(await outcomes).toMatchObject([{ reason: "enough" }, { status: "fulfilled" }, { reason: "before" }]);
      await advance();
      expect(now()).toBe(10);
    }));

  test("tokens come after their pauses", () =>
    virtualTime(async ({ tokens, now }) => {
      const seen: [number, string][] = [];
      const texts = tokens([
        [0, "{"],
        [40, "}"],
      ]);
      for await (const text of texts) seen.push([now(), text]);
      expect(seen).toEqual([
        [0, "{"],
        [40, "}"],
      ]);
    }));

  test("the log is the same in each run, the jitter of retries included", async () => {
    const logs: unknown[] = [];
    const once = (): Promise<void> =>
      virtualTime(async ({ execute }) => void logs.push(await logOf(execute(failing, 1))));
    await once();
    await once();
    expect(logs[0]).toEqual(logs[1]);
  });

  test("it works where there is no setImmediate", async () => {
    vi.stubGlobal("setImmediate", undefined);
    vi.resetModules();
    const { VirtualTime: Clock } = await import("@sluice/testing");
    vi.unstubAllGlobals();
    const clock = new Clock();
    const waiting = clock.delay(10).then(() => clock.now());
    await clock.advance();
    expect(await waiting).toBe(10);
  });
});

describe("what fails a test in virtual time", () => {
  test("a stream that is not as its marbles say, shown beside them", async () => {
    const failure = await failureOf(
      virtualTime(({ execute, expectStream, delay }) => {
        const execution = execute(Ticker, 10, { create: () => new Ticker(delay) });
        expectStream(execution.stream$).toBe("a 9ms x 19ms (c|)", { a: "a", x: expect.any(Number), c: "c" });
      }),
    );
    expect(failure?.message).toBe(
      lines(
        "The stream is not as its marbles say.",
        "",
        "expected  a 9ms x 19ms (c|)",
        "got       a 9ms b 9ms (c|)",
        "",
        "at     expected       got",
        "0 ms   a              a",
        "10 ms  x Any<Number>  b           ✗",
        "20 ms  –              c           ✗",
        "20 ms  –              | complete  ✗",
        "30 ms  c              –           ✗",
        "30 ms  | complete     –           ✗",
        "",
      ),
    );
  });

  test("a stream too fast for marbles, shown as a table", async () => {
    const failure = await failureOf(
      virtualTime(({ execute, expectStream, delay }) => {
        const it = build(spec).chunk("a", start, async (_n, ctx) => {
          for (const item of ["a", "b"]) ctx.putIntoStream(item);
          await delay(1);
          ctx.putIntoStream("c");
        });
        expectStream(execute(it, 1).stream$).toBe("(ab)");
      }),
    );
    expect(failure?.message).toContain("got       (too close together for marbles: see the table)");
    expect(failure?.message).toContain(
      lines("0 ms  a         a", "0 ms  b         b", "1 ms  –         c           ✗", "1 ms  –         | complete  ✗"),
    );
  });

  test("values and errors without a letter are given one, and shown", async () => {
    const failure = await failureOf(
      virtualTime(({ execute, expectStream }) => {
        const it = build(spec).chunk("a", start, (_n, ctx) => {
          ctx.putIntoStream("first");
          throw new Error("broken");
        });
        expectStream(execute(it, 1).stream$).toBe("#", {}, expect.objectContaining({ code: "chunk-timeout" }));
      }),
    );
    expect(failure?.message).toMatch(/^got {7}\(a#\)$/m);
    expect(failure?.message).toMatch(
      /^0 ms {2}# ObjectContaining \{ code: 'chunk-timeout' \} {2}a 'first' +✗\n0 ms {2}– +# SluiceError: The chunk "a" failed: broken/m,
    );
  });

  test("a stream of which nothing was said", async () => {
    const failure = await failureOf(
      virtualTime(({ execute, expectStream, delay }) => {
        expectStream(execute(Ticker, 1, { create: () => new Ticker(delay) }).stream$);
      }),
    );
    expect(failure?.message).toMatch(/was told nothing to expect\. Call toBe/);
  });

  test("what the test throws", async () => {
    const test = virtualTime(async ({ execute, settle }) => {
      execute(silent, 1);
      await settle();
      throw new Error("the test's own");
    });
    expect((await failureOf(test))?.message).toBe("the test's own");
  });

  test("what an observer throws", async () => {
    const failure = await failureOf(
      virtualTime(({ execute, delay }) => {
        const execution = execute(Ticker, 10, { create: () => new Ticker(delay) });
        execution.stream$.subscribe((item) => expect(item).not.toBe("c"));
      }),
    );
    expect(failure?.message).toMatch(/expected 'c' not to be 'c'/);
  });

  test("several problems at once are all told", async () => {
    const failure = await failureOf(
      virtualTime(({ execute, expectStream }) => {
        expectStream(execute(open, 1).status$).toBe("a|", { a: "running" });
      }),
    );
    expect(failure).toBeInstanceOf(AggregateError);
    expect(failure?.message).toMatch(/it has not ended[^]*not as its marbles say/);
  });

  test("something that repeats without end", async () => {
    const failure = await failureOf(virtualTime(({ scheduler }) => void interval(1, scheduler).subscribe()));
    expect(failure?.message).toMatch(/^The clock has moved 100000 times, to 100000 ms, .* Stop it, or advance by/);
  });
});

describe("a scripted model", () => {
  const reading = (model: ReturnType<typeof scriptedModel>, timeout = 10_000) =>
    build(spec).chunk("read", start, (n, ctx) => ctx.instant(Order, model.ask(`order ${n}`)), {
      retry: fixed,
      timeout,
    });

  test("plays one reply for each attempt, and records the calls", () =>
    virtualTime(async ({ execute, delay }) => {
      const model = scriptedModel(
        [
          ['{"id":', { afterMs: 20, throws: new Error("overloaded") }],
          ['{"id":"7",', { afterMs: 40, text: '"items":[]}' }, { finish: "stop", usage: { outputTokens: 12 } }],
        ],
        { delay, model: "toy" },
      );
      const execution = execute(reading(model), 7);
      expect(await execution.result).toEqual({ id: "7", items: [] });
      expect(model.calls).toEqual([
        { prompt: "order 7", reply: "order", text: '{"id":', outcome: "failed" },
        { prompt: "order 7", reply: "order", text: '{"id":"7","items":[]}', outcome: "finished" },
      ]);
      expect(await logOf(execution)).toMatchLog([
        { type: "model:start", model: "toy", at: 0 },
        { type: "chunk:failed", error: { code: "model-failed" }, at: 20 },
        { type: "chunk:retry", delayMs: 100 },
        { type: "model:start", at: 120 },
        { type: "model:finish", usage: { outputTokens: 12 }, durationMs: 40 },
      ]);
    }));

  test("is a source of plain text and of reasoning, without a prompt too", () =>
    virtualTime(async ({ execute }) => {
      const model = scriptedModel(["Dear", [{ reasoning: "a letter" }, "Sir"]]);
      const it = build(spec)
        .chunk("one", start, (_n, ctx) => ctx.text(model))
        .chunk("two", after("one"), (text, ctx) => ctx.text(model).then((more) => `${text} ${more}`));
      const execution = execute(it, 1);
      expect(await execution.result).toBe("Dear Sir");
      expect(model.calls.map(({ prompt, reply }) => [prompt, reply])).toEqual([
        [undefined, undefined],
        [undefined, undefined],
      ]);
      expect(await logOf(execution)).toMatchLog([{ type: "model:reasoning", delta: "a letter" }, "model:token two"]);
    }));

  test("hangs until it is aborted, and says so", () =>
    virtualTime(async ({ execute, delay }) => {
      const hanging: ScriptedReply = ["{", { afterMs: 5, hangs: true }];
      const model = scriptedModel([hanging, ["{", { afterMs: 900, text: "}" }], '{"id":"7","items":[]}'], { delay });
      const execution = execute(reading(model, 50), 7);
      expect(await execution.result).toEqual({ id: "7", items: [] });
      expect(model.calls.map(({ outcome }) => outcome)).toEqual(["aborted", "aborted", "finished"]);
    }));

  test("a call too many fails, and is not tried again", () =>
    virtualTime(async ({ execute }) => {
      const model = scriptedModel([]);
      const execution = execute(reading(model), 7);
      await expect(execution.result).rejects.toThrow(
        /scripted model "scripted" has 0 replies and was called once more/,
      );
      expect(model.calls).toMatchObject([{ outcome: "failed" }]);
    }));

  test("a pause without a clock is refused at once", () => {
    expect(() => scriptedModel([["a", { afterMs: 40, text: "b" }]])).toThrow(/pauses for 40 ms and has no clock/);
    expect(() => scripted([{ afterMs: 40, returns: 1 }])).toThrow(/Give it the delay of virtualTime/);
  });
});

describe("a scripted function", () => {
  test("plays one outcome for each call, in virtual time, and records the arguments", () =>
    virtualTime(async ({ delay, now }) => {
      const find = scripted<number, [id: string]>(
        [{ throws: new Error("busy") }, { afterMs: 40, returns: 3 }, { afterMs: 5, throws: new Error("late") }],
        { delay, name: "find" },
      );
      await expect(find("A-1")).rejects.toThrow("busy");
      expect([await find("A-2"), now()]).toEqual([3, 40]);
      await expect(find("A-3")).rejects.toThrow("late");
      await expect(find("A-4")).rejects.toThrow("The scripted find has 3 outcomes and was called once more");
      expect(find.calls).toEqual([["A-1"], ["A-2"], ["A-3"], ["A-4"]]);
    }));

  test("a call ends with the abort signal that it was given", () =>
    virtualTime(async ({ delay, advance, now }) => {
      const find = scripted([{ hangs: true }, { afterMs: 1_000, returns: 1 }], { delay });
      const giveUp = new AbortController();
      const outcomes = Promise.allSettled([find(giveUp.signal), find("x", { abortSignal: giveUp.signal })]);
      giveUp.abort("enough");
      expect(await outcomes).toMatchObject([{ reason: "enough" }, { reason: "enough" }]);
      await advance();
      expect(now()).toBe(0);
    }));
});

describe("logs", () => {
  const packing = (delay: Wait) =>
    build(spec)
      .chunk("read", start, async (_n, ctx) => {
        await delay(10);
        ctx.state.update((draft) => void (draft.ticks += 1));
        return ctx.instant(Order, scriptedModel(['{"id":"7","items":["lamp","bulb"]}']));
      })
      .chunk("pack", Order.field("items[*]"), async (item: Field<typeof Order, "items[*]">, ctx) => {
        await delay(5);
        ctx.putIntoStream(`packed ${item}`);
      });
  const durable = ({ live }: { readonly live: number }): boolean => live === 0;

  test("lines are the log in short", () =>
    virtualTime(async ({ execute, delay }) => {
      const log = await logOf(execute(packing(delay), 1));
      expect(linesOf(log.filter(durable))).toEqual([
        "flow:start",
        "chunk:start read",
        "state:changed ticks",
        "model:start read",
        "field:complete order.items[0]",
        "field:complete order.items[1]",
        "chunk:start pack",
        "chunk:start pack",
        "model:finish read",
        "reply:complete order",
        "chunk:complete read",
        "stream:item pack",
        "stream:item pack",
        "chunk:complete pack",
        "chunk:complete pack",
        "flow:completed",
      ]);
    }));

  test("outlines of two runs are equal, whatever their ids and times are", async () => {
    const time = new VirtualTime();
    const late = new VirtualTime();
    await late.advance(50_000);
    const slow = (ms: number): Promise<void> => late.delay(3 * ms);
    const [one, two] = [
      run(packing(time.delay), 1, { scheduler: time.scheduler }),
      run(packing(slow), 1, { scheduler: late.scheduler }),
    ];
    await Promise.all([time.advance(), late.advance()]);
    const plain = outline(await logOf(one));
    expect(plain).toEqual(outline(await logOf(two)));
    expect(plain.find(({ type, chunk: name }) => type === "chunk:start" && name === "pack")).toEqual({
      type: "chunk:start",
      chunk: "pack",
      activationId: "a2",
      attempt: 1,
      lane: "/order@a1:items[0]",
      trigger: 'order.field("items[*]")',
      input: "lamp",
    });
  });

  test("an outline numbers ids by appearance and holds errors as data", () =>
    virtualTime(async ({ execute }) => {
      const log = await logOf(execute(failing, 1));
      const late = log.map((entry) => ("activationId" in entry ? { ...entry, activationId: "a41" } : entry));
      expect(outline(late)).toMatchLog([
        { type: "chunk:start", activationId: "a1" },
        { type: "chunk:failed", activationId: "a1", error: { code: "chunk-failed", where: "ticker.a" } },
      ]);
      expect(JSON.stringify(outline(log))).not.toMatch(/execution-1|graphHash|Ms"|"at"|"seq"/);
    }));

  test("toMatchLog finds entries in order, by type, line, fields and asymmetric matchers", () =>
    virtualTime(async ({ execute, delay }) => {
      const execution = execute(packing(delay), 1);
      expect(await logOf(execution)).toMatchLog([
        "chunk:start",
        "chunk:start pack",
        { type: "stream:item", item: expect.stringMatching(/^packed/), at: 15 },
        { item: "packed bulb" },
        { type: "flow:completed", state: { ticks: 1 } },
      ]);
      expect(await logOf(execution)).not.toMatchLog(["flow:failed"]);
    }));

  test("a log that is not as expected is shown, with what is missing and what is nearest", () =>
    virtualTime(async ({ execute, delay }) => {
      const log = (await logOf(execute(packing(delay), 1))).filter(durable).slice(-6);
      const failure = await failureOf(
        Promise.resolve().then(() =>
          expect(log).toMatchLog(["chunk:complete read", { type: "stream:item", item: "packed bolt" }]),
        ),
      );
      expect(failure?.message).toBe(
        lines(
          "The log is not as expected: 1 of 2 are there.",
          "",
          "✓ 1  chunk:complete read",
          "✗ no { type: 'stream:item', item: 'packed bolt' } from here on",
          "  2  stream:item pack",
          "  3  stream:item pack",
          "  4  chunk:complete pack",
          "  5  chunk:complete pack",
          "  6  flow:completed",
          "",
          "Nearest is entry 2, stream:item pack:",
          "  item: expected 'packed bolt', got 'packed lamp'",
        ),
      );
    }));

  test("an entry that is there too early, or is not to be there, is pointed out", () =>
    virtualTime(async ({ execute, delay }) => {
      const log = await logOf(execute(packing(delay), 1));
      expect(() => expect(log).toMatchLog(["flow:completed", "flow:start"])).toThrow(/It is there before: entry 1\./);
      expect(() => expect(log).not.toMatchLog(["flow:start"])).toThrow(/has what it is not to have: flow:start/);
      expect(() => expect(log).toMatchLog(["flow:failed"])).toThrow(
        /✗ no flow:failed from here on\n {3}1 {2}flow:start/,
      );
      expect(() => expect({}).toMatchLog([])).toThrow(/Give it `await logOf\(execution\)`/);
    }));

  test("of a long log the place that matters is shown", () =>
    virtualTime(async ({ execute }) => {
      const it = build(spec).chunk("a", start, (n, ctx) => {
        for (let i = 0; i < n; i += 1) ctx.putIntoStream(`${i}`);
      });
      const log = await logOf(execute(it, 500));
      const look = (): unknown => expect(log).toMatchLog([{ item: "250" }, { item: "7" }]);
      expect(look).toThrow(/… 247 before[^]*✓ 253 {2}stream:item a {3}as \{ item: '250' \}\n✗ no[^]*… 227 more/);
    }));
});

describe("leaks", () => {
  test("an execution that is left open, and a chunk that never ends, fail the test by name", async () => {
    const failure = await failureOf(
      virtualTime(async ({ execute, advance }) => {
        execute(open, 1);
        const execution = execute(silent, 1);
        void itemsOf(execution.stream());
        await advance(30);
      }),
    );
    expect(failure?.message).toBe(
      lines(
        "Something is left pending:",
        "  open (execution-1): it has not ended",
        '  ticker (execution-2): it has not ended; the chunk "wait" is running (attempt 1, since 0 ms); 1 reader is waiting for its next entry',
        'Let what it waits for happen, close or cancel it in the test, or allow it: virtualTime(…, { leaks: "allow" })',
      ),
    );
  });

  test("they may be allowed; then nothing is cancelled", async () => {
    const running = deferred<ReturnType<typeof run>>();
    await virtualTime(({ execute }) => running.resolve(execute(open, 1)), { leaks: "allow" });
    expect((await running.promise).status).toBe("running");
  });

  test("the vitals say what an execution holds while it runs, and that it holds nothing after its end", async () => {
    const time = new VirtualTime();
    const it = build({ ...spec, timeout: 1_000 })
      .chunk("a", start, () => time.delay(100), { timeout: 500 })
      .chunk("b", start, () => time.delay(100));
    const execution = run(it, 1, { scheduler: time.scheduler });
    const reading = itemsOf(execution.stream());
    const listening = execution.stream$.subscribe();
    await time.advance(50);
    expect(vitalsOf(execution)).toEqual({ timers: 2, attempts: 2, listeners: 1, readers: 1 });
    expect(leaksOf(execution)).toEqual([
      "it has not ended",
      'the chunk "a" is running (attempt 1, since 0 ms)',
      'the chunk "b" is running (attempt 1, since 0 ms)',
      "2 timers are set",
      "1 listener is attached to its log",
      "1 reader is waiting for its next entry",
    ]);
    await time.advance();
    await reading;
    expect(vitalsOf(execution)).toEqual({ timers: 0, attempts: 0, listeners: 0, readers: 0 });
    expect(listening.closed).toBe(true);
    expectNoLeaks(execution);
  });

  test("a copy of an execution is refused", () => {
    const execution = run(open, 1);
    expect(() => leaksOf({ ...execution })).toThrowError(expect.objectContaining({ code: "execution-unknown" }));
    execution.cancel();
  });
});
