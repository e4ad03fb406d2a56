// What a client is shown of a tool's input while the model writes it.
import { ask, toolOf } from "@sluice/ai";
import { type TokenSource, defineFlow, flow, instant, positionOf, run, start } from "@sluice/core";
import { deferred, logOf } from "@sluice/testing";
import { type Tool, type UIMessageChunk, tool } from "ai";
import { convertArrayToReadableStream } from "ai/test";
import { describe, expect, test } from "vitest";
import { z } from "zod";
import { CALLS, order, trackOf } from "./agent.ts";
import { type ProviderPart, answering, callParts, finishPart, mock, textParts } from "./mock-model.ts";
import { chunksOf, partsOf, shownBy } from "./ui-message.ts";

const spec = defineFlow({ name: "show", input: z.string(), stream: z.unknown(), result: z.unknown() });
const telling = (source: TokenSource) =>
  flow(spec).chunk("tell", start, (_input, ctx) => ctx.text(source), { retry: { attempts: 2, delay: 0 } });
const begin = (id: string, toolName = "track"): ProviderPart => ({ type: "tool-input-start", id, toolName });
const piece = (id: string, delta: string): ProviderPart => ({ type: "tool-input-delta", id, delta });
const calls = (id: string, input: string, toolName = "track"): ProviderPart[] => [
  { type: "tool-input-end", id },
  { type: "tool-call", toolCallId: id, toolName, input },
];
/** A call whose input comes in two pieces. */
const inPieces = (id: string, first: string, second: string): ProviderPart[] => [
  begin(id),
  piece(id, first),
  piece(id, second),
  ...calls(id, first + second),
];
const answer = [...textParts("Done"), finishPart()];
const shipped = trackOf(() => "shipped");
/** A tool that the client answers. */
const byClient = (): { readonly track: Tool } => ({ track: tool({ inputSchema: order }) });
const ofTools = (chunks: readonly UIMessageChunk[]) => chunks.filter(({ type }) => type.startsWith("tool-"));
const typesOf = (chunks: readonly UIMessageChunk[]) => ofTools(chunks).map(({ type }) => type);

describe("the input of a tool", () => {
  test("is told piece by piece while the model writes it, then as what the tool is called with", async () => {
    const model = answering([...inPieces("c1", '{"order":', '"A7"}'), CALLS], answer);
    const chunks = await chunksOf(run(telling(ask(model, { prompt: "?", tools: shipped })), ""));
    expect(ofTools(chunks)).toEqual([
      { type: "tool-input-start", toolCallId: "c1", toolName: "track" },
      { type: "tool-input-delta", toolCallId: "c1", inputTextDelta: '{"order":' },
      { type: "tool-input-delta", toolCallId: "c1", inputTextDelta: '"A7"}' },
      { type: "tool-input-available", toolCallId: "c1", toolName: "track", input: { order: "A7" } },
      { type: "tool-output-available", toolCallId: "c1", output: "shipped" },
    ]);
  });

  test("is a part that grows, until its tool has answered", async () => {
    const model = answering([...inPieces("c1", '{"order":"A', '7"}'), CALLS], answer);
    const { messages, errors } = await shownBy(
      await chunksOf(run(telling(ask(model, { prompt: "?", tools: shipped })), "")),
    );
    expect(errors).toEqual([]);
    expect(messages.slice(1, 6).map(partsOf)).toMatchObject([
      [{ type: "tool-track", toolCallId: "c1", state: "input-streaming" }],
      [{ state: "input-streaming", input: { order: "A" } }],
      [{ state: "input-streaming", input: { order: "A7" } }],
      [{ state: "input-available", input: { order: "A7" } }],
      [{ state: "output-available", input: { order: "A7" }, output: "shipped" }],
    ]);
  });

  test("is shown before the model has written all of it", async () => {
    const shown = deferred();
    const model = mock(async ({ prompt }) => {
      if (prompt.length > 1) return { stream: convertArrayToReadableStream(answer) };
      return {
        stream: new ReadableStream<ProviderPart>({
          async start(controller) {
            for (const part of [begin("c1"), piece("c1", '{"order":')]) controller.enqueue(part);
            await shown.promise;
            for (const part of [piece("c1", '"A7"}'), ...calls("c1", '{"order":"A7"}'), CALLS])
              controller.enqueue(part);
            controller.close();
          },
        }),
      };
    });
    const execution = run(telling(ask(model, { prompt: "?", tools: shipped })), "");
    execution.on("tool:input", () => shown.resolve());
    expect(await execution.result).toBe("Done");
  });

  test("is told from that of another call which is written at the same time", async () => {
    const model = answering(
      [
        begin("c1"),
        begin("c2"),
        piece("c1", '{"order":'),
        piece("c2", '{"order":"B8"}'),
        piece("c1", '"A7"}'),
        ...calls("c1", '{"order":"A7"}'),
        ...calls("c2", '{"order":"B8"}'),
        CALLS,
      ],
      answer,
    );
    const { last, errors } = await shownBy(
      await chunksOf(run(telling(ask(model, { prompt: "?", tools: shipped })), "")),
    );
    expect(errors).toEqual([]);
    expect(partsOf(last)).toMatchObject([
      { toolCallId: "c1", input: { order: "A7" }, output: "shipped" },
      { toolCallId: "c2", input: { order: "B8" }, output: "shipped" },
      "text Done",
    ]);
  });

  test("of a reply is told, too, beside the reply's fields", async () => {
    const Refund = instant("refund", z.object({ order: z.string() }));
    const tools = { refund: toolOf(Refund, { execute: () => "paid" }) };
    const model = answering([...callParts("c1", "refund", { order: "A7" }), CALLS], answer);
    const chunks = await chunksOf(run(telling(ask(model, { prompt: "?", tools })), ""));
    expect(typesOf(chunks)).toEqual([
      "tool-input-start",
      "tool-input-delta",
      "tool-input-available",
      "tool-output-available",
    ]);
    expect(partsOf((await shownBy(chunks)).last)).toContain('refund.order complete "A7"');
  });

  test("that nobody is to see while it is written is told when its tool starts", async () => {
    const model = answering([...callParts("c1", "track", { order: "A7" }), CALLS], answer);
    const source = ask(model, { prompt: "?", tools: shipped });
    const quiet = flow(spec).chunk("tell", start, (_input, ctx) => ctx.generate(source));
    expect(typesOf(await chunksOf(run(quiet, "")))).toEqual(["tool-input-available", "tool-output-available"]);
  });

  test("for which nothing runs here is what the client is to answer", async () => {
    const model = answering([...callParts("c1", "track", { order: "A7" }), CALLS]);
    const chunks = await chunksOf(run(telling(ask(model, { prompt: "?", tools: byClient() })), ""));
    expect(typesOf(chunks)).toEqual(["tool-input-start", "tool-input-delta", "tool-input-available"]);
    expect(partsOf((await shownBy(chunks)).last)).toMatchObject([{ state: "input-available", input: { order: "A7" } }]);
  });

  test("under the id of an earlier call is another part", async () => {
    const asked = (id: string) =>
      ask(answering([...callParts("call_0", "track", { order: id }), CALLS]), { prompt: "?", tools: byClient() });
    const twice = flow(spec).chunk("twice", start, async (_input, ctx) => {
      await ctx.text(asked("A7"));
      await ctx.text(asked("B8"));
    });
    expect(partsOf((await shownBy(await chunksOf(run(twice, "")))).last)).toMatchObject([
      { toolCallId: "call_0", state: "input-available", input: { order: "A7" } },
      { toolCallId: "call_0~2", state: "input-available", input: { order: "B8" } },
    ]);
  });

  test("is ended with the execution, and says so", async () => {
    const model = mock(async () => ({
      stream: new ReadableStream<ProviderPart>({
        start(controller) {
          for (const part of [begin("c1"), piece("c1", '{"ord')]) controller.enqueue(part);
        },
      }),
    }));
    const execution = run(telling(ask(model, { prompt: "?", tools: shipped })), "");
    execution.on("tool:input", () => execution.cancel("enough"));
    expect((await chunksOf(execution)).slice(-2)).toEqual([
      {
        type: "tool-input-error",
        toolCallId: "c1",
        toolName: "track",
        input: '{"ord',
        errorText: "The call was ended",
      },
      { type: "abort", reason: "enough" },
    ]);
  });
});

describe("an input that was not written to its end", () => {
  const retried = () =>
    telling(
      ask(
        answering(
          [begin("c1"), piece("c1", '{"order":"A'), { type: "error", error: new Error("overloaded") }],
          [...inPieces("c1", '{"order":', '"B8"}'), CALLS],
          answer,
        ),
        { prompt: "?", tools: shipped },
      ),
    );

  test("is dropped when its attempt is tried again", async () => {
    const { messages, last, errors } = await shownBy(await chunksOf(run(retried(), "")));
    expect(errors).toEqual([]);
    expect(messages.map((message) => partsOf(message)[0])).toContainEqual(
      expect.objectContaining({ toolCallId: "c1", state: "input-streaming", input: { order: "A" } }),
    );
    expect(partsOf(last)).toMatchObject([
      { toolCallId: "c1~2", input: { order: "B8" }, output: "shipped" },
      "text Done",
    ]);
  });

  test("resets what its attempt has shown, in the log", async () => {
    expect(await logOf(run(retried(), ""))).toContainEqual(
      expect.objectContaining({ type: "chunk:reset", discardedAttempt: 1 }),
    );
  });

  test("is told again to a reader that comes back amid it", async () => {
    const execution = run(retried(), "");
    const messageMetadata = (entry: Parameters<typeof positionOf>[0]) => ({ position: positionOf(entry) });
    const whole = await chunksOf(execution, { messageMetadata });
    const { last } = await shownBy(whole);
    for (const position of (await logOf(execution)).slice(0, -1).map(positionOf)) {
      const had = whole.findIndex(
        (chunk) => chunk.type === "message-metadata" && JSON.stringify(chunk.messageMetadata).includes(`"${position}"`),
      );
      const before = await shownBy(whole.slice(0, had + 1));
      const after = await shownBy(await chunksOf(execution, { after: position, messageMetadata }), before.last);
      expect(after.errors).toEqual([]);
      expect(after.last).toEqual(last);
    }
  });
});
