// The calls of a model with tools: how many there are, what each is asked, and what comes out of them.
import { ask } from "@sluice/ai";
import { type TokenSource, flow, instant, run, start } from "@sluice/core";
import { deferred, logOf } from "@sluice/testing";
import { type ToolSet, isStepCount, tool } from "ai";
import { MockLanguageModelV4, convertArrayToReadableStream } from "ai/test";
import { describe, expect, test } from "vitest";
import { z } from "zod";
import { CALLS, asking, order, spec, told, trackOf, tracking } from "./agent.ts";
import { START, answering, callParts, finishPart, mock, textParts } from "./mock-model.ts";

describe("how often a model is asked", () => {
  test("as often as it calls tools, at most 20 times", async () => {
    let calls = 0;
    const model = mock(async () => ({
      stream: convertArrayToReadableStream([START, ...callParts(`c${(calls += 1)}`, "track", { order: "A7" }), CALLS]),
    }));
    await run(asking(ask(model, { prompt: "?", tools: trackOf(() => "lost") })), "").result;
    expect(calls).toBe(20);
  });

  test("as `stopWhen` says", async () => {
    const model = tracking();
    const stopWhen = isStepCount(1);
    const execution = run(asking(ask(model, { prompt: "?", tools: trackOf(() => "lost"), stopWhen })), "");
    expect(told(await logOf(execution)).at(-1)).toBe("return c1 true");
    expect(await execution.result).toBe("");
  });

  test("`prepareStep` may hand the next call to another model, which the log names", async () => {
    const other = new MockLanguageModelV4({
      provider: "mock.chat",
      modelId: "m-2",
      doStream: async () => ({ stream: convertArrayToReadableStream([START, ...textParts("Two"), finishPart()]) }),
    });
    const source = ask(tracking(), {
      prompt: "?",
      tools: trackOf(() => "shipped"),
      prepareStep: ({ stepNumber }) => (stepNumber === 1 ? { model: other } : {}),
    });
    const execution = run(asking(source), "");
    expect(told(await logOf(execution)).filter((line) => line.startsWith("start"))).toEqual([
      "start mock/m-1",
      "start mock/m-2",
    ]);
    expect(await execution.result).toBe("Two");
  });

  test("a call that fails after tools have run fails the chunk; what has happened stays in the log", async () => {
    const model = answering(
      [...callParts("c1", "track", { order: "A7" }), CALLS],
      [{ type: "error", error: Object.assign(new Error("Overloaded"), { statusCode: 529 }) }],
    );
    const execution = run(asking(ask(model, { prompt: "?", tools: trackOf(() => "shipped") })), "");
    expect(told(await logOf(execution))).toEqual([
      "start mock/m-1",
      "finish tool-calls",
      'call c1 track {"order":"A7"}',
      "return c1 true",
      "start mock/m-1",
      "finish error",
    ]);
    await expect(execution.result).rejects.toMatchObject({ code: "model-failed" });
  });
});

describe("what the provider gets", () => {
  const Answer = instant("answer", z.object({ status: z.enum(["shipped", "lost"]), note: z.string() }));

  test("tools and the schema of a structured reply together; fields trigger from the last call", async () => {
    const model = answering(
      [...textParts("Let me look. "), ...callParts("c1", "track", { order: "A7" }), CALLS],
      [...textParts('{"status":"shipped",', '"note":"by boat"}'), finishPart()],
    );
    const answers = flow(spec)
      .chunk("answer", start, (prompt, ctx) =>
        ctx.instant(Answer, ask(model, { prompt, tools: trackOf(() => "shipped") })),
      )
      .chunk("show", Answer.field("status"), (status, ctx) => ctx.putIntoStream(status))
      .chunk("finish", Answer.done, (answer, ctx) => ctx.setResult(answer));
    const execution = run(answers, "Where is A7?");
    expect(await execution.result).toEqual({ status: "shipped", note: "by boat" });
    for (const call of model.doStreamCalls) {
      expect(call).toMatchObject({ responseFormat: { type: "json", name: "answer" }, tools: [{ name: "track" }] });
    }
  });

  test("which tools it may call, in which order, and whether it has to", async () => {
    const model = answering([...textParts("No"), finishPart()]);
    const tools = { ...trackOf(() => ""), refund: tool({ inputSchema: order, execute: () => "" }) } satisfies ToolSet;
    const source = ask(model, { prompt: "?", tools, activeTools: ["refund"], toolChoice: "auto" });
    await run(asking(source), "").result;
    expect(model.doStreamCalls[0]).toMatchObject({ tools: [{ name: "refund" }], toolChoice: { type: "auto" } });
    // @ts-expect-error there is no such tool
    ask(model, { prompt: "?", tools, activeTools: ["return"] });
    // @ts-expect-error there is no such tool
    ask(model, { prompt: "?", tools, toolChoice: { type: "tool", toolName: "return" } });
  });

  test("files in messages, and how hard it is to think", async () => {
    const model = answering([...textParts("A cat"), finishPart()]);
    const data = Uint8Array.from([137, 80, 78, 71]);
    const source = ask(model, {
      messages: [
        {
          role: "user",
          content: [
            { type: "text", text: "What is this?" },
            { type: "file", data, mediaType: "image/png" },
          ],
        },
      ],
      reasoning: "high",
      seed: 7,
    });
    await run(asking(source), "").result;
    expect(model.doStreamCalls[0]).toMatchObject({ reasoning: "high", seed: 7 });
    expect(model.doStreamCalls[0]?.prompt[0]?.content[1]).toMatchObject({ type: "file", mediaType: "image/png" });
  });

  test("telemetry hears of the call", async () => {
    const heard: unknown[] = [];
    const source = ask(answering([...textParts("Hi"), finishPart()]), {
      prompt: "?",
      telemetry: {
        functionId: "greeting",
        integrations: { onStart: (event) => void heard.push((event as { functionId?: string }).functionId) },
      },
    });
    await run(asking(source), "").result;
    expect(heard).toEqual(["greeting"]);
  });
});

describe("ctx.generate", () => {
  test("gives the whole text, and leaves no token in the log", async () => {
    const model = answering(
      [...textParts("Let me look."), ...callParts("c1", "track", { order: "A7" }), CALLS],
      [...textParts("It is", " here"), finishPart()],
    );
    const whole = flow(spec).chunk("answer", start, (prompt, ctx) =>
      ctx.generate(ask(model, { prompt, tools: trackOf(() => "here") })),
    );
    const execution = run(whole, "Where?");
    expect(told(await logOf(execution))).toEqual([
      "start mock/m-1",
      "finish tool-calls",
      'call c1 track {"order":"A7"}',
      "return c1 true",
      "start mock/m-1",
      "finish stop",
    ]);
    expect(await execution.result).toBe("It is here");
  });

  test("an attempt that only generated has shown nothing that a retry makes void", async () => {
    const model = answering([...textParts("Hal"), finishPart("interrupted")], [...textParts("Hello"), finishPart()]);
    const whole = flow(spec).chunk("answer", start, (prompt, ctx) => ctx.generate(ask(model, { prompt })), {
      retry: { attempts: 2, delay: 0 },
    });
    const execution = run(whole, "Hi");
    expect((await logOf(execution)).map(({ type }) => type)).not.toContain("chunk:reset");
    expect(await execution.result).toBe("Hello");
  });

  test("reads any source of tokens", async () => {
    const whole = flow(spec).chunk("answer", start, (_prompt, ctx) => ctx.generate(["a", "b"]));
    expect(await run(whole, "").result).toBe("ab");
  });

  test("after the end of its attempt is refused", async () => {
    const late = deferred<(source: TokenSource) => Promise<string>>();
    const whole = flow(spec).chunk("answer", start, (_prompt, ctx) => late.resolve(ctx.generate));
    const execution = run(whole, "");
    await execution.result;
    await expect((await late.promise)(["a"])).rejects.toMatchObject({ code: "chunk-aborted" });
  });
});
