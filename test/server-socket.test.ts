import { createServer } from "node:http";
import { createAdaptorServer, upgradeWebSocket } from "@hono/node-server";
import { type Store, after, defineFlow, event, flow, interrupt, memoryStore, start } from "@sluice/core";
import { type HandlerOptions, createHandler, socketRoutes } from "@sluice/server";
import { deferred } from "@sluice/testing";
import { VirtualTimeScheduler } from "rxjs";
import { describe, expect, test } from "vitest";
import { WebSocket, WebSocketServer } from "ws";
import { z } from "zod";
import { handClock } from "./hand-clock.ts";
import { closeLater, look, send } from "./served.ts";

const Approval = interrupt("approval", { ask: z.string(), answer: z.object({ ok: z.boolean() }) });
const Nudge = event("nudge", z.object({ by: z.string() }));
const letter = flow(
  defineFlow({
    name: "letter",
    input: z.number(),
    state: z.object({ nudges: z.number().default(0) }),
    stream: z.number(),
    result: z.string(),
    accepts: [Nudge],
  }),
)
  .chunk("write", start, (count, ctx) => {
    for (let item = 0; item < count; item += 1) ctx.putIntoStream(item);
  })
  .chunk("ask", after("write"), (_, ctx) => void ctx.interrupt(Approval, "well?"))
  .chunk("count", Nudge, (_, ctx) => ctx.state.update((state) => void (state.nudges += 1)))
  .chunk("send", Approval.answered, ({ ok }, ctx) => ctx.setResult(ok ? "sent" : "dropped"));

async function serve(options: Partial<HandlerOptions> = {}, window?: number) {
  const routes = [socketRoutes(upgradeWebSocket, window === undefined ? {} : { window })];
  const handler = createHandler({ flows: [letter], development: true, onError: () => {}, routes, ...options });
  const sockets = new WebSocketServer({ noServer: true });
  const server = createAdaptorServer({ fetch: handler, createServer, websocket: { server: sockets } });
  await new Promise<void>((resolve) => server.listen(0, "127.0.0.1", resolve));
  const { port } = server.address() as { readonly port: number };
  closeLater(async () => {
    await handler.close();
    for (const client of sockets.clients) client.terminate();
    await new Promise((resolve) => server.close(resolve));
  });
  const url = `http://127.0.0.1:${port}`;
  const begin = async (count = 2): Promise<string> => {
    const { body } = await send(`${url}/flows/letter/executions`, { input: count });
    return `${url}/executions/${body.executionId}`;
  };
  return { handler, url, begin };
}

interface Message {
  readonly type: string;
  readonly id?: unknown;
  readonly position?: string;
  readonly entry?: { readonly type: string; readonly item?: number; readonly interrupt?: { readonly id: string } };
  readonly problem?: { readonly code: string };
}

/** A client: what it was sent, in order, and how it was closed. */
function connect(execution: string, query = "", headers: Record<string, string> = {}) {
  const socket = new WebSocket(`${execution.replace("http", "ws")}/socket${query}`, { headers });
  const messages: Message[] = [];
  const watchers: (() => void)[] = [];
  const told = (): void => {
    for (const watcher of watchers.slice()) watcher();
  };
  let end: { readonly code: number; readonly reason: string } | undefined;
  socket.on("message", (data: Buffer) => {
    messages.push(JSON.parse(data.toString("utf8")));
    told();
  });
  const closed = new Promise<{ readonly code: number; readonly reason: string }>((resolve) => {
    socket.on("close", (code, reason) => {
      end = { code, reason: reason.toString("utf8") };
      resolve(end);
      told();
    });
  });
  const refused = new Promise<number>((resolve) => {
    socket.on("unexpected-response", (_request, { statusCode = 0 }) => {
      socket.terminate();
      resolve(statusCode);
    });
  });
  socket.on("error", () => {});
  closeLater(async () => socket.terminate());
  return {
    messages,
    closed,
    refused,
    tell: (message: unknown) => socket.send(typeof message === "string" ? message : JSON.stringify(message)),
    raw: socket,
    /** The first message that is wanted; undefined when the socket closes before. */
    until: (isWanted: (message: Message) => boolean): Promise<Message | undefined> =>
      new Promise((resolve) => {
        const watch = (): void => {
          const found = messages.find(isWanted);
          if (found !== undefined || end !== undefined) resolve(found);
        };
        watchers.push(watch);
        watch();
      }),
  };
}

const isEntry =
  (type: string) =>
  ({ type: kind, entry }: Message): boolean =>
    kind === "entry" && entry?.type === type;
const entriesIn = (messages: readonly Message[]) =>
  messages.flatMap(({ entry }) => (entry === undefined ? [] : [entry.type]));

describe("a WebSocket of an execution", () => {
  test("sends its log, takes events and answers, and is closed after the end", async () => {
    const { begin } = await serve();
    const client = connect(await begin());
    const asked = await client.until(isEntry("interrupt:raised"));
    const interrupt = asked?.entry?.interrupt?.id;
    client.tell({ type: "emit", id: 1, event: "nudge", payload: { by: "Bo" } });
    expect(await client.until(({ type, id: of }) => type === "done" && of === 1)).toMatchObject({
      signal: expect.any(String),
    });
    client.tell({ type: "answer", id: "two", interrupt, answer: { ok: true }, requestId: "r" });
    expect(await client.closed).toEqual({ code: 1000, reason: "all is said" });
    expect(client.messages.filter(({ type }) => type === "done")).toMatchObject([{ id: 1 }, { id: "two" }]);
    expect(entriesIn(client.messages).at(-1)).toBe("flow:completed");
    expect(entriesIn(client.messages)[0]).toBe("flow:start");
  });

  test("cancels", async () => {
    const { begin } = await serve();
    const client = connect(await begin());
    await client.until(isEntry("flow:waiting"));
    client.tell({ type: "cancel", reason: "nobody waits" });
    expect(await client.until(isEntry("flow:cancelled"))).toMatchObject({ entry: { reason: "nobody waits" } });
  });

  test("begins where a client says, sends what it wants to see, or how it stands first", async () => {
    const { begin } = await serve();
    const execution = await begin();
    const all = connect(execution);
    const waiting = await all.until(isEntry("flow:waiting"));
    const late = connect(execution, `?after=${all.messages[2]?.position}&types=flow:waiting`);
    expect(await late.until(() => true)).toMatchObject({ position: waiting?.position });
    const new_ = connect(execution, "?snapshot");
    expect(await new_.until(() => true)).toMatchObject({ type: "snapshot", status: "waiting", state: { nudges: 0 } });
  });

  test("never sends further ahead of what is acknowledged than its window, and the execution does not wait for it", async () => {
    const { begin } = await serve({}, 10);
    const execution = await begin(500);
    const client = connect(execution, "?items");
    await client.until(() => client.messages.length === 10);
    const { body } = await look(execution);
    expect(body.status).toBe("waiting");
    client.tell({ type: "emit", id: "sent behind the window", event: "nudge", payload: { by: "Bo" } });
    await client.until(({ type }) => type === "done");
    expect(entriesIn(client.messages)).toHaveLength(10);
    client.tell({ type: "ack", position: client.messages[3]?.position });
    await client.until(() => entriesIn(client.messages).length === 14);
    client.tell({ type: "emit", id: "again", event: "nudge", payload: { by: "Bo" } });
    await client.until(({ id }) => id === "again");
    expect(entriesIn(client.messages)).toHaveLength(14);
  });

  test("has a window that a client can make smaller, and not larger", async () => {
    const { begin } = await serve({}, 10);
    const execution = await begin(100);
    for (const [wanted, given] of [
      [3, 3],
      [1_000, 10],
    ] as const) {
      const client = connect(execution, `?items&window=${wanted}`);
      await client.until(() => client.messages.length === given);
      client.tell({ type: "emit", id: "behind", event: "nudge", payload: { by: "Bo" } });
      await client.until(({ type }) => type === "done");
      expect(entriesIn(client.messages)).toHaveLength(given);
    }
  });

  test("sends everything, once and in order, to a client that acknowledges as it reads", async () => {
    const { begin } = await serve({}, 64);
    const client = connect(await begin(2_000), "?window=7&items");
    client.raw.on("message", (data: Buffer) => {
      const { position } = JSON.parse(data.toString("utf8")) as Message;
      if (position !== undefined) client.tell({ type: "ack", position });
    });
    await client.until(({ entry }) => entry?.item === 1_999);
    const items = client.messages.map(({ entry }) => entry?.item);
    expect(items.filter((item) => item !== undefined)).toEqual(Array.from({ length: 2_000 }, (_, item) => item));
  });

  test("takes acknowledgements at any number, while it carries out what else was asked", async () => {
    const stored = memoryStore();
    const held = deferred<void>();
    let isHeld = false;
    const store: Store = {
      ...stored,
      append: async (appends) => (isHeld && (await held.promise), stored.append(appends)),
    };
    const { begin } = await serve({ store }, 10);
    const client = connect(await begin(500), "?items");
    await client.until(() => client.messages.length === 10);
    isHeld = true;
    client.tell({ type: "emit", id: 1, event: "nudge", payload: { by: "Bo" } });
    for (let again = 0; again < 300; again += 1) client.tell({ type: "ack", position: client.messages[9]?.position });
    await client.until(() => client.messages.length === 20);
    held.resolve();
    expect(await client.until(({ type }) => type === "done")).toMatchObject({ id: 1 });
  });

  test("tells what is wrong with a message, and goes on", async () => {
    const { begin } = await serve();
    const client = connect(await begin());
    await client.until(isEntry("flow:waiting"));
    const refusedFor = async (message: unknown): Promise<unknown> => {
      const before = client.messages.filter(({ type }) => type === "refused").length;
      client.tell(message);
      await client.until(() => client.messages.filter(({ type }) => type === "refused").length > before);
      const [last] = client.messages.filter(({ type }) => type === "refused").slice(-1);
      return [last?.id, last?.problem?.code];
    };
    expect(await refusedFor("{")).toEqual([undefined, "body-invalid"]);
    expect(await refusedFor("[".repeat(100))).toEqual([undefined, "body-too-deep"]);
    expect(await refusedFor({ type: "dance", id: 1 })).toEqual([1, "message-unknown"]);
    expect(await refusedFor({ type: "emit", id: 2, event: "tick" })).toEqual([2, "event-not-accepted"]);
    expect(await refusedFor({ type: "emit", id: 3, event: "nudge", payload: {} })).toEqual([3, "payload-invalid"]);
    expect(await refusedFor({ type: "answer", id: 4, interrupt: "none" })).toEqual([4, "interrupt-unknown"]);
    expect(await refusedFor({ type: "ack", id: 5, position: "there" })).toEqual([5, "position-invalid"]);
  });

  test("says that it is there when nothing happens for a while", async () => {
    const scheduler = new VirtualTimeScheduler();
    const { begin } = await serve({ stream: { scheduler, heartbeatMs: 5_000 } });
    const client = connect(await begin());
    await client.until(isEntry("flow:waiting"));
    scheduler.maxFrames = scheduler.frame + 5_000;
    scheduler.flush();
    expect(await client.until(({ type }) => type === "alive")).toEqual({ type: "alive" });
  });

  test("is closed with where to go on when the server closes", async () => {
    const { begin, handler } = await serve();
    const client = connect(await begin());
    await client.until(isEntry("flow:waiting"));
    const closing = handler.close();
    expect(await client.closed).toEqual({ code: 1001, reason: "the server closes" });
    await closing;
  });
});

describe("what a WebSocket does not let in", () => {
  test("who may not see the execution, one that there is not, and a request that is none for a socket", async () => {
    const { url } = await serve({ authorize: (_, action) => action === "start" });
    const { body } = await send(`${url}/flows/letter/executions`, { input: 1 });
    expect(await connect(`${url}/executions/${body.executionId}`).refused).toBe(403);
    const open = await serve();
    expect(await connect(`${open.url}/executions/none`).refused).toBe(404);
    expect(await look(`${open.url}/executions/none/socket`)).toMatchObject({ status: 426 });
    expect(await connect(await open.begin(), "?window=none").refused).toBe(400);
  });

  test("each message is allowed by itself", async () => {
    const { begin } = await serve({ authorize: (_, action) => action === "start" || action === "stream" });
    const client = connect(await begin());
    await client.until(isEntry("flow:waiting"));
    client.tell({ type: "cancel", id: 1 });
    expect(await client.until(({ type }) => type === "refused")).toMatchObject({ id: 1, problem: { status: 403 } });
  });

  test("pages of other origins, unless they are named", async () => {
    const { begin, url } = await serve({ origins: ["https://app.example"] });
    const execution = await begin();
    expect(await connect(execution, "", { origin: "https://evil.example" }).refused).toBe(403);
    expect(await connect(execution, "", { origin: "null" }).refused).toBe(403);
    for (const origin of ["https://app.example", url]) {
      const client = connect(execution, "", { origin });
      expect(await client.until(isEntry("flow:start"))).toBeDefined();
    }
  });

  test("what comes behind a message for which it is closed", async () => {
    const { begin } = await serve();
    const execution = await begin();
    const client = connect(execution);
    await client.until(isEntry("flow:waiting"));
    client.raw.send(new Uint8Array(3));
    client.tell({ type: "emit", event: "nudge", payload: { by: "Bo" } });
    await client.closed;
    expect((await look(execution)).body).toMatchObject({ state: { nudges: 0 } });
  });

  test("bytes, messages that are too long, and more of them than it can carry out", async () => {
    const { begin } = await serve({ body: { maxBytes: 100 } });
    const execution = await begin();
    const closedAfter = async (act: (client: ReturnType<typeof connect>) => void): Promise<number> => {
      const client = connect(execution);
      await client.until(isEntry("flow:start"));
      act(client);
      return (await client.closed).code;
    };
    expect(await closedAfter(({ raw }) => raw.send(new Uint8Array(3)))).toBe(1003);
    expect(await closedAfter(({ tell }) => tell("x".repeat(200)))).toBe(1009);
    expect(
      await closedAfter(({ tell }) => {
        for (let n = 0; n < 200; n += 1) tell({ type: "emit", event: "nudge", payload: { by: "Bo" } });
      }),
    ).toBe(1008);
  });
});

test("a WebSocket that a read token has opened watches, does nothing, and ends with the token", async () => {
  const clock = handClock();
  const tokens = { secret: "a secret of thirty-two bytes or more", expiresInMs: 60_000 };
  const authorize = (_: Request, action: string): boolean => action === "start";
  const { begin, handler } = await serve({ tokens, authorize, development: false, scheduler: clock.scheduler });
  const execution = await begin();
  const { token } = await handler.token(execution.split("/").at(-1) ?? "");
  const client = connect(execution, `?token=${token}`);
  await client.until(isEntry("flow:waiting"));
  client.tell({ type: "cancel", id: 1 });
  expect(await client.until(({ type }) => type === "refused")).toMatchObject({ id: 1, problem: { status: 403 } });
  clock.pass(60_000);
  expect(await client.closed).toEqual({ code: 1008, reason: "the token's time is over" });
});

test("WebSockets and what they bring in are counted like streams and requests", async () => {
  let left = 2;
  const emit = { consume: async () => (left-- > 0 ? taken : Promise.reject(taken)) };
  const taken = { msBeforeNext: 1_000, remainingPoints: 0 };
  const { begin } = await serve({ limits: { client: () => "ann", streams: 1, requests: { emit } } });
  const execution = await begin();
  const client = connect(execution);
  await client.until(isEntry("flow:waiting"));
  expect(await connect(execution).closed).toEqual({ code: 1013, reason: "too-many-streams" });
  for (const id of [1, 2, 3]) client.tell({ type: "emit", id, event: "nudge", payload: { by: "Bo" } });
  expect(await client.until(({ type }) => type === "refused")).toMatchObject({ id: 3, problem: { status: 429 } });
  client.raw.close();
  await client.closed;
  expect(await connect(execution).until(isEntry("flow:start"))).toBeDefined();
});

test("an answer on a WebSocket waits until the execution, which was brought back, asks again", async () => {
  let gate = Promise.resolve();
  const Ask = interrupt("ask", { ask: z.string(), answer: z.string() });
  const child = flow(defineFlow({ name: "child", input: z.number(), result: z.string() })).chunk(
    "ask",
    start,
    (_, ctx) => ctx.ask(Ask, "well?"),
  );
  const parent = flow(defineFlow({ name: "letter", input: z.number(), result: z.string() })).chunk(
    "go",
    start,
    async (_, ctx) => {
      await gate;
      return ctx.child(child, 1);
    },
  );
  const store = memoryStore();
  const flows = [parent, child];
  const first = await serve({ flows, store });
  const path = new URL(await first.begin()).pathname;
  const asked = await connect(first.url + path).until(isEntry("interrupt:raised"));
  await first.handler.close();
  const open = Promise.withResolvers<void>();
  gate = open.promise;
  const clock = handClock();
  const second = await serve({ flows, store, scheduler: clock.scheduler });
  const client = connect(second.url + path);
  await client.until(isEntry("interrupt:raised"));
  const isAwaited = clock.timer(10_000);
  client.tell({ type: "answer", interrupt: asked?.entry?.interrupt?.id, answer: "fine" });
  await isAwaited;
  open.resolve();
  expect(await client.until(isEntry("flow:completed"))).toMatchObject({ entry: { result: "fine" } });
});
