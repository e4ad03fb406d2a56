import { type RequestListener, createServer } from "node:http";
import type { AddressInfo } from "node:net";
import { setImmediate as turn } from "node:timers/promises";
import { inspect } from "node:util";
import { type AskOptions, ask, currentPrices, priceOf } from "@sluice/ai";
import {
  type Entry,
  type ModelPart,
  type ModelRequest,
  SluiceError,
  defineFlow,
  flow,
  instant,
  run,
  start,
} from "@sluice/core";
import { deferred } from "@sluice/testing";
import { APICallError, type LanguageModel, LoadAPIKeyError, NoSuchModelError, generateText } from "ai";
import { MockLanguageModelV3, MockLanguageModelV4, convertArrayToReadableStream } from "ai/test";
import { describe, expect, test, vi } from "vitest";
import { z } from "zod";
import { chooseModel } from "../examples/model.ts";
import {
  type CallOptions,
  type ProviderPart,
  START,
  failing,
  finishPart,
  mock,
  textParts,
  writing,
} from "./mock-model.ts";

const HELLO: AskOptions = { prompt: "Hello" };
const never = new AbortController().signal;

async function read(model: LanguageModel, options = HELLO, request: Partial<ModelRequest> = {}): Promise<ModelPart[]> {
  const parts: ModelPart[] = [];
  for await (const part of ask(model, options).stream({ abortSignal: never, ...request })) parts.push(part);
  return parts;
}
const textOf = (parts: readonly ModelPart[]): string[] =>
  parts.flatMap((part) => (part.type === "text" ? [part.delta] : []));
async function failureOf(
  model: LanguageModel,
  options = HELLO,
  request: Partial<ModelRequest> = {},
): Promise<SluiceError> {
  const error: unknown = await read(model, options, request).then(
    (parts) => expect.unreachable(`no error, but ${inspect(parts)}`),
    (reason: unknown) => reason,
  );
  expect(error).toBeInstanceOf(SluiceError);
  const failure = error as SluiceError; // as the line above says
  expect(failure.code).toBe("model-failed");
  return failure;
}
async function formatOf(schema: z.ZodType, name = "triage"): Promise<CallOptions["responseFormat"]> {
  const model = writing(START, ...textParts("{}"), finishPart());
  await read(model, HELLO, { reply: { name, schema } });
  return model.doStreamCalls[0]?.responseFormat;
}
async function schemaOf(schema: z.ZodType): Promise<unknown> {
  const format = await formatOf(schema);
  return format?.type === "json" ? format.schema : undefined;
}

describe("what the model writes", () => {
  test("text deltas come in order, each as it was written", async () => {
    const parts = await read(writing(START, ...textParts("He", "", "llo", " you"), finishPart()));
    expect(textOf(parts)).toEqual(["He", "llo", " you"]);
  });

  test("the last part tells the finish reason and the usage", async () => {
    const parts = await read(writing(START, ...textParts("Hi"), finishPart("length")));
    expect(parts.at(-1)).toEqual({
      type: "finish",
      finishReason: "length",
      usage: { inputTokens: 12, outputTokens: 7, totalTokens: 19, reasoningTokens: 2, cachedInputTokens: 4 },
    });
  });

  test("counts that the provider does not tell are left out", async () => {
    const silent: ProviderPart = {
      type: "finish",
      finishReason: { unified: "stop", raw: undefined },
      usage: {
        inputTokens: { total: undefined, noCache: undefined, cacheRead: undefined, cacheWrite: undefined },
        outputTokens: { total: 3, text: undefined, reasoning: undefined },
      },
    };
    const end = (await read(writing(START, ...textParts("Hi"), silent))).at(-1);
    expect(end?.type === "finish" && end.usage).not.toHaveProperty("inputTokens");
    expect(end).toMatchObject({ usage: { outputTokens: 3 } });
  });

  test("reasoning is told apart from text", async () => {
    const parts = await read(
      writing(
        START,
        { type: "reasoning-start", id: "r" },
        { type: "reasoning-delta", id: "r", delta: "Hmm" },
        { type: "reasoning-end", id: "r" },
        ...textParts("Yes"),
        finishPart(),
      ),
    );
    expect(parts.slice(0, 2)).toEqual([
      { type: "reasoning", delta: "Hmm" },
      { type: "text", delta: "Yes" },
    ]);
  });

  test("a structured reply comes delta by delta, with the prose and the spaces around it", async () => {
    const deltas = ["Here: ", "{", '"a"', ": ", "1", " ", "}", " done"];
    const model = writing(START, ...textParts(...deltas), finishPart());
    const reply = { name: "r", schema: z.object({ a: z.number() }) };
    expect(textOf(await read(model, HELLO, { reply }))).toEqual(deltas);
  });

  test("a delta is read before the model has written the next one", async () => {
    const more = deferred();
    const model = mock(async () => ({
      stream: new ReadableStream<ProviderPart>({
        async start(controller) {
          for (const part of [START, ...textParts('{"a"').slice(0, 2)]) controller.enqueue(part);
          await more.promise;
          for (const part of [{ type: "text-delta", id: "t", delta: ":1}" } as const, finishPart()]) {
            controller.enqueue(part);
          }
          controller.close();
        },
      }),
    }));
    const reply = { name: "r", schema: z.object({ a: z.number() }) };
    const parts = ask(model, HELLO).stream({ abortSignal: never, reply })[Symbol.asyncIterator]();
    expect((await parts.next()).value).toEqual({ type: "text", delta: '{"a"' });
    more.resolve();
    expect((await parts.next()).value).toEqual({ type: "text", delta: ":1}" });
  });

  test("a model of the earlier specification is read too", async () => {
    const model = new MockLanguageModelV3({
      doStream: async () => ({
        stream: convertArrayToReadableStream([
          { type: "stream-start", warnings: [] },
          { type: "text-start", id: "t" },
          { type: "text-delta", id: "t", delta: "old" },
          { type: "text-end", id: "t" },
          {
            type: "finish",
            finishReason: { unified: "stop", raw: undefined },
            usage: {
              inputTokens: { total: 1, noCache: 1, cacheRead: undefined, cacheWrite: undefined },
              outputTokens: { total: 1, text: 1, reasoning: undefined },
            },
          },
        ]),
      }),
    });
    expect(textOf(await read(model))).toEqual(["old"]);
  });
});

describe("what the model is asked", () => {
  test("prompt, instructions and settings reach the provider", async () => {
    const model = writing(START, ...textParts("Hi"), finishPart());
    const options: AskOptions = {
      prompt: "Hello",
      instructions: "Be kind",
      temperature: 0.3,
      topP: 0.9,
      topK: 40,
      seed: 7,
      maxOutputTokens: 99,
      stopSequences: ["END"],
      presencePenalty: 0.1,
      frequencyPenalty: 0.2,
      headers: { "x-team": "support" },
      providerOptions: { mock: { fast: true } },
    };
    await read(model, options);
    const { prompt: _prompt, instructions: _instructions, headers, ...settings } = options;
    expect(model.doStreamCalls).toHaveLength(1);
    expect(model.doStreamCalls[0]).toMatchObject({
      ...settings,
      prompt: [
        { role: "system", content: "Be kind" },
        { role: "user", content: [{ type: "text", text: "Hello" }] },
      ],
      headers: expect.objectContaining(headers) as unknown,
    });
  });

  test("messages are asked in place of a prompt", async () => {
    const model = writing(START, ...textParts("Hi"), finishPart());
    await read(model, {
      messages: [
        { role: "user", content: "One" },
        { role: "assistant", content: "Two" },
        { role: "user", content: "Three" },
      ],
    });
    expect(model.doStreamCalls[0]?.prompt.map(({ role }) => role)).toEqual(["user", "assistant", "user"]);
  });

  test("neither, or both, of prompt and messages is refused at the door", () => {
    const model = failing(new Error("never asked"));
    // @ts-expect-error one of the two is needed
    expect(() => ask(model, {})).toThrowError(/"mock\/m-1" was given no prompt and no messages.*exactly one/);
    // @ts-expect-error one of the two is too many
    expect(() => ask(model, { prompt: "a", messages: [{ role: "user", content: "b" }] })).toThrowError(
      /was given a prompt and messages/,
    );
    expect(model.doStreamCalls).toHaveLength(0);
  });

  test("each stream is one generation, and a failure is not tried again", async () => {
    const model = failing(
      new APICallError({ message: "busy", url: "http://x", requestBodyValues: {}, statusCode: 503 }),
    );
    const call = ask(model, HELLO);
    for (const attempt of [1, 2]) {
      await expect(call.stream({ abortSignal: never })[Symbol.asyncIterator]().next()).rejects.toThrowError("busy");
      expect(model.doStreamCalls).toHaveLength(attempt);
    }
  });

  test("a model is named by its provider and its id", () => {
    const named = (provider: string, modelId: string): string =>
      ask(new MockLanguageModelV4({ provider, modelId }), HELLO).model;
    expect(named("openai.responses", "gpt-5")).toBe("openai/gpt-5");
    expect(named("tiny", "tickets")).toBe("tiny/tickets");
    expect(ask("anthropic/claude-haiku-4.5", HELLO).model).toBe("anthropic/claude-haiku-4.5");
  });

  test("plain text asks for no format", async () => {
    const model = writing(START, ...textParts("Hi"), finishPart());
    await read(model);
    expect(model.doStreamCalls[0]?.responseFormat).not.toMatchObject({ type: "json" });
  });

  test("a structured request carries its name and the JSON schema of its reply", async () => {
    const format = await formatOf(z.object({ category: z.enum(["billing", "other"]), steps: z.array(z.string()) }));
    expect(format).toEqual({
      type: "json",
      name: "triage",
      schema: {
        $schema: "http://json-schema.org/draft-07/schema#",
        type: "object",
        properties: {
          category: { type: "string", enum: ["billing", "other"] },
          steps: { type: "array", items: { type: "string" } },
        },
        required: ["category", "steps"],
        additionalProperties: false,
      },
    });
  });

  test("the schema is of what the model writes: before transforms, coercions and defaults", async () => {
    const written = await schemaOf(
      z.object({
        count: z.string().transform(Number),
        tags: z.preprocess((value) => value, z.array(z.string())),
        due: z.coerce.date(),
        tone: z.string().default("calm"),
        odd: z.custom<string>(),
      }),
    );
    expect(written).toMatchObject({
      properties: {
        count: { type: "string" },
        tags: { type: "array", items: { type: "string" } },
        due: { type: "string", format: "date-time" },
        tone: { type: "string", default: "calm" },
        odd: {},
      },
      required: ["count", "tags", "due", "odd"],
    });
  });

  test("objects are closed, unless the schema opens them", async () => {
    expect(await schemaOf(z.object({ in: z.array(z.object({ a: z.string() })) }))).toMatchObject({
      additionalProperties: false,
      properties: { in: { items: { additionalProperties: false } } },
    });
    expect(await schemaOf(z.looseObject({ a: z.string() }))).toMatchObject({ additionalProperties: {} });
    expect(await schemaOf(z.record(z.string(), z.number()))).toMatchObject({
      additionalProperties: { type: "number" },
    });
  });

  test("a root that is no object is sent as it is", async () => {
    expect(await schemaOf(z.array(z.string()))).toMatchObject({ type: "array", items: { type: "string" } });
  });

  test("a name is cut to what providers take", async () => {
    expect(await formatOf(z.object({}), `Übung 1.${"x".repeat(80)}`)).toMatchObject({
      name: `_bung_1_${"x".repeat(56)}`,
    });
  });
});

describe("failures", () => {
  const boom = Object.assign(new Error("Boom."), { statusCode: 529, isRetryable: true });
  const shapes: Record<string, LanguageModel> = {
    "a request that is refused": failing(boom),
    "an error part before any text": writing(START, { type: "error", error: boom }, finishPart("error")),
    "an error part amid the text": writing(START, ...textParts("He"), { type: "error", error: boom }),
    "a stream that breaks": mock(async () => ({
      stream: new ReadableStream<ProviderPart>({
        start(controller) {
          controller.enqueue(START);
          controller.error(boom);
        },
      }),
    })),
  };
  for (const [shape, model] of Object.entries(shapes)) {
    test(`${shape} is one thrown error, with the provider's as its cause`, async () => {
      const error = await failureOf(model);
      expect(error.what).toBe('The model "mock/m-1" answered with status 529: Boom');
      expect(error.mend).toMatch(/Try again later/);
      expect(error.cause).toBe(boom);
      expect(error.retryable).toBe(true);
      expect(error.where).toBeUndefined();
    });
  }

  test("a stream without any output is a failure", async () => {
    expect((await failureOf(writing(START))).what).toMatch(/"mock\/m-1" broke off: its stream ended/);
  });

  test("a reply that breaks off is a failure", async () => {
    for (const unified of ["interrupted", "error"] as const) {
      const error = await failureOf(writing(START, ...textParts("He"), finishPart(unified)));
      expect(error).toMatchObject({ what: expect.stringContaining("broke off") as string, retryable: true });
    }
  });

  test("an error part that is no Error is told by its message", async () => {
    const part: ProviderPart = { type: "error", error: { type: "overloaded_error", message: "Overloaded" } };
    expect((await failureOf(writing(START, part))).what).toMatch(/answered with status 503: Overloaded$/);
    expect((await failureOf(writing(START, { type: "error", error: "late" }))).what).toMatch(/failed: late$/);
    expect((await failureOf(writing(START, { type: "error", error: { odd: 1 } }))).what).toMatch(
      /failed: \{"odd":1\}$/,
    );
  });

  test("a long message is cut to one line of a readable length", async () => {
    const { what } = await failureOf(failing(new Error(`\u001b[31m${"x".repeat(900)}\u001b[0m\nsecond line`)));
    expect(what).toMatch(/^The model "mock\/m-1" failed: x{400}…$/);
  });

  test.each([
    [401, "nope", /environment variable MOCK_API_KEY/, false],
    [403, "nope", /environment variable MOCK_API_KEY/, false],
    [400, "API key not valid", /environment variable MOCK_API_KEY/, false],
    [404, "nope", /has a model "m-1"/, false],
    [400, "The model `m-1` does not exist", /has a model "m-1"/, false],
    [429, "slow down", /Wait and try again/, true],
    [400, "Invalid schema for response_format", /an object at its root/, false],
    [400, "too hot", /the options of ask\(\)/, false],
    [500, "oh", /Try again later/, true],
  ])("status %i, %j, says how to mend it", async (statusCode, message, mend, retryable) => {
    const url = "http://x/v1";
    const error = await failureOf(failing(new APICallError({ message, url, requestBodyValues: {}, statusCode })));
    expect(error.what).toBe(`The model "mock/m-1" answered with status ${statusCode}: ${message}`);
    expect(error.mend).toMatch(mend);
    expect(error.retryable).toBe(retryable);
  });

  test("a quota that is used up is not tried again", async () => {
    const api = { message: "quota", url: "http://x", requestBodyValues: {}, statusCode: 429, isRetryable: false };
    const error = await failureOf(failing(new APICallError(api)));
    expect(error).toMatchObject({ retryable: false, mend: expect.stringContaining("the plan") as string });
  });

  test("what would fail again is not retryable", async () => {
    const key = await failureOf(failing(new LoadAPIKeyError({ message: "Mock API key is missing." })));
    expect(key).toMatchObject({ retryable: false, mend: expect.stringContaining("MOCK_API_KEY") as string });
    const model = await failureOf(failing(new NoSuchModelError({ modelId: "m-1", modelType: "languageModel" })));
    expect(model).toMatchObject({ retryable: false, mend: expect.stringContaining('a model "m-1"') as string });
    const prompt = await failureOf(writing(START), { messages: [] });
    expect(prompt).toMatchObject({ retryable: false, mend: expect.stringContaining("given to ask()") as string });
  });

  test("nothing is printed, and no rejection is left unhandled", async () => {
    const unhandled: unknown[] = [];
    const note = (reason: unknown): void => void unhandled.push(reason);
    const printed = [
      vi.spyOn(console, "error"),
      vi.spyOn(console, "warn"),
      vi.spyOn(process.stderr, "write"),
      vi.spyOn(process, "emitWarning"),
    ];
    process.on("unhandledRejection", note);
    try {
      const reply = { name: "r", schema: z.object({ a: z.number() }) };
      for (const model of [
        ...Object.values(shapes),
        writing(START),
        writing(START, ...textParts("no JSON"), finishPart()),
      ]) {
        await read(model).catch(() => undefined);
        await read(model, HELLO, { reply }).catch(() => undefined);
      }
      const left = ask(writing(START, ...textParts("a", "b"), finishPart()), HELLO).stream({ abortSignal: never });
      for await (const part of left) if (part.type === "text") break;
      await turn();
      await turn();
      expect(unhandled).toEqual([]);
      for (const spy of printed) expect(spy).not.toHaveBeenCalled();
    } finally {
      process.off("unhandledRejection", note);
      vi.restoreAllMocks();
    }
  });
});

describe("an abort", () => {
  /** Writes "He", and then nothing, whatever the abort signal says. */
  const stuck = (): MockLanguageModelV4 =>
    mock(async () => ({
      stream: new ReadableStream<ProviderPart>({
        start(controller) {
          for (const part of [START, ...textParts("He").slice(0, 2)]) controller.enqueue(part);
        },
      }),
    }));

  test("reaches the provider at once, and ends the call without an error", async () => {
    const model = stuck();
    const abort = new AbortController();
    const parts = ask(model, HELLO).stream({ abortSignal: abort.signal })[Symbol.asyncIterator]();
    expect((await parts.next()).value).toEqual({ type: "text", delta: "He" });
    const next = parts.next();
    abort.abort(new Error("enough"));
    expect(model.doStreamCalls[0]?.abortSignal?.aborted).toBe(true);
    expect(await next).toEqual({ done: true, value: undefined });
  });

  test("ends a call whose provider has not answered and never will", async () => {
    const asked = deferred();
    const abort = new AbortController();
    const model = mock(() => {
      asked.resolve();
      return new Promise(() => {});
    });
    const next = ask(model, HELLO).stream({ abortSignal: abort.signal })[Symbol.asyncIterator]().next();
    await asked.promise;
    abort.abort();
    expect(await next).toEqual({ done: true, value: undefined });
  });

  test("hides what the provider throws because of it", async () => {
    const abort = new AbortController();
    const model = mock(async ({ abortSignal }) => {
      abort.abort();
      abortSignal?.throwIfAborted();
      throw new Error("not reached");
    });
    expect(await read(model, HELLO, { abortSignal: abort.signal })).toEqual([]);
  });

  test("before the start asks nothing", async () => {
    const model = stuck();
    expect(await read(model, HELLO, { abortSignal: AbortSignal.abort() })).toEqual([]);
    expect(model.doStreamCalls).toHaveLength(0);
  });

  test("reaches the provider also when a reader just leaves", async () => {
    const model = stuck();
    for await (const part of ask(model, HELLO).stream({ abortSignal: never })) if (part.type === "text") break;
    expect(model.doStreamCalls[0]?.abortSignal?.aborted).toBe(true);
  });

  test("does not follow a whole reply", async () => {
    const model = writing(START, ...textParts("Hi"), finishPart());
    await read(model);
    expect(model.doStreamCalls[0]?.abortSignal?.aborted).toBe(false);
  });
});

describe("over HTTP", () => {
  const KEY = "sk-proj-abcdEFGH1234567890abcdEFGH";
  const openai = (baseUrl: string, key = KEY): Promise<{ model: LanguageModel }> =>
    chooseModel({ OPENAI_API_KEY: key, OPENAI_BASE_URL: baseUrl, OPENAI_MODEL: "gpt-test" });
  async function serving<T>(listener: RequestListener, use: (url: string, host: string) => Promise<T>): Promise<T> {
    const server = createServer(listener);
    await new Promise<void>((resolve) => server.listen(0, "127.0.0.1", resolve));
    const host = `127.0.0.1:${(server.address() as AddressInfo).port}`; // it listens on a port
    try {
      return await use(`http://${host}/v1`, host);
    } finally {
      server.closeAllConnections();
      await new Promise((resolve) => server.close(resolve));
    }
  }
  function expectNoSecret(error: unknown, ...secrets: string[]): void {
    for (const text of [String(error), JSON.stringify(error), inspect(error, { depth: 20, showHidden: true })]) {
      for (const secret of secrets) expect(text).not.toContain(secret);
      expect(text).not.toMatch(/bearer (?!\[secret\])/i);
    }
  }

  test("a reply streams from an OpenAI-compatible server, which gets the schema", async () => {
    const bodies: unknown[] = [];
    const chunk = (choice: object): string =>
      `data: ${JSON.stringify({ id: "1", choices: [{ index: 0, ...choice }] })}\n\n`;
    const answer: RequestListener = (request, response) => {
      let body = "";
      request.setEncoding("utf8").on("data", (text: string) => (body += text));
      request.on("end", () => {
        bodies.push(JSON.parse(body));
        response.writeHead(200, { "content-type": "text/event-stream" });
        response.write(chunk({ delta: { role: "assistant", content: '{"a"' } }));
        response.write(chunk({ delta: { content: ":1}" } }));
        response.end(`${chunk({ delta: {}, finish_reason: "stop" })}data: [DONE]\n\n`);
      });
    };
    await serving(answer, async (url) => {
      const { model } = await openai(url);
      const reply = { name: "answer", schema: z.object({ a: z.number() }) };
      const parts = await read(model, HELLO, { reply });
      expect(textOf(parts)).toEqual(['{"a"', ":1}"]);
      expect(parts.at(-1)).toMatchObject({ type: "finish", finishReason: "stop" });
    });
    expect(bodies).toMatchObject([
      {
        model: "gpt-test",
        stream: true,
        response_format: { type: "json_schema", json_schema: { name: "answer", schema: { required: ["a"] } } },
      },
    ]);
  });

  test("a wrong key is told with its status, and without the key, even if the server repeats it", async () => {
    const refuse: RequestListener = (request, response) => {
      const message = `Incorrect API key provided: ${request.headers.authorization}, ${KEY}`;
      response.writeHead(401, { "content-type": "application/json" });
      response.end(JSON.stringify({ error: { message, type: "invalid_request_error", code: "invalid_api_key" } }));
    };
    await serving(refuse, async (url) => {
      const { model } = await openai(url);
      const error = await failureOf(model, { ...HELLO, headers: { "x-tenant": "tenant-secret-1" } });
      expect(error.what).toMatch(
        /^The model "openai\/gpt-test" answered with status 401: Incorrect API key provided: /,
      );
      expect(error.mend).toBe("Check the API key: usually the environment variable OPENAI_API_KEY");
      expect(error).toMatchObject({ retryable: false, cause: { statusCode: 401 } });
      expectNoSecret(error, KEY, "tenant-secret-1");
    });
  });

  test("a server that repeats a header gets its value masked", async () => {
    const refuse: RequestListener = (request, response) => {
      response.writeHead(400, { "content-type": "application/json" });
      response.end(JSON.stringify({ error: { message: `bad x-tenant ${String(request.headers["x-tenant"])}` } }));
    };
    await serving(refuse, async (url) => {
      const { model } = await openai(url);
      const error = await failureOf(model, { ...HELLO, headers: { "x-tenant": "tenant-secret-1" } });
      expect(error.what).toMatch(/: bad x-tenant \[secret\]$/);
      expectNoSecret(error, KEY, "tenant-secret-1");
    });
  });

  test("a key that no header can hold stays out of the message about it", async () => {
    const { model } = await openai("http://127.0.0.1:9/v1", "plain0key\nwith0a0break");
    const error = await failureOf(model);
    expect(error.what).toMatch(/invalid header value/);
    expectNoSecret(error, "plain0key", "with0a0break");
  });

  test("a key of any shape is masked where an environment variable holds it", async () => {
    vi.stubEnv("ODD_API_KEY", "correct horse battery");
    try {
      const error = await failureOf(failing(new Error("denied for correct horse battery")));
      expect(error.what).toMatch(/: denied for \[secret\]$/);
      expectNoSecret(error, "correct horse");
    } finally {
      vi.unstubAllEnvs();
    }
  });

  test.each(["Basic access for key-value stores", "no hf-hosted model, r8_fast or sk-1", "key_not_found"])(
    "an ordinary message stays as it is: %s",
    async (message) => {
      const cause = new Error(message);
      expect(await failureOf(failing(cause))).toMatchObject({
        what: expect.stringContaining(message) as string,
        cause,
      });
    },
  );

  test("a host that refuses the connection is named", async () => {
    const [url, host] = await serving(
      () => {},
      async (...address) => address,
    );
    const { model } = await openai(url);
    const error = await failureOf(model);
    expect(error.what).toBe(
      `The model "openai/gpt-test" cannot be reached: the host ${host} refused the connection (ECONNREFUSED)`,
    );
    expect(error.mend).toBe("Check the network, and the base URL of the provider");
    expect(error).toMatchObject({ retryable: true, cause: { name: "AI_APICallError" } });
    expectNoSecret(error, KEY);
  });

  test("a host that nobody knows is named", async () => {
    const cause = Object.assign(new Error("getaddrinfo ENOTFOUND api.nowhere.test"), { code: "ENOTFOUND" });
    const url = "https://api.nowhere.test/v1/chat";
    const error = await failureOf(
      failing(new APICallError({ message: "Cannot connect", url, requestBodyValues: {}, cause })),
    );
    expect(error.what).toMatch(/the host api\.nowhere\.test is not known to the network \(ENOTFOUND\)$/);
  });

  test("a connection that breaks amid the reply is a failure that can be tried again", async () => {
    const hangUp: RequestListener = (_request, response) => {
      response.writeHead(200, { "content-type": "text/event-stream" });
      response.write('data: {"id":"1","choices":[{"index":0,"delta":{"content":"He"}}]}\n\n', () => response.destroy());
    };
    await serving(hangUp, async (url) => {
      const { model } = await openai(url);
      const error = await failureOf(model);
      expect(error.what).toMatch(/^The reply of the model "openai\/gpt-test" broke off: .*\(UND_ERR_SOCKET\)$/);
      expect(error.retryable).toBe(true);
    });
  });

  test("an abort closes the connection", async () => {
    const closed = deferred();
    const hang: RequestListener = (_request, response) => {
      response.on("close", closed.resolve);
      response.writeHead(200, { "content-type": "text/event-stream" });
      response.write('data: {"id":"1","choices":[{"index":0,"delta":{"content":"He"}}]}\n\n');
    };
    await serving(hang, async (url) => {
      const { model } = await openai(url);
      const abort = new AbortController();
      const parts: ModelPart[] = [];
      for await (const part of ask(model, HELLO).stream({ abortSignal: abort.signal })) {
        parts.push(part);
        abort.abort();
      }
      expect(parts).toEqual([{ type: "text", delta: "He" }]);
      await closed.promise;
    });
  });
});

describe("in a flow", () => {
  const spec = defineFlow({ name: "asks", input: z.string(), result: z.unknown() });
  async function entriesOf(execution: { events: () => AsyncIterable<Entry> }): Promise<Entry[]> {
    const entries: Entry[] = [];
    for await (const entry of execution.events()) entries.push(entry);
    return entries;
  }

  test("ctx.text reads it, and the log tells the start, the tokens and the finish", async () => {
    const model = writing(START, ...textParts("He", "llo"), finishPart());
    const asking = flow(spec).chunk("read", start, (input, ctx) => ctx.text(ask(model, { prompt: input })));
    const execution = run(asking, "Hi");
    const entries = await entriesOf(execution);
    expect(await execution.result).toBe("Hello");
    expect(entries.filter(({ type }) => type.startsWith("model:"))).toMatchObject([
      { type: "model:start", model: "mock/m-1" },
      { type: "model:token", delta: "He" },
      { type: "model:token", delta: "llo" },
      { type: "model:finish", model: "mock/m-1", finishReason: "stop", usage: { inputTokens: 12, outputTokens: 7 } },
    ]);
  });

  test("ctx.instant reads it, and gives the reply as its schema puts it out", async () => {
    const Answer = instant("answer", z.object({ n: z.string().transform(Number) }));
    const model = writing(START, ...textParts('{"n":', '"4', '2"}'), finishPart());
    const asking = flow(spec).chunk("read", start, (input, ctx) => ctx.instant(Answer, ask(model, { prompt: input })));
    expect(await run(asking, "Hi").result).toEqual({ n: 42 });
    expect(model.doStreamCalls[0]?.responseFormat).toMatchObject({ type: "json", name: "answer" });
  });

  test("a failure ends the flow with the model's name", async () => {
    const asking = flow(spec).chunk("read", start, (input, ctx) =>
      ctx.text(ask(failing(new Error("no")), { prompt: input })),
    );
    await expect(run(asking, "Hi").result).rejects.toThrowError(/The model "mock\/m-1" failed: no/);
  });
});

describe("the model of the examples", () => {
  const KEY = "sk-test";
  test.each([
    [{}, "tiny-model", /toy model.*only shop support tickets.*OPENAI_API_KEY/],
    [{ OPENAI_API_KEY: "", ANTHROPIC_API_KEY: "" }, "tiny-model", /toy model/],
    [{ OPENAI_API_KEY: KEY, ANTHROPIC_API_KEY: KEY }, "openai.responses", /OpenAI/],
    [{ OPENAI_API_KEY: KEY, OPENAI_BASE_URL: "http://127.0.0.1:9/v1" }, "openai.chat", /http:\/\/127\.0\.0\.1:9\/v1/],
    [{ OPENAI_BASE_URL: "http://127.0.0.1:9/v1", OPENAI_MODEL: "qwen" }, "openai.chat", /qwen at http:/],
    [{ ANTHROPIC_API_KEY: KEY }, "anthropic.messages", /Anthropic/],
  ])("with %j it is %s", async (env, provider, note) => {
    const chosen = await chooseModel(env);
    expect(chosen.model.provider).toBe(provider);
    expect(chosen.note).toMatch(note);
    expect(chosen.name).toBe(chosen.model.modelId);
    expect(chosen.note).not.toContain(KEY);
  });

  test.each([
    [{ OPENAI_API_KEY: KEY }, "openai/gpt-6-sol"],
    [{ ANTHROPIC_API_KEY: KEY }, "anthropic/claude-sonnet-5-5"],
  ])("with %j the large one is %s, which the table of prices has, and dearer than the other", async (env, name) => {
    const [large, small] = [await chooseModel(env, { large: true }), await chooseModel(env)];
    expect(ask(large.model, { prompt: "?" }).model).toBe(name);
    const costs = [large, small].map(({ model }) => priceOf(currentPrices, ask(model, { prompt: "?" }).model)?.output);
    expect(costs).toEqual([10, 0.5]);
  });

  test.each([
    [
      { OPENAI_BASE_URL: "http://127.0.0.1:9/v1", OPENAI_MODEL: "qwen", OPENAI_LARGE_MODEL: "qwen-large" },
      "qwen-large",
    ],
    [{ OPENAI_BASE_URL: "http://127.0.0.1:9/v1", OPENAI_MODEL: "qwen" }, "qwen"],
  ])("with %j the large one is %s", async (env, name) => {
    expect((await chooseModel(env, { large: true })).name).toBe(name);
  });

  test("a local server gets a request without a key of anybody's", async () => {
    const { model } = await chooseModel({ OPENAI_BASE_URL: "http://127.0.0.1:9/v1" });
    const authorized = vi.spyOn(globalThis, "fetch").mockRejectedValue(new Error("offline"));
    try {
      await generateText({ model, prompt: "x", maxRetries: 0 }).catch(() => undefined);
      expect(JSON.stringify(authorized.mock.calls[0]?.[1]?.headers)).toContain("Bearer none");
    } finally {
      authorized.mockRestore();
    }
  });
});
