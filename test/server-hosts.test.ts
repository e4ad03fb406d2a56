// The handler in the hosts that docs/hosts.md shows, over real sockets; its snippets are run by the tests of the examples.
import { type RequestListener, type Server, type ServerResponse, createServer } from "node:http";
import type { AddressInfo } from "node:net";
import { getRequestListener } from "@hono/node-server";
import { memoryStore } from "@sluice/core";
import { type Handler, createHandler } from "@sluice/server";
import express from "express";
import Fastify from "fastify";
import { Hono } from "hono";
import { describe, expect, test } from "vitest";
import { begun, letter, question } from "./letter.ts";
import { connected } from "./raw-request.ts";
import { closeLater, isEnd, isWait, look, messages, send } from "./served.ts";

type Mount = (handler: Handler) => Promise<Server>;

function listening(listener: RequestListener): Promise<Server> {
  const server = createServer(listener);
  return new Promise((resolve) => server.listen(0, "127.0.0.1", () => resolve(server)));
}

const mounts: readonly (readonly [host: string, mount: Mount])[] = [
  ["node:http", (handler) => listening(getRequestListener(handler))],
  [
    "Express",
    (handler) => {
      const app = express();
      app.all("/api/*path", getRequestListener(handler));
      app.use(express.json());
      app.post("/hello", (request, response) => void response.json({ hello: request.body.name }));
      return listening(app);
    },
  ],
  [
    "Hono",
    (handler) => {
      const app = new Hono();
      app.all("/api/*", ({ req }) => handler(req.raw));
      app.post("/hello", async (context) => context.json({ hello: (await context.req.json()).name }));
      return listening(getRequestListener(app.fetch));
    },
  ],
  [
    "Fastify",
    async (handler) => {
      const listener = getRequestListener(handler);
      const app = Fastify();
      app.register(async (api) => {
        api.removeAllContentTypeParsers();
        api.addContentTypeParser("*", (_request, _body, done) => done(null));
        api.all("/api/*", (request, reply) => {
          reply.hijack();
          void listener(request.raw, reply.raw);
        });
      });
      app.post<{ Body: { name: string } }>("/hello", ({ body }) => ({ hello: body.name }));
      await app.listen({ port: 0, host: "127.0.0.1" });
      return app.server;
    },
  ],
];

describe.each(mounts)("mounted in %s", (_, mount) => {
  async function mounted(streams = 10) {
    const told: unknown[] = [];
    const handler = createHandler({
      flows: [letter],
      store: memoryStore(),
      basePath: "/api",
      development: true,
      limits: { client: () => "all", streams },
      onError: (error) => told.push(error),
    });
    const server = await mount(handler);
    closeLater(async () => {
      await handler.close({ graceMs: 0 });
      server.closeAllConnections();
      await new Promise((resolve) => server.close(resolve));
    });
    const host = `http://127.0.0.1:${(server.address() as AddressInfo).port}`;
    return { handler, server, host, url: `${host}/api`, told };
  }

  test("an execution is started, watched while it runs, answered, and gives its result", async () => {
    const { url, told } = await mounted();
    const started = await send(`${url}/flows/letter/executions`, { input: { to: "Ann" } });
    const of = `/api/executions/${started.body.executionId}`;
    expect(started.headers.get("location")).toBe(of);
    const whole = messages(`${url}/executions/${started.body.executionId}/stream`, isEnd);
    const id = await begun(url); // the other stream stays open meanwhile
    for (const one of [id, started.body.executionId as string]) {
      expect((await send(`${url}/executions/${one}/answers/${question}`, { answer: { ok: true } })).status).toBe(204);
    }
    expect((await whole).map((message) => message.id)).toEqual((await whole).map((_one, index) => `${index + 1}`));
    expect((await look(`${url}/executions/${id}`)).body).toMatchObject({ result: "sent" });
    expect(told).toEqual([]);
  });

  test("a client that goes away ends its stream, and nothing else", async () => {
    const { url, server, told } = await mounted(1);
    const id = await begun(url);
    const path = `/api/executions/${id}/stream`;
    const isGone = new Promise<void>((resolve) =>
      server.once("request", (_request, answer: ServerResponse) => answer.once("close", resolve)),
    );
    const { socket } = connected(url);
    socket.write(`GET ${path} HTTP/1.1\r\nhost: x\r\n\r\n`);
    await new Promise((resolve) => socket.once("data", resolve));
    expect((await fetch(`${url}/executions/${id}/stream`)).status).toBe(429);
    socket.destroy();
    await isGone;
    await messages(`${url}/executions/${id}/stream`, isWait);
    expect((await look(`${url}/executions/${id}`)).body).toMatchObject({ status: "waiting" });
    expect(told).toEqual([]);
  });

  test("bodies are limited by the handler, with their length said and without", async () => {
    const { url } = await mounted();
    const starts =
      "POST /api/flows/letter/executions HTTP/1.1\r\nhost: x\r\ncontent-type: application/json\r\nconnection: close\r\n";
    for (const rest of [
      `content-length: 9000000\r\n\r\n${" ".repeat(1_100_000)}`,
      `transfer-encoding: chunked\r\n\r\n200000\r\n${" ".repeat(0x200000)}\r\n`,
    ]) {
      const { socket, answer } = connected(url);
      socket.write(starts + rest);
      expect(await answer).toMatchObject({ status: 413, body: expect.stringContaining("body-too-large") });
    }
    const deep = `{"input":${"[".repeat(100)}${"]".repeat(100)}}`;
    const headers = { "content-type": "application/json" };
    const refused = await fetch(`${url}/flows/letter/executions`, { method: "POST", headers, body: deep });
    expect(await refused.json()).toMatchObject({ status: 400, code: "body-too-deep" });
  });

  test("closing ends the streams, and the host's connections with them", async () => {
    const { url, handler, server } = await mounted();
    const stream = await fetch(`${url}/executions/${await begun(url)}/stream`, { headers: { connection: "close" } });
    const text = stream.text();
    const isClosed = new Promise((resolve) => server.close(resolve));
    await handler.close();
    server.closeIdleConnections();
    expect(await text).toMatch(/\nretry: 1000\nid: \d+\n\n$/);
    await isClosed;
  });
});

describe.each(mounts.slice(1))("%s", (_, mount) => {
  test("goes on reading the bodies of its own routes", async () => {
    const handler = createHandler({ flows: [letter], basePath: "/api", development: true });
    const server = await mount(handler);
    closeLater(() => new Promise((resolve) => server.close(resolve)));
    const url = `http://127.0.0.1:${(server.address() as AddressInfo).port}/hello`;
    const sent = await send(
      url,
      { name: "Ann" },
      { headers: { "content-type": "application/json", connection: "close" }, body: '{"name":"Ann"}' },
    );
    expect(sent.body).toEqual({ hello: "Ann" });
  });
});

test("a body that the host has read already is told as one that did not come", async () => {
  const handler = createHandler({ flows: [letter], basePath: "/api", development: true });
  const app = express();
  app.use(express.json());
  app.all("/api/*path", getRequestListener(handler));
  const server = await listening(app);
  closeLater(() => new Promise((resolve) => server.close(resolve)));
  const url = `http://127.0.0.1:${(server.address() as AddressInfo).port}/api/flows/letter/executions`;
  const body = '{"input":{"to":"Ann"}}';
  const sent = await send(url, {}, { headers: { "content-type": "application/json", connection: "close" }, body });
  expect(sent).toMatchObject({ status: 400, body: { code: "body-invalid" } });
});

test("a route of Next.js is the handler itself: with what Next gives beside the request, and until its client leaves", async () => {
  const handler = createHandler({
    flows: [letter],
    basePath: "/api",
    development: true,
    limits: { client: () => "one", streams: 1 },
  });
  const GET: (request: Request, context: { readonly params: Promise<unknown> }) => Promise<Response> = handler;
  const context = { params: Promise.resolve({ path: ["executions"] }) };
  const headers = { "content-type": "application/json" };
  const init = { method: "POST", headers, body: '{"input":{"to":"Ann"}}' };
  const started = await handler(new Request("http://localhost/api/flows/letter/executions", init));
  const { executionId } = (await started.json()) as { readonly executionId: string };
  const url = `http://localhost/api/executions/${executionId}/stream`;
  const first = await GET(new Request(url), context);
  expect((await GET(new Request(url), context)).status).toBe(429);
  await first.body?.cancel();
  expect((await GET(new Request(url), context)).status).toBe(200);
  await handler.close();
});
