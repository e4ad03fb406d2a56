// Comments on live streams that have nothing to say, on a virtual clock.
import { defineFlow, flow, interrupt, start } from "@sluice/core";
import { createHandler } from "@sluice/server";
import { VirtualTimeScheduler } from "rxjs";
import { afterEach, expect, test } from "vitest";
import { z } from "zod";

const Go = interrupt("go", { ask: z.null(), answer: z.null() });
const waiting = flow(defineFlow({ name: "waiting", input: z.null() }))
  .chunk("ask", start, (_, ctx) => void ctx.interrupt(Go, null))
  .chunk("end", Go.answered, () => {});

const open: (() => Promise<unknown>)[] = [];
afterEach(async () => {
  for (const close of open.splice(0)) await close();
});

/** Watches an execution that waits, on a clock that goes when it is told to. */
async function watching(clients: number) {
  const scheduler = new VirtualTimeScheduler();
  const handler = createHandler({ flows: [waiting], development: true, stream: { scheduler } });
  open.push(() => handler.close());
  const headers = { "content-type": "application/json" };
  const post = (path: string, body: unknown) =>
    handler(new Request(`http://x${path}`, { method: "POST", headers, body: JSON.stringify(body) }));
  const { executionId } = (await (await post("/flows/waiting/executions", { input: null })).json()) as {
    readonly executionId: string;
  };
  const all = await Promise.all(
    Array.from({ length: clients }, async () => {
      const response = await handler(new Request(`http://x/executions/${executionId}/stream`));
      return (response.body ?? new ReadableStream<Uint8Array>()).getReader();
    }),
  );
  for (const reader of all) await until(reader, "event: flow:waiting");
  return { scheduler, all, answer: () => post(`/executions/${executionId}/answers/go@a1`, { answer: null }) };
}

async function textOf(reader: ReadableStreamDefaultReader<Uint8Array>): Promise<string> {
  return new TextDecoder().decode((await reader.read()).value);
}

async function until(reader: ReadableStreamDefaultReader<Uint8Array>, what: string): Promise<string> {
  let text = "";
  while (!text.includes(what)) text += await textOf(reader);
  return text;
}

/** Lets time pass up to a moment, in milliseconds. */
function passTo(scheduler: VirtualTimeScheduler, ms: number): void {
  scheduler.maxFrames = ms;
  scheduler.flush();
}

test("who hears nothing for 15 seconds is sent a comment, again and again, and then what comes", async () => {
  const { scheduler, all, answer } = await watching(1);
  const [reader] = all as [ReadableStreamDefaultReader<Uint8Array>];
  for (const seconds of [15, 30, 45]) {
    const next = textOf(reader);
    passTo(scheduler, seconds * 1_000 - 1);
    expect(scheduler.now()).toBeLessThan(seconds * 1_000);
    passTo(scheduler, seconds * 1_000);
    expect(await next).toBe(": still here\n\n");
  }
  const rest = until(reader, "event: flow:completed");
  await answer();
  expect(await rest).not.toContain("still here");
});

test("however many hear nothing, one timer waits, and none when they have left", async () => {
  const { scheduler, all } = await watching(50);
  const next = all.map(textOf);
  expect(scheduler.actions).toHaveLength(1);
  passTo(scheduler, 15_000);
  expect(new Set(await Promise.all(next))).toEqual(new Set([": still here\n\n"]));
  expect(scheduler.actions).toHaveLength(0);
  const again = all.map(textOf);
  expect(scheduler.actions).toHaveLength(1);
  await Promise.all(all.map((reader) => reader.cancel()));
  expect(scheduler.actions).toHaveLength(0);
  expect(new Set(await Promise.all(again))).toEqual(new Set([""]));
});

test("who does not read is sent no comments", async () => {
  const { scheduler, all, answer } = await watching(2);
  const [reads, doesNot] = all as [ReadableStreamDefaultReader<Uint8Array>, ReadableStreamDefaultReader<Uint8Array>];
  for (const seconds of [15, 30, 45]) {
    const next = textOf(reads);
    passTo(scheduler, seconds * 1_000);
    expect(await next).toBe(": still here\n\n");
  }
  await answer();
  expect(await until(doesNot, "event: flow:completed")).not.toContain("still here");
});
