// What may be seen of an execution, by whom; and what becomes of answers that come twice, late, or from elsewhere.
import { after, defineFlow, failed, flow, memoryStore, start } from "@sluice/core";
import type { Authorize, HandlerOptions } from "@sluice/server";
import { describe, expect, test } from "vitest";
import { z } from "zod";
import { begun, letter, question } from "./letter.ts";
import { isEnd, look, messages, send, serve } from "./served.ts";

const json = { "content-type": "application/json" };
const ok = { answer: { ok: true } };

describe("an execution of somebody else", () => {
  /** Whoever has started an execution may do everything with it, and nobody else anything. */
  function owners(): { readonly authorize: Authorize; readonly own: (id: string, key: string) => void } {
    const ownerOf = new Map<string, string>();
    const authorize: Authorize = ({ headers }, action, { executionId }) => {
      const key = headers.get("authorization");
      if (executionId === undefined) return key !== null && action !== "list";
      return ownerOf.get(executionId) === key;
    };
    return { authorize, own: (id, key) => void ownerOf.set(id, key) };
  }

  test("cannot be told from one that there is not: same status, same words, same headers", async () => {
    const { authorize, own } = owners();
    const store = memoryStore();
    const { url } = await serve({ flows: [letter], store, authorize });
    const annes = { ...json, authorization: "ann" };
    const started = await send(`${url}/flows/letter/executions`, { input: { to: "Bo" } }, { headers: annes });
    const id = started.body.executionId as string;
    own(id, "ann");
    expect((await fetch(`${url}/executions/${id}`, { headers: annes })).status).toBe(200);
    const told = async (one: string) => {
      const init = { headers: { ...json, authorization: "eve" } };
      const answers = await Promise.all([
        ...["", "/stream"].map((path) => fetch(`${url}/executions/${one}${path}`, init)),
        ...["cancel", "events/nudge", `answers/${question}`].map((path) =>
          fetch(`${url}/executions/${one}/${path}`, { ...init, method: "POST", body: "{}" }),
        ),
      ]);
      return Promise.all(
        answers.map(async (answer) => {
          const { date: _, ...headers } = Object.fromEntries(answer.headers);
          return { status: answer.status, headers, body: await answer.text() };
        }),
      );
    };
    const none = await told(crypto.randomUUID());
    expect(none.map(({ status }) => status)).toEqual([403, 403, 403, 403, 403]);
    expect(await told(id)).toEqual(none);
  });

  test("is not taken over from the process that has it by who may not see it", async () => {
    const store = memoryStore();
    const first = await serve({ flows: [letter], store });
    const id = await begun(first.url);
    const { epoch } = (await store.find(id)) ?? {};
    const second = await serve({ flows: [letter], store, development: false });
    expect((await look(`${second.url}/executions/${id}`)).status).toBe(403);
    expect(await store.find(id)).toMatchObject({ epoch });
    expect((await send(`${first.url}/executions/${id}/answers/${question}`, ok)).status).toBe(204);
  });

  test("is not found by guessing: ids are random, and none follows from another", async () => {
    const { url } = await serve({ flows: [letter] });
    const starts = Array.from({ length: 50 }, () => send(`${url}/flows/letter/executions`, { input: { to: "Ann" } }));
    const ids = (await Promise.all(starts)).map(({ body }) => body.executionId as string);
    expect(new Set(ids.map((id) => id.slice(0, 8))).size).toBe(50);
    for (const id of ids) expect(id).toMatch(/^[\da-f]{8}-[\da-f]{4}-4[\da-f]{3}-[89ab][\da-f]{3}-[\da-f]{12}$/);
  });

  test("is not on the list that goes on after an execution of another flow", async () => {
    const other = flow(defineFlow({ name: "other", input: z.unknown() })).chunk("do", start, () => 1);
    const { url } = await serve({ flows: [letter, other] });
    const id = await begun(url);
    expect((await look(`${url}/executions?flow=other&after=${id}`)).body.code).toBe("after-unknown");
    expect((await look(`${url}/executions?flow=letter&after=${id}`)).body).toEqual({ executions: [] });
  });
});

describe("an answer", () => {
  test("that comes again with its request's id is harmless: while the execution runs, when it has ended, when it was loaded", async () => {
    const store = memoryStore();
    const { url, stop } = await serve({ flows: [letter], store });
    const of = `/executions/${await begun(url)}`;
    const answer = { ...ok, requestId: "r1" };
    expect((await send(`${url}${of}/answers/${question}`, answer)).status).toBe(204);
    await messages(`${url}${of}/stream`, isEnd);
    expect((await send(`${url}${of}/answers/${question}`, answer)).status).toBe(204);
    const all = await messages(`${url}${of}/stream`, isEnd);
    expect(all.filter(({ event: type }) => type === "interrupt:answered")).toHaveLength(1);
    await stop();
    const later = await serve({ flows: [letter], store });
    expect((await send(`${later.url}${of}/answers/${question}`, answer)).status).toBe(204);
  });

  test("that comes after the end, or differs, or has another request's id, changes nothing", async () => {
    const { url } = await serve({ flows: [letter] });
    const of = `${url}/executions/${await begun(url)}`;
    await send(`${of}/answers/${question}`, { ...ok, requestId: "r1" });
    await messages(`${of}/stream`, isEnd);
    for (const late of [ok, { ...ok, requestId: "r2" }, { answer: { ok: false }, requestId: "r1" }]) {
      expect(await send(`${of}/answers/${question}`, late)).toMatchObject({
        status: 409,
        body: { code: "interrupt-closed" },
      });
    }
    expect((await look(of)).body).toMatchObject({ result: "sent" });
  });

  test("of two that differ and come at once one is taken, and the other told so", async () => {
    const { url } = await serve({ flows: [letter] });
    const of = `${url}/executions/${await begun(url)}`;
    const answers = [true, false].map((is) =>
      send(`${of}/answers/${question}`, { answer: { ok: is }, requestId: `${is}` }),
    );
    const statuses = (await Promise.all(answers)).map(({ status }) => status);
    expect(new Set(statuses)).toEqual(new Set([204, 409]));
    await messages(`${of}/stream`, isEnd);
    expect((await look(of)).body).toMatchObject({ result: statuses[0] === 204 ? "sent" : "dropped" });
  });

  test("to a question of another execution is one to nothing", async () => {
    const quiet = flow(defineFlow({ name: "quiet", input: z.unknown(), accepts: [], keepOpen: true })).chunk(
      "do",
      start,
      () => {},
    );
    const { url } = await serve({ flows: [letter, quiet] });
    await begun(url);
    const { body } = await send(`${url}/flows/quiet/executions`, { input: 1 });
    const sent = await send(`${url}/executions/${body.executionId}/answers/${question}`, ok);
    expect(sent).toMatchObject({ status: 404, body: { code: "interrupt-unknown" } });
  });
});

describe("what fails", () => {
  const secret = "connection to postgres://admin:hunter2@db failed";
  const failing = flow(defineFlow({ name: "failing", input: z.unknown(), stream: z.string() }))
    .chunk("book", start, () => "booked", { compensate: () => Promise.reject(new Error(secret)) })
    .chunk("pay", after("book"), () => {
      throw new TypeError(secret, { cause: new Error(secret) });
    })
    .chunk("hear", failed("pay"), (failure) => {
      throw new Error(`${failure.chunk} ${secret}`);
    });

  async function shown(options: Partial<HandlerOptions>) {
    const { url } = await serve({ flows: [failing], development: false, authorize: () => true, ...options });
    const { body } = await send(`${url}/flows/failing/executions`, { input: 1 });
    const of = `${url}/executions/${body.executionId}`;
    const stream = await (await fetch(`${of}/stream`)).text();
    return { stream, state: (await look(of)).body };
  }

  test.each([
    ["without a store", undefined],
    ["with a store", memoryStore()],
  ])("is told by its code and place, and not in words that may hold a secret: %s", async (_, store) => {
    const { stream, state } = await shown(store === undefined ? {} : { store });
    expect(stream + JSON.stringify(state)).not.toMatch(/hunter2|TypeError|\.ts:\d/);
    expect(state).toMatchObject({
      status: "failed",
      error: { code: "chunk-failed", message: "A chunk failed (in failing.hear)" },
    });
    for (const type of ["chunk:start", "chunk:failed", "chunk:compensated", "flow:rollback", "flow:failed"]) {
      expect(stream).toContain(`event: ${type}`);
    }
    expect(stream).toContain('"message":"A chunk failed (in failing.pay)"');
  });

  test("is told in full, but without its stack, where that is wanted", async () => {
    const { stream, state } = await shown({ showErrors: true });
    expect(state.error.message).toContain("hunter2");
    expect(stream).toContain("hunter2");
    expect(stream + JSON.stringify(state)).not.toMatch(/\.ts:\d|"stack"/);
  });

  test("in Sluice's own words is told as it is, with how to mend it", async () => {
    const wrong = flow(defineFlow({ name: "wrong", input: z.unknown(), result: z.number() })).chunk(
      "do",
      start,
      (_, ctx) => {
        ctx.setResult("one" as never);
      },
    );
    const { url } = await serve({ flows: [wrong], development: false, authorize: () => true });
    const { body } = await send(`${url}/flows/wrong/executions`, { input: 1 });
    const all = await messages(`${url}/executions/${body.executionId}/stream`, isEnd);
    expect(all.at(-1)?.data["error"]).toMatchObject({ message: expect.stringContaining("expected number") });
  });

  test("in a check of a schema is told without its words, to who sends and to who reads", async () => {
    const input = z.number().refine(() => {
      throw new Error(secret);
    });
    const checked = flow(defineFlow({ name: "checked", input })).chunk("do", start, () => 1);
    const { url } = await serve({ flows: [checked], development: false, authorize: () => true });
    const refused = await send(`${url}/flows/checked/executions`, { input: 1 });
    expect(refused).toMatchObject({ status: 422, body: { code: "input-invalid" } });
    expect(JSON.stringify(refused.body)).not.toContain(secret);
  });

  test("in the store is told to the operator only", async () => {
    const told: unknown[] = [];
    const down = { ...memoryStore(), append: () => Promise.reject(new Error(secret)) };
    const { url } = await serve({ flows: [failing], store: down, onError: (error) => told.push(error) });
    const sent = await send(`${url}/flows/failing/executions`, { input: 1 });
    expect(sent).toMatchObject({ status: 500, body: { code: "server-failed", title: "The server has failed" } });
    expect(JSON.stringify(sent.body)).not.toContain("hunter2");
    expect(String(told[0])).toContain("hunter2");
  });

  test("when access is asked for lets nobody in, and tells nobody why", async () => {
    const { url } = await serve({
      flows: [letter],
      authorize: () => {
        throw new Error(secret);
      },
    });
    const refused = await look(`${url}/executions`);
    expect(refused.status).toBe(403);
    expect(JSON.stringify(refused.body)).not.toContain("hunter2");
  });
});
