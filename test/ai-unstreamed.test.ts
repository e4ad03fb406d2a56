// Models that cannot stream: they are asked for the whole, and a flow reads it as it reads a stream.
import { type PriceTable, ask, usageOf } from "@sluice/ai";
import { after, flow, instant, run, start } from "@sluice/core";
import { logOf, virtualTime } from "@sluice/testing";
import { UnsupportedFunctionalityError } from "ai";
import { MockLanguageModelV4 } from "ai/test";
import { describe, expect, test } from "vitest";
import { z } from "zod";
import { asking, spec, told, trackOf } from "./agent.ts";

type Whole = Awaited<ReturnType<MockLanguageModelV4["doGenerate"]>>;
type Content = Whole["content"][number];

const usage: Whole["usage"] = {
  inputTokens: { total: 12, noCache: 8, cacheRead: 4, cacheWrite: undefined },
  outputTokens: { total: 7, text: 5, reasoning: 2 },
};
const whole = (...content: Content[]): Whole => ({
  content,
  finishReason: { unified: content.some(({ type }) => type === "tool-call") ? "tool-calls" : "stop", raw: undefined },
  usage,
  warnings: [],
});
const text = (of: string): Content => ({ type: "text", text: of });
const unable = new UnsupportedFunctionalityError({ functionality: "streaming" });

/** A model that answers each call with the next of these, and refuses to stream. */
const generating = (answers: readonly Whole[], refusal: unknown = unable): MockLanguageModelV4 => {
  const rest = [...answers];
  return new MockLanguageModelV4({
    provider: "mock.chat",
    modelId: "m-1",
    doStream: async () => {
      throw refusal;
    },
    doGenerate: async () => rest.shift() ?? whole(),
  });
};

describe("a model that cannot stream", () => {
  test("is asked for the whole: its reasoning and text come at once, with its usage", async () => {
    const model = generating([whole({ type: "reasoning", text: "Well." }, text("Hello"))]);
    const execution = run(asking(ask(model, { prompt: "Say hello" })), "");
    const entries = await logOf(execution);
    expect(await execution.result).toBe("Hello");
    expect(told(entries)).toEqual(["start mock/m-1", "token Hello", "finish stop"]);
    expect(entries).toContainEqual(expect.objectContaining({ type: "model:reasoning", delta: "Well." }));
    expect(entries).toContainEqual(
      expect.objectContaining({
        type: "model:finish",
        usage: { inputTokens: 12, outputTokens: 7, totalTokens: 19, reasoningTokens: 2, cachedInputTokens: 4 },
      }),
    );
  });

  test.each([
    ["words", new Error("Method not implemented.")],
    ["an unsupported function", unable],
  ])("may say so with %s", async (_how, refusal) => {
    const model = generating([whole(text("Hello"))], refusal);
    expect(await run(asking(ask(model, { prompt: "?" })), "").result).toBe("Hello");
  });

  test("may have no `doStream` at all", async () => {
    const model = generating([whole(text("Hello"))]);
    Object.assign(model, { doStream: undefined });
    expect(await run(asking(ask(model, { prompt: "?" })), "").result).toBe("Hello");
  });

  test("gives a structured reply, whose fields trigger, and is sent its schema", async () => {
    const Triage = instant("triage", z.object({ area: z.enum(["billing", "login"]), summary: z.string() }));
    const model = generating([whole(text('{"area":"billing","summary":"Charged twice"}'))]);
    const it = flow(spec)
      .chunk("read", start, (_input, ctx) => ctx.instant(Triage, ask(model, { prompt: "?" })))
      .chunk("route", Triage.field("area"), (area, ctx) => ctx.putIntoStream(area))
      .chunk("result", after("read"), (reply, ctx) => ctx.setResult(reply));
    const execution = run(it, "");
    expect(await execution.result).toEqual({ area: "billing", summary: "Charged twice" });
    expect(await logOf(execution)).toContainEqual(
      expect.objectContaining({ type: "stream:item", chunk: "route", item: "billing" }),
    );
    expect(model.doGenerateCalls[0]?.responseFormat).toMatchObject({ type: "json", name: "triage" });
  });

  test("calls tools, and is asked with what they gave; a stream is tried once", async () => {
    const call: Content = { type: "tool-call", toolCallId: "c1", toolName: "track", input: '{"order":"A7"}' };
    const model = generating([whole(text("Let me look."), call), whole(text("It is on its way"))]);
    const execution = run(asking(ask(model, { prompt: "?", tools: trackOf(() => "shipped") })), "");
    expect(told(await logOf(execution))).toEqual([
      "start mock/m-1",
      "token Let me look.",
      "finish tool-calls",
      'call c1 track {"order":"A7"}',
      "return c1 true",
      "start mock/m-1",
      "token It is on its way",
      "finish stop",
    ]);
    expect(await execution.result).toBe("It is on its way");
    expect(JSON.stringify(model.doGenerateCalls[1]?.prompt)).toContain("shipped");
    expect(model.doStreamCalls).toHaveLength(1);
  });

  test("spends from a budget what it says it has used, once a call", async () => {
    const prices: PriceTable = { version: "test", models: { "mock/m-1": { input: 10_000, output: 100_000 } } };
    const model = generating([whole(text("Hello"))]);
    const source = ask(model, { prompt: "?", prices, maxOutputTokens: 10 });
    const execution = run(asking(source), "", { budget: { usd: 10 } });
    const report = usageOf(await logOf(execution));
    expect(report).toMatchObject({ calls: 1, inputTokens: 12, outputTokens: 7, estimated: 0 });
    expect(report.costUsd).toBeCloseTo(0.82);
  });

  test("is not asked when the budget is spent, and not stopped for a reply that is paid for", async () => {
    const long = "word ".repeat(400);
    const [first, second] = [generating([whole(text(long))]), generating([whole(text("more"))])];
    const twice = flow(spec).chunk("answer", start, async (_input, ctx) => {
      for (const model of [first, second]) await ctx.text(ask(model, { prompt: "?", maxOutputTokens: 10 }));
    });
    const execution = run(twice, "", { budget: { tokens: 19 } });
    await expect(execution.result).rejects.toMatchObject({ code: "budget-exceeded" });
    expect(told(await logOf(execution))).toEqual([
      "start mock/m-1",
      `token ${long}`,
      "finish stop",
      "start mock/m-1",
      "finish error",
    ]);
    expect(second.doGenerateCalls).toEqual([]);
  });

  test("is aborted with its attempt", () =>
    virtualTime(async ({ execute, advance }) => {
      const signals: (AbortSignal | undefined)[] = [];
      const model = generating([]);
      model.doGenerate = ({ abortSignal }) => {
        signals.push(abortSignal);
        return new Promise(() => {});
      };
      const execution = execute(asking(ask(model, { prompt: "?" })), "");
      await advance(10);
      execution.cancel("enough");
      expect(told(await logOf(execution))).toEqual(["start mock/m-1", "finish aborted"]);
      expect(signals.map((signal) => signal?.aborted)).toEqual([true]);
    }));

  test("that fails otherwise fails with that", async () => {
    const model = generating([]);
    model.doGenerate = async () => {
      throw new Error("The engine is out of memory");
    };
    await expect(run(asking(ask(model, { prompt: "?" })), "").result).rejects.toMatchObject({
      code: "model-failed",
      what: 'The model "mock/m-1" failed: The engine is out of memory',
    });
  });
});

test("a model whose stream fails for another reason is not asked again for the whole", async () => {
  const model = generating([whole(text("Hello"))], new Error("The engine is out of memory"));
  await expect(run(asking(ask(model, { prompt: "?" })), "").result).rejects.toMatchObject({ code: "model-failed" });
  expect(model.doGenerateCalls).toEqual([]);
});
