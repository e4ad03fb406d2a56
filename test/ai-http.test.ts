// Models over real HTTP: a mock of the providers' APIs, and a bare server for what goes wrong on the wire.
import { once } from "node:events";
import type { ServerResponse } from "node:http";
import { inspect } from "node:util";
import { LLMock } from "@copilotkit/aimock";
import { ask, toolOf } from "@sluice/ai";
import { type Entry, SluiceError, defineFlow, flow, instant, run, start } from "@sluice/core";
import { VirtualTime, deferred, lineOf, logOf } from "@sluice/testing";
import type { LanguageModel } from "ai";
import { afterAll, beforeAll, describe, expect, test } from "vitest";
import { z } from "zod";
import { asking, told, trackOf } from "./agent.ts";
import { answering, local, wires } from "./provider-wire.ts";

const KEY = "sk-proj-abcdEFGH1234567890abcdEFGH";
const WRONG_KEY = "sk-proj-WRONGkey1234567890WRONGkey";
const Triage = instant("triage", z.object({ category: z.enum(["billing", "other"]), steps: z.array(z.string()) }));
const Refund = instant("refund", z.object({ order: z.string(), reason: z.string() }));
const spec = defineFlow({ name: "asks", input: z.string(), stream: z.string(), result: z.unknown() });

const texts = (model: LanguageModel) =>
  flow(spec).chunk("read", start, (prompt, ctx) => ctx.text(ask(model, { prompt })));
const triages = (model: LanguageModel) =>
  flow(spec)
    .chunk("read", start, (prompt, ctx) => ctx.instant(Triage, ask(model, { prompt })))
    .chunk("route", Triage.field("category"), (category, ctx) => ctx.putIntoStream(category))
    .chunk("plan", Triage.field("steps[*]"), (step, ctx) => ctx.putIntoStream(step))
    .chunk("finish", Triage.done, (reply, ctx) => ctx.setResult(reply));

/** What a model wrote, as the log tells it. */
function wrote(entries: readonly Entry[], type: "model:token" | "model:reasoning"): string[] {
  return entries.flatMap((entry) => (entry.type === type ? [entry.delta] : []));
}

async function failureOf(model: LanguageModel, prompt: string): Promise<SluiceError> {
  const error: unknown = await run(texts(model), prompt).result.then(
    (result) => expect.unreachable(`no error, but ${inspect(result)}`),
    (reason: unknown) => reason,
  );
  expect(error).toBeInstanceOf(SluiceError);
  for (const text of [String(error), JSON.stringify(error), inspect(error, { depth: 20, showHidden: true })]) {
    expect(text).not.toContain(KEY);
    expect(text).not.toContain(WRONG_KEY);
  }
  return error as SluiceError; // as the line above says
}

describe.each(wires)("$provider over HTTP", ({ named, model, begins, early }) => {
  const mock = new LLMock({ port: 0, chunkSize: 8, auth: { apiKeys: [KEY] } });
  const here = (modelId?: string): LanguageModel =>
    model({ url: mock.url, apiKey: KEY, ...(modelId !== undefined && { modelId }) });

  beforeAll(async () => {
    mock.onMessage("greet", { content: "Hello, you there" });
    mock.onMessage("triage", { content: { category: "billing", steps: ["look", "refund"] } });
    mock.onMessage("limit", {
      error: { message: "Rate limit reached", type: "rate_limit_error" },
      status: 429,
      retryAfter: 7,
    });
    mock.onMessage("overload", { error: { message: "Overloaded", type: "overloaded_error" }, status: 503 });
    mock.on(
      { model: "gpt-nine" },
      { error: { message: "The model `gpt-nine` does not exist", type: "not_found_error" }, status: 404 },
    );
    await mock.start();
  });
  afterAll(() => mock.stop());

  test("a text comes in pieces, and is whole in the end", async () => {
    const execution = run(texts(here()), "greet");
    const entries = await logOf(execution);
    expect(wrote(entries, "model:token")).toEqual(["Hello, y", "ou there"]);
    expect(entries).toContainEqual(
      expect.objectContaining({ type: "model:finish", model: named, finishReason: "stop" }),
    );
    expect(await execution.result).toBe("Hello, you there");
  });

  test("a field of a structured reply triggers its chunk before the reply is complete", async () => {
    const execution = run(triages(here()), "triage");
    const entries = await logOf(execution);
    const at = (found: (entry: Entry) => boolean): number => entries.findIndex(found);
    const route = at((entry) => entry.type === "chunk:start" && entry.chunk === "route");
    expect(route).toBeGreaterThan(0);
    expect(route).toBeLessThan(at(({ type }) => type === "model:finish"));
    expect(entries.flatMap((entry) => (entry.type === "stream:item" ? [entry.item] : []))).toEqual([
      "billing",
      "look",
      "refund",
    ]);
    expect(await execution.result).toEqual({ category: "billing", steps: ["look", "refund"] });
  });

  test("a tool that it calls runs here, and its answer goes back", async () => {
    mock.on(
      { userMessage: "parcel", hasToolResult: false },
      { toolCalls: [{ name: "track", arguments: { order: "A7" } }] },
    );
    mock.on({ userMessage: "parcel", toolResultContains: "shipped" }, { content: "It is on its way" });
    const tools = trackOf(() => ({ status: "shipped" }));
    const execution = run(asking(ask(here(), { prompt: "parcel", tools })), "");
    const lines = told(await logOf(execution)).map((line) => line.replace(/^(call|return) \S+ /, "$1 "));
    expect(lines).toEqual([
      `start ${named}`,
      "finish tool-calls",
      'call track {"order":"A7"}',
      "return true",
      `start ${named}`,
      "token It is on",
      "token  its way",
      "finish stop",
    ]);
    expect(await execution.result).toBe("It is on its way");
  });

  test("a field of a tool's input triggers its chunk before the call is complete", async () => {
    const input = { order: "A7", reason: "broken" };
    mock.on({ userMessage: "refund", hasToolResult: false }, { toolCalls: [{ name: "refund", arguments: input }] });
    mock.on({ userMessage: "refund", hasToolResult: true }, { content: "Done" });
    const refunds = flow(spec)
      .chunk("answer", start, (prompt, ctx) =>
        ctx.text(ask(here(), { prompt, tools: { refund: toolOf(Refund, { execute: ({ order }) => order }) } })),
      )
      .chunk("lookUp", Refund.field("order"), (order, ctx) => ctx.putIntoStream(order));
    const lines = (await logOf(run(refunds, "refund"))).map(lineOf);
    expect(lines.indexOf("chunk:start lookUp")).toBeGreaterThan(0);
    expect(lines.indexOf("chunk:start lookUp")).toBeLessThan(lines.indexOf("field:complete refund.reason"));
    expect(lines).toContain("tool:call_finish refund");
  });

  test("a rate limit is told with the time to wait", async () => {
    const error = await failureOf(here(), "limit");
    expect(error.what).toBe(`The model "${named}" answered with status 429: Rate limit reached`);
    expect(error.mend).toBe("Wait 7 s and try again, or ask for less at a time");
    expect(error).toMatchObject({ code: "model-failed", where: "asks.read", retryable: true });
  });

  test("with a list, the next model is asked when one has reached its rate limit", async () => {
    mock.nextRequestError(429, { message: "Rate limit reached", type: "rate_limit_error" });
    const list = flow(spec).chunk("read", start, (prompt, ctx) => ctx.text(ask([here(), here()], { prompt })));
    const execution = run(list, "greet");
    const resolved = (await logOf(execution)).find(({ type }) => type === "model:resolved");
    expect(resolved).toMatchObject({ wanted: named, reason: "rate-limit" });
    expect(await execution.result).toBe("Hello, you there");
  });

  test("a rate limit is waited for as long as the provider says", async () => {
    let calls = 0;
    await answering(
      (response) => {
        calls += 1;
        const status = calls === 1 ? 429 : 401;
        response.writeHead(status, { "content-type": "application/json", "retry-after": "7" });
        response.end(JSON.stringify({ error: { message: "No", type: "rate_limit_error" } }));
      },
      async (url) => {
        // the wait is virtual, the server is real: the clock is moved when the wait has been set
        const clock = new VirtualTime();
        const { scheduler } = clock;
        const source = ask(model({ url, apiKey: KEY }), { prompt: "greet", maxWaitMs: 10_000 });
        const execution = run(asking(source), "", { scheduler });
        const result = clock.during(execution.result);
        await expect(result).rejects.toThrow("status 401");
        expect(clock.now()).toBe(7000);
        expect(calls).toBe(2);
      },
    );
  });

  test("a provider that is overloaded can be tried again", async () => {
    const error = await failureOf(here(), "overload");
    expect(error.what).toBe(`The model "${named}" answered with status 503: Overloaded`);
    expect(error.mend).toBe("Try again later: the trouble is on the provider's side");
    expect(error.retryable).toBe(true);
  });

  test("a retry of the chunk asks a provider again that was overloaded once", async () => {
    mock.nextRequestError(503, { message: "Overloaded", type: "overloaded_error" });
    const asking = flow(spec).chunk("read", start, (prompt, ctx) => ctx.text(ask(here(), { prompt })), {
      retry: { attempts: 2, delay: 0 },
    });
    expect(await run(asking, "greet").result).toBe("Hello, you there");
  });

  test("a wrong key is told without the key", async () => {
    const error = await failureOf(model({ url: mock.url, apiKey: WRONG_KEY }), "greet");
    expect(error.what).toContain(`The model "${named}" answered with status 401: `);
    expect(error.mend).toMatch(/^Check the API key: usually the environment variable [A-Z]+_API_KEY$/);
    expect(error.retryable).toBe(false);
  });

  test("a model that the provider does not have is named", async () => {
    const error = await failureOf(here("gpt-nine"), "anything");
    expect(error.what).toMatch(/^The model "\w+\/gpt-nine" answered with status 404: /);
    expect(error.mend).toBe('Check that the provider has a model "gpt-nine", and that its base URL is right');
    expect(error.retryable).toBe(false);
  });

  test("a host where nobody listens is named", async () => {
    const url = await answering(
      () => {},
      async (there) => there,
    );
    const error = await failureOf(model({ url, apiKey: KEY }), "greet");
    expect(error.what).toBe(
      `The model "${named}" cannot be reached: the host ${new URL(url).host} refused the connection (ECONNREFUSED)`,
    );
    expect(error.retryable).toBe(true);
  });

  const begin = (response: ServerResponse, more = "", then = () => {}): void => {
    response.writeHead(200, { "content-type": "text/event-stream" });
    response.write(begins + more, then);
  };

  test("a connection that is cut in mid-reply is told as such", async () => {
    await answering(
      (response) => begin(response, "", () => response.destroy()),
      async (url) => {
        const error = await failureOf(model({ url, apiKey: KEY }), "greet");
        expect(error.what).toBe(
          `The reply of the model "${named}" broke off: the connection to the host ${new URL(url).host} failed (UND_ERR_SOCKET)`,
        );
        expect(error.retryable).toBe(true);
      },
    );
  });

  test("an event that is no JSON is told with its beginning", async () => {
    await answering(
      (response) => begin(response, 'data: {"id": <<<\n\n', () => response.end()),
      async (url) => {
        const error = await failureOf(model({ url, apiKey: KEY }), "greet");
        expect(error.what).toContain(`The answer of the model "${named}" cannot be read: `);
        expect(error.what).toContain('{"id": <<<');
        expect(error.mend).toMatch(/^Try again; if it stays, check the base URL/);
        expect(error.retryable).toBe(true);
      },
    );
  });

  test("a stream that ends too early is a failure", async () => {
    await answering(
      (response) => begin(response, "", () => response.end()),
      async (url) => {
        const error = await failureOf(model({ url, apiKey: KEY }), "greet");
        expect(error.what).toMatch(new RegExp(`^The (?:reply|answer) of the model "${named}" ${early}$`));
        expect(error.retryable).toBe(true);
      },
    );
  });

  test("a cancel ends the request of a model that has stalled", async () => {
    const closed = deferred();
    await answering(
      (response) => {
        response.on("close", closed.resolve);
        begin(response);
      },
      async (url) => {
        const execution = run(texts(model({ url, apiKey: KEY })), "greet");
        execution.on("model:token", () => execution.cancel("enough"));
        await expect(execution.result).rejects.toMatchObject({ code: "execution-cancelled" });
        await closed.promise;
      },
    );
  });

  test("a cancel ends the request of a model that has not answered", async () => {
    const asked = deferred<ServerResponse>();
    await answering(asked.resolve, async (url) => {
      const execution = run(texts(model({ url, apiKey: KEY })), "greet");
      const response = await asked.promise;
      const closed = once(response, "close");
      execution.cancel("enough");
      await expect(execution.result).rejects.toMatchObject({ code: "execution-cancelled" });
      await closed;
    });
  });
});

describe.each(wires.filter(({ provider }) => provider !== "OpenAI chat"))("the reasoning of $provider", ({ model }) => {
  test("is told apart from its answer", async () => {
    const mock = await LLMock.create({ port: 0, chunkSize: 8 });
    mock.onMessage("think", { content: "Yes, it is", reasoning: "Let me see now" });
    try {
      const execution = run(texts(model({ url: mock.url, apiKey: KEY })), "think");
      const entries = await logOf(execution);
      expect(wrote(entries, "model:reasoning")).toEqual(["Let me s", "ee now"]);
      expect(await execution.result).toBe("Yes, it is");
    } finally {
      await mock.stop();
    }
  });
});

test("a field's chunk runs while the provider has not yet sent the rest", async () => {
  const routed = deferred();
  const piece = (content: string): string =>
    `data: ${JSON.stringify({ id: "1", choices: [{ index: 0, delta: { content } }] })}\n\n`;
  const answer = async (response: ServerResponse): Promise<void> => {
    response.writeHead(200, { "content-type": "text/event-stream" });
    response.write(piece('{"category":"billing","st'));
    await routed.promise;
    const end = { id: "1", choices: [{ index: 0, delta: {}, finish_reason: "stop" }] };
    response.end(`${piece('eps":["look"]}')}data: ${JSON.stringify(end)}\n\ndata: [DONE]\n\n`);
  };
  await answering(
    (response) => void answer(response),
    async (url) => {
      const model = local.model({ url, apiKey: KEY });
      const asking = flow(spec)
        .chunk("read", start, (prompt, ctx) => ctx.instant(Triage, ask(model, { prompt })))
        .chunk("route", Triage.field("category"), () => routed.resolve())
        .chunk("finish", Triage.done, (reply, ctx) => ctx.setResult(reply));
      expect(await run(asking, "triage").result).toEqual({ category: "billing", steps: ["look"] });
    },
  );
});
