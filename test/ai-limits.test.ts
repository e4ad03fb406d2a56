// The limits of a provider's key, and answers from a cache.
import { ask, limiter, memoryCache, usageOf } from "@sluice/ai";
import { type Entry, type TokenSource, flow, start } from "@sluice/core";
import { type TestTime, logOf, virtualTime } from "@sluice/testing";
import { APICallError } from "ai";
import { convertArrayToReadableStream } from "ai/test";
import { describe, expect, test } from "vitest";
import { asking, spec, tracking, trackOf } from "./agent.ts";
import { START, finishPart, mock, textParts } from "./mock-model.ts";

const answers = (text = "Yes", reason?: "length") =>
  mock(async () => ({ stream: convertArrayToReadableStream([START, ...textParts(text), finishPart(reason)]) }));

/** When each call ended. */
async function endsOf({ execute }: TestTime, sources: readonly TokenSource[]): Promise<number[]> {
  const logs = await Promise.all(sources.map((source) => logOf(execute(asking(source), ""))));
  return logs.flatMap((entries) => entries.flatMap((entry) => (entry.type === "model:finish" ? [entry.at] : [])));
}
const finishOf = (entries: readonly Entry[]) => entries.find(({ type }) => type === "model:finish");

describe("a limiter", () => {
  test("lets as many requests through as a minute may have, then one after the other, in all executions", () =>
    virtualTime(async (time) => {
      const options = { prompt: "?", limiter: limiter({ requestsPerMinute: 2 }) };
      const sources = [1, 2, 3, 4].map(() => ask(answers(), options));
      expect(await endsOf(time, sources)).toEqual([0, 0, 30_000, 60_000]);
    }));

  test("counts tokens, as the provider told them in the end", () =>
    virtualTime(async (time) => {
      // each is expected to use over 1000 tokens, and uses 19
      const options = { prompt: "?", maxOutputTokens: 1000, limiter: limiter({ tokensPerMinute: 1100 }) };
      expect(await endsOf(time, [ask(answers(), options)])).toEqual([0]);
      expect(await endsOf(time, [ask(answers(), options)])).toEqual([0]);
      const both = await endsOf(time, [ask(answers(), options), ask(answers(), options)]);
      expect(both[0]).toBeLessThan(10_000);
      expect(both[1]).toBeGreaterThan(50_000);
    }));

  test("is paused for all by a provider that says when to come again", () =>
    virtualTime(async (time) => {
      const options = { prompt: "?", limiter: limiter({ requestsPerMinute: 100 }) };
      const limited = mock(async () => {
        const [url, responseHeaders] = ["https://api.test/v1", { "retry-after": "7" }];
        throw new APICallError({ message: "Slow down", url, requestBodyValues: {}, statusCode: 429, responseHeaders });
      });
      expect(await endsOf(time, [ask(limited, options)])).toEqual([0]);
      expect(await endsOf(time, [ask(answers(), options)])).toEqual([7000]);
    }));

  test("is left by an attempt that ends, which takes no place", () =>
    virtualTime(async (time) => {
      const options = { prompt: "?", limiter: limiter({ requestsPerMinute: 1 }) };
      const model = answers();
      await endsOf(time, [ask(model, options)]);
      const waiting = time.execute(asking(ask(model, options)), "");
      await time.advance(10);
      waiting.cancel("enough");
      await expect(waiting.result).rejects.toMatchObject({ code: "execution-cancelled" });
      expect(model.doStreamCalls).toHaveLength(1);
      expect(await endsOf(time, [ask(model, options)])).toEqual([60_000]);
    }));
});

describe("a cache", () => {
  const once = async ({ execute }: TestTime, source: TokenSource): Promise<Entry[]> =>
    logOf(execute(asking(source), ""));

  test("answers an identical call without the model, which costs nothing", () =>
    virtualTime(async (time) => {
      const model = answers();
      const source = ask(model, { prompt: "?", cache: memoryCache() });
      const first = await once(time, source);
      const second = await once(time, source);
      expect(model.doStreamCalls).toHaveLength(1);
      expect(finishOf(first)).not.toHaveProperty("cached");
      expect(finishOf(second)).toMatchObject({ cached: true, usage: {}, finishReason: "stop" });
      expect(usageOf(second)).toMatchObject({ calls: 1, totalTokens: 0, costUsd: 0 });
      expect(second.at(-1)).toMatchObject({ result: "Yes" });
    }));

  test.each([
    ["another prompt", { prompt: "!" }],
    ["another setting", { prompt: "?", temperature: 0.5 }],
  ])("does not answer %s", (_what, other) =>
    virtualTime(async (time) => {
      const model = answers();
      const cache = memoryCache();
      await once(time, ask(model, { prompt: "?", cache }));
      await once(time, ask(model, { ...other, cache }));
      expect(model.doStreamCalls).toHaveLength(2);
    }),
  );

  test("does not keep an answer that was cut off", () =>
    virtualTime(async (time) => {
      const model = answers("Ye", "length");
      const source = ask(model, { prompt: "?", cache: memoryCache() });
      await once(time, source);
      await once(time, source);
      expect(model.doStreamCalls).toHaveLength(2);
    }));

  test("is not asked by a later attempt, which may need another answer", () =>
    virtualTime(async ({ execute }) => {
      const model = answers();
      const cache = memoryCache();
      const twice = flow(spec).chunk(
        "answer",
        start,
        async (_input, ctx) => {
          const text = await ctx.text(ask(model, { prompt: "?", cache }));
          if (ctx.attempt === 1) throw new Error("again");
          return text;
        },
        { retry: { attempts: 2, delay: 0 } },
      );
      expect(await execute(twice, "").result).toBe("Yes");
      expect(model.doStreamCalls).toHaveLength(2);
    }));

  test("answers each call of an agent; its tools run all the same", () =>
    virtualTime(async (time) => {
      const model = tracking();
      const source = ask(model, { prompt: "?", cache: memoryCache(), tools: trackOf(() => "shipped") });
      await once(time, source);
      const second = await once(time, source);
      expect(model.doStreamCalls).toHaveLength(2);
      expect(second.filter(({ type }) => type === "tool:call_finish")).toHaveLength(1);
      expect(second.at(-1)).toMatchObject({ result: "It is on its way" });
    }));

  test("keeps at most so many answers", () =>
    virtualTime(async (time) => {
      const model = answers();
      const cache = memoryCache({ maxEntries: 1 });
      for (const prompt of ["a", "b", "a"]) await once(time, ask(model, { prompt, cache }));
      expect(model.doStreamCalls).toHaveLength(3);
    }));
});
