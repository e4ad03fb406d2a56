// What the routes of chats and of agents hold against.
import type { ServerResponse } from "node:http";
import { toAgUi } from "@sluice/ai";
import { type Store, defineFlow, flow, memoryStore, start } from "@sluice/core";
import { type HandlerOptions, agUiRoutes } from "@sluice/server";
import { scriptedModel } from "@sluice/testing";
import { RateLimiterMemory } from "rate-limiter-flexible";
import { describe, expect, test } from "vitest";
import { z } from "zod";
import { chatting, desk, quick, user } from "./chatting.ts";
import { handClock } from "./hand-clock.ts";
import { look, serve } from "./served.ts";

const never = new Promise<never>(() => {});
const json = { "content-type": "application/json" };
const client = ({ headers }: Request): string | undefined => headers.get("authorization") ?? undefined;
const post = (url: string, body: unknown, authorization = "ann") =>
  fetch(url, { method: "POST", headers: { ...json, authorization }, body: JSON.stringify(body) });
const say = (url: string, id = "c") => post(`${url}/chat`, { id, messages: [user("where")] });
/** Reads until a text has come; what comes then is left unread. */
async function readUntil(response: Response, text: string) {
  const reader = (response.body ?? new ReadableStream()).getReader();
  const decoder = new TextDecoder();
  let all = "";
  const more = async (isEnough: () => boolean): Promise<string> => {
    for (let next = await reader.read(); !next.done; next = await reader.read()) {
      all += decoder.decode(next.value as Uint8Array, { stream: true });
      if (isEnough()) break;
    }
    return all;
  };
  await more(() => all.includes(text));
  return { rest: () => more(() => false), leave: () => reader.cancel() };
}

describe("limits", () => {
  test("of streams hold for messages, too: before anything is begun for one; whoever leaves makes room", async () => {
    const { url, server } = await chatting(desk(never), {}, { limits: { client, streams: 1 } });
    const gone = new Promise<void>((resolve) => {
      server.on("request", (_, answer: ServerResponse) =>
        answer.once("close", () => !answer.writableFinished && resolve()),
      );
    });
    const first = await readUntil(await say(url), "data-field");
    const refused = await say(url, "d");
    expect([refused.status, (await refused.json()).code]).toEqual([429, "too-many-streams"]);
    expect((await look(`${url}/executions`)).body.executions).toHaveLength(1);
    expect((await fetch(`${url}/chat/c/stream`, { method: "HEAD", headers: { authorization: "bo" } })).status).toBe(
      200,
    );
    expect((await fetch(`${url}/chat/c/stream`, { headers: { authorization: "bo" } })).status).toBe(200);
    await first.leave();
    await gone;
    expect((await say(url, "d")).status).toBe(200);
  });

  test("of streams are given back by what fails, and by what ends", async () => {
    const { url } = await chatting(quick, {}, { limits: { client, streams: 1 } });
    const refused = await post(`${url}/chat`, { id: "c", messages: [user("")] });
    expect(refused.status).toBe(422);
    for (let turn = 0; turn < 3; turn += 1) expect(await (await say(url)).text()).toContain("[DONE]");
  });

  test("of requests count before anything is looked up", async () => {
    const limits = { client, requests: { any: new RateLimiterMemory({ points: 1, duration: 60 }) } };
    const asked: string[] = [];
    const authorize: HandlerOptions["authorize"] = (_, action) => asked.push(action) > 0;
    const looks: string[] = [];
    const stored = memoryStore();
    const store: Store = { ...stored, find: (id) => (looks.push(id), stored.find(id)) };
    const { url } = await chatting(quick, {}, { limits, authorize, store });
    const first = await say(url);
    const id = first.headers.get("x-workflow-run-id");
    await first.text();
    const before = looks.length;
    const refusals = [
      await say(url),
      await post(`${url}/chat`, { id: "c", messages: [{ ...user("Hi"), id, role: "assistant" }] }),
      await post(`${url}/chat/c/cancel`, {}),
      await fetch(`${url}/chat/c/stream`, { headers: { authorization: "ann" } }),
    ];
    expect(refusals.map(({ status }) => status)).toEqual([429, 429, 429, 429]);
    expect(asked).toEqual(["start"]);
    expect(looks.length - before).toBe(0);
  });
});

describe("a stream of a message", () => {
  test("that is silent says now and then that it is still there", async () => {
    const { scheduler, pass, timer } = handClock();
    const waiting = timer(15_000);
    const { url } = await chatting(desk(never), {}, { scheduler });
    const { rest } = await readUntil(await say(url), "data-field");
    const all = rest();
    await waiting;
    pass(15_000);
    await post(`${url}/chat/c/cancel`, {});
    expect(await all).toMatch(/: still here\n\n(: still here\n\n)*data: \{"type":"abort"/);
  });

  test("ends without a word when the server closes; new ones are refused", async () => {
    const { url, handler } = await chatting(desk(never));
    const { rest } = await readUntil(await say(url), "data-field");
    const closing = handler.close();
    expect(await rest()).not.toMatch(/finish|DONE|abort/);
    await closing;
    for (const refused of [await say(url), await fetch(`${url}/chat/c/stream`)]) expect(refused.status).toBe(503);
  });

  test("that a read token has opened ends with the token, and is no leave to do more", async () => {
    const { scheduler, pass } = handClock();
    const tokens = { secret: "a secret of tests, which is long enough", expiresInMs: 60_000 };
    const authorize: HandlerOptions["authorize"] = ({ headers }) => headers.get("authorization") === "ann";
    const { url, handler } = await chatting(desk(never), {}, { tokens, authorize, scheduler });
    const begun = await say(url);
    const id = begun.headers.get("x-workflow-run-id") ?? "";
    await readUntil(begun, "data-field");
    const { token } = await handler.token(id);
    const { rest } = await readUntil(await fetch(`${url}/chat/${id}/stream?token=${token}`), "data-field");
    expect((await post(`${url}/chat/${id}/cancel?token=${token}`, {}, "bob")).status).toBe(403);
    const other = (await say(url, "d")).headers.get("x-workflow-run-id") ?? "";
    expect((await fetch(`${url}/chat/${other}/stream?token=${token}`)).status).toBe(403);
    pass(60_000);
    expect(await rest()).not.toContain("DONE");
  });

  test("tells nothing of what others have thrown, outside development", async () => {
    const spec = defineFlow({ name: "broken", input: z.string(), stream: z.string() });
    const broken = flow(spec).chunk("ask", start, (_, ctx) =>
      ctx.text(scriptedModel([["Well", { throws: new Error("no route to db.internal:5432") }]])),
    );
    const authorize = (): boolean => true;
    const agent = agUiRoutes({ flow: broken, input: ({ text }) => text, toEvents: toAgUi });
    const chat = await chatting(broken as never, {}, { authorize });
    const agents = await serve({ flows: [broken], routes: [agent], authorize });
    const message = await (await say(chat.url)).text();
    const run = { threadId: "t", runId: "r", messages: [{ id: "1", role: "user", content: "Hi" }] };
    const events = await (await post(`${agents.url}/ag-ui`, run)).text();
    expect(message).toContain('"type":"error"');
    expect(events).toContain("RUN_ERROR");
    expect(message + events).not.toContain("db.internal");
  });
});

describe("an agent", () => {
  const agents = (options: Partial<HandlerOptions>) => {
    const one = desk(never);
    return serve({
      flows: [one],
      routes: [agUiRoutes({ flow: one, input: ({ text }) => text, toEvents: toAgUi })],
      ...options,
    });
  };
  const run = (more: object = {}) => ({
    threadId: "t",
    runId: "r",
    messages: [{ id: "1", role: "user", content: "Hi" }],
    ...more,
  });

  test("is limited like a chat, and refuses answers of nobody before it says whether there is a question", async () => {
    const { url } = await agents({ limits: { client, streams: 1 } });
    const { leave } = await readUntil(await post(`${url}/ag-ui`, run()), "STATE_DELTA");
    expect((await post(`${url}/ag-ui`, run())).status).toBe(429);
    await leave();
    const closed = await agents({ development: false });
    const resume = [{ interruptId: "x:y", status: "resolved", payload: 1 }];
    expect((await post(`${closed.url}/ag-ui`, run({ resume }))).status).toBe(403);
  });

  test.each([
    ["a resume that is no list", { resume: "all" }, 400],
    [
      "interrupts of two executions",
      { resume: ["a:q", "b:q"].map((id) => ({ interruptId: id, status: "resolved" })) },
      404,
    ],
    ["an interrupt without an execution", { resume: [{ interruptId: "__proto__", status: "resolved" }] }, 404],
    ["a thread that is no text", { threadId: { $ne: 1 } }, 400],
  ])("does nothing with %s", async (_, more, status) => {
    const { url } = await agents({});
    expect((await post(`${url}/ag-ui`, run(more))).status).toBe(status);
    expect((await look(`${url}/executions`)).body.executions).toEqual([]);
  });
});
