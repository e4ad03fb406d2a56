// Clients that stop reading, over real sockets: what they cost the server is bounded, and costs the execution nothing.
import { mkdtempSync, rmSync } from "node:fs";
import { type IncomingMessage, type ServerResponse, createServer, get } from "node:http";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { getRequestListener } from "@hono/node-server";
import { defineFlow, flow, interrupt, start } from "@sluice/core";
import { type HandlerOptions, createHandler } from "@sluice/server";
import { sqliteStore } from "@sluice/sqlite";
import { type EventSourceMessage, createParser } from "eventsource-parser";
import { afterEach, expect, test } from "vitest";
import { z } from "zod";
import { turns } from "./kill/witness.ts";

/** More than the sockets of a connection hold, on both sides. */
const items = 100_000;
/** What Node.js buffers before it asks to wait, and the batch that is on its way when it does. */
const mostBytes = 64 * 1_024 + 100 * 1_024;

const Go = interrupt("go", { ask: z.null(), answer: z.object({ items: z.number(), length: z.number() }) });
const many = flow(defineFlow({ name: "many", input: z.null(), stream: z.string() }))
  .chunk("ask", start, (_, ctx) => void ctx.interrupt(Go, null))
  .chunk("put", Go.answered, async (told, ctx) => {
    for (let item = 0; item < told.items; item += 1) {
      if (item % 100 === 0) await turns(1); // so that what is written meets what is sent
      ctx.putIntoStream("x".repeat(told.length));
    }
  });

interface Begun {
  readonly executionId: string;
}

const open: (() => unknown)[] = [];
afterEach(async () => {
  for (const close of open.splice(0).reverse()) await close();
});

/** A server, and the responses that it is writing. */
async function serve(options: Partial<HandlerOptions> = {}) {
  const handler = createHandler({ flows: [many], development: true, ...options });
  const responses: ServerResponse[] = [];
  const listener = getRequestListener(handler);
  const server = createServer((request, response) => {
    if (request.url?.endsWith("/stream") === true) responses.push(response);
    return listener(request, response);
  });
  await new Promise<void>((resolve) => server.listen(0, "127.0.0.1", resolve));
  open.push(
    () => new Promise((resolve) => server.close(resolve)),
    () => server.closeAllConnections(),
    () => handler.close(),
  );
  const { port } = server.address() as { readonly port: number };
  return { url: `http://127.0.0.1:${port}`, responses };
}

async function post(url: string, body: unknown): Promise<string> {
  const headers = { "content-type": "application/json" };
  const response = await fetch(url, { method: "POST", headers, body: JSON.stringify(body) });
  if (!response.ok) throw new Error(await response.text());
  return response.text();
}

/** A stream of an execution that waits, of which nothing is read yet. */
async function watched(url: string) {
  const { executionId } = JSON.parse(await post(`${url}/flows/many/executions`, { input: null })) as Begun;
  const execution = `${url}/executions/${executionId}`;
  return { execution, stream: await streamOf(execution) };
}

async function streamOf(execution: string): Promise<IncomingMessage> {
  return new Promise((resolve, reject) => get(`${execution}/stream`, { agent: false }, resolve).on("error", reject));
}

/** Has it write its items, and comes back when it has ended. */
async function goOn(execution: string, answer: { readonly items: number; readonly length: number }): Promise<void> {
  await post(`${execution}/answers/go@a1`, { answer });
  await (await fetch(`${execution}/stream?types=flow:completed`)).text();
}

async function messages(stream: IncomingMessage): Promise<readonly EventSourceMessage[]> {
  const all: EventSourceMessage[] = [];
  const parser = createParser({ onEvent: (message) => void all.push(message) });
  stream.setEncoding("utf8");
  for await (const text of stream) parser.feed(text as string);
  return all;
}

test("an execution ends while a client reads nothing; that holds one batch, and gets a gap for what has been dropped", async () => {
  const { url, responses } = await serve();
  const { execution, stream } = await watched(url);
  await goOn(execution, { items, length: 50 });
  expect(responses[0]?.writableNeedDrain).toBe(true);
  expect(responses[0]?.writableLength).toBeLessThan(mostBytes);
  const all = await messages(stream);
  const gap = all.findIndex((message) => message.event === "gap");
  const { from, to } = JSON.parse(all[gap]?.data ?? "{}") as { readonly from: string; readonly to: string };
  const ids = all.filter(({ event }) => event !== "gap").map(({ id }) => Number(id));
  expect(ids.slice(0, gap)).toEqual(ids.slice(0, gap).map((_, index) => index + 1));
  expect(ids.slice(gap)).toEqual(ids.slice(gap).map((_, index) => Number(to) + index));
  expect(Number(from)).toBe(gap);
  expect(ids.length - gap).toBeLessThanOrEqual(10_000);
  expect(all.at(-1)?.event).toBe("flow:completed");
});

test("with a store it gets everything, however late it reads", async () => {
  const folder = mkdtempSync(join(tmpdir(), "sluice-stalled-"));
  const store = sqliteStore(join(folder, "executions.db"));
  open.push(
    () => rmSync(folder, { recursive: true }),
    () => store.close(),
  );
  const { url, responses } = await serve({ store, retention: { maxEntries: 100 } });
  const { execution, stream } = await watched(url);
  await goOn(execution, { items, length: 50 });
  expect(responses[0]?.writableNeedDrain).toBe(true);
  expect(responses[0]?.writableLength).toBeLessThan(mostBytes);
  const all = await messages(stream);
  expect(all.at(-1)?.event).toBe("flow:completed");
  expect(all.length).toBeGreaterThan(items);
  expect(all.every(({ id }, index) => Number(id) === index + 1)).toBe(true);
});

test("how much a server keeps for those who are late is its own to say", async () => {
  const { url } = await serve({ retention: { maxEntries: 100 } });
  const { execution } = await watched(url);
  await goOn(execution, { items: 1_000, length: 50 });
  const [gap, ...kept] = await messages(await streamOf(execution));
  expect(gap).toMatchObject({ event: "gap" });
  expect(kept).toHaveLength(100);
});

test("of entries that are larger than a batch it holds one", async () => {
  const { url, responses } = await serve();
  const { execution, stream } = await watched(url);
  await goOn(execution, { items: 100, length: 1_000_000 });
  expect(responses[0]?.writableNeedDrain).toBe(true);
  expect(responses[0]?.writableLength).toBeLessThan(mostBytes + 1_000_000);
  expect((await messages(stream)).at(-1)?.event).toBe("flow:completed");
});

test("what a reader does not ask for stays in the log: at most one batch of 64 KB is taken out for it", async () => {
  const handler = createHandler({ flows: [many], development: true });
  open.push(() => handler.close());
  const send = (path: string, body: unknown) => {
    const headers = { "content-type": "application/json" };
    return handler(new Request(`http://x${path}`, { method: "POST", headers, body: JSON.stringify(body) }));
  };
  const { executionId } = (await (await send("/flows/many/executions", { input: null })).json()) as Begun;
  const response = await handler(new Request(`http://x/executions/${executionId}/stream`));
  const reader = response.body?.getReader();
  const decoder = new TextDecoder();
  const until = async (event: string): Promise<string> => {
    let text = "";
    while (!text.includes(`event: ${event}\n`)) text += decoder.decode((await reader?.read())?.value);
    return text;
  };
  await until("flow:waiting");
  await send(`/executions/${executionId}/answers/go@a1`, { answer: { items: 20_000, length: 50 } });
  await (await handler(new Request(`http://x/executions/${executionId}/stream?types=flow:completed`))).text();
  const taken = await until("gap");
  expect(taken.indexOf("event: gap")).toBeLessThan(65_536);
  await reader?.cancel();
});
