// Executions as OpenTelemetry traces.
import { type HrTime, ROOT_CONTEXT, SpanKind, SpanStatusCode, trace } from "@opentelemetry/api";
import {
  AlwaysOffSampler,
  BasicTracerProvider,
  InMemorySpanExporter,
  type ReadableSpan,
  SimpleSpanProcessor,
  type TracerConfig,
} from "@opentelemetry/sdk-trace-base";
import { ask } from "@sluice/ai";
import { type FlowBuilder, defineFlow, flow, instant, interrupt, run, start, vitalsOf } from "@sluice/core";
import { traceExecution } from "@sluice/otel";
import { type Delay, deferred, scriptedModel, virtualTime } from "@sluice/testing";
import { MockLanguageModelV4 } from "ai/test";
import { describe, expect, test } from "vitest";
import { z } from "zod";
import { CALLS, trackOf } from "./agent.ts";
import { answering, callParts, finishPart, textParts } from "./mock-model.ts";

const spec = defineFlow({ name: "desk", input: z.string(), stream: z.unknown(), result: z.unknown() });
const Note = instant("note", z.object({ title: z.string(), tags: z.array(z.string()) }));
const twice = { retry: { attempts: 2, delay: 20, jitter: false } } as const;

/** A tracer whose spans are looked at: `spans()` has them in the order in which they began. */
function recorder(config: TracerConfig = {}) {
  const exporter = new InMemorySpanExporter();
  const provider = new BasicTracerProvider({ ...config, spanProcessors: [new SimpleSpanProcessor(exporter)] });
  const spans = () =>
    exporter.getFinishedSpans().toSorted((a, b) => ms(a.startTime) - ms(b.startTime) || depth(a) - depth(b));
  const depth = (span: ReadableSpan): number => {
    const parent = exporter
      .getFinishedSpans()
      .find((one) => one.spanContext().spanId === span.parentSpanContext?.spanId);
    return parent === undefined ? 0 : depth(parent) + 1;
  };
  const tree = () =>
    spans().map((span) => `${"  ".repeat(depth(span))}${span.name} ${ms(span.startTime)}–${ms(span.endTime)}`);
  const named = (name: string): ReadableSpan | undefined => spans().find((span) => span.name === name);
  return { tracer: provider.getTracer("test"), spans, tree, named };
}
const ms = ([seconds, nanos]: HrTime): number => seconds * 1000 + nanos / 1e6;
const eventsOf = (span: ReadableSpan | undefined) =>
  span?.events.map(({ name, time, attributes }) => [ms(time), name, attributes] as const);

/** Runs a flow in virtual time to its end, traced. */
async function traced(
  make: (delay: Delay) => { readonly "~flow": typeof spec },
  options: { readonly content?: boolean } = {},
) {
  const recording = recorder();
  await virtualTime(async ({ execute, delay }) => {
    const execution = execute(make(delay) as FlowBuilder<typeof spec>, "secret question");
    traceExecution(execution, { tracer: recording.tracer, ...options });
    await execution.result.catch(() => {});
  });
  return recording;
}

describe("a trace", () => {
  test("has spans for the execution, each attempt, each call of a model and each tool, with the log's times", async () => {
    const model = (delay: Delay) => {
      const parts = answering(
        [...callParts("c1", "track", { order: "A7" }), CALLS],
        [...textParts("It is on its way"), finishPart()],
      );
      return ask(parts, { prompt: "Where?", tools: trackOf(() => delay(40)) });
    };
    const { tree, spans } = await traced((delay) =>
      flow(spec)
        .chunk("answer", start, async (_input, ctx) => {
          await delay(10);
          return ctx.text(model(delay));
        })
        .chunk("log", start, () => delay(5)),
    );
    expect(tree()).toEqual([
      "invoke_workflow desk 0–50",
      "  chunk log 0–5",
      "  chunk answer 0–50",
      "    chat m-1 10–10",
      "    execute_tool track 10–50",
      "    chat m-1 50–50",
    ]);
    expect(new Set(spans().map((span) => span.spanContext().traceId)).size).toBe(1);
  });

  test("speaks the words of the conventions for generative AI", async () => {
    const model = answering(
      [...callParts("c1", "track", { order: "A7" }), CALLS],
      [...textParts("It is on its way"), finishPart()],
    );
    const source = ask(model, { prompt: "Where?", tools: trackOf(() => "shipped") });
    const { named } = await traced(() => flow(spec).chunk("answer", start, (_input, ctx) => ctx.text(source)));
    expect(named("invoke_workflow desk")).toMatchObject({
      kind: SpanKind.INTERNAL,
      status: { code: SpanStatusCode.UNSET },
      attributes: {
        "gen_ai.operation.name": "invoke_workflow",
        "gen_ai.workflow.name": "desk",
        "sluice.outcome": "completed",
      },
    });
    expect(named("chat m-1")).toMatchObject({ kind: SpanKind.CLIENT });
    expect(named("chat m-1")?.attributes).toEqual({
      "gen_ai.operation.name": "chat",
      "gen_ai.provider.name": "mock",
      "gen_ai.request.model": "m-1",
      "gen_ai.request.stream": true,
      "gen_ai.output.type": "text",
      "gen_ai.response.finish_reasons": ["tool-calls"],
      "gen_ai.response.time_to_first_chunk": 0,
      "gen_ai.usage.input_tokens": 12,
      "gen_ai.usage.output_tokens": 7,
      "gen_ai.usage.cache_read.input_tokens": 4,
      "gen_ai.usage.reasoning.output_tokens": 2,
    });
    expect(named("execute_tool track")).toMatchObject({ kind: SpanKind.INTERNAL });
    expect(named("execute_tool track")?.attributes).toEqual({
      "gen_ai.operation.name": "execute_tool",
      "gen_ai.tool.name": "track",
      "gen_ai.tool.call.id": "c1",
      "gen_ai.tool.type": "function",
    });
    expect(named("chunk answer")?.attributes).toEqual({
      "sluice.chunk": "answer",
      "sluice.activation.id": "a1",
      "sluice.attempt": 1,
      "sluice.lane": "/",
      "sluice.trigger": "start",
    });
  });

  test("tells when each field of a reply came, and when the first", async () => {
    const { named } = await traced((delay) => {
      const reply = scriptedModel(
        [
          [
            { afterMs: 30, text: '{"title":"T",' },
            { afterMs: 20, text: '"tags":["a"' },
            { afterMs: 50, text: "]}" },
          ],
        ],
        { delay },
      );
      return flow(spec).chunk("read", start, (_input, ctx) => ctx.instant(Note, reply));
    });
    const call = named("chat scripted");
    expect(call?.attributes).toMatchObject({
      "gen_ai.output.type": "json",
      "gen_ai.response.time_to_first_chunk": 0.03,
      "sluice.reply.time_to_first_field": 0.03,
    });
    const place = { "sluice.reply": "note", "sluice.reply.id": "note@a1" };
    expect(eventsOf(call)).toEqual([
      [30, "sluice.field", { ...place, "sluice.field.path": "title" }],
      [50, "sluice.field", { ...place, "sluice.field.path": "tags[0]" }],
      [100, "sluice.field", { ...place, "sluice.field.path": "tags" }],
    ]);
    expect(eventsOf(named("chunk read"))).toEqual([[100, "sluice.reply.complete", place]]);
  });

  test("tells of fields on the attempt where no model writes them", async () => {
    const { named } = await traced(() =>
      flow(spec).chunk("read", start, (_input, ctx) => ctx.instant(Note, ['{"title":7,"tags":[]}'])),
    );
    expect(eventsOf(named("chunk read"))?.map(([, name]) => name)).toEqual([
      "sluice.field.invalid",
      "sluice.field",
      "exception",
    ]);
  });

  test("nests a child under the attempt that runs it", async () => {
    const child = flow(defineFlow({ name: "audit", input: z.string() })).chunk("look", start, () => {});
    const { tree } = await traced(() => flow(spec).chunk("run", start, (input, ctx) => ctx.child(child, input)));
    expect(tree()).toEqual([
      "invoke_workflow desk 0–0",
      "  chunk run 0–0",
      "    invoke_workflow audit 0–0",
      "      chunk look 0–0",
    ]);
  });

  test("goes into the trace that is going on", async () => {
    const { tracer, spans } = recorder();
    const request = tracer.startSpan("POST /chat");
    const execution = run(
      flow(spec).chunk("work", start, () => 1),
      "",
    );
    traceExecution(execution, { tracer, parent: trace.setSpan(ROOT_CONTEXT, request) });
    await execution.result;
    request.end();
    const [root] = spans().filter(({ name }) => name === "invoke_workflow desk");
    expect(root?.parentSpanContext?.spanId).toBe(request.spanContext().spanId);
  });
});

describe("what goes wrong", () => {
  test("an attempt that is tried again is a span that failed, and the wait an event", async () => {
    const { tree, spans, named } = await traced((delay) => {
      const model = scriptedModel([["Hal", { afterMs: 10, throws: new Error("overloaded") }], "Whole"], { delay });
      return flow(spec).chunk("tell", start, (_input, ctx) => ctx.text(model), twice);
    });
    expect(tree()).toEqual([
      "invoke_workflow desk 0–30",
      "  chunk tell 0–10",
      "    chat scripted 0–10",
      "  chunk tell 30–30",
      "    chat scripted 30–30",
    ]);
    const failed = { status: { code: SpanStatusCode.ERROR }, attributes: { "error.type": "model-failed" } };
    const [, first, call, second] = spans();
    expect(call).toMatchObject(failed);
    expect(first).toMatchObject({ ...failed, attributes: { "sluice.will_retry": true, "sluice.attempt": 1 } });
    expect(second?.status).toEqual({ code: SpanStatusCode.UNSET });
    const place = { "sluice.chunk": "tell", "sluice.activation.id": "a1", "sluice.attempt": 1 };
    expect(eventsOf(named("invoke_workflow desk"))).toEqual([
      [10, "chunk:reset", place],
      [10, "chunk:retry", { ...place, "sluice.delay_ms": 20 }],
    ]);
  });

  test("steps are told on their attempt, questions and waits on the flow", async () => {
    const Sign = interrupt("sign", { ask: z.string(), answer: z.boolean() });
    const { tracer, named } = recorder();
    const it = flow(spec)
      .chunk("tell", start, async (input, ctx) => {
        await ctx.step("draft", () => `Dear ${input}`);
        ctx.interrupt(Sign, "a secret question");
      })
      .chunk("send", Sign.answered, () => {});
    const execution = run(it, "Ann");
    traceExecution(execution, { tracer });
    await execution.settled;
    execution.resume(Sign, "sign@a1", true);
    await execution.result;
    const names = (span: ReadableSpan | undefined) => span?.events.map(({ name }) => name);
    expect(named("chunk tell")?.events).toMatchObject([
      { name: "step:complete", attributes: { "sluice.step": "draft" } },
    ]);
    expect(names(named("invoke_workflow desk"))).toEqual([
      "interrupt:raised",
      "flow:waiting",
      "flow:resume",
      "interrupt:answered",
    ]);
    expect(JSON.stringify(named("invoke_workflow desk")?.events)).not.toContain("secret");
  });

  test("what is taken back is told", async () => {
    const { named, spans } = await traced((delay) => {
      const replies = scriptedModel(['{"title":"t","tags":["a"', '{"title":"t","tags":["b"]}']);
      return flow(spec)
        .chunk("read", start, (_input, ctx) => ctx.instant(Note, replies), twice)
        .chunk("tag", Note.field("tags[*]"), () => delay(100));
    });
    const retracted = named("invoke_workflow desk")?.events.find(({ name }) => name === "signal:retracted");
    expect(retracted?.attributes).toMatchObject({ "sluice.activations": ["a2"] });
    const tag = spans().find(({ attributes }) => attributes["sluice.activation.id"] === "a2");
    expect(tag?.attributes).toMatchObject({ "sluice.retracted": true, "sluice.outcome": "aborted" });
    expect(tag?.status).toEqual({ code: SpanStatusCode.UNSET });
  });

  test.each([
    ["fails", () => Promise.reject(new TypeError("a secret question")), "failed", "chunk-failed"],
    ["takes too long", () => new Promise<void>(() => {}), "timeout", "execution-timeout"],
  ] as const)("an execution that %s is a span that failed", async (_how, work, outcome, type) => {
    const { named } = await traced(() => flow({ ...spec, timeout: 50 }).chunk("work", start, work));
    expect(named("invoke_workflow desk")).toMatchObject({
      status: { code: SpanStatusCode.ERROR },
      attributes: { "sluice.outcome": outcome, "error.type": type },
    });
  });

  test("another model that is asked instead is a call of its own, and the change an event", async () => {
    const broken = new MockLanguageModelV4({
      provider: "best",
      modelId: "b-1",
      doStream: () => Promise.reject(new Error("down")),
    });
    const source = ask([broken, answering([...textParts("Here"), finishPart()])], { prompt: "?" });
    const { named } = await traced(() => flow(spec).chunk("tell", start, (_input, ctx) => ctx.text(source)));
    expect(named("chat b-1")).toMatchObject({
      status: { code: SpanStatusCode.ERROR },
      attributes: { "error.type": "model-failed", "gen_ai.response.finish_reasons": ["error"] },
    });
    expect(named("chat m-1")?.status).toEqual({ code: SpanStatusCode.UNSET });
    expect(named("chunk tell")?.events).toMatchObject([
      { name: "model:resolved", attributes: { "sluice.model.wanted": "best/b-1", "sluice.model.asked": "mock/m-1" } },
    ]);
  });

  test("a cancel is no failure; generations that it ended say what they saved", async () => {
    const { tracer, named } = recorder();
    const model = scriptedModel([["one ", { hangs: true }]]);
    const execution = run(
      flow(spec).chunk("tell", start, (_input, ctx) => ctx.text(model)),
      "",
    );
    traceExecution(execution, { tracer });
    execution.on("model:token", () => execution.cancel("enough"));
    await execution.result.catch(() => {});
    expect(named("invoke_workflow desk")).toMatchObject({
      status: { code: SpanStatusCode.UNSET },
      attributes: { "sluice.outcome": "cancelled" },
    });
    expect(named("chat scripted")?.attributes).toMatchObject({ "gen_ai.response.finish_reasons": ["aborted"] });
  });

  test("a tool that fails is a span that failed, and what is undone has spans of its own", async () => {
    const failing = answering(
      [...callParts("c1", "track", { order: "A7" }), CALLS],
      [...textParts("Sorry"), finishPart()],
    );
    const tools = trackOf(() => {
      throw new Error("Denied");
    });
    const { named, tree } = await traced((delay) =>
      flow(spec)
        .chunk(
          "answer",
          start,
          async (_input, ctx) => {
            await ctx.text(ask(failing, { prompt: "?", tools }));
            await delay(10);
          },
          { compensate: () => delay(5) },
        )
        .chunk("break", start, async () => {
          await delay(30);
          throw new Error("no");
        }),
    );
    expect(named("execute_tool track")).toMatchObject({
      status: { code: SpanStatusCode.ERROR },
      attributes: { "error.type": "_OTHER" },
    });
    expect(tree()).toContain("  compensate answer 30–35");
  });
});

describe("what is recorded", () => {
  const saying = () => {
    const model = scriptedModel([[{ reasoning: "hm" }, "a secret answer"]]);
    const it = flow(spec)
      .chunk("tell", start, (_input, ctx) => ctx.text(model))
      .chunk("note", start, (_input, ctx) => ctx.instant(Note, ['{"title":"a secret title","tags":[]}']))
      .chunk(
        "try",
        start,
        () => {
          throw new Error("a secret reason");
        },
        twice,
      );
    return it;
  };

  test("by default, nothing of what is given, written or quoted", async () => {
    const { spans } = await traced(saying);
    const told = JSON.stringify(spans().map(({ attributes, events, status }) => ({ attributes, events, status })));
    expect(told).toContain("sluice.field.path");
    expect(told).not.toContain("secret");
  });

  test("on demand, all of it", async () => {
    const { named, spans } = await traced(saying, { content: true });
    expect(named("invoke_workflow desk")?.attributes["sluice.input"]).toBe('"secret question"');
    expect(named("chat scripted")?.attributes["gen_ai.output.messages"]).toBe(
      '[{"role":"assistant","parts":[{"type":"reasoning","content":"hm"},{"type":"text","content":"a secret answer"}],"finish_reason":"stop"}]',
    );
    expect(named("chunk tell")?.attributes["sluice.output"]).toBe('"a secret answer"');
    const told = JSON.stringify(spans().flatMap(({ events }) => events));
    expect(told).toContain("a secret title");
    expect(told).toContain("a secret reason");
  });
});

describe("who traces", () => {
  const held = (hold: Promise<unknown>) => flow(spec).chunk("wait", start, () => hold);

  test("pays nothing where no SDK is registered, or the trace is not sampled", async () => {
    for (const options of [{}, { tracer: recorder({ sampler: new AlwaysOffSampler() }).tracer }]) {
      const hold = deferred();
      const execution = run(held(hold.promise), "");
      traceExecution(execution, options);
      await new Promise((resolve) => void setImmediate(resolve));
      expect(vitalsOf(execution)).toMatchObject({ attempts: 1, listeners: 0 });
      hold.resolve();
      await execution.result;
    }
  });

  test("may come when the execution is over, unless its beginning has been dropped", async () => {
    const whole = recorder();
    const execution = run(
      flow(spec).chunk("work", start, () => 1),
      "",
    );
    await execution.result;
    traceExecution(execution, { tracer: whole.tracer });
    expect(whole.spans().map(({ name }) => name)).toEqual(["invoke_workflow desk", "chunk work"]);
    const part = recorder();
    const dropped = run(
      flow(spec).chunk("work", start, () => 1),
      "",
      { retention: { maxEntries: 2 } },
    );
    await dropped.result;
    traceExecution(dropped, { tracer: part.tracer });
    expect(part.spans()).toEqual([]);
  });

  test("may leave before the end: what is open ends there", async () => {
    const { tracer, tree } = recorder();
    await virtualTime(async ({ execute, delay, advance }) => {
      const execution = execute(
        flow(spec).chunk("wait", start, async (_input, ctx) => {
          await delay(10);
          ctx.putIntoStream(1);
          await delay(90);
        }),
        "",
      );
      const leave = traceExecution(execution, { tracer });
      await advance(50);
      leave();
      expect(tree()).toEqual(["invoke_workflow desk 0–10", "  chunk wait 0–10"]);
      expect(vitalsOf(execution)).toMatchObject({ attempts: 1, listeners: 0 });
    });
  });
});
