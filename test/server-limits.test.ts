// How much a client may ask for.
import type { Server, ServerResponse } from "node:http";
import { defineFlow, flow, memoryStore, start } from "@sluice/core";
import { RateLimiterMemory } from "rate-limiter-flexible";
import { afterEach, beforeEach, describe, expect, test, vi } from "vitest";
import { z } from "zod";
import { chatting, quick, slow, user } from "./chatting.ts";
import { begun, letter, question } from "./letter.ts";
import { connected } from "./raw-request.ts";
import { look, messages, send, serve } from "./served.ts";

const client = ({ headers }: Request): string | undefined => headers.get("authorization") ?? undefined;
const by = (authorization: string) => ({ headers: { "content-type": "application/json", authorization } });

/** Up to `points` requests a minute. */
const limiter = (points: number) => new RateLimiterMemory({ points, duration: 60 });

/** Settles when the server has noticed that so many clients have gone before their answers' end. */
function dropped(server: Server, count = 1): Promise<void> {
  return new Promise((resolve) => {
    let left = count;
    server.on("request", (_, answer: ServerResponse) =>
      answer.once("close", () => {
        if (!answer.writableFinished && (left -= 1) === 0) resolve();
      }),
    );
  });
}

describe("requests", () => {
  beforeEach(() => void vi.useFakeTimers({ toFake: ["Date"], now: 1_000_000 })); // the limiter's clock
  afterEach(() => void vi.useRealTimers());

  test("beyond a limit are refused for its time, for each client by itself; clients are told how they stand", async () => {
    const { url } = await serve({ flows: [letter], limits: { client, requests: { any: limiter(2) } } });
    const ask = (who: string) => fetch(`${url}/flows`, by(who));
    const told = async (who: string) => {
      const { status, headers } = await ask(who);
      return [status, headers.get("ratelimit"), headers.get("ratelimit-policy"), headers.get("retry-after")];
    };
    expect(await told("ann")).toEqual([200, '"any";r=1;t=60', '"any";q=2;w=60', null]);
    vi.setSystemTime(1_010_000);
    expect(await told("ann")).toEqual([200, '"any";r=0;t=50', '"any";q=2;w=60', null]);
    expect(await told("ann")).toEqual([429, '"any";r=0;t=50', '"any";q=2;w=60', "50"]);
    expect(await (await ask("ann")).json()).toMatchObject({ status: 429, code: "too-many-requests" });
    expect(await told("bo")).toEqual([200, '"any";r=1;t=60', '"any";q=2;w=60', null]);
    vi.setSystemTime(1_060_001);
    expect(await told("ann")).toEqual([200, '"any";r=1;t=60', '"any";q=2;w=60', null]);
  });

  test("have limits of their own for some actions, and none where the client is none that is counted", async () => {
    const { url } = await serve({
      flows: [letter],
      limits: { client, requests: { start: limiter(1), any: limiter(3) } },
    });
    const begin = (init = {}) => send(`${url}/flows/letter/executions`, { input: { to: "Ann" } }, init);
    expect([(await begin(by("ann"))).status, (await begin(by("ann"))).status]).toEqual([201, 429]);
    expect((await begin(by("ann"))).headers.get("ratelimit-policy")).toBe('"start";q=1;w=60');
    expect((await fetch(`${url}/flows`, by("ann"))).headers.get("ratelimit")).toBe('"any";r=2;t=60');
    for (let count = 0; count < 5; count += 1) expect((await look(`${url}/flows`)).status).toBe(200);
  });

  test("are counted before anything is looked up, and before who asks is let in", async () => {
    const asked: string[] = [];
    const store = memoryStore();
    const { url } = await serve({
      flows: [letter],
      store: { ...store, find: (id) => (asked.push("find"), store.find(id)) },
      limits: { client, requests: { any: limiter(2) } },
      authorize: (_, action) => asked.push(action) < 0,
    });
    const statuses: number[] = [];
    for (const path of ["/executions/x", "/flows", "/executions/x", "/flows"])
      statuses.push((await fetch(`${url}${path}`, by("eve"))).status);
    expect(statuses).toEqual([403, 403, 429, 429]);
    expect(asked).toEqual(["find", "read", "list"]);
  });

  test("are not let in uncounted when the limiter fails, of which the operator hears", async () => {
    const told: unknown[] = [];
    const any = { consume: () => Promise.reject(new Error("redis://:hunter2@cache is down")) };
    const { url } = await serve({
      flows: [letter],
      limits: { client, requests: { any } },
      onError: (e) => told.push(e),
    });
    const refused = await fetch(`${url}/flows`, by("ann"));
    expect([refused.status, (await refused.text()).includes("hunter2")]).toEqual([500, false]);
    expect(told).toHaveLength(1);
  });
});

describe("streams", () => {
  test("that are open at a time are limited for each client; one that ends makes room", async () => {
    const { url, server } = await serve({ flows: [letter], limits: { client, streams: 2 } });
    const id = await begun(url);
    const stream = `${url}/executions/${id}/stream`;
    const left = new AbortController();
    const isGone = dropped(server);
    await fetch(stream, { ...by("ann"), signal: left.signal });
    await fetch(stream, by("ann"));
    const refused = await fetch(stream, by("ann"));
    expect([refused.status, refused.headers.get("retry-after"), (await refused.json()).code]).toEqual([
      429,
      "1",
      "too-many-streams",
    ]);
    expect((await fetch(stream, by("bo"))).status).toBe(200);
    left.abort();
    await isGone;
    expect((await fetch(stream, by("ann"))).status).toBe(200);
  });

  test("that come to nothing take no place: headers only, had already, a position that is none, an execution that ends", async () => {
    const { url } = await serve({ flows: [letter], limits: { client, streams: 1 } });
    const of = `${url}/executions/${await begun(url)}`;
    const status = async (query: string, method = "GET") =>
      (await fetch(`${of}/stream${query}`, { ...by("ann"), method })).status;
    expect([await status("", "HEAD"), await status("?after=x"), await status("", "HEAD")]).toEqual([200, 400, 200]);
    await send(`${of}/answers/${question}`, { answer: { ok: true } });
    const had = (await look(of)).body.position as string;
    expect([await status(`?after=${had}`), await status(`?after=${had}`)]).toEqual([204, 204]);
    for (let count = 0; count < 3; count += 1) {
      const whole = await fetch(`${of}/stream`, by("ann"));
      expect([whole.status, (await whole.text()).includes("flow:completed")]).toEqual([200, true]);
    }
  });

  test("that nobody reads are bounded in number, and none of them keeps the execution", async () => {
    const many = flow(defineFlow({ name: "many", input: z.number(), stream: z.string() })).chunk(
      "put",
      start,
      (count, ctx) => {
        for (let item = 0; item < count; item += 1) ctx.putIntoStream("x".repeat(1_000));
      },
    );
    const { url, server } = await serve({ flows: [many], limits: { client: () => "all", streams: 20 } });
    const { body } = await send(`${url}/flows/many/executions`, { input: 5_000 });
    const path = `/executions/${body.executionId}/stream`;
    const areGone = dropped(server, 20);
    const sockets = Array.from({ length: 20 }, () => connected(url).socket);
    for (const socket of sockets) {
      socket.write(`GET ${path} HTTP/1.1\r\nhost: x\r\n\r\n`);
      await new Promise((resolve) => socket.once("data", resolve));
      socket.pause();
    }
    expect((await fetch(`${url}${path}`)).status).toBe(429);
    expect((await look(`${url}/executions/${body.executionId}`)).body.status).toBe("completed");
    for (const socket of sockets) socket.destroy();
    await areGone;
    expect((await fetch(`${url}${path}?after=999999`)).status).toBe(204);
  });
});

describe("streams of chats", () => {
  const say = (url: string, chat: string, init: RequestInit = {}) =>
    fetch(`${url}/chat`, {
      method: "POST",
      ...by("ann"),
      body: JSON.stringify({ id: chat, messages: [user("hi")] }),
      ...init,
    });

  test("are counted with the others, and a turn begins only where its stream may", async () => {
    const gate = Promise.withResolvers<void>();
    const { url, server } = await chatting(slow(gate.promise), {}, { limits: { client, streams: 1 } });
    const isGone = dropped(server);
    const left = new AbortController();
    expect((await say(url, "a", { signal: left.signal })).status).toBe(200);
    expect((await say(url, "b")).status).toBe(429);
    expect((await look(`${url}/executions`)).body.executions).toHaveLength(1);
    left.abort();
    await isGone;
    gate.resolve();
    expect(await (await say(url, "b")).text()).toContain("[DONE]");
    expect((await say(url, "c")).status).toBe(200);
  });

  test("take no place where their turn does not begin", async () => {
    const input = () => Promise.reject(new Error("no input"));
    const { url } = await chatting(quick, { input }, { limits: { client, streams: 1 } });
    for (const chat of ["a", "b"]) expect((await say(url, chat)).status).toBe(500);
  });
});

describe("executions", () => {
  test("that run at a time are limited; those that wait for people do not count", async () => {
    const gate = Promise.withResolvers<void>();
    const slow = flow(defineFlow({ name: "slow", input: z.unknown() })).chunk("do", start, () => gate.promise);
    const { url } = await serve({ flows: [slow, letter], maxRunning: 1 });
    await begun(url);
    const begin = () => send(`${url}/flows/slow/executions`, { input: 1 });
    const { body } = await begin();
    const refused = await begin();
    expect(refused).toMatchObject({ status: 503, body: { code: "server-busy" } });
    expect(refused.headers.get("retry-after")).toBe("1");
    gate.resolve();
    await messages(`${url}/executions/${body.executionId}/stream?types=flow:completed`, () => true);
    expect((await begin()).status).toBe(201);
    expect((await look(`${url}/executions?status=waiting`)).body.executions).toHaveLength(1);
  });
});
