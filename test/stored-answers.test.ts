// Answers that come while no process has the execution: the store keeps them, and who goes on with it takes them in.
import { after, defineFlow, flow, interrupt, load, memoryStore, run, start } from "@sluice/core";
import { VirtualTime } from "@sluice/testing";
import { expect, test } from "vitest";
import { z } from "zod";

const Approval = interrupt("approval", { ask: z.string(), answer: z.object({ by: z.string() }) });
const text = z.string();

/** A flow whose grandchild asks; each that runs another takes its time before it calls it again. */
function family(time: VirtualTime) {
  const asks = flow(defineFlow({ name: "asks", input: text, result: text }))
    .chunk("draft", start, (draft, ctx) => void ctx.interrupt(Approval, draft))
    .chunk("send", Approval.answered, ({ by }) => by);
  const runs = flow(defineFlow({ name: "runs", input: text, result: text })).chunk(
    "call",
    start,
    async (draft, ctx) => {
      await time.delay(10);
      return ctx.child(asks, draft);
    },
  );
  return flow(defineFlow({ name: "root", input: text, result: text }))
    .chunk("call", start, async (draft, ctx) => {
      await time.delay(10);
      return ctx.child(runs, draft);
    })
    .chunk("end", after("call"), (by) => by);
}

async function asked(time: VirtualTime) {
  const store = memoryStore();
  const options = { store, scheduler: time.scheduler };
  const it = family(time);
  const execution = run(it, "hello", { ...options, id: "x" });
  await time.advance(30);
  const [question] = execution.interrupts;
  expect(execution.status).toBe("waiting");
  await execution.release();
  return { it, store, options, id: question?.id ?? "" };
}

test("S24 an answer to a child's question, given while nobody has it, is taken in when the child runs again", async () => {
  const time = new VirtualTime();
  const { it, store, options, id } = await asked(time);
  expect(id).toMatch(/^runs#1\/asks#1\/approval@/);
  await store.putAnswer({ executionId: "x", interrupt: id, answer: '{"by":"ada"}', requestId: "1" });
  const told: unknown[] = [];
  const execution = await load(it, "x", { ...options, onObserverError: (error) => told.push(error) });
  await time.advance(30);
  expect(await execution.result).toBe("ada");
  expect(told).toEqual([]);
  expect(await store.answers("x")).toEqual([]);
});

test("S24 one that does not fit is told, and the question stays open", async () => {
  const time = new VirtualTime();
  const { it, store, options, id } = await asked(time);
  await store.putAnswer({ executionId: "x", interrupt: id, answer: '{"by":7}' });
  const told: unknown[] = [];
  const execution = await load(it, "x", { ...options, onObserverError: (error) => told.push(error) });
  await time.advance(30);
  expect(told).toEqual([expect.objectContaining({ code: "answer-invalid" })]);
  expect(execution.interrupts).toMatchObject([{ id }]);
  execution.resume(id, { by: "ada" });
  await time.advance(1);
  expect(await execution.result).toBe("ada");
});

test("S24 one that does not fit is forgotten also when the execution is put away as soon as it waits", async () => {
  const approves = flow(defineFlow({ name: "approves", input: text, result: text }))
    .chunk("draft", start, (draft, ctx) => void ctx.interrupt(Approval, draft))
    .chunk("send", Approval.answered, ({ by }) => by);
  const told = Promise.withResolvers<unknown>();
  const options = { store: memoryStore(), onObserverError: told.resolve };
  const first = run(approves, "hello", { ...options, id: "x" });
  expect(await first.settled).toBe("waiting");
  const [{ id } = { id: "" }] = first.interrupts;
  await first.release();
  await options.store.putAnswer({ executionId: "x", interrupt: id, answer: "{}" });
  const again = await load(approves, "x", options);
  expect(await told.promise).toMatchObject({ code: "answer-invalid" });
  await again.release();
  expect(await options.store.answers("x")).toEqual([]);
});

test("S24 one to a question that nobody has asked is told when nothing else will be asked", async () => {
  const time = new VirtualTime();
  const { it, store, options } = await asked(time);
  await store.putAnswer({ executionId: "x", interrupt: "asks#1/approval@a9", answer: "1" });
  const told: unknown[] = [];
  await load(it, "x", { ...options, onObserverError: (error) => told.push(error) });
  await time.advance(30);
  expect(told).toEqual([expect.objectContaining({ code: "interrupt-unknown" })]);
});

test("S25 an answer is checked by its question also before the chunk that waits has asked again", async () => {
  const time = new VirtualTime();
  const options = { store: memoryStore(), scheduler: time.scheduler };
  const it = flow(defineFlow({ name: "asks", input: text, result: text })).chunk("ask", start, async (draft, ctx) => {
    await time.delay(10);
    return (await ctx.ask(Approval, draft)).by;
  });
  const first = run(it, "hello", { ...options, id: "x" });
  await time.advance(20);
  const id = first.interrupts[0]?.id ?? "";
  await first.release();
  const execution = await load(it, "x", options);
  expect(() => execution.resume(Approval, id, { by: 7 } as never)).toThrow(
    expect.objectContaining({ code: "answer-invalid" }),
  );
  execution.resume(Approval, id, { by: "ada" });
  await time.advance(20);
  expect(await execution.result).toBe("ada");
});
