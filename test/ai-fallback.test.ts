// Several models for one question: which is asked next, why, and what the log tells of it.
import { ask } from "@sluice/ai";
import { type Entry, type TokenSource, flow, start } from "@sluice/core";
import { type TestTime, logOf, virtualTime } from "@sluice/testing";
import { APICallError } from "ai";
import { convertArrayToReadableStream } from "ai/test";
import { describe, expect, test } from "vitest";
import { asking, spec, trackOf } from "./agent.ts";
import { type CallOptions, type ProviderPart, START, callParts, finishPart, mock, textParts } from "./mock-model.ts";

const writes = (modelId: string, ...texts: string[]) =>
  mock(async () => ({ stream: convertArrayToReadableStream([START, ...textParts(...texts), finishPart()]) }), modelId);
const fails = (modelId: string, error: () => unknown) =>
  mock(async () => {
    throw error();
  }, modelId);
const answered = (statusCode: number, message: string, responseHeaders = {}) =>
  new APICallError({ message, url: "https://api.test/v1", requestBodyValues: {}, statusCode, responseHeaders });
const overloaded = () => answered(503, "Overloaded");
const limited = (after?: string) => answered(429, "Slow down", after === undefined ? {} : { "retry-after": after });

/** Which models were asked, and why; with the time of each. */
function asked(entries: readonly Entry[]): string[] {
  return entries.flatMap((entry) => {
    if (entry.type === "model:start") return [`${entry.at} ${entry.model}`];
    if (entry.type === "model:finish") return [`${entry.at} ${entry.model} ${entry.finishReason}`];
    return entry.type === "model:resolved" ? [`${entry.wanted} -> ${entry.model}: ${entry.reason}`] : [];
  });
}

async function logged({ execute }: TestTime, source: TokenSource): Promise<Entry[]> {
  return logOf(execute(asking(source), ""));
}

describe("the next model is asked", () => {
  test("when one fails", () =>
    virtualTime(async ({ execute }) => {
      const source = ask([fails("best", overloaded), writes("cheaper", "Yes")], { prompt: "?" });
      expect(source.model).toBe("mock/best");
      const execution = execute(asking(source), "");
      const entries = await logOf(execution);
      expect(asked(entries)).toEqual([
        "0 mock/best",
        "0 mock/best error",
        "mock/best -> mock/cheaper: failure",
        "0 mock/cheaper",
        "0 mock/cheaper stop",
      ]);
      expect(entries.find(({ type }) => type === "model:resolved")).toMatchObject({
        live: 0,
        chunk: "answer",
        attempt: 1,
        error: 'The model "mock/best" answered with status 503: Overloaded',
      });
      expect(await execution.result).toBe("Yes");
    }));

  test("when one has reached its rate limit, without a wait", () =>
    virtualTime(async (time) => {
      const source = ask([fails("best", () => limited("7")), writes("cheaper", "Yes")], { prompt: "?" });
      expect(asked(await logged(time, source))).toContain("mock/best -> mock/cheaper: rate-limit");
      expect(time.now()).toBe(0);
    }));

  test("when one has not begun in time, whose request is given up", () =>
    virtualTime(async (time) => {
      let given: AbortSignal | undefined;
      const slow = mock(async ({ abortSignal }: CallOptions) => {
        given = abortSignal;
        await time.delay(10_000, { ...(abortSignal && { abortSignal }) });
        return { stream: convertArrayToReadableStream([]) };
      }, "best");
      const source = ask([slow, writes("cheaper", "Yes")], { prompt: "?", firstTokenTimeoutMs: 500 });
      expect(asked(await logged(time, source))).toEqual([
        "0 mock/best",
        "500 mock/best error",
        "mock/best -> mock/cheaper: timeout",
        "500 mock/cheaper",
        "500 mock/cheaper stop",
      ]);
      expect(given?.aborted).toBe(true);
    }));

  test("as far as the list goes; then the chunk has failed with the last one's error", () =>
    virtualTime(async ({ execute }) => {
      const models = [fails("best", overloaded), fails("cheaper", () => answered(500, "Oops"))] as const;
      const execution = execute(asking(ask([...models], { prompt: "?" })), "");
      await expect(execution.result).rejects.toMatchObject({
        code: "model-failed",
        what: 'The model "mock/cheaper" answered with status 500: Oops',
      });
    }));

  test("as far as the list goes, also when the last one has not begun in time: that is told with its place", () =>
    virtualTime(async ({ execute, delay }) => {
      const slow = mock(async ({ abortSignal }: CallOptions) => {
        await delay(10_000, { ...(abortSignal && { abortSignal }) });
        return { stream: convertArrayToReadableStream([]) };
      }, "slow");
      const execution = execute(asking(ask(slow, { prompt: "?", firstTokenTimeoutMs: 500 })), "");
      await expect(execution.result).rejects.toMatchObject({
        what: 'The model "mock/slow" had not begun to answer after 500 ms',
        where: "agent.answer",
      });
    }));

  test("from the beginning of the list again in the chunk's next attempt", () =>
    virtualTime(async ({ execute }) => {
      let calls = 0;
      const best = mock(async () => {
        calls += 1;
        if (calls === 1) throw overloaded();
        return { stream: convertArrayToReadableStream([START, ...textParts("Best"), finishPart()]) };
      }, "best");
      const source = ask([best, fails("cheaper", overloaded)], { prompt: "?" });
      const reading = flow(spec).chunk("answer", start, (_prompt, ctx) => ctx.text(source), {
        retry: { attempts: 2, delay: 0 },
      });
      expect(await execute(reading, "").result).toBe("Best");
    }));
});

describe("no other model is asked", () => {
  test("when the key is wrong: that is to be mended", () =>
    virtualTime(async (time) => {
      const best = fails("best", () => answered(401, "Who are you?"));
      const entries = await logged(time, ask([best, writes("cheaper", "Yes")], { prompt: "?" }));
      expect(asked(entries)).toEqual(["0 mock/best", "0 mock/best error"]);
      expect(entries.at(-1)?.type).toBe("flow:failed");
    }));

  test.each<[string, readonly ProviderPart[]]>([
    ["a text", textParts("He")],
    [
      "reasoning",
      [
        { type: "reasoning-start", id: "r" },
        { type: "reasoning-delta", id: "r", delta: "Hm" },
      ],
    ],
  ])("when %s has begun", (_what, parts) =>
    virtualTime(async (time) => {
      const breaks = mock(
        async () => ({
          stream: convertArrayToReadableStream([START, ...parts, { type: "error", error: overloaded() }]),
        }),
        "best",
      );
      const entries = await logged(time, ask([breaks, writes("cheaper", "Yes")], { prompt: "?" }));
      expect(asked(entries)).toEqual(["0 mock/best", "0 mock/best error"]);
      expect(entries.at(-1)?.type).toBe("flow:failed");
    }),
  );

  test("when tools have run", () =>
    virtualTime(async (time) => {
      let calls = 0;
      const best = mock(async () => {
        calls += 1;
        if (calls > 1) throw overloaded();
        const parts = [START, ...callParts("c1", "track", { order: "A7" }), finishPart("tool-calls")];
        return { stream: convertArrayToReadableStream(parts) };
      }, "best");
      const tools = trackOf(() => "shipped");
      const entries = await logged(time, ask([best, writes("cheaper", "Yes")], { prompt: "?", tools }));
      expect(asked(entries).filter((line) => line.includes("->"))).toEqual([]);
      expect(entries.at(-1)?.type).toBe("flow:failed");
    }));

  test("a list without a model is refused", () => {
    expect(() => ask([] as never, { prompt: "?" })).toThrow("ask() was given no model");
  });
});

describe("a rate limit is waited for", () => {
  /** Limited in its first call. */
  const limitedOnce = (modelId: string, error: () => unknown) => {
    let calls = 0;
    return mock(async () => {
      calls += 1;
      if (calls === 1) throw error();
      return { stream: convertArrayToReadableStream([START, ...textParts("At last"), finishPart()]) };
    }, modelId);
  };

  test("when no other model is left: the one that is free first", () =>
    virtualTime(async (time) => {
      const models = [limitedOnce("best", () => limited("30")), limitedOnce("cheaper", () => limited("7"))] as const;
      expect(asked(await logged(time, ask([...models], { prompt: "?" })))).toEqual([
        "0 mock/best",
        "0 mock/best error",
        "mock/best -> mock/cheaper: rate-limit",
        "0 mock/cheaper",
        "0 mock/cheaper error",
        "mock/best -> mock/cheaper: rate-limit",
        "7000 mock/cheaper",
        "7000 mock/cheaper stop",
      ]);
    }));

  test("in milliseconds where the provider tells them, or until its date", () =>
    virtualTime(async (time) => {
      const fine = limitedOnce("best", () => answered(429, "Slow down", { "retry-after-ms": "250" }));
      await logged(time, ask(fine, { prompt: "?", maxWaitMs: 1000 }));
      expect(time.now()).toBe(250);
      const dated = limitedOnce("best", () => limited(new Date(2000).toUTCString()));
      await logged(time, ask(dated, { prompt: "?", maxWaitMs: 5000 }));
      expect(time.now()).toBe(2000);
    }));

  test("once", () =>
    virtualTime(async (time) => {
      const source = ask([fails("best", () => limited("7"))], { prompt: "?", maxWaitMs: 10_000 });
      const lines = asked(await logged(time, source));
      expect(lines.filter((line) => line.includes("->"))).toEqual(["mock/best -> mock/best: rate-limit"]);
      expect(lines.at(-1)).toBe("7000 mock/best error");
    }));

  test.each<[string, string | undefined]>([
    ["longer than `maxWaitMs`", "61"],
    ["for a time that is not told", undefined],
  ])("but not %s", (_what, after) =>
    virtualTime(async (time) => {
      const models = [fails("best", () => limited(after)), fails("cheaper", overloaded)] as const;
      const entries = await logged(time, ask([...models], { prompt: "?" }));
      expect(time.now()).toBe(0);
      expect(entries.at(-1)?.type).toBe("flow:failed");
    }),
  );

  test("and not of a single model, unless it is asked for", () =>
    virtualTime(async (time) => {
      await logged(
        time,
        ask(
          limitedOnce("best", () => limited("7")),
          { prompt: "?" },
        ),
      );
      expect(time.now()).toBe(0);
    }));

  test("no longer than its attempt", () =>
    virtualTime(async ({ execute, advance, now }) => {
      const source = ask(
        limitedOnce("best", () => limited("7")),
        { prompt: "?", maxWaitMs: 10_000 },
      );
      const execution = execute(asking(source), "");
      await advance(1000);
      execution.cancel("enough");
      await expect(execution.result).rejects.toMatchObject({ code: "execution-cancelled" });
      await advance();
      expect(now()).toBe(1000);
    }));
});
