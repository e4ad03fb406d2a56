// The AI SDK's transport for durable streams, which goes on by the index of the chunk that it is short of.
import { mkdtempSync, rmSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { WorkflowChatTransport } from "@ai-sdk/workflow/client";
import { sqliteStore } from "@sluice/sqlite";
import { deferred } from "@sluice/testing";
import type { UIMessageChunk } from "ai";
import { describe, expect, onTestFinished, test, vi } from "vitest";
import { chatting, chunksUntil, desk, quick, sending, slow, user } from "./chatting.ts";
import { closeLater } from "./served.ts";
import { partsOf, read, shownBy } from "./ui-message.ts";

/** The real transport, and what it has asked for. */
// its types are of the version of the SDK that it brings along
function transportTo(url: () => string, options: { readonly initialStartIndex?: number } = {}) {
  const asked: string[] = [];
  const ends: number[] = [];
  const transport = new WorkflowChatTransport({
    api: "/chat",
    fetch: (path, init) => {
      const address = new URL(path as string, url());
      asked.push(`${init?.method ?? "GET"} ${address.search}`);
      return fetch(address, init);
    },
    onChatEnd: ({ chunkIndex }) => void ends.push(chunkIndex),
    ...options,
  });
  return { transport, asked, ends };
}

const ask = (transport: WorkflowChatTransport<never>, text = "where") =>
  transport.sendMessages({ ...sending, chatId: "c", messages: [user(text) as never] }) as Promise<
    ReadableStream<UIMessageChunk>
  >;
const messageIdOf = (chunks: readonly UIMessageChunk[]): string =>
  chunks.flatMap((chunk) => (chunk.type === "start" ? [chunk.messageId ?? ""] : [])).join();

/** It tells of lost connections on the console. */
function quietConsole(): void {
  const quiet = [vi.spyOn(console, "error"), vi.spyOn(console, "warn")].map((spy) => spy.mockImplementation(() => {}));
  onTestFinished(() => quiet.forEach((spy) => spy.mockRestore()));
}

describe("a client that goes on by an index", () => {
  test("sends its messages without a chat's id, and hears where the run can be found", async () => {
    const { url } = await chatting(quick);
    const { transport, asked, ends } = transportTo(() => url);
    const chunks = await read(await ask(transport, "Hi"));
    expect(partsOf((await shownBy(structuredClone(chunks))).last)).toEqual(["text Hi!"]);
    expect(asked).toEqual(["POST "]);
    expect(ends).toEqual([chunks.length]);
  });

  test("gets exactly what it is short of when its connection is lost, however often", async () => {
    quietConsole();
    const gate = deferred<void>();
    const { url, server } = await chatting(desk(gate.promise));
    const { transport, asked } = transportTo(() => url);
    const { seen, rest } = await chunksUntil(await ask(transport), ({ type }) => type === "data-field");
    server.closeAllConnections();
    gate.resolve();
    const chunks = [...seen, ...(await rest())];
    expect(asked).toEqual(["POST ", "GET ?startIndex=3"]);
    const whole = await read(await ask(transportTo(() => url).transport));
    const plain = (all: readonly UIMessageChunk[]) => JSON.stringify(all).replaceAll(/[\da-f-]{36}/g, "ID");
    expect(plain(chunks)).toEqual(plain(whole));
  });

  test("gets the message whole, and shows it once, from a server that was started again", async () => {
    quietConsole();
    const folder = mkdtempSync(join(tmpdir(), "sluice-chat-"));
    closeLater(async () => rmSync(folder, { recursive: true }));
    const path = join(folder, "chats.db");
    const first = await chatting(slow(new Promise(() => {})), {}, { store: sqliteStore(path) });
    let url = first.url;
    const { transport } = transportTo(() => url);
    const { seen, rest } = await chunksUntil(await ask(transport), ({ type }) => type === "text-end");
    const second = await chatting(slow(Promise.resolve()), {}, { store: sqliteStore(path) });
    url = second.url;
    await first.stop();
    const { last } = await shownBy([...seen, ...(await rest())]);
    expect(partsOf(last)).toEqual(['item "one"', 'item "two"']); // tokens are not stored
  });

  test("that counts from the end gets its message from its beginning, and goes on from there", async () => {
    const { url } = await chatting(desk());
    const { transport, asked, ends } = transportTo(() => url, { initialStartIndex: -2 });
    const whole = await read(await ask(transport));
    const again = await transport.reconnectToStream({ chatId: messageIdOf(whole) });
    expect(await read(again as ReadableStream<UIMessageChunk>)).toEqual(whole);
    expect(asked.at(-1)).toBe("GET ?startIndex=-2");
    expect(ends.at(-1)).toBe(whole.length);
    const { headers } = await fetch(`${url}/chat/${messageIdOf(whole)}/stream?startIndex=-2`);
    expect(headers.get("x-workflow-stream-tail-index")).toBe("1"); // 1 + 1 - 2 = 0: the index where it begins
  });

  test("comes to an end when the run is cancelled", async () => {
    const { url } = await chatting(desk(new Promise(() => {})));
    const { transport } = transportTo(() => url);
    const { seen, rest } = await chunksUntil(await ask(transport), ({ type }) => type === "data-field");
    await fetch(`${url}/chat/${messageIdOf(seen)}/cancel`, {
      method: "POST",
      headers: { "content-type": "application/json" },
      body: "{}",
    });
    expect((await rest()).slice(-2)).toEqual([{ type: "abort", reason: "stopped by the user" }, { type: "finish" }]);
  });

  test.each([
    [{ "sec-fetch-site": "cross-site" }, 415],
    [{ "sec-fetch-site": "same-site" }, 415],
    [{ origin: "https://evil.example" }, 415],
    [{ origin: "null" }, 415],
    [{ "sec-fetch-site": "same-origin" }, 200],
    [{}, 200],
  ])("sends no content type, which another page is not let through with: %j", async (headers, status) => {
    const { url } = await chatting(quick);
    const body = JSON.stringify({ messages: [user("Hi")] });
    const response = await fetch(`${url}/chat`, { method: "POST", headers, body });
    await response.text();
    expect(response.status).toBe(status);
  });

  test("is told when its index is none", async () => {
    const { url } = await chatting(quick);
    for (const index of ["x", "", "1.5"]) {
      expect((await fetch(`${url}/chat/c/stream?startIndex=${index}`)).status).toBe(400);
    }
  });
});
