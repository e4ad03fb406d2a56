// A server that closes while there is work.
import { type Store, defineFlow, event, flow, interrupt, memoryStore, start } from "@sluice/core";
import { createHandler } from "@sluice/server";
import { deferred } from "@sluice/testing";
import { describe, expect, test } from "vitest";
import { z } from "zod";
import { handClock } from "./hand-clock.ts";
import { begun, letter, question } from "./letter.ts";
import { connected } from "./raw-request.ts";
import { isEnd, isWait, look, messages, send, serve } from "./served.ts";

const starts = "/flows/letter/executions";
const ok = { answer: { ok: true } };

/** A store that can be held up, and then goes on or fails. */
function heldStore() {
  const store = memoryStore();
  let held: { readonly isCalled: () => void; readonly until: Promise<void> } | undefined;
  const passing = async (): Promise<void> => {
    const hold = held;
    held = undefined;
    hold?.isCalled();
    await hold?.until;
  };
  /** The next call waits; `called` settles when it has come. */
  const hold = () => {
    const called = Promise.withResolvers<void>();
    const gate = Promise.withResolvers<void>();
    held = { isCalled: called.resolve, until: gate.promise };
    return { called: called.promise, go: gate.resolve, fail: gate.reject };
  };
  const append: Store["append"] = async (all) => passing().then(() => store.append(all));
  const claim: Store["claim"] = async (id) => passing().then(() => store.claim(id));
  return { store, held: { ...store, append, claim }, hold };
}

/** Reads a stream up to its first message. */
async function waits({ body }: Response): Promise<void> {
  let text = "";
  for await (const part of (body ?? new ReadableStream()).pipeThrough(new TextDecoderStream())) {
    text += part;
    if (text.includes("data: ")) return;
  }
}

describe("a server that closes", () => {
  test("lets nothing begin, and says when to come again", async () => {
    const { url, handler } = await serve({ flows: [letter], store: memoryStore() });
    const of = `${url}/executions/${await begun(url)}`;
    await handler.close();
    const refused = [
      await send(`${url}${starts}`, { input: { to: "Bo" } }),
      await look(of),
      await send(`${of}/cancel`, {}),
    ];
    for (const one of refused) {
      expect(one).toMatchObject({ status: 503, body: { code: "server-closing" } });
      expect(one.headers.get("retry-after")).toBe("1");
    }
    await expect(handler.recover()).rejects.toThrow("The server is about to close");
  });

  test("ends streams with when to come again, and behind which entry: also those that were not for that client", async () => {
    const { url, handler } = await serve({ flows: [letter], store: memoryStore(), stream: { retryMs: 7 } });
    const of = `${url}/executions/${await begun(url)}`;
    const { position } = (await look(of)).body;
    const streams = await Promise.all(
      ["", "?items", "?snapshot", `?after=${position}`].map((of_) => fetch(`${of}/stream${of_}`)),
    );
    const texts = streams.map((one) => one.text());
    await handler.close();
    for (const text of await Promise.all(texts))
      expect(text).toMatch(new RegExp(`\\nretry: 7\\nid: ${position}\\n\\n$`));
  });

  test("lets requests that are under way finish: one that waits for the store, and one that still sends", async () => {
    const { store, held, hold } = heldStore();
    const isThere = Promise.withResolvers<void>();
    const { url, handler } = await serve({
      flows: [letter],
      store: held,
      authorize: (_, action) => {
        if (action === "answer") isThere.resolve();
        return true;
      },
    });
    const id = await begun(url);
    const { socket, answer } = connected(url);
    const body = JSON.stringify(ok);
    const head = [`POST /executions/${id}/answers/${question} HTTP/1.1`, "host: x", "content-type: application/json"];
    socket.write([...head, "connection: close", `content-length: ${body.length}`, "", body.slice(0, 3)].join("\r\n"));
    await isThere.promise;
    const { called, go } = hold();
    const starting = send(`${url}${starts}`, { input: { to: "Bo" } });
    await called;
    const closed = handler.close();
    go();
    socket.write(body.slice(3));
    expect((await answer).status).toBe(204);
    const started = await starting;
    expect(started.status).toBe(201);
    await closed;
    expect((await store.list()).map(({ executionId }) => executionId)).toEqual([id, started.body.executionId]);
    const next = await serve({ flows: [letter], store });
    await messages(`${next.url}/executions/${id}/stream`, isEnd);
    expect((await look(`${next.url}/executions/${id}`)).body).toMatchObject({ result: "sent" });
  });

  test("waits for them for a while, and not for ever", async () => {
    const clock = handClock();
    const { url, handler } = await serve({ flows: [letter], scheduler: clock.scheduler, body: { timeoutMs: 60_000 } });
    const isAwaited = clock.timer(60_000);
    const { socket } = connected(url);
    socket.write(`POST ${starts} HTTP/1.1\r\nhost: x\r\ncontent-type: application/json\r\ncontent-length: 99\r\n\r\n{`);
    await isAwaited;
    const isWaiting = clock.timer(3_000);
    const closed = handler.close({ graceMs: 3_000 });
    await isWaiting;
    clock.pass(3_000);
    await closed;
    expect((await fetch(`${url}/executions/x`)).status).toBe(404);
    socket.destroy();
  });

  /** A flow whose chunk runs until the gate is open, or it is ended; and the signals of its attempts. */
  function lasting() {
    const gate = deferred<string>();
    const signals: AbortSignal[] = [];
    const lasts = flow(defineFlow({ name: "lasts", input: z.string(), result: z.string() })).chunk(
      "do",
      start,
      (_, ctx) => {
        signals.push(ctx.abortSignal);
        return gate.promise;
      },
    );
    return { flows: [lasts], gate, signals, ended: () => signals.map(({ aborted }) => aborted) };
  }

  test("puts away what runs, so that another goes on with it, and ends what is not stored", async () => {
    const { flows, gate, ended } = lasting();
    const store = memoryStore();
    const first = await serve({ flows, store });
    const { body } = await send(`${first.url}/flows/lasts/executions`, { input: "x" });
    await first.handler.close();
    expect(ended()).toEqual([true]);
    const second = await serve({ flows, store });
    expect((await second.handler.recover()).executions).toHaveLength(1);
    gate.resolve("done");
    await messages(`${second.url}/executions/${body.executionId}/stream`, isEnd);
    expect((await look(`${second.url}/executions/${body.executionId}`)).body).toMatchObject({ result: "done" });
    const unstored = lasting();
    const third = await serve({ flows: unstored.flows });
    await send(`${third.url}/flows/lasts/executions`, { input: "x" });
    await third.handler.close();
    expect(unstored.signals.map(({ reason }) => reason.code)).toEqual(["chunk-aborted"]);
  });

  test("puts the others away when one cannot be, and tells which went wrong and why", async () => {
    const { store, held, hold } = heldStore();
    const handler = createHandler({ flows: [letter], store: held, development: true, onError: () => {} });
    const post = (path: string, body: unknown) => {
      const headers = { "content-type": "application/json" };
      return handler(new Request(`http://x${path}`, { method: "POST", headers, body: JSON.stringify(body) }));
    };
    const started = await Promise.all([1, 2].map(async () => (await post(starts, { input: { to: "Bo" } })).json()));
    const [one = "", other = ""] = started.map(({ executionId }): string => executionId);
    for (const id of [one, other]) {
      await handler(new Request(`http://x/executions/${id}/stream?types=flow:waiting`)).then(waits);
    }
    const { called, fail } = hold();
    const nudge = post(`/executions/${one}/events/nudge`, { payload: { by: "Bo" } });
    await called;
    const closed = handler.close({ graceMs: 0 });
    fail(new Error("the disk is full"));
    const error: unknown = await closed.catch((thrown: unknown) => thrown);
    expect(error).toBeInstanceOf(AggregateError);
    expect(error).toMatchObject({
      message: "1 of 2 executions could not be put away",
      errors: [{ code: "store-failed", message: expect.stringContaining("the disk is full") }],
    });
    expect((await nudge).status).toBe(500);
    const next = await serve({ flows: [letter], store });
    expect((await send(`${next.url}/executions/${other}/answers/${question}`, ok)).status).toBe(204);
    expect((await look(`${next.url}/executions/${one}`)).body).toMatchObject({
      status: "waiting",
      state: { nudges: 0 },
    });
  });

  test("puts away what was being loaded when it closed", async () => {
    const { flows, ended } = lasting();
    const { store, held, hold } = heldStore();
    const first = await serve({ flows, store });
    const { body } = await send(`${first.url}/flows/lasts/executions`, { input: "x" });
    await first.stop();
    const second = await serve({ flows, store: held });
    const { called, go } = hold();
    const reading = look(`${second.url}/executions/${body.executionId}`);
    await called;
    const closed = second.handler.close({ graceMs: 0 });
    go();
    await closed;
    expect((await reading).status).toBe(200);
    expect(ended()).not.toContain(false);
  });

  test("may be closed again, which does nothing more", async () => {
    const { handler } = await serve({ flows: [letter], store: memoryStore() });
    expect(handler.close()).toBe(handler.close());
    await handler.close();
    await expect(handler.close()).resolves.toBeUndefined();
  });
});

describe("an execution that a server brings back", () => {
  const Ask = interrupt("ask", { ask: z.string(), answer: z.string() });
  const Tick = event("tick", z.number());

  /** A parent whose child asks; when it is brought back, it asks for its child again as soon as the gate is open. */
  function family() {
    let gate = Promise.resolve();
    const child = flow(defineFlow({ name: "child", input: z.string(), result: z.string() })).chunk(
      "ask",
      start,
      (_, ctx) => ctx.ask(Ask, "well?"),
    );
    const spec = defineFlow({ name: "parent", input: z.string(), result: z.string(), accepts: [Tick] });
    const parent = flow(spec)
      .chunk("go", start, async (input, ctx) => {
        await gate;
        return ctx.child(child, input);
      })
      .chunk("tick", Tick, () => {});
    const shut = () => {
      const { promise, resolve } = Promise.withResolvers<void>();
      gate = promise;
      return resolve;
    };
    return { flows: [parent, child], shut };
  }

  async function broughtBack(recover: boolean) {
    const { flows, shut } = family();
    const store = memoryStore();
    const first = await serve({ flows, store });
    const { body } = await send(`${first.url}/flows/parent/executions`, { input: "x" });
    const id = body.executionId as string;
    await messages(`${first.url}/executions/${id}/stream`, isWait);
    const [asked] = (await look(`${first.url}/executions/${id}`)).body.interrupts as readonly { readonly id: string }[];
    await first.stop();
    const open = shut();
    const clock = handClock();
    const second = await serve({ flows, store, scheduler: clock.scheduler });
    if (recover) await second.handler.recover();
    const of = `${second.url}/executions/${id}`;
    return { of, open, clock, answers: `${of}/answers/${encodeURIComponent(asked?.id ?? "")}` };
  }

  test("is shown at once, and takes events, before it has come to where it waited", async () => {
    const { of, open } = await broughtBack(false);
    expect((await look(of)).status).toBe(200);
    expect((await send(`${of}/events/tick`, { payload: 1 })).status).toBe(202);
    open();
  });

  test.each([
    ["when it is asked for", false],
    ["when the server starts", true],
  ])("has an answer wait until its child has asked again: brought back %s", async (_, recover) => {
    const { of, open, clock, answers } = await broughtBack(recover);
    const isAwaited = clock.timer(10_000);
    const answered = send(answers, { answer: "fine" });
    await isAwaited;
    await clock.timer(10_000);
    open();
    expect((await answered).status).toBe(204);
    await messages(`${of}/stream`, isEnd);
    expect((await look(of)).body).toMatchObject({ result: "fine" });
  });

  test("has an answer come again later when that takes long", async () => {
    const { open, clock, answers } = await broughtBack(false);
    const isAwaited = clock.timer(10_000);
    const answered = send(answers, { answer: "fine" });
    await isAwaited;
    await clock.timer(10_000); // its body's, then the question's
    clock.pass(10_000);
    const { status, headers, body } = await answered;
    expect([status, body.code, headers.get("retry-after")]).toEqual([503, "execution-returning", "1"]);
    open();
  });
});

test("a request that comes while executions are brought back takes none of them a second time", async () => {
  const store = memoryStore();
  const first = await serve({ flows: [letter], store });
  const id = await begun(first.url);
  await first.stop();
  const claims: string[] = [];
  const [asked, answer] = [deferred<void>(), deferred<void>()];
  const claim: Store["claim"] = async (one) => {
    claims.push(one);
    return store.claim(one);
  };
  let isHeld = true;
  const find: Store["find"] = async (one) => {
    const holds = isHeld && claims.length > 0;
    if (holds) {
      isHeld = false;
      asked.resolve();
      await answer.promise;
    }
    return store.find(one);
  };
  const { url, handler } = await serve({ flows: [letter], store: { ...store, claim, find } });
  const recovered = handler.recover();
  await asked.promise; // it runs here, and is not known yet
  const early = look(`${url}/executions/${id}`);
  const other = await look(`${url}/flows`); // the one before has come, too
  answer.resolve();
  await recovered;
  expect([(await early).status, other.status]).toEqual([200, 200]);
  expect(claims).toEqual([id]);
});
