// Questions of a flow to people, as parts of its message.
import type { QuestionShow } from "@sluice/ai";
import { defineFlow, flow, interrupt, run, start } from "@sluice/core";
import { virtualTime } from "@sluice/testing";
import { describe, expect, test } from "vitest";
import { z } from "zod";
import { chunksOf, partsOf, shownBy } from "./ui-message.ts";

const Approval = interrupt("approval", {
  ask: z.object({ draft: z.string() }),
  answer: z.object({ approved: z.boolean(), reason: z.string().optional() }),
});
const Quick = interrupt("quick", { ask: z.string(), answer: z.string(), expires: 50 });
const spec = defineFlow({ name: "ask", input: z.string(), result: z.unknown() });
const asking = flow(spec)
  .chunk("ask", start, (draft, ctx) => void ctx.interrupt(Approval, { draft }))
  .chunk("send", Approval.answered, (answer, ctx) => ctx.setResult(answer));
const approval = { question: (): QuestionShow => "approval" };

/** Runs until it waits, and on with an answer. */
const answeredWith = (answer: z.input<typeof Approval.answer>) => {
  const execution = run(asking, "Dear", { id: "e1" });
  execution.on("flow:waiting", () => execution.resume(Approval, "approval@a1", answer));
  return execution;
};

describe("a question", () => {
  const called = { toolCallId: "e1:approval@a1", toolName: "approval", input: { draft: "Dear" } };

  test("is a tool with what is asked, and its answer is what that gives; it is settled by the flow", async () => {
    const chunks = await chunksOf(answeredWith({ approved: true }));
    expect(chunks.slice(2, -2)).toEqual([
      { type: "tool-input-available", ...called },
      {
        type: "tool-output-available",
        toolCallId: called.toolCallId,
        output: { approved: true },
        providerExecuted: true,
      },
    ]);
  });

  test("can be a tool that wants to be approved", async () => {
    const approved = await shownBy(await chunksOf(answeredWith({ approved: true }), approval));
    expect(partsOf(approved.last)).toMatchObject([{ type: "tool-approval", state: "output-available" }]);
    const denied = await shownBy(await chunksOf(answeredWith({ approved: false, reason: "no" }), approval));
    expect(denied.messages.map((message) => partsOf(message)[0]).slice(-4)).toMatchObject([
      { state: "input-available" },
      { state: "approval-requested", approval: { id: called.toolCallId } },
      { state: "approval-responded", approval: { approved: false, reason: "no" } },
      { state: "output-denied", approval: { approved: false, reason: "no" }, providerExecuted: true },
    ]);
  });

  test("can be left out", async () => {
    const { last } = await shownBy(await chunksOf(answeredWith({ approved: true }), { question: () => "none" }));
    expect(partsOf(last)).toEqual([]);
  });

  test("ends the message where it is to end there, which then can be told anew from its beginning", async () => {
    const execution = run(asking, "Dear", { id: "e1" });
    const first = await chunksOf(execution, { until: "waiting" });
    expect(first.slice(1)).toEqual([
      { type: "start-step" },
      { type: "tool-input-available", ...called },
      { type: "finish-step" },
      { type: "finish", finishReason: "tool-calls" },
    ]);
    const { last } = await shownBy(first);
    execution.resume(Approval, "approval@a1", { approved: true });
    const more = await shownBy(await chunksOf(execution, { until: "waiting", anew: true }), last);
    expect(partsOf(more.last)).toMatchObject([{ type: "tool-approval", state: "output-available" }]);
  });

  test("that is not answered in time is a tool that failed", async () => {
    await virtualTime(async ({ execute, advance }) => {
      const late = flow(spec).chunk("ask", start, (_, ctx) => void ctx.interrupt(Quick, "Yes?"));
      const execution = execute(
        late.chunk("give up", Quick.expired, (_, ctx) => ctx.setResult("none")),
        "",
      );
      await advance();
      expect(await chunksOf(execution)).toContainEqual({
        type: "tool-output-error",
        toolCallId: `${execution.id}:quick@a1`,
        errorText: "Nobody answered in time",
        providerExecuted: true,
      });
    });
  });

  test("that is open when the execution is cancelled is withdrawn", async () => {
    const execution = run(asking, "Dear", { id: "e1" });
    execution.on("flow:waiting", () => execution.cancel("enough"));
    expect((await chunksOf(execution)).slice(-2)).toMatchObject([
      { type: "tool-output-error", errorText: "The question was withdrawn" },
      { type: "abort", reason: "enough" },
    ]);
  });

  test("of a child is a tool of the same message", async () => {
    const parent = flow(spec).chunk("run", start, async (draft, ctx) => ctx.setResult(await ctx.child(asking, draft)));
    const execution = run(parent, "Dear");
    execution.on("flow:waiting", ({ interrupts }) => execution.resume(interrupts[0]?.id ?? "", { approved: true }));
    const [asked] = (await shownBy(await chunksOf(execution))).last?.parts.slice(1) ?? [];
    expect(asked).toMatchObject({ type: "tool-approval", state: "output-available" });
  });
});
