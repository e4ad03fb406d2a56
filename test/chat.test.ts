// Flows as chats: the AI SDK's own transports and its Chat, over real sockets.
import { mkdtempSync, rmSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { Chat } from "@ai-sdk/react";
import type { FlowMessage } from "@sluice/ai";
import type { HandlerOptions } from "@sluice/server";
import { memoryStore } from "@sluice/core";
import { sqliteStore } from "@sluice/sqlite";
import { deferred } from "@sluice/testing";
import {
  DefaultChatTransport,
  lastAssistantMessageIsCompleteWithApprovalResponses,
  lastAssistantMessageIsCompleteWithToolCalls,
} from "ai";
import { describe, expect, test } from "vitest";
import { byApproval, chatting, chunksUntil, desk, many, quick, sending, user } from "./chatting.ts";
import { closeLater, look } from "./served.ts";
import { partsOf, read, shownBy } from "./ui-message.ts";

const transportTo = (url: string) => new DefaultChatTransport<FlowMessage>({ api: `${url}/chat` });
const ask = async (url: string, text = "where", chatId = "c") =>
  transportTo(url).sendMessages({ ...sending, chatId, messages: [user(text)] });
const comeBack = (url: string, chatId = "c") => transportTo(url).reconnectToStream({ chatId });

/** Posts JSON; what comes may be a stream, or a problem. */
async function posted(url: string, body: unknown, headers: Record<string, string> = {}) {
  const init = { method: "POST", body: JSON.stringify(body) };
  const response = await fetch(url, { ...init, headers: { "content-type": "application/json", ...headers } });
  const text = await response.text();
  return { status: response.status, text, code: /"code":"([\w-]+)"/.exec(text)?.[1] };
}

/** A chat of a page, and what it has sent. */
function page(url: string, sendAutomaticallyWhen: (given: { messages: FlowMessage[] }) => boolean) {
  const requests: string[] = [];
  const finished: (() => void)[] = [];
  const chat = new Chat<FlowMessage>({
    id: "c",
    transport: new DefaultChatTransport({
      api: `${url}/chat`,
      fetch: (address, init) => {
        requests.push(init?.method ?? "GET");
        return fetch(address, init);
      },
    }),
    sendAutomaticallyWhen,
    onFinish: () => finished.shift()?.(),
  });
  const nextFinish = () => {
    const { promise, resolve } = deferred<void>();
    finished.push(resolve);
    return promise;
  };
  return { chat, requests, nextFinish };
}

describe("a message that is sent", () => {
  test("runs the flow, whose message comes while it is written", async () => {
    const gate = deferred<void>();
    const { url } = await chatting(desk(gate.promise));
    const { seen, rest } = await chunksUntil(await ask(url), ({ type }) => type === "data-field");
    expect(partsOf((await shownBy(seen)).last)).toEqual(['triage.topic writing "where"']);
    gate.resolve();
    expect(partsOf((await shownBy([...seen, ...(await rest())])).last)).toMatchObject([
      'triage.topic complete "where it is"',
      "triage.urgent complete true",
      "text One moment.",
      { type: "tool-approval", state: "input-available", input: "May I?" },
    ]);
  });

  test("is answered as the protocol says; the message's id and the run's are the execution's", async () => {
    const { url } = await chatting(quick);
    const response = await fetch(`${url}/chat`, {
      method: "POST",
      headers: { "content-type": "application/json" },
      body: JSON.stringify({ id: "c", message: user("Hi") }),
    });
    expect(response.headers.get("content-type")).toContain("text/event-stream");
    expect(response.headers.get("x-vercel-ai-ui-message-stream")).toBe("v1");
    const id = response.headers.get("x-workflow-run-id");
    const text = await response.text();
    expect(text).toContain(`data: {"type":"start","messageId":"${id}"}`);
    expect(text.endsWith("data: [DONE]\n\n")).toBe(true);
    expect((await look(`${url}/executions/${id}`)).body).toMatchObject({ status: "completed", result: "Hi!" });
  });

  test("the next one is the next turn, also when two come at once", async () => {
    const { url } = await chatting(quick);
    const texts = ["a", "b", "c", "d", "e"];
    const all = await Promise.all(texts.map(async (text) => shownBy(await read(await ask(url, text)))));
    expect(all.map(({ last }) => partsOf(last))).toEqual(texts.map((text) => [`text ${text}!`]));
    expect(new Set(all.map(({ last }) => last?.id.split(".")[1]))).toEqual(new Set(["1", "2", "3", "4", "5"]));
  });

  test("that fails says so in a sentence, without keys", async () => {
    const gate = deferred<void>();
    const { url } = await chatting(desk(gate.promise));
    const { seen, rest } = await chunksUntil(await ask(url), ({ type }) => type === "data-field");
    gate.reject(new Error("Denied for sk-live-abcdef1234567890"));
    const { errors } = await shownBy([...seen, ...(await rest())]);
    expect(errors.join()).toContain("[secret]");
    expect(errors.join()).not.toMatch(/sk-live|\.ts:\d+/);
  });
});

describe("a question of the flow", () => {
  test("is a tool to be approved: the answer goes on by itself, and the message stands there once", async () => {
    const { url } = await chatting(desk(), { toStream: byApproval });
    const { chat, requests, nextFinish } = page(url, lastAssistantMessageIsCompleteWithApprovalResponses);
    await chat.sendMessage({ text: "where" });
    const [, asking] = chat.messages;
    const part = asking?.parts.find(({ type }) => type === "tool-approval");
    expect(part).toMatchObject({
      state: "approval-requested",
      input: "May I?",
      approval: { id: `${asking?.id}:approval@a3` },
    });
    const finish = nextFinish();
    await chat.addToolApprovalResponse({ id: `${asking?.id}:approval@a3`, approved: false, reason: "too dear" });
    await finish;
    expect(chat.messages).toHaveLength(2);
    expect(partsOf(chat.lastMessage)).toMatchObject([
      'triage.topic complete "where it is"',
      "triage.urgent complete true",
      "text One moment.",
      { type: "tool-approval", state: "output-denied", approval: { approved: false, reason: "too dear" } },
      'item "dropped: too dear"',
    ]);
    expect(chat.status).toBe("ready");
    expect(requests).toEqual(["POST", "POST"]);
  });

  test("is a tool whose output is the answer", async () => {
    const { url } = await chatting(desk());
    const { chat, requests, nextFinish } = page(url, lastAssistantMessageIsCompleteWithToolCalls);
    await chat.sendMessage({ text: "where" });
    const finish = nextFinish();
    const toolCallId = `${chat.lastMessage?.id}:approval@a3`;
    await chat.addToolOutput({ tool: "approval", toolCallId, output: { approved: true } } as never);
    await finish;
    expect(partsOf(chat.lastMessage).slice(-2)).toMatchObject([
      { type: "tool-approval", state: "output-available", output: { approved: true } },
      'item "sent"',
    ]);
    await chat.sendMessage({ text: "and now" });
    expect(chat.messages).toHaveLength(4);
    expect(chat.lastMessage?.id).toBe(chat.messages[1]?.id.replace(".1", ".2"));
    expect(requests).toHaveLength(3);
  });

  test("is not answered by what does not fit, nor twice, nor by the message of another chat", async () => {
    const { url } = await chatting(desk());
    const { last } = await shownBy(await read(await ask(url)));
    const answer = (output: unknown, id = "c") => {
      const parts = last?.parts.map((part) =>
        part.type === "tool-approval" ? { ...part, state: "output-available", output } : part,
      );
      return posted(`${url}/chat`, { id, messages: [user("where"), { ...last, parts }] });
    };
    expect(await answer({ approved: "maybe" })).toMatchObject({ status: 422, code: "answer-invalid" });
    const { id: other } = (await shownBy(await read(await ask(url, "else", "d")))).last ?? {};
    expect((await answer({ approved: true }, "e")).text).not.toContain(`"messageId":"${last?.id}"`);
    expect((await look(`${url}/executions/${last?.id}`)).body).toMatchObject({ status: "waiting" });
    expect((await answer({ approved: true })).text).toContain('"data-item"');
    expect(await answer({ approved: true })).toMatchObject({ status: 409, code: "nothing-asked" });
    expect((await look(`${url}/executions/${other}`)).body).toMatchObject({ status: "waiting" });
  });
});

describe("who comes back", () => {
  test("in the middle of a message gets all of it; when nothing is active, nothing", async () => {
    const gate = deferred<void>();
    const { url } = await chatting(desk(gate.promise));
    expect(await comeBack(url)).toBeNull();
    const { leave, seen } = await chunksUntil(await ask(url), ({ type }) => type === "data-field");
    await leave();
    const again = await comeBack(url);
    gate.resolve();
    const chunks = await read(again ?? new ReadableStream());
    expect(chunks.slice(0, 3)).toEqual(seen);
    expect(partsOf((await shownBy(structuredClone(chunks))).last)).toHaveLength(4);
    const waiting = await read((await comeBack(url)) ?? new ReadableStream());
    expect(waiting).toEqual(chunks);
    await posted(`${url}/chat/c/cancel`, {});
    expect(await comeBack(url)).toBeNull();
  });

  test("after a restart of the server finds the chat in the store, and answers what it has asked", async () => {
    const folder = mkdtempSync(join(tmpdir(), "sluice-chat-"));
    closeLater(async () => rmSync(folder, { recursive: true }));
    const path = join(folder, "chats.db");
    const first = await chatting(desk(), { toStream: byApproval }, { store: sqliteStore(path) });
    for (const text of ["one", "two", "three"]) await read(await ask(first.url, text));
    await first.stop();
    const second = await chatting(desk(), { toStream: byApproval }, { store: sqliteStore(path) });
    const { last } = await shownBy(await read((await comeBack(second.url)) ?? new ReadableStream()));
    expect(last?.id).toMatch(/\.3$/);
    expect(partsOf(last)).toMatchObject([{ type: "tool-approval", state: "approval-requested" }]);
    const { chat, nextFinish } = page(second.url, lastAssistantMessageIsCompleteWithApprovalResponses);
    await chat.resumeStream();
    const finish = nextFinish();
    await chat.addToolApprovalResponse({ id: `${last?.id}:approval@a3`, approved: true });
    await finish;
    expect(partsOf(chat.lastMessage).slice(-2)).toMatchObject([{ state: "output-available" }, 'item "sent"']);
    expect((await look(`${second.url}/executions?status=waiting`)).body.executions).toHaveLength(2);
  });
  test("to a server from which another one has taken the execution gets it from there again", async () => {
    const store = memoryStore();
    const first = await chatting(desk(), {}, { store });
    const second = await chatting(desk(), {}, { store });
    const { last } = await shownBy(await read(await ask(first.url)));
    await read((await comeBack(second.url)) ?? new ReadableStream());
    const toolCallId = `${last?.id}:approval@a3`;
    const part = { type: "tool-approval", toolCallId, state: "output-available", output: { approved: true } };
    const answer = () =>
      posted(`${first.url}/chat`, { id: "c", messages: [user("where"), { ...last, parts: [part] }] });
    expect(await answer()).toMatchObject({ status: 409, code: "claim-lost" });
    expect((await answer()).text).toContain('"data":"sent"');
  });

  test("to a long message from another server gets it from its beginning", async () => {
    const store = memoryStore();
    const first = await chatting(many, {}, { store });
    await read(await ask(first.url));
    await first.handler.close();
    const second = await chatting(many, {}, { store });
    const chunks = await read((await comeBack(second.url)) ?? new ReadableStream());
    expect(chunks.filter(({ type }) => type === "data-item")).toHaveLength(3_000);
  });
});

describe("a turn", () => {
  const leaveAfterField = async (url: string) => {
    const { leave, seen } = await chunksUntil(await ask(url), ({ type }) => type === "data-field");
    await leave();
    return (seen[0] as { readonly messageId: string }).messageId;
  };
  const statusOf = async (url: string, id: string) => (await look(`${url}/executions/${id}`)).body.status as string;

  test("goes on without its reader, and beside the next one", async () => {
    const gate = deferred<void>();
    const { url } = await chatting(desk(gate.promise));
    const id = await leaveAfterField(url);
    const { leave } = await chunksUntil(await ask(url, "more"), ({ type }) => type === "data-field");
    expect(await statusOf(url, id)).toBe("running");
    await leave();
    gate.resolve();
  });

  test("is cancelled by its reader's leaving, or by the next message, where that is wanted", async () => {
    const never = new Promise(() => {});
    const leaving = await chatting(desk(never), { cancelOn: ["leave"] });
    const left = await leaveAfterField(leaving.url);
    const end = (await fetch(`${leaving.url}/executions/${left}/stream?types=flow:cancelled`)).text();
    expect(await end).toContain("the client left");
    const overtaking = await chatting(desk(never), { cancelOn: ["message"] });
    const first = await chunksUntil(await ask(overtaking.url), ({ type }) => type === "data-field");
    const second = await chunksUntil(await ask(overtaking.url), ({ type }) => type === "data-field");
    expect((await first.rest()).slice(-2)).toEqual([
      { type: "abort", reason: "the user has gone on" },
      { type: "finish" },
    ]);
    await second.leave();
  });

  test("is cancelled by a request of its own", async () => {
    const { url } = await chatting(desk(new Promise(() => {})));
    const id = await leaveAfterField(url);
    expect((await posted(`${url}/chat/c/cancel`, {}, { "content-type": "text/plain" })).status).toBe(415);
    expect(await statusOf(url, id)).toBe("running");
    expect((await posted(`${url}/chat/c/cancel`, {})).status).toBe(202);
    expect(await statusOf(url, id)).toBe("cancelled");
    expect(await posted(`${url}/chat/nobody/cancel`, {})).toMatchObject({ status: 404, code: "chat-unknown" });
  });
});

describe("who may chat", () => {
  test("nobody, unless somebody says so", async () => {
    const { url } = await chatting(quick, {}, { development: false });
    const refused = { status: 403, code: "forbidden" };
    expect(await posted(`${url}/chat`, { id: "c", messages: [user("Hi")] })).toMatchObject(refused);
    expect(await posted(`${url}/chat/c/cancel`, {})).toMatchObject(refused);
    expect((await fetch(`${url}/chat/c/stream`)).status).toBe(403);
  });

  test("is asked with the chat's id for each action", async () => {
    const asked: unknown[] = [];
    const authorize: HandlerOptions["authorize"] = (_, action, target) => asked.push([action, target]) > 0;
    const { url } = await chatting(desk(), {}, { authorize });
    const { last } = await shownBy(await read(await ask(url)));
    await posted(`${url}/chat`, { id: "c", messages: [user("where"), last] });
    await read((await comeBack(url)) ?? new ReadableStream());
    await posted(`${url}/chat/c/cancel`, {});
    const of = { flow: "desk", executionId: last?.id, chat: "c" };
    expect(asked).toEqual([
      ["start", { flow: "desk", chat: "c" }],
      ["answer", of],
      ["stream", of],
      ["cancel", of],
    ]);
  });

  test("two owners never have one chat, whatever they call theirs", async () => {
    const owner = (request: Request): string => request.headers.get("x-user") ?? "";
    const { url } = await chatting(desk(), { owner });
    const as = (name: string) =>
      new DefaultChatTransport<FlowMessage>({ api: `${url}/chat`, headers: { "x-user": name } });
    const { last } = await shownBy(
      await read(await as("ann").sendMessages({ ...sending, chatId: "c", messages: [user("where")] })),
    );
    expect(await as("bob").reconnectToStream({ chatId: "c" })).toBeNull();
    expect(await as("ann").reconnectToStream({ chatId: "c" })).not.toBeNull();
    const answered = {
      ...last,
      parts: [
        {
          type: "tool-approval",
          toolCallId: `${last?.id}:approval@a3`,
          state: "output-available",
          output: { approved: true },
        },
      ],
    };
    await posted(`${url}/chat`, { id: "c", messages: [user("where"), answered] }, { "x-user": "bob" });
    await posted(`${url}/chat`, { messages: [user("where"), answered] }, { "x-user": "bob" });
    expect(await as("bob").reconnectToStream({ chatId: last?.id ?? "" })).toBeNull();
    const cancelled = await posted(`${url}/chat/${last?.id}/cancel`, {}, { "x-user": "bob" });
    expect(cancelled.status).toBe(404);
    expect(await as("ann").reconnectToStream({ chatId: last?.id ?? "" })).not.toBeNull();
    expect((await look(`${url}/executions/${last?.id}`)).body).toMatchObject({ status: "waiting" });
  });

  test.each([
    ["no messages", { id: "c", messages: [] }, 400, "chat-invalid"],
    ["a message of no role", { id: "c", messages: [{ ...user("Hi"), role: "root" }] }, 400, "chat-invalid"],
    ["an id that is no text", { id: { $ne: 1 }, messages: [user("Hi")] }, 400, "chat-invalid"],
    ["too much", { id: "c", messages: [user("x".repeat(2_000_000))] }, 413, "body-too-large"],
    ["what the flow does not take", { id: "c", messages: [user("")] }, 422, "input-invalid"],
  ])("not with %s", async (_, body, status, code) => {
    const { url } = await chatting(quick);
    expect(await posted(`${url}/chat`, body)).toMatchObject({ status, code });
  });
});
