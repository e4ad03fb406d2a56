// What models use and cost, and budgets: reserved before a call, settled after it, stopped in between.
import { type PriceTable, ask, currentPrices, priceOf, usageOf } from "@sluice/ai";
import { type Budget, type Entry, type RetryOptions, defineFlow, each, flow, start } from "@sluice/core";
import { type TestTime, lineOf, logOf, virtualTime } from "@sluice/testing";
import { convertArrayToReadableStream } from "ai/test";
import { describe, expect, test } from "vitest";
import { z } from "zod";
import { spec, trackOf } from "./agent.ts";
import { type ProviderPart, START, callParts, mock, textParts } from "./mock-model.ts";

/** A dollar for 100 tokens of input, a dollar for 10 of output. */
const dear = { input: 10_000, output: 100_000 };
const prices: PriceTable = {
  version: "test",
  models: { "mock/best": dear, "mock/cheap": { input: 100, output: 1000 } },
};

/** A finish that tells its usage; without numbers, none. */
const used = (input?: number, output?: number, cacheRead?: number, cacheWrite?: number): ProviderPart => ({
  type: "finish",
  finishReason: { unified: "stop", raw: undefined },
  usage: {
    inputTokens: { total: input, noCache: undefined, cacheRead, cacheWrite },
    outputTokens: { total: output, text: output, reasoning: undefined },
  },
});
const writes = (text: string, finish = used(100, 10), modelId = "best") =>
  mock(async () => ({ stream: convertArrayToReadableStream([START, ...textParts(text), finish]) }), modelId);
/** A model whose answer is pulled part by part. */
const streams = (parts: () => AsyncGenerator<ProviderPart>) =>
  mock(async () => {
    const rest = parts();
    const pull = async (controller: ReadableStreamDefaultController<ProviderPart>): Promise<void> => {
      const { done, value } = await rest.next();
      if (done === true) controller.close();
      else controller.enqueue(value);
    };
    return { stream: new ReadableStream<ProviderPart>({ pull }) };
  }, "best");

type Models = Parameters<typeof ask>[0];
const question = { prompt: "?", prices, maxOutputTokens: 10 };
const asks = (models: Models, options: { readonly budget?: Budget; readonly retry?: RetryOptions } = {}) =>
  flow(spec).chunk("answer", start, (_input, ctx) => ctx.text(ask(models, question)), options);

const thresholds = (entries: readonly Entry[]) =>
  entries.flatMap((entry) => (entry.type === "budget:threshold_reached" ? [entry.thresholdPct] : []));
const finishes = (entries: readonly Entry[]) =>
  entries.flatMap((entry) => (entry.type === "model:finish" ? [entry] : []));
const logged = ({ execute }: TestTime, asking: ReturnType<typeof asks>, budget?: Budget): Promise<Entry[]> =>
  logOf(execute(asking, "", budget && { budget }));

describe("what calls cost", () => {
  test("is in their entries, from the table that is named", () =>
    virtualTime(async (time) => {
      const entries = await logged(time, asks(writes("Yes")));
      expect(finishes(entries)).toMatchObject([{ costUsd: 2, prices: "test" }]);
    }));

  test("counts what the provider's cache has read and what it has written", () =>
    virtualTime(async ({ execute }) => {
      const price = { input: 1000, output: 0, cachedInput: 100, cacheWriteInput: 2000 };
      const table = { version: "cached", models: { "mock/best": price } };
      const source = ask(writes("Yes", used(1000, 1, 400, 100)), { prompt: "?", prices: table });
      const asking = flow(spec).chunk("answer", start, (_input, ctx) => ctx.text(source));
      expect(usageOf(await logOf(execute(asking, ""))).costUsd).toBeCloseTo(0.5 + 0.04 + 0.2);
    }));

  test("is more for a long input, where the table says so", () =>
    virtualTime(async ({ execute }) => {
      const price = { input: 1000, output: 0, long: { above: 1000, input: 2000, output: 0 } };
      const table = { version: "long", models: { "mock/best": price } };
      const costs = await Promise.all(
        [1000, 1001].map(async (input) => {
          const source = ask(writes("Yes", used(input, 1)), { prompt: "?", prices: table });
          const asking = flow(spec).chunk("answer", start, (_input, ctx) => ctx.text(source));
          return usageOf(await logOf(execute(asking, ""))).costUsd;
        }),
      );
      expect(costs).toEqual([1, 2.002]);
    }));

  test("is found for a version of a model that has a date", () => {
    expect(priceOf(currentPrices, "anthropic/claude-haiku-4-5-20251001")).toMatchObject({ input: 1, output: 5 });
    expect(priceOf(currentPrices, "openai/gpt-0")).toBeUndefined();
  });

  test("is added up over attempts that failed, children, and by model", () =>
    virtualTime(async ({ execute }) => {
      let attempts = 0;
      const child = asks(writes("Yes", used(1000, 100), "cheap"));
      const parent = flow(spec).chunk(
        "answer",
        start,
        async (_input, ctx) => {
          await ctx.text(ask(writes("Yes"), question));
          attempts += 1;
          if (attempts === 1) throw new Error("again");
          return ctx.child(child, "");
        },
        { retry: { attempts: 2, delay: 0 } },
      );
      const report = usageOf(await logOf(execute(parent, "")));
      expect(report).toMatchObject({ calls: 3, inputTokens: 1200, outputTokens: 120, totalTokens: 1320, unpriced: [] });
      expect(report.costUsd).toBeCloseTo(4.2);
      expect(report.models["mock/cheap"]?.costUsd).toBeCloseTo(0.2);
    }));

  test("is an estimate where the provider tells nothing", () =>
    virtualTime(async (time) => {
      const entries = await logged(time, asks(writes("four letters", used())));
      expect(usageOf(entries)).toMatchObject({ estimated: 1, outputTokens: 3 });
    }));

  test("is an estimate of a generation that was ended early", () =>
    virtualTime(async ({ execute, advance, delay }) => {
      const slow = streams(async function* () {
        yield* [START, { type: "text-start", id: "t" }, { type: "text-delta", id: "t", delta: "12345678" }];
        await delay(1000);
      });
      const execution = execute(asks(slow), "");
      await advance(10);
      execution.cancel("enough");
      expect(usageOf(await logOf(execution))).toMatchObject({ calls: 1, estimated: 1, outputTokens: 2 });
    }));

  test("is not known of a model that is in no table; another table prices a log anew", () =>
    virtualTime(async (time) => {
      const entries = await logged(time, asks(writes("Yes", used(100, 10), "new")));
      expect(usageOf(entries)).toMatchObject({ costUsd: 0, unpriced: ["mock/new"] });
      const table = { version: "2", models: { "mock/new": dear } };
      expect(usageOf(entries, { prices: table })).toMatchObject({ costUsd: 2, unpriced: [] });
    }));
});

describe("a budget", () => {
  test("tells its thresholds once each, in order, with what is spent", () =>
    virtualTime(async ({ execute }) => {
      const steps = defineFlow({ name: "steps", input: z.array(z.string()), result: z.unknown() });
      const five = flow(steps).chunk(
        "answer",
        each(start),
        (_input, ctx) => ctx.text(ask(writes("Yes", used(10, 1)), { ...question, maxOutputTokens: 1 })),
        { concurrency: 1 },
      );
      const entries = await logOf(execute(five, ["1", "2", "3", "4", "5"], { budget: { usd: 1.11 } }));
      expect(thresholds(entries)).toEqual([50, 75, 90]);
      expect(entries.find(({ type }) => type === "budget:threshold_reached")).toMatchObject({
        budgetUsd: 1.11,
        spentUsd: expect.closeTo(0.6),
        live: 0,
        path: ["steps"],
      });
    }));

  test("refuses a call that it cannot pay, before the model is asked", () =>
    virtualTime(async (time) => {
      const model = writes("Yes");
      const entries = await logged(time, asks(model), { tokens: 3 });
      expect(entries.at(-1)).toMatchObject({ type: "flow:failed", error: { code: "budget-exceeded" } });
      expect(model.doStreamCalls).toHaveLength(0);
      expect(usageOf(entries).totalTokens).toBe(0);
    }));

  test("that is spent is not tried again by a retry", () =>
    virtualTime(async (time) => {
      const entries = await logged(time, asks(writes("Yes"), { retry: { attempts: 3, delay: 0 } }), { tokens: 3 });
      expect(entries.filter(({ type }) => type === "chunk:start")).toHaveLength(1);
    }));

  test("stops a reply in mid-stream, which has cost what was written by then", () =>
    virtualTime(async ({ execute }) => {
      let pulled = 0;
      const endless = streams(async function* () {
        yield* [START, { type: "text-start", id: "t" }];
        for (; ; pulled += 1) yield { type: "text-delta", id: "t", delta: "four" };
      });
      const asking = flow(spec).chunk("answer", start, (_input, ctx) =>
        ctx.text(ask(endless, { prompt: "?", prices })),
      );
      const entries = await logOf(execute(asking, "", { budget: { tokens: 100 } }));
      expect(entries.at(-1)).toMatchObject({ type: "flow:failed", error: { code: "budget-exceeded" } });
      expect(finishes(entries)).toMatchObject([{ finishReason: "error", estimated: true }]);
      expect(usageOf(entries).totalTokens).toBe(101);
      expect(thresholds(entries)).toEqual([50, 75, 90, 100]);
      expect(pulled).toBeLessThan(110);
    }));

  test("is spent by children, and its thresholds are told at the root", () =>
    virtualTime(async ({ execute }) => {
      const child = asks(writes("Yes"));
      const parent = flow(spec).chunk("answer", start, async (_input, ctx) => {
        await ctx.child(child, "");
        return ctx.child(child, "");
      });
      const entries = await logOf(execute(parent, "", { budget: { usd: 4 } }));
      const told = entries.filter(({ type }) => type === "budget:threshold_reached");
      expect(thresholds(entries)).toEqual([50, 75, 90, 100]);
      expect(told.map(({ path }) => path)).toEqual([["agent"], ["agent"], ["agent"], ["agent"]]);
    }));

  test("of a child bounds the child", () =>
    virtualTime(async ({ execute }) => {
      const child = asks(writes("Yes"));
      const parent = flow(spec).chunk("answer", start, (_input, ctx) =>
        ctx.child(child, "", { budget: { tokens: 3 } }),
      );
      const entries = await logOf(execute(parent, "", { budget: { usd: 100 } }));
      expect(entries.at(-1)).toMatchObject({ error: { code: "child-failed", cause: { code: "budget-exceeded" } } });
    }));

  test("of a chunk is spent from the execution's, too", () =>
    virtualTime(async (time) => {
      const entries = await logged(time, asks(writes("Yes"), { budget: { usd: 100 } }), { usd: 4 });
      expect(thresholds(entries)).toEqual([50]);
    }));

  test("of a chunk holds for all its attempts, and for no other chunk", () =>
    virtualTime(async ({ execute }) => {
      const two = flow(spec)
        .chunk(
          "answer",
          start,
          async (_input, ctx) => {
            await ctx.text(ask(writes("Yes"), question));
            throw new Error("again");
          },
          { budget: { usd: 4 }, retry: { attempts: 3, delay: 10 } },
        )
        .chunk("other", start, (_input, ctx) => ctx.text(ask(writes("Yes"), question)));
      const entries = await logOf(execute(two, ""));
      const told = entries.flatMap((entry) => (entry.type === "budget:threshold_reached" ? [entry.chunk] : []));
      expect(told).toEqual(["answer", "answer", "answer", "answer"]);
      const failures = entries.flatMap((entry) => (entry.type === "chunk:failed" ? [entry.error.code] : []));
      expect(failures).toEqual(["chunk-failed", "chunk-failed", "budget-exceeded"]);
    }));

  test("that another call has reserved is waited for", () =>
    virtualTime(async ({ execute, delay }) => {
      const slow = mock(async () => {
        await delay(100);
        return { stream: convertArrayToReadableStream([START, ...textParts("Yes"), used(10, 1)]) };
      }, "best");
      const two = flow(spec)
        .chunk("one", start, (_input, ctx) => ctx.text(ask(slow, question)))
        .chunk("two", start, (_input, ctx) => ctx.text(ask(slow, question)));
      const entries = await logOf(execute(two, "", { budget: { usd: 1 } }));
      expect(finishes(entries).map(({ at }) => at)).toEqual([100, 200]);
      expect(entries.at(-1)?.type).toBe("flow:completed");
    }));

  test("that another call has reserved is not waited for when the chunk has ended", () =>
    virtualTime(async ({ execute, delay, advance }) => {
      const slow = mock(async () => {
        await delay(1000);
        return { stream: convertArrayToReadableStream([START, ...textParts("Yes"), used(10, 1)]) };
      }, "best");
      const two = flow(spec)
        .chunk("one", start, (_input, ctx) => ctx.text(ask(slow, question)))
        .chunk("two", start, (_input, ctx) => ctx.text(ask(slow, question)));
      const execution = execute(two, "", { budget: { usd: 1 } });
      await advance(10);
      execution.cancel("enough");
      await expect(execution.result).rejects.toMatchObject({ code: "execution-cancelled" });
      expect(slow.doStreamCalls).toHaveLength(1);
    }));

  test("also holds for the calls after tools", () =>
    virtualTime(async ({ execute }) => {
      let calls = 0;
      const model = mock(async () => {
        calls += 1;
        const parts = [START, ...callParts(`c${calls}`, "track", { order: "A7" }), used(100, 10)];
        return { stream: convertArrayToReadableStream(parts) };
      }, "best");
      const source = ask(model, { ...question, tools: trackOf(() => "lost") });
      const agent = flow(spec).chunk("answer", start, (_input, ctx) => ctx.text(source));
      const entries = await logOf(execute(agent, "", { budget: { tokens: 250 } }));
      expect(entries.at(-1)).toMatchObject({ error: { code: "budget-exceeded" } });
      expect(calls).toBe(2);
    }));

  test.each([0, 1000])(
    "lets a model write that costs %s for a million tokens of input, and nothing for output",
    (input) =>
      virtualTime(async ({ execute }) => {
        const table = { version: "free", models: { "mock/best": { input, output: 0 } } };
        const source = ask(writes("Yes"), { prompt: "?", prices: table });
        const free = flow(spec)
          .chunk("one", start, (_input, ctx) => ctx.text(source))
          .chunk("two", start, (_input, ctx) => ctx.text(source));
        const entries = await logOf(execute(free, "", { budget: { usd: 0.5 } }));
        expect(entries.at(-1)?.type).toBe("flow:completed");
        expect(usageOf(entries).costUsd).toBeCloseTo((2 * input) / 10_000);
      }),
  );

  test("chooses the first model of a list that it can pay in full", () =>
    virtualTime(async (time) => {
      const list = asks([writes("Yes"), writes("Yes", used(100, 10), "cheap")]);
      const entries = await logged(time, list, { usd: 0.5 });
      expect(entries.find(({ type }) => type === "model:resolved")).toMatchObject({
        wanted: "mock/best",
        model: "mock/cheap",
        reason: "budget",
        remainingBudgetUsd: 0.5,
      });
      expect(finishes(entries).map(({ model }) => model)).toEqual(["mock/cheap"]);
    }));
});

describe("a price that is not known", () => {
  const unknown = (time: TestTime, unknownPrice?: Budget["unknownPrice"]) =>
    logged(time, asks(writes("Yes", used(100, 10), "new")), { usd: 5, ...(unknownPrice && { unknownPrice }) });

  test("is told, and counts nothing", () =>
    virtualTime(async (time) => {
      const entries = await unknown(time);
      expect(entries.map(lineOf)).toContain("budget:price_unknown mock/new");
      expect(thresholds(entries)).toEqual([]);
    }));

  test("is refused, where the budget says so", () =>
    virtualTime(async (time) => {
      expect((await unknown(time, "refuse")).at(-1)).toMatchObject({ error: { code: "price-unknown" } });
    }));

  test("counts as the dearest that is known, where the budget says so", () =>
    virtualTime(async (time) => {
      expect(finishes(await unknown(time, "estimate"))).toMatchObject([{ costUsd: 2 }]);
    }));

  test("does not matter to a budget of tokens", () =>
    virtualTime(async (time) => {
      const entries = await logged(time, asks(writes("Yes", used(100, 10), "new")), { tokens: 1000 });
      expect(entries.map(lineOf)).not.toContain("budget:price_unknown mock/new");
    }));
});
