import { connect } from "node:net";
import { mkdtempSync, rmSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { defineFlow, flow, memoryStore, start } from "@sluice/core";
import type { HandlerOptions } from "@sluice/server";
import { sqliteStore } from "@sluice/sqlite";
import { deferred } from "@sluice/testing";
import { EventSource } from "eventsource";
import { describe, expect, test } from "vitest";
import { z } from "zod";
import { begun, letter } from "./letter.ts";
import { closeLater, isEnd, isWait, look, messages, send, serve as served } from "./served.ts";

const serve = (options: Partial<HandlerOptions> = {}, port = 0) => served({ flows: [letter], ...options }, port);

describe("an execution over HTTP", () => {
  test("is started, looked at, nudged, answered, and gives its result", async () => {
    const { url } = await serve();
    const started = await send(`${url}/flows/letter/executions`, { input: { to: "Ann" } });
    expect(started).toMatchObject({ status: 201, body: { flow: "letter" } });
    const id = started.body.executionId as string;
    expect(started.headers.get("location")).toBe(`/executions/${id}`);
    await messages(`${url}/executions/${id}/stream`, isWait);
    expect((await look(`${url}/executions/${id}`)).body).toMatchObject({
      executionId: id,
      status: "waiting",
      state: { nudges: 0 },
      interrupts: [{ id: "approval@a2", name: "approval", payload: "Dear Ann", chunk: "ask" }],
    });
    expect(await send(`${url}/executions/${id}/events/nudge`, { payload: { by: "Bo" } })).toMatchObject({
      status: 202,
    });
    const answered = await send(`${url}/executions/${id}/answers/approval@a2`, {
      answer: { ok: true },
      requestId: "r1",
    });
    expect(answered.status).toBe(204);
    const all = await messages(`${url}/executions/${id}/stream`, isEnd);
    expect(all.at(-1)).toMatchObject({ event: "flow:completed", data: { result: "sent", state: { nudges: 1 } } });
    expect((await look(`${url}/executions/${id}`)).body).toMatchObject({ status: "completed", result: "sent" });
    expect((await look(`${url}/executions?status=completed`)).body.executions).toEqual([
      { executionId: id, flow: "letter", status: "completed" },
    ]);
  });

  test("is cancelled", async () => {
    const { url } = await serve();
    const id = await begun(url);
    expect(await send(`${url}/executions/${id}/cancel`, { reason: "enough" })).toMatchObject({
      status: 202,
      body: { status: "cancelled" },
    });
    expect((await look(`${url}/executions/${id}`)).body).toMatchObject({
      status: "cancelled",
      error: { code: "execution-cancelled" },
    });
  });

  test("its flow is shown as JSON and as a diagram", async () => {
    const { url } = await serve();
    expect((await look(`${url}/flows`)).body).toEqual({ flows: ["letter"] });
    expect((await look(`${url}/flows/letter/graph`)).body).toMatchObject({ flow: "letter" });
    expect(await (await fetch(`${url}/flows/letter/graph?format=mermaid`)).text()).toContain("flowchart");
  });
});

describe("the live stream", () => {
  test("has each entry once, in order, under its position; a client goes on behind the last one it has had", async () => {
    const { url } = await serve();
    const id = await begun(url);
    await send(`${url}/executions/${id}/answers/approval@a2`, { answer: { ok: true } });
    const stream = `${url}/executions/${id}/stream`;
    const all = await messages(stream, isEnd);
    expect(all.map((one) => one.id)).toEqual(all.map((_, index) => `${index + 1}`));
    for (let had = 1; had < all.length; had += 1) {
      const rest = await messages(stream, isEnd, { "last-event-id": all[had - 1]?.id ?? "" });
      expect(rest).toEqual(all.slice(had));
    }
  });

  test("a client that has had the final entry gets 204, and stops asking", async () => {
    const { url } = await serve();
    const id = await begun(url);
    await send(`${url}/executions/${id}/cancel`, {});
    const all = await messages(`${url}/executions/${id}/stream`, isEnd);
    for (const had of [all.at(-1)?.id ?? "", `${all.at(-1)?.id}.2`, "999"]) {
      const response = await fetch(`${url}/executions/${id}/stream`, { headers: { "last-event-id": had } });
      expect(response.status).toBe(204);
    }
  });

  test("shows only the types that were asked for, or a snapshot and what comes behind it", async () => {
    const { url } = await serve();
    const id = await begun(url);
    const items = messages(`${url}/executions/${id}/stream?types=stream:item,flow:waiting`, isWait);
    expect((await items).map(({ data }) => data["item"])).toEqual(["Dear", "Ann", undefined]);
    const late = messages(`${url}/executions/${id}/stream?snapshot`, isEnd);
    await send(`${url}/executions/${id}/answers/approval@a2`, { answer: { ok: false } });
    const seen = await late;
    expect(seen[0]).toMatchObject({
      event: "snapshot",
      data: { status: "waiting", interrupts: [{ name: "approval" }] },
    });
    expect(Number(seen[1]?.id)).toBe(Number(seen[0]?.id) + 1);
  });

  test("shows what JSON has no words for, in the log and as the result", async () => {
    const odd = flow(defineFlow({ name: "odd", input: z.number(), result: z.unknown() })).chunk("make", start, (n) => {
      const circle: Record<string, unknown> = { n: BigInt(n) };
      circle["self"] = circle;
      return circle;
    });
    const { url } = await serve({ flows: [odd] });
    const { body } = await send(`${url}/flows/odd/executions`, { input: 7 });
    const all = await messages(`${url}/executions/${body.executionId}/stream`, isEnd);
    const result = { n: "7", self: "[circular]" };
    expect(all.at(-1)?.data).toMatchObject({ type: "flow:completed", result });
    expect((await look(`${url}/executions/${body.executionId}`)).body).toMatchObject({ status: "completed", result });
  });

  test("a browser's EventSource reads it, drops, and misses nothing, across a restart of the server", async () => {
    const folder = mkdtempSync(join(tmpdir(), "sluice-server-"));
    closeLater(async () => rmSync(folder, { recursive: true }));
    const path = join(folder, "executions.db");
    const first = await serve({ store: sqliteStore(path), stream: { retryMs: 1 } });
    const port = Number(new URL(first.url).port);
    const id = await begun(first.url);
    const seen: string[] = [];
    const ended = deferred<void>();
    const waiting = deferred<void>();
    const source = new EventSource(`${first.url}/executions/${id}/stream`);
    closeLater(async () => source.close());
    for (const type of [
      "flow:start",
      "chunk:start",
      "chunk:complete",
      "stream:item",
      "interrupt:raised",
      "flow:waiting",
      "flow:resume",
      "interrupt:answered",
      "flow:completed",
    ]) {
      source.addEventListener(type, ({ lastEventId }) => {
        seen.push(lastEventId);
        if (type === "flow:waiting") waiting.resolve();
        if (type === "flow:completed") ended.resolve();
      });
    }
    await waiting.promise;
    await first.stop();
    const second = await serve({ store: sqliteStore(path), stream: { retryMs: 1 } }, port);
    await second.handler.recover();
    const url = second.url.replace("127.0.0.1", "localhost"); // no connection to the first server is taken for one to this
    expect(await send(`${url}/executions/${id}/answers/approval@a2`, { answer: { ok: true } })).toMatchObject({
      status: 204,
    });
    await ended.promise;
    expect(seen).toEqual(seen.map((_, index) => `${index + 1}`));
    const { body } = await look(`${url}/executions/${id}`);
    expect(body).toMatchObject({ status: "completed", result: "sent", position: seen.at(-1) });
  });

  test("begins at the start, also of an execution that another server has stored in part behind a checkpoint", async () => {
    const store = memoryStore();
    const many = flow(defineFlow({ name: "many", input: z.number(), stream: z.number() })).chunk(
      "put",
      start,
      (count, ctx) => {
        for (let item = 0; item < count; item += 1) ctx.putIntoStream(item);
      },
    );
    const first = await serve({ flows: [many], store });
    const { body } = await send(`${first.url}/flows/many/executions`, { input: 3_000 });
    await messages(`${first.url}/executions/${body.executionId}/stream?types=flow:completed`, isEnd);
    expect(await store.checkpoint(body.executionId)).toBeDefined();
    await first.handler.close();
    const second = await serve({ flows: [many], store });
    const all = await messages(`${second.url}/executions/${body.executionId}/stream`, isEnd);
    expect(all.map((one) => one.id)).toEqual(all.map((_, index) => `${index + 1}`));
    expect(all).toHaveLength(3_004);
  });

  test("a client that stops reading holds up nobody, and leaves nothing behind when it goes", async () => {
    const gate = deferred<void>();
    const many = flow(defineFlow({ name: "many", input: z.number(), stream: z.string() })).chunk(
      "put",
      start,
      async (count, ctx) => {
        await gate.promise;
        for (let item = 0; item < count; item += 1) ctx.putIntoStream("x".repeat(1_000));
      },
    );
    const { url } = await serve({ flows: [many] });
    const { body } = await send(`${url}/flows/many/executions`, { input: 20_000 });
    const socket = connect(Number(new URL(url).port), "127.0.0.1");
    socket.write(`GET /executions/${body.executionId}/stream HTTP/1.1\r\nHost: x\r\n\r\n`);
    await new Promise((resolve) => socket.once("data", resolve));
    socket.pause();
    gate.resolve();
    const all = await messages(`${url}/executions/${body.executionId}/stream?types=flow:completed`, isEnd);
    expect(all.at(-1)).toMatchObject({ event: "flow:completed" });
    socket.destroy();
  });
});

describe("what is not let in", () => {
  test("without `authorize` and outside of development nobody may do anything", async () => {
    const { url } = await serve({ development: false });
    const refused = { status: 403, body: { code: "forbidden" } };
    expect(await send(`${url}/flows/letter/executions`, { input: { to: "Ann" } })).toMatchObject(refused);
    expect(await look(`${url}/executions`)).toMatchObject(refused);
    expect(await look(`${url}/flows/letter/graph`)).toMatchObject(refused);
    expect(await look(`${url}/executions/whatever`)).toMatchObject(refused);
  });

  test("each action is asked for by name and execution; who throws says no", async () => {
    const asked: unknown[] = [];
    const { url } = await serve({
      authorize: (request, action, target) => {
        asked.push([action, target]);
        if (request.headers.get("authorization") === null) throw new Error("no key");
        return action !== "cancel";
      },
    });
    const headers = { "content-type": "application/json", authorization: "Bearer k" };
    const { body } = await send(`${url}/flows/letter/executions`, { input: { to: "Ann" } }, { headers });
    const of = { executionId: body.executionId, flow: "letter" };
    expect((await send(`${url}/executions/${of.executionId}/cancel`, {}, { headers })).status).toBe(403);
    expect((await look(`${url}/executions/${of.executionId}`)).status).toBe(403);
    expect(asked).toEqual([
      ["start", { flow: "letter" }],
      ["cancel", of],
      ["read", of],
    ]);
  });

  test.each([
    ["an unknown flow", "/flows/nobody/executions", { input: {} }, 404, "flow-unknown"],
    ["an unknown execution", "/executions/nobody/cancel", {}, 404, "execution-unknown"],
    ["a path that climbs", "/executions/..%2F..%2Fetc%2Fpasswd/cancel", {}, 404, "execution-unknown"],
    ["the prototype's names", "/flows/__proto__/executions", { input: {} }, 404, "flow-unknown"],
    ["an input of the wrong shape", "/flows/letter/executions", { input: { to: 1 } }, 422, "input-invalid"],
    ["an unknown route", "/etc/passwd", {}, 404, "route-unknown"],
    ["a body that is no object", "/flows/letter/executions", [1], 400, "body-invalid"],
    ["a large body", "/flows/letter/executions", { input: "x".repeat(2_000_000) }, 413, "body-too-large"],
    [
      "a deep body",
      "/flows/letter/executions",
      { input: JSON.parse("[".repeat(100) + "]".repeat(100)) },
      400,
      "body-too-deep",
    ],
  ])("%s", async (_, path, body, status, code) => {
    const { url } = await serve();
    const refused = await send(`${url}${path}`, body);
    expect(refused).toMatchObject({ status, body: { status, code } });
    expect(refused.headers.get("content-type")).toBe("application/problem+json");
    expect(JSON.stringify(refused.body)).not.toMatch(/\.ts:\d+/);
  });

  test("an event that the flow does not accept, an answer twice or to nothing, a position that is none", async () => {
    const { url } = await serve();
    const id = await begun(url);
    const of = `${url}/executions/${id}`;
    expect(await send(`${of}/events/secret`, { payload: 1 })).toMatchObject({
      status: 403,
      body: { code: "event-not-accepted" },
    });
    expect(await send(`${of}/answers/other`, { answer: 1 })).toMatchObject({
      status: 404,
      body: { code: "interrupt-unknown" },
    });
    expect(await send(`${of}/answers/approval@a2`, { answer: 1 })).toMatchObject({ status: 422 });
    expect((await send(`${of}/answers/approval@a2`, { answer: { ok: true }, requestId: "r" })).status).toBe(204);
    expect(await send(`${of}/answers/approval@a2`, { answer: { ok: false }, requestId: "s" })).toMatchObject({
      status: 409,
    });
    const wrong = await fetch(`${of}/stream`, { headers: { "last-event-id": "1\nevent: x".replace("\n", " ") } });
    expect(wrong.status).toBe(400);
  });

  test("a body that does not say that it is JSON, so that no form of another page can send one", async () => {
    const { url } = await serve();
    const form = await send(`${url}/flows/letter/executions`, {}, { headers: { "content-type": "text/plain" } });
    expect(form).toMatchObject({ status: 415, body: { code: "content-type-invalid" } });
  });

  test("other pages, unless they are named", async () => {
    const { url } = await serve();
    const closed = await fetch(`${url}/flows`, { headers: { origin: "https://evil.example" } });
    expect(closed.headers.get("access-control-allow-origin")).toBeNull();
    expect(closed.headers.get("x-content-type-options")).toBe("nosniff");
    expect(closed.headers.get("content-security-policy")).toContain("default-src 'none'");
    const { url: named } = await serve({ origins: ["https://app.example"] });
    const allowed = await fetch(`${named}/flows`, { headers: { origin: "https://app.example" } });
    expect(allowed.headers.get("access-control-allow-origin")).toBe("https://app.example");
    const other = await fetch(`${named}/flows`, { headers: { origin: "https://evil.example" } });
    expect(other.headers.get("access-control-allow-origin")).toBeNull();
  });

  test("what fails inside is told to the operator, and to a client only that it did", async () => {
    const told: unknown[] = [];
    const store = { ...memoryStore(), find: () => Promise.reject(new Error("password hunter2 is wrong")) };
    const { url } = await serve({ store, onError: (error) => told.push(error) });
    const failed = await look(`${url}/executions/x`);
    expect(failed).toMatchObject({ status: 500, body: { code: "server-failed", title: "The server has failed" } });
    expect(JSON.stringify(failed.body)).not.toContain("hunter2");
    expect(told).toHaveLength(1);
  });
});

describe("a server that closes", () => {
  test("ends its streams, puts executions away, and lets none begin; another goes on with them", async () => {
    const store = memoryStore();
    const first = await serve({ store });
    const id = await begun(first.url);
    const isThere = deferred<void>();
    const watching = messages(`${first.url}/executions/${id}/stream`, (message) => {
      if (isWait(message)) isThere.resolve();
      return false;
    });
    await isThere.promise;
    await first.handler.close();
    expect((await watching).at(-1)?.event).toBe("flow:waiting");
    expect(await send(`${first.url}/flows/letter/executions`, { input: { to: "Bo" } })).toMatchObject({
      status: 503,
      body: { code: "server-closing" },
    });
    const stream = await fetch(`${first.url}/executions/${id}/stream`);
    expect([stream.status, await stream.text()]).toEqual([200, "retry: 1000\n\n"]); // EventSource comes again
    const second = await serve({ store });
    await second.handler.recover();
    await send(`${second.url}/executions/${id}/answers/approval@a2`, { answer: { ok: true } });
    expect((await look(`${second.url}/executions/${id}`)).body).toMatchObject({ result: "sent" });
  });

  test("what a child asks is answered by its address alone, too", async () => {
    const store = memoryStore();
    const parent = flow(defineFlow({ name: "parent", input: z.string(), result: z.string() })).chunk(
      "go",
      start,
      (to, ctx) => ctx.child(letter, { to }),
    );
    const first = await serve({ store, flows: [letter, parent] });
    const { body } = await send(`${first.url}/flows/parent/executions`, { input: "Ann" });
    const { executionId: id } = body as { readonly executionId: string };
    await messages(`${first.url}/executions/${id}/stream`, isWait);
    await first.stop();
    const second = await serve({ store, flows: [letter, parent] });
    const answer = `${second.url}/executions/${id}/answers/${encodeURIComponent("letter#1/approval@a2")}`;
    expect((await send(answer, { answer: { ok: true } })).status).toBe(204);
  });
});
