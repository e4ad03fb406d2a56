import { createHandler } from "@sluice/server";
import { EventSource } from "eventsource";
import { sign } from "hono/jwt";
import { describe, expect, test } from "vitest";
import { chatting, slow, user } from "./chatting.ts";
import { handClock } from "./hand-clock.ts";
import { begun, letter, question } from "./letter.ts";
import { closeLater, isWait, look, messages, send, serve } from "./served.ts";

const secret = "a secret of tests, which is long enough";
const key = { authorization: "Bearer owner" };
const json = { "content-type": "application/json" };

/** A server on which only who has the key may do anything, and one execution that waits. */
async function served(tokens: { readonly secret: string | readonly string[] } = { secret }) {
  const clock = handClock();
  const told: unknown[] = [];
  const { url, handler } = await serve({
    flows: [letter],
    tokens: { expiresInMs: 60_000, ...tokens },
    scheduler: clock.scheduler,
    onError: (error) => told.push(error),
    authorize: ({ headers }) => headers.get("authorization") === key.authorization,
  });
  const id = await begun(url, key);
  return { url, handler, clock, told, id, of: `${url}/executions/${id}` };
}

/** A token with another time and the signature that it had. */
function withEnd(token: string, exp: number): string {
  const [header, claims = "", signature] = token.split(".");
  const changed = btoa(JSON.stringify({ ...JSON.parse(atob(claims)), exp }));
  return [header, changed.replaceAll("=", ""), signature].join(".");
}

describe("a read token", () => {
  test("is given to who may share, and lets a browser's EventSource watch that execution", async () => {
    const { of } = await served();
    expect((await send(`${of}/tokens`, {})).status).toBe(403);
    const given = await send(`${of}/tokens`, {}, { headers: { ...json, ...key } });
    expect(given).toMatchObject({ status: 201, body: { token: expect.any(String), expiresAt: 60_000 } });
    expect((await look(`${of}?token=${given.body.token}`)).body).toMatchObject({ status: "waiting" });
    const source = new EventSource(`${of}/stream?token=${given.body.token}`);
    closeLater(async () => source.close());
    const asked = await new Promise<MessageEvent>((resolve) => source.addEventListener("interrupt:raised", resolve));
    expect(JSON.parse(asked.data)).toMatchObject({ interrupt: { id: question } });
  });

  test("is given by the handler to host code, which has asked for itself who may have it", async () => {
    const { handler, of, id } = await served();
    const { token } = await handler.token(id);
    expect((await look(`${of}?token=${token}`)).status).toBe(200);
  });

  test("lets nobody do anything but read and watch", async () => {
    const { handler, url, of, id } = await served();
    const { token } = await handler.token(id);
    for (const path of ["cancel", "events/nudge", `answers/${question}`, "tokens"]) {
      expect([path, (await send(`${of}/${path}?token=${token}`, {})).status]).toEqual([path, 403]);
    }
    expect((await send(`${url}/flows/letter/executions?token=${token}`, {})).status).toBe(403);
    for (const path of ["executions", "flows", "flows/letter/graph"]) {
      expect([path, (await look(`${url}/${path}?token=${token}`)).status]).toEqual([path, 403]);
    }
  });

  test("is worth nothing for another execution, whether there is one or not", async () => {
    const { handler, url, id } = await served();
    const other = await begun(url, key);
    const { token } = await handler.token(id);
    const refusals = await Promise.all([other, "nobody"].map((one) => look(`${url}/executions/${one}?token=${token}`)));
    for (const refused of refusals) {
      expect(refused).toMatchObject({ status: 403, body: { code: "token-foreign" } });
    }
    expect(refusals[0]?.body).toEqual(refusals[1]?.body);
  });

  test("is worth nothing when its time is over: also for who had begun to watch", async () => {
    const { handler, of, id, clock } = await served();
    const { token } = await handler.token(id);
    const atWait = Promise.withResolvers<void>();
    const watched = messages(`${of}/stream?token=${token}`, (message) => {
      if (isWait(message)) atWait.resolve();
      return false;
    });
    await atWait.promise;
    clock.pass(59_999);
    expect((await look(`${of}?token=${token}`)).status).toBe(200);
    clock.pass(1);
    expect((await watched).at(-1)).toMatchObject({ event: "flow:waiting" });
    expect(await look(`${of}/stream?token=${token}`)).toMatchObject({ status: 401, body: { code: "token-expired" } });
  });

  test("may be good for longer than timers can wait", async () => {
    const clock = handClock();
    const [longest, days] = [2_147_483_647, 40 * 86_400_000];
    const { url, handler } = await serve({
      flows: [letter],
      tokens: { secret, expiresInMs: days },
      scheduler: clock.scheduler,
    });
    const of = `/executions/${await begun(url)}`;
    const { token } = await handler.token(of.slice("/executions/".length));
    const isSet = clock.timer(longest);
    const isNudged = Promise.withResolvers<void>();
    const watched = messages(`${url}${of}/stream?token=${token}`, ({ event: type }) => {
      if (type === "state:changed") isNudged.resolve();
      return false;
    });
    await isSet;
    clock.pass(longest);
    await send(`${url}${of}/events/nudge`, { payload: { by: "Bo" } });
    await isNudged.promise;
    clock.pass(days - longest);
    expect((await watched).at(-1)).toMatchObject({ event: "flow:waiting" });
  });

  test("ends a chat's stream, too, and does not say that it is finished", async () => {
    const clock = handClock();
    const { url, handler } = await chatting(
      slow(new Promise(() => {})),
      {},
      { tokens: { secret }, scheduler: clock.scheduler },
    );
    const body = JSON.stringify({ id: "c", messages: [user("hi")] });
    const turn = await fetch(`${url}/chat`, { method: "POST", headers: json, body });
    const id = turn.headers.get("x-workflow-run-id") ?? "";
    const { token } = await handler.token(id);
    const stream = await fetch(`${url}/chat/${id}/stream?token=${token}`);
    const text = stream.text();
    clock.pass(3_600_000);
    expect(await text).not.toContain("[DONE]");
    await turn.body?.cancel();
  });

  test.each<[string, (token: string, id: string) => string | Promise<string>]>([
    ["nothing", () => ""],
    ["words", () => "let.me.in"],
    ["a token that was made to last", (token) => withEnd(token, 9e9)],
    ["a token whose signature was cut", (token) => token.slice(0, -2)],
    ["a token without its signature", (token) => token.slice(0, token.lastIndexOf(".") + 1)],
    ["the algorithm none", (token) => `${btoa('{"alg":"none","typ":"JWT"}')}.${token.split(".")[1]}.`],
    [
      "another secret",
      (_, id) => sign({ aud: "sluice:read", sub: id, exp: 9e9 }, "another secret that is as long as it"),
    ],
    ["another algorithm", (_, id) => sign({ aud: "sluice:read", sub: id, exp: 9e9 }, secret, "HS512")],
    ["another audience", (_, id) => sign({ aud: "sessions", sub: id, exp: 9e9 }, secret)],
    ["no audience", (_, id) => sign({ sub: id, exp: 9e9 }, secret)],
    ["no end", (_, id) => sign({ aud: "sluice:read", sub: id }, secret)],
  ])("is not replaced by %s", async (_, forged) => {
    const { handler, of, id, told } = await served();
    const { token } = await handler.token(id);
    const given = await forged(token, id);
    const refused = await fetch(`${of}?token=${encodeURIComponent(given)}`, { headers: key });
    const text = await refused.text();
    expect([refused.status, refused.headers.get("www-authenticate")]).toEqual([401, 'Bearer error="invalid_token"']);
    expect(JSON.parse(text)).toMatchObject({ code: "token-invalid" });
    expect(text).not.toContain(secret);
    expect(told).toEqual([]);
  });

  test("stays good when the secret is changed, as long as the old one is known", async () => {
    const next = "the next secret, which is long enough too";
    const { handler, of, id } = await served({ secret: [next, secret] });
    const old = await sign({ aud: "sluice:read", sub: id, exp: 60 }, secret);
    const { token } = await handler.token(id);
    expect((await look(`${of}?token=${old}`)).status).toBe(200);
    const later = await served({ secret: [next] });
    expect((await look(`${later.of}?token=${old}`)).status).toBe(401);
    expect(await look(`${later.of}?token=${token}`)).toMatchObject({ body: { code: "token-foreign" } }); // `next` has signed it
  });

  test("gets into no entry, and no page that is left is told of it", async () => {
    const { handler, of, id } = await served();
    const { token } = await handler.token(id);
    const stream = await fetch(`${of}/stream?token=${token}`);
    expect(stream.headers.get("referrer-policy")).toBe("no-referrer");
    await stream.body?.cancel();
    const all = await messages(`${of}/stream?token=${token}`, isWait);
    expect(JSON.stringify([all, (await look(`${of}?token=${token}`)).body])).not.toContain(token);
  });

  test("is neither made nor taken by a handler that was given no secret", async () => {
    const { url, handler } = await serve({ flows: [letter] });
    const id = await begun(url);
    expect((await send(`${url}/executions/${id}/tokens`, {})).status).toBe(404);
    await expect(handler.token(id)).rejects.toThrow("Give createHandler `tokens: { secret }`");
    expect((await look(`${url}/executions/${id}?token=anything`)).status).toBe(200);
  });

  test.each([
    ["a short secret", { secret: "short" }, "A secret of tokens has 5 bytes; 32 are the least"],
    ["a short secret beside a long one", { secret: [secret, "short"] }, "A secret of tokens has 5 bytes"],
    ["no secret", { secret: [] }, "Tokens have no secret"],
    ["no time", { secret, expiresInMs: 0 }, "Tokens are to be good for 0 ms"],
  ])("cannot be made with %s, which is told at once and without the secret", (_, tokens, message) => {
    const create = () => createHandler({ flows: [letter], tokens });
    expect(create).toThrow(message);
    expect(create).not.toThrow(/short \(|a secret of tests/);
  });
});
