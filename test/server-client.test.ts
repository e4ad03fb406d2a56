import {
  type ContextOf,
  type Payload,
  defineFlow,
  event,
  flow,
  instant,
  interrupt,
  memoryStore,
  start,
} from "@sluice/core";
import { flow as flowClass, on } from "@sluice/decorators";
import type { HandlerOptions } from "@sluice/server";
import { type LogOptions, RemoteError, createClient } from "@sluice/server/client";
import { sqliteStore } from "@sluice/sqlite";
import { deferred } from "@sluice/testing";
import { type SchedulerLike, asapScheduler, firstValueFrom, lastValueFrom, take, toArray } from "rxjs";
import { describe, expect, expectTypeOf, test } from "vitest";
import { z } from "zod";
import { folder, serve as served } from "./served.ts";

const Approval = interrupt("approval", { ask: z.string(), answer: z.object({ ok: z.boolean() }) });
const Nudge = event("nudge", z.object({ by: z.string() }));
const Draft = instant("draft", z.object({ title: z.string(), lines: z.array(z.string()) }));
const spec = defineFlow({
  name: "letter",
  input: z.object({ to: z.string() }),
  state: z.object({ nudges: z.number().default(0) }),
  stream: z.object({ word: z.string() }),
  result: z.string(),
  accepts: [Nudge],
});
type Ctx = ContextOf<typeof spec>;

async function* tokens() {
  yield* '{"title":"Rain","lines":["one","two"]}'.match(/.{1,5}/g) ?? [];
}

@flowClass(spec)
class Letter {
  @on(start)
  async write({ to }: { to: string }, ctx: Ctx) {
    for (const word of ["Dear", to]) ctx.putIntoStream({ word });
    await ctx.instant(Draft, tokens());
    if (to === "nobody") throw new Error("there is nobody");
    ctx.interrupt(Approval, `Dear ${to}`);
  }

  @on(Nudge)
  count(_: Payload<typeof Nudge>, ctx: Ctx) {
    ctx.state.update((state) => void (state.nudges += 1));
  }

  @on(Approval.answered)
  send({ ok }: Payload<typeof Approval.answered>, ctx: Ctx) {
    ctx.setResult(ok ? "sent" : "dropped");
  }
}
const add = flow(defineFlow({ name: "add", input: z.array(z.number()), result: z.number() })).chunk(
  "sum",
  start,
  (all, ctx) => ctx.setResult(all.reduce((sum, one) => sum + one, 0)),
);

type Client = ReturnType<typeof clientOf>;
const clientOf = (url: string) => createClient<typeof Letter | typeof add>({ url });

async function serve(options: Partial<HandlerOptions> = {}, port = 0) {
  const server = await served({ flows: [Letter, add], stream: { retryMs: 1 }, ...options }, port);
  return { ...server, client: clientOf(server.url) };
}

async function isWaiting(execution: {
  readonly events: (options: LogOptions) => AsyncIterable<{ readonly type: string }>;
}): Promise<void> {
  for await (const { type } of execution.events({ types: ["flow:waiting"] })) if (type === "flow:waiting") return;
}

async function waiting(client: Client) {
  const execution = await client.start("letter", { to: "Ann" });
  await isWaiting(execution);
  return execution;
}

describe("a client of a server", () => {
  test("starts a flow by its name and has its result", async () => {
    const { client } = await serve();
    expect(await (await client.start("add", [1, 2, 3])).result).toBe(6);
  });

  test("sees the runtime stream from its beginning to the end of the execution, late as it comes", async () => {
    const { client } = await serve();
    const execution = await waiting(client);
    const items = lastValueFrom(execution.stream$.pipe(toArray()));
    await execution.answer<typeof Approval>((await execution.get()).interrupts[0]?.id ?? "", { ok: true });
    expect(await items).toEqual([{ word: "Dear" }, { word: "Ann" }]);
    expect(await execution.result).toBe("sent");
  });

  test("sees the state and the status as they are, then their changes", async () => {
    const { client } = await serve();
    const execution = await waiting(client);
    const states = lastValueFrom(execution.state$.pipe(toArray()));
    const statuses = lastValueFrom(execution.status$.pipe(toArray()));
    await firstValueFrom(execution.status$);
    await firstValueFrom(execution.state$);
    await execution.emit("nudge", { by: "Bo" });
    await isWaiting(execution);
    await execution.answer("approval@a1", { ok: false });
    expect(await states).toEqual([{ nudges: 0 }, { nudges: 1 }]);
    expect(["waiting", "completed"]).toEqual([(await statuses)[0], (await statuses).at(-1)]);
  });

  test("sees the fields of a reply while they are written", async () => {
    const { client } = await serve();
    const execution = await waiting(client);
    const signals = lastValueFrom(execution.field$(Draft, "lines[*]").pipe(toArray()));
    await execution.answer("approval@a1", { ok: true });
    const complete = (await signals).filter(({ type }) => type === "complete");
    expect(complete.map(({ path }) => path)).toEqual(["lines[0]", "lines[1]"]);
  });

  test("finds an execution by its id, and flows and executions in lists", async () => {
    const { client } = await serve();
    const { id } = await waiting(client);
    expect(await client.execution("letter", id).get()).toMatchObject({ flow: "letter", status: "waiting" });
    expect(await client.flows()).toEqual(["letter", "add"]);
    await (
      await client.start("add", [1])
    ).result;
    expect(await client.list({ status: ["waiting"] })).toEqual([
      { executionId: id, flow: "letter", status: "waiting" },
    ]);
    expect(await client.list({ flow: "add", limit: 1 })).toMatchObject([{ flow: "add" }]);
  });

  test("cancels an execution, whose result and stream then fail with why", async () => {
    const { client } = await serve();
    const execution = await waiting(client);
    const both = Promise.allSettled([execution.result, lastValueFrom(execution.stream$)]);
    await execution.cancel("nobody waits");
    const reason = expect.objectContaining({ name: "RemoteError", code: "execution-cancelled" });
    expect(await both).toEqual([
      { status: "rejected", reason },
      { status: "rejected", reason },
    ]);
  });

  test("is told why an execution has failed, without a stack", async () => {
    const { client } = await serve();
    const execution = await client.start("letter", { to: "nobody" });
    const error = await execution.result.catch((error: unknown) => error);
    expect(error).toBeInstanceOf(RemoteError);
    expect(error).toMatchObject({ code: "chunk-failed" });
    await expect(lastValueFrom(execution.stream$)).rejects.toMatchObject({ code: "chunk-failed" });
  });

  test("is told what is wrong with what it sends, and how to mend it", async () => {
    const { client, url } = await serve();
    await expect(client.start("letter", { to: 7 } as never)).rejects.toMatchObject({
      code: "input-invalid",
      status: 422,
    });
    const execution = await waiting(client);
    await expect(execution.answer("approval@a1", { ok: "yes" })).rejects.toMatchObject({ code: "answer-invalid" });
    await expect(execution.emit("nudge", {} as never)).rejects.toMatchObject({ code: "payload-invalid" });
    const none = createClient<typeof Letter>({ url }).execution("letter", "none");
    await expect(none.result).rejects.toMatchObject({ code: "execution-unknown", status: 404 });
    await expect(lastValueFrom(none.events$)).rejects.toMatchObject({ code: "execution-unknown" });
  });

  test("sends its headers with every request, asked for anew", async () => {
    let asked = 0;
    const { url } = await serve({ authorize: (request) => request.headers.get("authorization") === "Bearer 7" });
    const headers = () => ((asked += 1), { authorization: "Bearer 7" });
    const client = createClient<typeof add>({ url, headers });
    expect(await (await client.start("add", [1])).result).toBe(1);
    expect(asked).toBeGreaterThan(1);
    await expect(createClient<typeof add>({ url }).start("add", [1])).rejects.toMatchObject({ code: "forbidden" });
  });

  test("sends the same answer twice without harm, under one id", async () => {
    const { client } = await serve();
    const execution = await waiting(client);
    for (let time = 0; time < 2; time += 1) await execution.answer("approval@a1", { ok: true }, { requestId: "r1" });
    await expect(execution.answer("approval@a1", { ok: false }, { requestId: "r2" })).rejects.toBeInstanceOf(
      RemoteError,
    );
    expect(await execution.result).toBe("sent");
  });
});

/** A clock on which no pause takes time. */
const atOnce = { now: () => 0, schedule: (work: () => void) => asapScheduler.schedule(work) } as SchedulerLike;

/** The body of an answer, which breaks behind its first message. */
function cutAfterOne({ body }: Response): ReadableStream<Uint8Array> {
  const reader = body?.getReader();
  const encoder = new TextEncoder();
  const decoder = new TextDecoder();
  let text = "";
  return new ReadableStream({
    async pull(controller) {
      while (!/data: .*\n\n/.test(text)) {
        const { value } = (await reader?.read()) ?? {};
        text += decoder.decode(value, { stream: true });
      }
      const [first = ""] = /[^]*?data: .*\n\n/.exec(text) ?? [];
      controller.enqueue(encoder.encode(first));
      text = "";
      await reader?.cancel();
      queueMicrotask(() => controller.error(new TypeError("terminated")));
    },
  });
}

describe("the connection of a client", () => {
  test("is one for all observables of an execution, and closed when nobody listens", async () => {
    const { client, url } = await serve();
    const execution = await waiting(client);
    let opened = 0;
    const closed = deferred<void>();
    const counted = createClient<typeof Letter>({
      url,
      fetch: async (input, init) => {
        if (typeof input === "string" && input.includes("/stream")) {
          opened += 1;
          init?.signal?.addEventListener("abort", () => closed.resolve());
        }
        return fetch(input, init);
      },
    }).execution("letter", execution.id);
    const all = [counted.stream$, counted.events$, counted.field$(Draft, "title")];
    const seen = await Promise.all(all.map((view$) => firstValueFrom<unknown>(view$)));
    expect(seen).toMatchObject([{ word: "Dear" }, { type: "flow:start" }, { type: "opened" }]);
    await closed.promise;
    expect(opened).toBe(1);
  });

  test("is made again when it is lost, across a restart of the server, and nothing is missed or comes twice", async () => {
    const path = `${folder()}/executions.db`;
    const first = await serve({ store: sqliteStore(path) });
    const execution = await waiting(first.client);
    const entries = lastValueFrom(execution.events$.pipe(toArray()));
    const items = lastValueFrom(execution.stream$.pipe(toArray()));
    await firstValueFrom(execution.events$);
    await first.stop();
    const second = await serve({ store: sqliteStore(path) }, Number(new URL(first.url).port));
    await second.client.execution("letter", execution.id).answer("approval@a1", { ok: true });
    const seqs = (await entries).filter(({ live }) => live === 0).map(({ seq }) => seq);
    expect(seqs).toEqual(seqs.map((_, index) => index + 1));
    expect(await items).toEqual([{ word: "Dear" }, { word: "Ann" }]);
    expect(await execution.result).toBe("sent");
  });

  test("is closed at once when its reader leaves, also one that waits for the next entry", async () => {
    const { client } = await serve();
    const execution = await waiting(client);
    const entries = execution.events({ types: ["flow:waiting"] });
    expect(await entries.next()).toMatchObject({ value: { type: "flow:waiting" } });
    const next = entries.next();
    expect(await entries.return()).toMatchObject({ done: true });
    expect(await next).toMatchObject({ done: true });
  });

  test("is given up only when it fails so often in a row, not in all", async () => {
    const { url, client } = await serve();
    const { id } = await waiting(client);
    let calls = 0;
    const shaky = createClient<typeof Letter>({
      url,
      attempts: 3,
      scheduler: atOnce,
      fetch: async (input, init) => {
        calls += 1;
        if (calls % 2 === 1) throw new TypeError("nobody there");
        const response = await fetch(input, init);
        return new Response(cutAfterOne(response), response);
      },
    });
    const entries: string[] = [];
    for await (const entry of shaky.execution("letter", id).events()) {
      entries.push(entry.type);
      if (entries.length === 6) break;
    }
    expect(new Set(entries).size).toBeGreaterThan(1);
    expect(calls).toBeGreaterThan(6);
  });

  test("comes again when the server has too much to do, or fails for a moment", async () => {
    const taken = { msBeforeNext: 1, remainingPoints: 0 };
    let refusals = 2;
    const stream = { consume: async () => (refusals-- > 0 ? Promise.reject(taken) : taken) };
    let isBroken = true;
    const { url } = await serve({ limits: { client: () => "ann", requests: { stream } } });
    const client = createClient<typeof add>({
      url,
      scheduler: atOnce,
      fetch: async (input, init) => {
        if (!isBroken || typeof input !== "string" || !input.includes("/stream")) return fetch(input, init);
        isBroken = false;
        return new Response("no", { status: 502 });
      },
    });
    const execution = await client.start("add", [1, 2]);
    expect((await lastValueFrom(execution.events$)).type).toBe("flow:completed");
    expect(refusals).toBeLessThan(0);
  });

  test("is made for nothing by who has had everything", async () => {
    const { client } = await serve();
    const execution = await client.start("add", [1]);
    const last = await lastValueFrom(execution.events$);
    const rest: unknown[] = [];
    for await (const entry of execution.events({ after: `${last.seq}` })) rest.push(entry);
    expect(rest).toEqual([]);
  });

  test("is not made anew for who subscribes after the end", async () => {
    let opened = 0;
    const { url } = await serve();
    const client = createClient<typeof add>({
      url,
      fetch: async (input, init) => {
        if (typeof input === "string" && input.includes("/stream")) opened += 1;
        return fetch(input, init);
      },
    });
    const execution = await client.start("add", [1]);
    const before = await lastValueFrom(execution.events$.pipe(toArray()));
    expect(await lastValueFrom(execution.events$.pipe(toArray()))).toEqual(before);
    expect(opened).toBe(1);
  });

  test("that fails again and again is told as an error after so many attempts", async () => {
    const { client, url, stop } = await serve();
    const { id } = await waiting(client);
    await stop();
    const patient = createClient<typeof Letter>({ url, attempts: 1 }).execution("letter", id);
    await expect(lastValueFrom(patient.events$)).rejects.toThrow("fetch failed");
  });

  test("shows what the server has dropped from memory as an error, and to a reader who pulls as a gap", async () => {
    const many = flow(defineFlow({ name: "many", input: z.number(), stream: z.number() })).chunk(
      "put",
      start,
      (n, ctx) => {
        for (let item = 0; item < n; item += 1) ctx.putIntoStream(item);
      },
    );
    const { url } = await served({ flows: [many] });
    const client = createClient<typeof many>({ url });
    const execution = await client.start("many", 20_000);
    await execution.result;
    await expect(lastValueFrom(execution.events$)).rejects.toMatchObject({ code: "stream-gap" });
    const types: string[] = [];
    for await (const { type } of execution.events({ types: ["chunk:complete"] })) types.push(type);
    expect(types).toEqual(["gap", "chunk:complete", "flow:completed"]);
  });

  test("carries only what its reader wants to see", async () => {
    const { url } = await serve({ store: memoryStore() });
    const client = clientOf(url);
    const execution = await client.start("letter", { to: "Ann" }, { items: true });
    await isWaiting(execution);
    await execution.answer("approval@a1", { ok: true });
    const types = (await lastValueFrom(execution.events$.pipe(toArray()))).map(({ type }) => type);
    expect(types).toEqual(["stream:item", "stream:item", "flow:completed"]);
  });
});

describe("the types of a client", () => {
  test("are those of the flow's class", () => {
    const check = async (client: Client): Promise<void> => {
      const execution = await client.start("letter", { to: "Ann" });
      expectTypeOf(execution.result).resolves.toEqualTypeOf<string>();
      expectTypeOf(await firstValueFrom(execution.stream$.pipe(take(1)))).toEqualTypeOf<{ word: string }>();
      expectTypeOf((await execution.get()).state).toEqualTypeOf<{ nudges: number }>();
      const sum = await client.start("add", [1]);
      expectTypeOf(sum.result).resolves.toEqualTypeOf<number>();
      // @ts-expect-error a flow that is not served
      await client.start("sum", [1]);
      // @ts-expect-error another flow's input
      await client.start("letter", [1]);
      // @ts-expect-error an event that is not accepted
      await execution.emit("tick", {});
      // @ts-expect-error another payload
      await execution.emit("nudge", { by: 7 });
      // @ts-expect-error another answer
      await execution.answer<typeof Approval>("approval@a1", { ok: "yes" });
    };
    expect(check).toBeTypeOf("function");
  });
});
