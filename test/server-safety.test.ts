// What strangers may send. docs/security.md has the table of what was tried.
import { readFileSync } from "node:fs";
import { defineFlow, event, flow, interrupt, memoryStore, start } from "@sluice/core";
import { createHandler } from "@sluice/server";
import { sqliteStore } from "@sluice/sqlite";
import { describe, expect, test } from "vitest";
import { z } from "zod";
import { handClock } from "./hand-clock.ts";
import { begun, letter, question } from "./letter.ts";
import { connected, raw, rawGet, rawPost } from "./raw-request.ts";
import { isEnd, isWait, look, messages, send, serve as served } from "./served.ts";

const starts = "/flows/letter/executions";
const ann = '{"input":{"to":"Ann"}}';

/** A server that would tell of each error that is its own. */
async function serve(options: Parameters<typeof createHandler>[0] = { flows: [letter] }) {
  const told: unknown[] = [];
  const server = await served({ ...options, onError: (error) => told.push(error) });
  return { ...server, told };
}

describe("paths", () => {
  const paths: readonly (readonly [what: string, path: string, status: number, code: string])[] = [
    ["two dots, encoded", "/flows/%2e%2e%2f%2e%2e%2fetc%2fpasswd/graph", 404, "flow-unknown"],
    ["two dots that leave the routes", "/flows/../../etc/passwd", 404, "route-unknown"],
    ["an encoded slash", "/flows/letter%2fgraph", 404, "route-unknown"],
    ["double slashes", "//flows", 404, "route-unknown"],
    ["an empty part", "/flows//graph", 404, "route-unknown"],
    ["a backslash", "/executions/..%5c..%5cflows", 404, "execution-unknown"],
    ["a null byte", "/executions/%00", 404, "execution-unknown"],
    ["a null byte behind a name", "/flows/letter%00/graph", 404, "flow-unknown"],
    ["bytes that are no UTF-8", "/executions/%ff%fe", 404, "execution-unknown"],
    ["a broken escape", "/executions/%zz", 404, "execution-unknown"],
    ["letters of other scripts", "/executions/%F0%9F%92%A9%E2%80%AE", 404, "execution-unknown"],
    ["the prototype as an execution", "/executions/__proto__", 404, "execution-unknown"],
    ["the constructor as an execution", "/executions/constructor/stream", 404, "execution-unknown"],
    ["the prototype as a flow", "/flows/__proto__/graph", 404, "flow-unknown"],
    ["the constructor as a flow", "/flows/constructor/graph", 404, "flow-unknown"],
    ["a parameter in the path", "/executions/a;b=c", 404, "execution-unknown"],
    ["a long path", `/executions/${"x".repeat(10_000)}`, 404, "execution-unknown"],
    ["an address that is too long for the server", `/executions/${"x".repeat(20_000)}`, 431, ""],
    ["an unknown status", "/executions?status=__proto__", 400, "status-invalid"],
    ["a place in the list that is none", "/executions?after=nobody", 400, "after-unknown"],
    ["a limit that is none", "/executions?limit=1e9", 400, "limit-invalid"],
  ];
  test.each(paths)("%s, with a store and without", async (_, path, status, code) => {
    for (const store of [undefined, memoryStore(), sqliteStore(":memory:")]) {
      const { url, told } = await serve({ flows: [letter], ...(store && { store }) });
      const answer = await rawGet(url, path);
      expect(answer).toMatchObject({ status, body: expect.stringContaining(code) });
      expect(told).toEqual([]);
    }
  });

  test("a path that climbs comes to the action that it names in the end, and is asked about as that", async () => {
    const asked: unknown[] = [];
    const { url } = await serve({ flows: [letter], authorize: (_, ...of) => asked.push(of) > 5 });
    expect((await rawGet(url, "/flows/../executions")).status).toBe(403);
    expect((await rawGet(url, "/flows/%2e%2e/executions")).status).toBe(403);
    expect(asked).toEqual([
      ["list", {}],
      ["list", {}],
    ]);
  });

  test("names of prototypes as events and as questions", async () => {
    const { url, told } = await serve();
    const of = `${url}/executions/${await begun(url)}`;
    for (const name of ["__proto__", "constructor", "toString", "%00", "nudge%00"]) {
      expect([name, (await send(`${of}/events/${name}`, { payload: {} })).body.code]).toEqual([
        name,
        "event-not-accepted",
      ]);
      expect([name, (await send(`${of}/answers/${name}`, { answer: {} })).body.code]).toEqual([
        name,
        "interrupt-unknown",
      ]);
      expect((await rawGet(url, `/executions/x/stream?types=${name}`)).status).toBe(404);
    }
    expect(told).toEqual([]);
  });
});

describe("bodies", () => {
  test.each([
    ["one that says how large it is", [`content-length: 50000000`], "{"],
    ["one that comes in pieces", ["transfer-encoding: chunked"], `200000\r\n${" ".repeat(0x200000)}\r\n`],
  ])("a huge body is not read to its end: %s", async (_, headers, body) => {
    const { url } = await serve();
    const head = [`POST ${starts} HTTP/1.1`, "host: x", "connection: close", "content-type: application/json"];
    const { socket, answer } = connected(url);
    socket.write([...head, ...headers, "", ""].join("\r\n"));
    const lump = " ".repeat(100_000);
    socket.write(body);
    for (let sent = 0; sent < 20; sent += 1) socket.write(body === "{" ? lump : "");
    expect(await answer).toMatchObject({ status: 413, body: expect.stringContaining("body-too-large") });
  });

  const nested = `{"input":${"[".repeat(65)}${"]".repeat(65)}}`;
  test.each<[string, string | Uint8Array, string]>([
    ["deeper than 64 levels", nested, "body-too-deep"],
    ["deep, and not closed", "[".repeat(500_000), "body-too-deep"],
    ["that is no JSON", "{", "body-invalid"],
    ["that is empty", "", "body-invalid"],
    ["that is no object", "[]", "body-invalid"],
    ["that is no UTF-8", Buffer.from('{"input":{"to":"\xff"}}', "latin1"), "body-invalid"],
    ["that is UTF-16", Buffer.from(ann, "utf16le"), "body-invalid"],
    ["that is compressed", Uint8Array.of(0x1f, 0x8b, 8, 0), "body-invalid"],
  ])("a body %s", async (_, body, code) => {
    const { url, told } = await serve();
    expect(await rawPost(url, starts, body)).toMatchObject({ status: 400, body: expect.stringContaining(code) });
    expect(told).toEqual([]);
  });

  test("a body begins with a byte order mark, or has a key twice: what JSON.parse makes of it", async () => {
    const { url } = await serve();
    expect((await rawPost(url, starts, `\uFEFF${ann}`)).status).toBe(201);
    const { body } = await rawPost(url, starts, '{"input":{"to":1},"input":{"to":"Bo","to":"Cy"}}');
    const all = await messages(`${url}/executions/${JSON.parse(body).executionId}/stream`, isWait);
    expect(all[0]?.data["input"]).toEqual({ to: "Cy" });
  });

  test.each([
    "text/plain",
    "application/x-www-form-urlencoded",
    "multipart/form-data; boundary=x",
    "application/jsonp",
    "",
  ])("a body that another page's form could send: %s", async (type) => {
    const { url } = await serve();
    const id = await begun(url);
    for (const path of [starts, `/executions/${id}/cancel`, `/executions/${id}/events/nudge`]) {
      const head = [`POST ${path} HTTP/1.1`, "host: x", "connection: close", `content-type: ${type}`];
      const sent = await raw(url, `${[...head, `content-length: ${ann.length}`, "", ""].join("\r\n")}${ann}`);
      expect([path, sent.status]).toEqual([path, 415]);
    }
    expect((await look(`${url}/executions`)).body.executions).toEqual([
      { executionId: id, flow: "letter", status: "waiting" },
    ]);
  });

  test("__proto__ in a body is a key like any other, and changes nobody's prototype", async () => {
    const open = flow(defineFlow({ name: "open", input: z.record(z.string(), z.unknown()) })).chunk(
      "keep",
      start,
      (input) => input,
    );
    const { url } = await serve({ flows: [open] });
    const { status, body } = await rawPost(
      url,
      "/flows/open/executions",
      '{"input":{"__proto__":{"isAdmin":true},"a":1}}',
    );
    expect(status).toBe(201);
    await messages(`${url}/executions/${JSON.parse(body).executionId}/stream`, isEnd);
    expect(Reflect.get({}, "isAdmin")).toBeUndefined();
    expect((await rawPost(url, "/flows/open/executions", '{"__proto__":{"input":{}}}')).status).toBe(422);
  });

  test("a body that trickles in is given up after its time", async () => {
    const clock = handClock();
    const isAwaited = clock.timer(10_000);
    const { url } = await serve({ flows: [letter], scheduler: clock.scheduler });
    const { socket, answer } = connected(url);
    const head = [`POST ${starts} HTTP/1.1`, "host: x", "connection: close", "content-type: application/json"];
    socket.write([...head, `content-length: ${ann.length}`, "", ann.slice(0, 5)].join("\r\n"));
    await isAwaited;
    clock.pass(9_999);
    socket.write(ann.slice(5, 8));
    clock.pass(1);
    expect(await answer).toMatchObject({ status: 408, body: expect.stringContaining("body-too-slow") });
  });

  test("a client that goes away in the middle of its body is no error of the server's", async () => {
    const { handler, told } = await serve();
    const body = new ReadableStream({
      pull(controller) {
        controller.error(new Error("the socket was closed"));
      },
    });
    const init = { method: "POST", headers: { "content-type": "application/json" }, body, duplex: "half" } as const;
    expect((await handler(new Request(`http://x${starts}`, init))).status).toBe(400);
    expect(told).toEqual([]);
  });
});

describe("what is put into lines", () => {
  const evil = "a\r\nid: 99\r\nevent: evil\r\ndata: {}\r\n\r\n\u2028\u2029\u0000b";

  test("line breaks in items, names, events, questions and reasons do not get out of their message", async () => {
    const Evil = event(evil, z.unknown());
    const Ask = interrupt(evil, { ask: z.unknown(), answer: z.unknown() });
    const spec = defineFlow({ name: "names", input: z.unknown(), stream: z.unknown(), accepts: [Evil] });
    const names = flow(spec)
      .chunk("write", start, (input, ctx) => {
        ctx.putIntoStream(input);
        ctx.interrupt(Ask, input);
      })
      .chunk("hear", Evil, () => {})
      .chunk("answered", Ask.answered, () => {});
    const { url } = await serve({ flows: [names] });
    const { body, headers } = await send(`${url}/flows/names/executions`, { input: evil });
    const id = body.executionId as string;
    expect(headers.get("location")).toBe(`/executions/${id}`);
    await messages(`${url}/executions/${id}/stream`, isWait);
    await send(`${url}/executions/${id}/events/${encodeURIComponent(evil)}`, { payload: evil });
    await send(`${url}/executions/${id}/cancel`, { reason: evil });
    const text = await (await fetch(`${url}/executions/${id}/stream`)).text();
    const lines = text.split(/\r\n|\r|\n/);
    expect(lines).toContain("event: flow:cancelled");
    expect(lines.filter((line) => /^event: evil|^id: 99/.test(line))).toEqual([]);
    expect(lines.every((line) => /^(?:id: \d+|event: [a-z:]+|data: \{.*\}|retry: \d+|)$/s.test(line))).toBe(true);
  });

  test.each(["1.", "-1", "1e3", "0x1", "1\u00e9", "9".repeat(400), "__proto__", "1,2", " 1", "NaN"])(
    "a last id that is none: %s",
    async (had) => {
      const { url, told } = await serve();
      const id = await begun(url);
      for (const name of ["after", "from"]) {
        const { status, body } = await rawGet(url, `/executions/${id}/stream?${name}=${encodeURIComponent(had)}`);
        expect([name, status, JSON.parse(body).code]).toEqual([name, 400, "position-invalid"]);
      }
      expect(told).toEqual([]);
    },
  );

  test("names in a refusal stay in its JSON, and out of its headers", async () => {
    const { url } = await serve();
    const { headers, body } = await rawGet(url, "/flows/a%0d%0aset-cookie:%20x=1/graph");
    expect(JSON.parse(body).title).toBe('There is no flow "a\r\nset-cookie: x=1"');
    expect(headers.has("set-cookie")).toBe(false);
    expect(headers.get("content-type")).toBe("application/problem+json");
  });

  test("the name by which the server was called stands in no answer", async () => {
    const { url } = await serve();
    const { headers } = await rawPost(url, starts, ann, [
      "x-forwarded-host: evil.example",
      "x-forwarded-prefix: /evil",
    ]);
    expect(headers.get("location")).toMatch(/^\/executions\/[\da-f-]{36}$/);
    const absolute = await raw(
      url,
      "GET http://evil.example/flows HTTP/1.1\r\nhost: evil.example\r\nconnection: close\r\n\r\n",
    );
    expect(JSON.stringify([...absolute.headers, absolute.body])).not.toContain("evil");
  });
});

describe("methods and browsers", () => {
  test("a method that an address does not have is refused with those that it has", async () => {
    const { url } = await serve();
    for (const method of ["PUT", "DELETE", "PATCH", "OPTIONS", "TRACE"]) {
      const head = `${method} /flows HTTP/1.1\r\nhost: x\r\nconnection: close\r\n`;
      const { status, headers } = await raw(url, `${head}x-http-method-override: GET\r\n\r\n`);
      expect([method, status, headers.get("allow")]).toEqual([method, 405, "GET, HEAD"]);
    }
    const overridden = await rawGet(url, `${starts}?_method=POST`, ["x-http-method-override: POST"]);
    expect([overridden.status, overridden.headers.get("allow")]).toEqual([405, "POST"]);
  });

  test("pages of other origins are named by nobody: no header, no preflight, no cookies", async () => {
    const { url } = await serve();
    const { url: named } = await serve({ flows: [letter], origins: ["https://app.example", "capacitor://localhost"] });
    const ask = (at: string, origin: string) =>
      fetch(`${at}${starts}`, {
        method: "OPTIONS",
        headers: { origin, "access-control-request-method": "POST", "access-control-request-headers": "content-type" },
      });
    expect((await ask(url, "https://app.example")).headers.get("access-control-allow-origin")).toBeNull();
    for (const origin of ["https://evil.example", "null", "https://app.example.evil.example", "http://app.example"]) {
      expect([origin, (await ask(named, origin)).headers.get("access-control-allow-origin")]).toEqual([origin, null]);
    }
    const allowed = await ask(named, "https://app.example");
    expect(Object.fromEntries(allowed.headers)).toMatchObject({
      "access-control-allow-origin": "https://app.example",
      "access-control-allow-methods": "GET,HEAD,POST",
      "access-control-allow-headers": "content-type,authorization,last-event-id",
    });
    expect(allowed.headers.get("access-control-allow-credentials")).toBeNull();
  });

  test.each(["*", "null", "app.example", "https://app.example/", "https://*.example", "https://app.example/page", ""])(
    "an origin that is none is refused when the handler is made: %s",
    (origin) => {
      expect(() => createHandler({ flows: [letter], origins: [origin] })).toThrow(`"${origin}" is no origin`);
    },
  );

  test("every answer carries the headers that browsers heed: what is found, refused, failed, streamed", async () => {
    const { url } = await serve({ flows: [letter], origins: ["https://app.example"] });
    const id = await begun(url);
    await send(`${url}/executions/${id}/answers/${question}`, { answer: { ok: true } });
    const { url: failing } = await serve({
      flows: [letter],
      store: { ...memoryStore(), find: () => Promise.reject(new Error("down")) },
    });
    const json = { method: "POST", headers: { "content-type": "application/json" }, body: "{" };
    const answers = await Promise.all([
      fetch(`${url}/flows`),
      fetch(`${url}/nowhere`),
      fetch(`${url}${starts}`, json),
      fetch(`${url}/flows`, { method: "PUT" }),
      fetch(`${url}/flows`, { method: "OPTIONS", headers: { "access-control-request-method": "GET" } }),
      fetch(`${url}/executions/${id}/stream`),
      fetch(`${url}/executions/${id}/stream?after=999`),
      fetch(`${failing}/executions/x`),
    ]);
    expect(answers.map(({ status }) => status)).toEqual([200, 404, 400, 405, 204, 200, 204, 500]);
    for (const { headers, body } of answers) {
      await body?.cancel();
      expect(headers.get("x-content-type-options")).toBe("nosniff");
      expect(headers.get("content-security-policy")).toBe("default-src 'none'; frame-ancestors 'none'");
      expect(headers.get("referrer-policy")).toBe("no-referrer");
      expect(headers.get("cache-control")).toMatch(/no-store|no-cache, no-transform/);
      expect(headers.get("strict-transport-security")).toBeNull(); // for all of a domain, and so its owner's to say
    }
  });
});

test("each row of the table names a test that there is", () => {
  const rows = readFileSync(new URL("../docs/security.md", import.meta.url), "utf8")
    .split("\n")
    .filter((line) => /^\| .*`server[a-z-]*`/.test(line));
  expect(rows.length).toBeGreaterThan(30);
  for (const row of rows) {
    const [, file = "", name = ""] = /`(server[a-z-]*)`: ([^|]+?) \|$/.exec(row) ?? [];
    expect(readFileSync(new URL(`${file}.test.ts`, import.meta.url), "utf8")).toContain(name);
  }
});
