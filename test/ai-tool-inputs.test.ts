// The input of a tool as a reply: its fields trigger while the model is writing the call.
import { ask, toolOf } from "@sluice/ai";
import { type ModelCall, after, defineFlow, flow, gather, instant, run, start } from "@sluice/core";
import { deferred, lineOf, logOf, replay, record, virtualTime } from "@sluice/testing";
import type { ToolSet } from "ai";
import { mkdtempSync, rmSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { convertArrayToReadableStream } from "ai/test";
import { describe, expect, test } from "vitest";
import { z } from "zod";
import { CALLS, prompts, told } from "./agent.ts";
import { type ProviderPart, START, answering, callParts, finishPart, mock, textParts } from "./mock-model.ts";

const Refund = instant(
  "refund",
  z.object({ order: z.string(), euros: z.string().transform(Number), items: z.array(z.string()) }),
);
const INPUT = { order: "A7", euros: "30", items: ["cup", "pot"] };
const spec = defineFlow({ name: "agent", input: z.string(), stream: z.unknown(), result: z.unknown() });

/** Answers, and shows each order and each item of a refund as soon as it is written. */
const refunding = (source: (prompt: string) => ModelCall) =>
  flow(spec)
    .chunk("answer", start, (prompt, ctx) => ctx.text(source(prompt)))
    .chunk("order", Refund.field("order"), (order, ctx) => ctx.putIntoStream(order))
    .chunk("item", Refund.field("items[*]"), (item, ctx) => ctx.putIntoStream(item))
    .chunk("result", after("answer"), (answer, ctx) => ctx.setResult(answer));
const refundOf = (execute: (refund: z.output<typeof Refund.schema>) => unknown): ToolSet => ({
  refund: toolOf(Refund, { description: "Pays back", execute }),
});
const itemsIn = async (execution: ReturnType<typeof run>): Promise<unknown[]> =>
  (await logOf(execution)).flatMap((entry) => (entry.type === "stream:item" ? [entry.item] : []));

describe("the input of a tool", () => {
  test("triggers by its fields while the model is writing the call", async () => {
    const shown = deferred();
    const [begin, , end, call] = callParts("c1", "refund", INPUT) as [
      ProviderPart,
      ProviderPart,
      ProviderPart,
      ProviderPart,
    ];
    const model = mock(async ({ prompt }) => {
      if (prompt.length > 1)
        return { stream: convertArrayToReadableStream([START, ...textParts("Done"), finishPart()]) };
      return {
        stream: new ReadableStream<ProviderPart>({
          async start(controller) {
            const write = (delta: string) => controller.enqueue({ type: "tool-input-delta", id: "c1", delta });
            for (const part of [START, begin]) controller.enqueue(part);
            write('{"order":"A7","eu');
            await shown.promise;
            write('ros":"30","items":["cup","pot"]}');
            for (const part of [end, call, CALLS]) controller.enqueue(part);
            controller.close();
          },
        }),
      };
    });
    const execution = run(
      refunding((prompt) => ask(model, { prompt, tools: refundOf(() => "paid") })),
      "Refund A7",
    );
    execution.stream$.subscribe((item) => item === "A7" && shown.resolve());
    expect(await execution.result).toBe("Done");
  });

  test("is what its tool gets, as the schema puts it out; the log has what was written", async () => {
    const seen: unknown[] = [];
    const model = answering([...callParts("c1", "refund", INPUT), CALLS], [...textParts("Done"), finishPart()]);
    const execution = run(
      refunding((prompt) => ask(model, { prompt, tools: refundOf((refund) => seen.push(refund)) })),
      "Refund A7",
    );
    const entries = await logOf(execution);
    expect(seen).toEqual([{ ...INPUT, euros: 30 }]);
    expect(entries).toContainEqual(expect.objectContaining({ type: "tool:call_start", args: INPUT }));
    expect(entries).toContainEqual(
      expect.objectContaining({ type: "reply:complete", reply: "refund", value: { ...INPUT, euros: 30 } }),
    );
    expect(model.doStreamCalls[0]?.tools).toMatchObject([
      { name: "refund", description: "Pays back", inputSchema: { properties: { euros: { type: "string" } } } },
    ]);
  });

  test("is complete before its tool starts", async () => {
    const model = answering([...callParts("c1", "refund", INPUT), CALLS], [...textParts("Done"), finishPart()]);
    const source = (prompt: string) => ask(model, { prompt, tools: refundOf(() => "paid") });
    const lines = (await logOf(run(refunding(source), "Refund A7"))).map(lineOf);
    const order = ["reply:complete refund", "model:finish answer", "tool:call_start refund"];
    expect(lines.filter((line) => order.includes(line)).slice(0, 3)).toEqual(order);
  });

  test("is a reply of its own in each call", async () => {
    const model = answering(
      [...callParts("c1", "refund", INPUT), ...callParts("c2", "refund", { ...INPUT, order: "B8", items: [] }), CALLS],
      [...textParts("Done"), finishPart()],
    );
    const all = flow(spec)
      .chunk("answer", start, (prompt, ctx) => ctx.text(ask(model, { prompt, tools: refundOf(() => "paid") })))
      .chunk("item", Refund.field("items[*]"), (item) => item.toUpperCase())
      .chunk("items", gather("item"), (items, ctx) => ctx.putIntoStream(items))
      .chunk("whole", Refund.done, ({ order }, ctx) => ctx.putIntoStream(order));
    expect(await itemsIn(run(all, "Refund both"))).toEqual([["CUP", "POT"], "A7", [], "B8"]);
  });

  test("is read also of a provider that writes a call in one piece", async () => {
    const call = callParts("c1", "refund", INPUT).slice(-1);
    const model = answering([...call, CALLS], [...textParts("Done"), finishPart()]);
    const execution = run(
      refunding((prompt) => ask(model, { prompt, tools: refundOf(() => "paid") })),
      "Refund A7",
    );
    expect(await itemsIn(execution)).toEqual(["A7", "cup", "pot"]);
  });

  test("that does not fit is told to the model, and the tool is not run", async () => {
    const model = answering(
      [...callParts("c1", "refund", { order: "A7", euros: 30, items: [] }), CALLS],
      [...callParts("c2", "refund", INPUT), CALLS],
      [...textParts("Done"), finishPart()],
    );
    const paid: string[] = [];
    const execution = run(
      refunding((prompt) => ask(model, { prompt, tools: refundOf(({ order }) => paid.push(order)) })),
      "Refund A7",
    );
    const lines = told(await logOf(execution));
    expect(lines.filter((line) => line.startsWith("return"))).toEqual([
      expect.stringMatching(/^return c1 .*euros/),
      "return c2 true",
    ]);
    expect(paid).toEqual(["A7"]);
    expect(prompts(model)[1]).toContain("euros");
    expect(await execution.result).toBe("Done");
  });

  test('that does not fit fails the chunk with onInvalid: "fail", at once, and ends the request', async () => {
    const Strict = instant("strict", z.object({ euros: z.number() }), { onInvalid: "fail" });
    const model = answering(
      [...callParts("c1", "pay", { euros: "thirty" }), CALLS],
      [...textParts("Done"), finishPart()],
    );
    const pays = flow(spec).chunk("answer", start, (prompt, ctx) =>
      ctx.text(ask(model, { prompt, tools: { pay: toolOf(Strict, { execute: () => "paid" }) } })),
    );
    await expect(run(pays, "Pay").result).rejects.toMatchObject({ code: "reply-invalid" });
    expect(model.doStreamCalls).toHaveLength(1);
    expect(model.doStreamCalls[0]?.abortSignal?.aborted).toBe(true);
  });

  test("is the end of the reply where its tool has nothing to run", async () => {
    const model = answering([...callParts("c1", "refund", INPUT), CALLS]);
    const source = (prompt: string) =>
      ask(model, { prompt, tools: { refund: toolOf(Refund, {}) }, toolChoice: "required" });
    const decides = flow(spec)
      .chunk("answer", start, (prompt, ctx) => ctx.generate(source(prompt)))
      .chunk("decide", Refund.done, ({ euros }, ctx) => ctx.setResult(euros));
    expect(await run(decides, "Refund A7").result).toBe(30);
    expect(model.doStreamCalls).toHaveLength(1);
  });

  test("is recorded, and read again from the recording", async () => {
    const folder = mkdtempSync(join(tmpdir(), "sluice-inputs-"));
    const file = join(folder, "refund.json");
    try {
      const model = answering([...callParts("c1", "refund", INPUT), CALLS], [...textParts("Done"), finishPart()]);
      const first = run(
        refunding((prompt) => record(ask(model, { prompt, tools: refundOf(() => "paid") }), file)),
        "Refund A7",
      );
      expect(await itemsIn(first)).toEqual(["A7", "cup", "pot"]);
      await virtualTime(async ({ execute, delay }) => {
        const again = execute(
          refunding(() => replay(file, { delay, inputs: { refund: Refund } })),
          "Refund A7",
        );
        expect(await itemsIn(again)).toEqual(["A7", "cup", "pot"]);
        expect(told(await logOf(again)).slice(1, -3)).toEqual(told(await logOf(first)).slice(1, -3));
      });
    } finally {
      rmSync(folder, { recursive: true });
    }
  });
});
