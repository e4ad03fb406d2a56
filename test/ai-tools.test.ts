// Tools that a model calls: how they run, what the log tells of them and when, and what they are told.
import { ask, callerOf } from "@sluice/ai";
import { flow, run, start } from "@sluice/core";
import { deferred, logOf, virtualTime } from "@sluice/testing";
import { dynamicTool, tool } from "ai";
import { describe, expect, test } from "vitest";
import { z } from "zod";
import { CALLS, asking, order, prompts, spec, told, trackOf, tracking } from "./agent.ts";
import { answering, callParts, finishPart, textParts } from "./mock-model.ts";

describe("a tool", () => {
  test("runs between two calls of the model, which stand in the log one by one", async () => {
    const model = tracking();
    const tools = trackOf(() => ({ status: "shipped" }));
    const execution = run(asking(ask(model, { prompt: "Where is A7?", tools })), "");
    const entries = await logOf(execution);
    expect(told(entries)).toEqual([
      "start mock/m-1",
      "finish tool-calls",
      'call c1 track {"order":"A7"}',
      "return c1 true",
      "start mock/m-1",
      "token It is on its way",
      "finish stop",
    ]);
    expect(await execution.result).toBe("It is on its way");
    expect(prompts(model)[1]).toContain('"value":{"status":"shipped"}');
    expect(entries.flatMap((entry) => (entry.type === "model:finish" ? [entry.usage] : []))).toHaveLength(2);
  });

  test("is told after what the model wrote before it; the whole text is what it wrote last", async () => {
    const model = answering(
      [...textParts("Let me", " look."), ...callParts("c1", "track", { order: "A7" }), CALLS],
      [...textParts("It is", " here"), finishPart()],
    );
    const pieces: string[] = [];
    const reading = flow(spec).chunk("answer", start, async (_prompt, ctx) => {
      const text = ctx.text(ask(model, { prompt: "Where?", tools: trackOf(() => "here") }));
      for await (const piece of text) pieces.push(piece);
      return text;
    });
    const execution = run(reading, "");
    expect(told(await logOf(execution)).slice(1, 5)).toEqual([
      "token Let me",
      "token  look.",
      "finish tool-calls",
      'call c1 track {"order":"A7"}',
    ]);
    expect(pieces).toEqual(["Let me", " look.", "It is", " here"]);
    expect(await execution.result).toBe("It is here");
  });

  test("is told when it starts, not when it has ended", async () => {
    const release = deferred<string>();
    const execution = run(asking(ask(tracking(), { prompt: "?", tools: trackOf(() => release.promise) })), "");
    execution.on("tool:call_start", () => release.resolve("shipped"));
    expect(await execution.result).toBe("It is on its way");
  });

  test("takes its own time, which is not the model's", async () => {
    await virtualTime(async ({ execute, delay }) => {
      const tools = trackOf(() => delay(250));
      const execution = execute(asking(ask(tracking(), { prompt: "?", tools })), "");
      const entries = await logOf(execution);
      expect(entries).toContainEqual(expect.objectContaining({ type: "tool:call_finish", durationMs: 250 }));
      expect(entries.flatMap((entry) => (entry.type === "model:finish" ? [entry.durationMs] : []))).toEqual([0, 0]);
    });
  });

  test("runs beside another one that the model called with it", async () => {
    const [first, second] = [deferred<string>(), deferred<string>()];
    const tools = {
      track: tool({ inputSchema: order, execute: () => first.promise }),
      refund: tool({
        inputSchema: order,
        execute: () => {
          second.resolve("refunded");
          return second.promise;
        },
      }),
    };
    const model = answering(
      [...callParts("c1", "track", { order: "A7" }), ...callParts("c2", "refund", { order: "A7" }), CALLS],
      [...textParts("Done"), finishPart()],
    );
    const execution = run(asking(ask(model, { prompt: "?", tools })), "");
    execution.on("tool:call_finish", () => first.resolve("shipped"));
    expect(told(await logOf(execution)).slice(2, 6)).toEqual([
      'call c1 track {"order":"A7"}',
      'call c2 refund {"order":"A7"}',
      "return c2 true",
      "return c1 true",
    ]);
  });

  test("that fails is told to the model; the log tells why, without keys", async () => {
    const model = tracking("Sorry");
    const tools = trackOf(() => {
      throw new Error("Denied for sk-live-abcdef1234567890");
    });
    const execution = run(asking(ask(model, { prompt: "?", tools })), "");
    const entries = await logOf(execution);
    expect(entries).toContainEqual(
      expect.objectContaining({ type: "tool:call_finish", success: false, error: "Denied for [secret]" }),
    );
    expect(await execution.result).toBe("Sorry");
    expect(prompts(model)[1]).toContain("Denied for");
  });

  test.each([
    ["the model knows no such tool", "trace", { order: "A7" }, /trace/],
    ["its arguments do not fit", "track", { number: 7 }, /order/],
  ])("is not run when %s, which the log and the model are told", async (_why, name, args, reason) => {
    const model = answering([...callParts("c1", name, args), CALLS], [...textParts("Sorry"), finishPart()]);
    let runs = 0;
    const execution = run(asking(ask(model, { prompt: "?", tools: trackOf(() => (runs += 1)) })), "");
    const entries = await logOf(execution);
    const [ending] = entries.filter((entry) => entry.type === "tool:call_finish");
    expect(ending).toMatchObject({ toolCallId: "c1", tool: name, success: false });
    expect(ending?.error).toMatch(reason);
    expect(runs).toBe(0);
    expect(await execution.result).toBe("Sorry");
    expect(model.doStreamCalls).toHaveLength(2);
  });

  test("may be one that the provider runs", async () => {
    const model = answering([
      {
        type: "tool-call",
        toolCallId: "w1",
        toolName: "search",
        input: '{"q":"tea"}',
        providerExecuted: true,
        dynamic: true,
      },
      { type: "tool-result", toolCallId: "w1", toolName: "search", result: ["a page"], dynamic: true },
      ...textParts("Tea"),
      finishPart(),
    ]);
    expect(told(await logOf(run(asking(ask(model, { prompt: "?" })), "")))).toEqual([
      "start mock/m-1",
      'call w1 search {"q":"tea"}',
      "return w1 true",
      "token Tea",
      "finish stop",
    ]);
  });

  test("may be known only when it runs, and take what JSON cannot hold", async () => {
    const tools = {
      track: tool({
        inputSchema: z.object({ order: z.string().transform((text) => ({ text, at: new Date(0), size: 2n })) }),
        execute: () => "shipped",
      }),
      ping: dynamicTool({ inputSchema: z.object({}), execute: async () => "pong" }),
    };
    const model = answering(
      [...callParts("c1", "track", { order: "A7" }), ...callParts("c2", "ping", {}), CALLS],
      [...textParts("Done"), finishPart()],
    );
    const calls = told(await logOf(run(asking(ask(model, { prompt: "?", tools })), ""))).slice(2, 4);
    expect(calls).toEqual([
      'call c1 track {"order":{"text":"A7","at":"1970-01-01T00:00:00.000Z","size":"2"}}',
      "call c2 ping {}",
    ]);
  });

  test("that asks for an approval fails the chunk, for good", async () => {
    const tools = { track: tool({ inputSchema: order, needsApproval: true, execute: () => "shipped" }) };
    await expect(run(asking(ask(tracking(), { prompt: "?", tools })), "").result).rejects.toMatchObject({
      code: "model-failed",
      what: 'The tool "track" asks for an approval, for which a chunk does not wait',
      retryable: false,
    });
  });
});

describe("what a tool is told", () => {
  test("the idempotency key is the activation's, the same in each attempt", async () => {
    const keys: unknown[] = [];
    const model = answering(
      [...callParts("c1", "track", { order: "A7" }), CALLS],
      [{ type: "error", error: new Error("overloaded") }],
      [...callParts("c2", "track", { order: "A7" }), CALLS],
      [...textParts("Done"), finishPart()],
    );
    const tools = {
      track: tool({
        inputSchema: order,
        execute(_input, options) {
          keys.push(callerOf(options)?.idempotencyKey);
          return "shipped";
        },
      }),
    };
    const retried = flow(spec).chunk(
      "answer",
      start,
      (_prompt, ctx) => {
        keys.push(ctx.idempotencyKey);
        return ctx.text(ask(model, { prompt: "?", tools }));
      },
      { retry: { attempts: 2, delay: 0 } },
    );
    expect(await run(retried, "").result).toBe("Done");
    expect(keys).toHaveLength(4);
    expect(new Set(keys).size).toBe(1);
  });

  test("outside of ask there is no caller", () => {
    expect(callerOf({ toolCallId: "c1", messages: [], context: {} })).toBeUndefined();
  });

  test("its progress is told while it runs: what it reports, and what it yields before its result", async () => {
    let late: ((data: unknown) => void) | undefined;
    const tools = {
      track: tool({
        inputSchema: order,
        async *execute(_input, options) {
          const { progress } = callerOf(options) ?? {};
          late = progress;
          progress?.({ asked: "the warehouse" });
          yield "searching";
          progress?.("nearly");
          yield "shipped";
        },
      }),
    };
    const model = tracking();
    const execution = run(asking(ask(model, { prompt: "?", tools })), "");
    const entries = await logOf(execution);
    late?.("too late");
    expect(told(entries).slice(2, 8)).toEqual([
      'call c1 track {"order":"A7"}',
      'progress c1 {"asked":"the warehouse"}',
      'progress c1 "searching"',
      'progress c1 "nearly"',
      'progress c1 "shipped"',
      "return c1 true",
    ]);
    expect(entries.flatMap((entry) => (entry.type === "tool:progress" ? [entry.live] : []))).toEqual([1, 2, 3, 4]);
    expect(prompts(model)[1]).toContain('"shipped"');
  });

  test("its abort signal fires when the execution is cancelled", async () => {
    const aborted = deferred();
    const tools = {
      track: tool({
        inputSchema: order,
        execute(_input, { abortSignal }) {
          abortSignal?.addEventListener("abort", () => aborted.resolve());
          return new Promise<string>(() => {});
        },
      }),
    };
    const execution = run(asking(ask(tracking(), { prompt: "?", tools })), "");
    execution.on("tool:call_start", () => execution.cancel("enough"));
    await expect(execution.result).rejects.toMatchObject({ code: "execution-cancelled" });
    await aborted.promise;
  });

  test("a context of its own reaches it as the SDK hands it over", async () => {
    const contextSchema = z.object({ shop: z.string() });
    const tools = {
      track: tool({ inputSchema: order, contextSchema, execute: (_input, { context }) => context.shop }),
    };
    const model = tracking();
    await run(asking(ask(model, { prompt: "?", tools, toolsContext: { track: { shop: "Berlin" } } })), "").result;
    expect(prompts(model)[1]).toContain("Berlin");
  });
});
