// Whole calls of models, recorded and played again: over real HTTP first, then offline and in virtual time.
import { mkdtempSync, readFileSync, rmSync } from "node:fs";
import type { ServerResponse } from "node:http";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { LLMock } from "@copilotkit/aimock";
import { type PriceTable, ask, callerOf, usageOf } from "@sluice/ai";
import {
  type Entry,
  type ModelCall,
  type ModelPart,
  type TokenSource,
  defineFlow,
  flow,
  instant,
  run,
  start,
} from "@sluice/core";
import { type Recording, logOf, outline, record, replay, scriptedModel, virtualTime } from "@sluice/testing";
import { type LanguageModel, tool } from "ai";
import { afterAll, beforeAll, describe, expect, test } from "vitest";
import { z } from "zod";
import { asking, order, told } from "./agent.ts";
import { START, finishPart, textParts, writing } from "./mock-model.ts";
import { type Wire, answering, local, wires } from "./provider-wire.ts";

const KEY = "sk-proj-abcdEFGH1234567890abcdEFGH";
const TEAM = "team-of-seven";
const folder = mkdtempSync(join(tmpdir(), "sluice-calls-"));
afterAll(() => rmSync(folder, { recursive: true }));
const fileOf = (name: string): string => join(folder, `${name}.json`);
const written = (name: string): Recording => JSON.parse(readFileSync(fileOf(name), "utf8")) as Recording;
const wire = (named: string): Wire => wires.find(({ provider }) => provider === named) ?? local;
const plain = (entries: readonly Entry[]): unknown => JSON.parse(JSON.stringify(entries));

/** What the log tells of models, tools and failures, chunk by chunk: in real time their turns are a matter of chance. */
function toldByChunk(entries: readonly Entry[]): unknown {
  const chunks: Record<string, unknown[]> = {};
  for (const { activationId: _id, replyId: _reply, ...entry } of outline(entries)) {
    if (!/^model:|^tool:|^chunk:failed$/.test(entry.type)) continue;
    (chunks[`${String(entry["chunk"])} ${String(entry["lane"])}`] ??= []).push(entry);
  }
  return JSON.parse(JSON.stringify(chunks));
}

describe("a flow with three models", () => {
  const Triage = instant("triage", z.object({ product: z.string(), steps: z.array(z.string()) }));
  const spec = defineFlow({ name: "support", input: z.string(), stream: z.string(), result: z.string() });
  const dear = { input: 1_000_000, output: 4_000_000 }; // a token costs whole dollars: their sum is exact in any order
  const prices: PriceTable = {
    version: "test",
    models: { "openai/gpt-5-mini": dear, "anthropic/claude-haiku-5-5": dear, "local/qwen-3": dear },
  };
  interface Models {
    readonly triage: (ticket: string) => TokenSource;
    readonly parcel: (product: string) => TokenSource;
    readonly plan: (step: string) => TokenSource;
  }
  const support = ({ triage, parcel, plan }: Models) =>
    flow(spec)
      .chunk("read", start, (ticket, ctx) => ctx.instant(Triage, triage(ticket)))
      .chunk("find", Triage.field("product"), (product, ctx) => ctx.text(parcel(product)), {
        retry: { attempts: 2, delay: 40 },
      })
      .chunk("plan", Triage.field("steps[*]"), async (step, ctx) => {
        const planned = await ctx.text(plan(step));
        ctx.putIntoStream(planned);
      });

  const openai = new LLMock({ port: 0, chunkSize: 8, auth: { apiKeys: [KEY] } });
  const anthropic = new LLMock({ port: 0, chunkSize: 8, auth: { apiKeys: [KEY] } });
  const compatible = new LLMock({ port: 0, chunkSize: 8, auth: { apiKeys: [KEY] } });
  let live: Entry[];
  let tracked = 0;

  beforeAll(async () => {
    openai.onMessage("broken", { content: { product: "lamp", steps: ["unplug", "return"] } });
    anthropic.nextRequestError(503, { message: "Overloaded", type: "overloaded_error" });
    anthropic.on(
      { userMessage: "lamp", hasToolResult: false },
      { reasoning: "Where can it be", toolCalls: [{ name: "track", arguments: { order: "A7" } }] },
    );
    anthropic.on({ userMessage: "lamp", hasToolResult: true }, { content: "It is on its way" });
    compatible.on({ model: "busy" }, { error: { message: "Slow down", type: "rate_limit_error" }, status: 429 });
    compatible.onMessage("unplug", { content: "Pull the plug" });
    compatible.onMessage("return", { content: "Send it back to us" });
    await Promise.all([openai.start(), anthropic.start(), compatible.start()]);
    const given = { headers: { "x-team": TEAM }, prices };
    const at = ({ model }: Wire, { url }: LLMock, modelId?: string): LanguageModel =>
      model({ url, apiKey: KEY, ...(modelId !== undefined && { modelId }) });
    const track = tool({
      inputSchema: order,
      execute: (_input, options) => {
        tracked += 1;
        callerOf(options)?.progress("looking");
        return { status: "shipped" };
      },
    });
    const execution = run(
      support({
        triage: record(
          (ticket: string) => ask(at(wire("OpenAI chat"), openai), { prompt: `Secret: ${ticket}`, ...given }),
          fileOf("triage"),
        ),
        parcel: record(
          (prompt: string) => ask(at(wire("Anthropic"), anthropic), { prompt, tools: { track }, ...given }),
          fileOf("parcel"),
        ),
        plan: record(
          (prompt: string) => ask([at(local, compatible, "busy"), at(local, compatible)], { prompt, ...given }),
          fileOf("plan"),
        ),
      }),
      "broken",
    );
    live = await logOf(execution);
    await Promise.all([openai.stop(), anthropic.stop(), compatible.stop()]);
  });

  async function replayed(): Promise<Entry[]> {
    let entries: Entry[] = [];
    await virtualTime(async ({ execute }) => {
      const [triage, parcel, plan] = [replay(fileOf("triage")), replay(fileOf("parcel")), replay(fileOf("plan"))];
      entries = await logOf(
        execute(support({ triage: () => triage, parcel: () => parcel, plan: () => plan }), "broken"),
      );
    });
    return entries;
  }

  test("runs offline from what was recorded: models, tools, reasoning, usage, costs and failures are told as before", async () => {
    const entries = await replayed();
    expect(live.at(-1)).toMatchObject({ type: "flow:completed" });
    expect(live.flatMap((entry) => (entry.type === "chunk:failed" ? [entry.error.message] : []))).toEqual([
      expect.stringContaining("status 503: Overloaded"),
    ]);
    expect(live.filter(({ type }) => type === "model:resolved")).toHaveLength(2);
    expect(live.map(({ type }) => type)).toEqual(
      expect.arrayContaining(["model:reasoning", "tool:call_start", "tool:progress", "tool:call_finish"]),
    );
    expect(toldByChunk(entries)).toEqual(toldByChunk(live));
    expect(tracked).toBe(1);
  });

  test("runs the same each time, to the millisecond", async () => {
    expect(plain(await replayed())).toEqual(plain(await replayed()));
  });

  test("has used and cost in the replay what it did when it was recorded", async () => {
    const report = usageOf(live);
    expect(report.costUsd).toBeGreaterThan(0);
    expect(usageOf(await replayed())).toEqual(report);
  });

  test("takes the time in the replay that each call took", async () => {
    const took = (await replayed()).flatMap((entry) =>
      entry.type === "model:finish" && entry.chunk === "read" ? [entry.durationMs] : [],
    );
    const pieces = written("triage").calls.flatMap((call) => call.pieces);
    const finish = pieces.findIndex((piece) => "finish" in piece);
    expect(took).toEqual([pieces.slice(0, finish + 1).reduce((sum, { afterMs }) => sum + afterMs, 0)]);
  });

  test.each(["triage", "parcel", "plan"])("leaves no key, header or prompt in the recording %s", (name) => {
    const text = readFileSync(fileOf(name), "utf8");
    for (const secret of [KEY, TEAM, "x-team", "Secret:", "uthorization", "api-key", "Bearer"]) {
      expect(text).not.toContain(secret);
    }
    expect(written(name)).toMatchObject({ version: 1 });
  });
});

describe("a recorded failure", () => {
  const spec = defineFlow({ name: "asks", input: z.null(), result: z.string() });
  const twice = (source: TokenSource) =>
    flow(spec).chunk("read", start, (_input, ctx) => ctx.text(source), { retry: { attempts: 2, delay: 10 } });

  test("fails as it did: after the same tokens, with the same code, and tried again as far as it was", async () => {
    let calls = 0;
    const answer = (response: ServerResponse): void => {
      calls += 1;
      if (calls === 1) {
        response.writeHead(200, { "content-type": "text/event-stream" });
        response.write(local.begins, () => response.destroy());
      } else {
        response.writeHead(401, { "content-type": "application/json" });
        response.end(JSON.stringify({ error: { message: `Incorrect API key provided: ${KEY}` } }));
      }
    };
    const live = await answering(answer, async (url) => {
      const source = record(ask(local.model({ url, apiKey: KEY }), { prompt: "greet" }), fileOf("cut"));
      return logOf(run(twice(source), null));
    });
    await virtualTime(async ({ execute }) => {
      const execution = execute(twice(replay(fileOf("cut"))), null);
      const entries = await logOf(execution);
      expect(told(entries)).toEqual([
        "start local/qwen-3",
        "token He",
        "finish error",
        "start local/qwen-3",
        "finish error",
      ]);
      expect(toldByChunk(entries)).toEqual(toldByChunk(live));
      expect(usageOf(entries)).toEqual(usageOf(live));
      await expect(execution.result).rejects.toMatchObject({
        code: "model-failed",
        retryable: false,
        where: "asks.read",
      });
    });
    expect(written("cut").calls).toMatchObject([
      { pieces: [{ text: "He" }, { fails: { code: "model-failed", retryable: true } }] },
      { attempt: 2, pieces: [{ fails: { code: "model-failed", retryable: false } }] },
    ]);
    expect(readFileSync(fileOf("cut"), "utf8")).not.toContain(KEY);
  });

  test("is refused at once where it was refused at once", async () => {
    const refuses: ModelCall = {
      model: "m",
      stream() {
        throw Object.assign(new Error("no licence"), { isRetryable: false });
      },
    };
    await virtualTime(async ({ execute }) => {
      const live = toldByChunk(await logOf(execute(twice(record(refuses, fileOf("refused"))), null)));
      expect(toldByChunk(await logOf(execute(twice(replay(fileOf("refused"))), null)))).toEqual(live);
      expect(JSON.stringify(live)).toMatch(/no licence/);
    });
  });
});

describe("the calls of one recording", () => {
  const spec = defineFlow({ name: "many", input: z.array(z.string()), stream: z.string() });
  const Words = instant("words", z.object({ words: z.array(z.string()) }));
  /** Each word is asked for in a lane of its own, twice when the first answer is no. */
  const many = (ask_: (word: string) => TokenSource) =>
    flow(spec)
      .chunk("write", start, (words, ctx) => ctx.instant(Words, [JSON.stringify({ words })]))
      .chunk(
        "ask",
        Words.field("words[*]"),
        async (word, ctx) => {
          const answer = await ctx.text(ask_(word));
          if (answer === "no") throw new Error("not yet");
          ctx.putIntoStream(`${ctx.signal.indexes.join()} ${answer}`);
        },
        { retry: { attempts: 2, delay: 10, jitter: false } },
      );
  const items = (entries: readonly Entry[]) =>
    entries.flatMap((entry) => (entry.type === "stream:item" ? [entry.item] : []));

  test("go to the attempts that they were recorded in, in order", async () => {
    await virtualTime(async ({ execute, delay }) => {
      const model = scriptedModel(
        [[{ afterMs: 30, text: "no" }], "first", [{ afterMs: 5, text: "no" }], "third", "second"],
        {
          delay,
        },
      );
      const live = await logOf(execute(many(record(model.ask, fileOf("many"))), ["a", "b", "c"]));
      expect(written("many").calls.map(({ attempt }) => attempt)).toEqual([undefined, undefined, undefined, 2, 2]);
      const source = replay(fileOf("many"));
      const entries = await logOf(
        execute(
          many(() => source),
          ["a", "b", "c"],
        ),
      );
      expect(items(entries)).toEqual(["1 first", "2 third", "0 second"]);
      expect(items(entries)).toEqual(items(live));
    });
  });

  test("are all that there is: one more is told with its place and its mend, and not tried again", async () => {
    const recording: Recording = { version: 1, model: "m", calls: [{ pieces: [{ afterMs: 1, text: "no" }] }] };
    await virtualTime(async ({ execute }) => {
      const source = replay(recording);
      const more = execute(
        many(() => source),
        ["a", "b"],
      );
      await expect(more.result).rejects.toMatchObject({
        code: "model-failed",
        what: "The recording of m has 1 call of attempt 1, and is asked for one more",
        where: "many.ask",
        mend: expect.stringMatching(/^Record the flow as it is now/) as string,
        retryable: false,
      });
      const again = execute(
        many(() => replay(recording)),
        ["a"],
      );
      await expect(again.result).rejects.toThrow("has no call of attempt 2, and is asked for one");
    });
  });

  test("are of one model", async () => {
    const source = record((model: string) => scriptedModel(["yes"], { model }), fileOf("mixed"));
    await virtualTime(async ({ execute }) => {
      await expect(execute(many(source), ["one", "two"]).result).rejects.toThrow(
        'has calls of "one", and "two" is to be added',
      );
    });
  });
});

describe("what a call has used that did not come to its end", () => {
  const usage = { inputTokens: 3, outputTokens: 1 };

  test("is told of the model that another took the place of", async () => {
    let used: { readonly usage: typeof usage } | undefined = { usage };
    async function* parts(): AsyncGenerator<ModelPart> {
      yield { type: "resolved", wanted: "best", model: "cheaper", reason: "timeout" };
      used = undefined;
      yield { type: "text", delta: "Yes" };
      yield { type: "finish", finishReason: "stop", usage: { inputTokens: 5 } };
    }
    const source: ModelCall = { model: "best", stream: () => Object.assign(parts(), { spent: () => used }) };
    await virtualTime(async ({ execute }) => {
      const live = await logOf(execute(asking(record(source, fileOf("place"))), ""));
      const again = await logOf(execute(asking(replay(fileOf("place"))), ""));
      expect(toldByChunk(again)).toEqual(toldByChunk(live));
      expect(usageOf(again).models).toMatchObject({ best: usage, cheaper: { inputTokens: 5 } });
    });
  });

  test("is left out where the source fails to tell", async () => {
    const mute: ModelCall = {
      model: "m",
      stream: (request) =>
        Object.assign(scriptedModel([[{ throws: new Error("the line is dead") }]]).stream(request), {
          spent() {
            throw new Error("no idea");
          },
        }),
    };
    await virtualTime(async ({ execute }) => {
      const live = toldByChunk(await logOf(execute(asking(record(mute, fileOf("mute"))), "")));
      expect(toldByChunk(await logOf(execute(asking(replay(fileOf("mute"))), "")))).toEqual(live);
      expect(JSON.stringify(live)).toMatch(/the line is dead/);
    });
  });

  test("is told as it was, with the model that was taken for the budget", async () => {
    const source: ModelCall = {
      model: "best",
      stream: () =>
        Object.assign(
          scriptedModel([["Hello", { hangs: true }]]).stream({ abortSignal: new AbortController().signal }),
          {
            spent: () => ({ usage, costUsd: 0.5, estimated: true as const }),
            resolved: { wanted: "best", model: "cheaper", reason: "budget" as const },
          },
        ),
    };
    const cancelled = async (given: TokenSource): Promise<unknown> => {
      let log: unknown;
      await virtualTime(async ({ execute, advance }) => {
        const execution = execute(asking(given), "");
        await advance(20);
        execution.cancel();
        log = plain(await logOf(execution));
      });
      return log;
    };
    const live = await cancelled(record(source, fileOf("early")));
    expect(await cancelled(replay(fileOf("early")))).toEqual(live);
    expect(live).toContainEqual(
      expect.objectContaining({ type: "model:finish", model: "cheaper", finishReason: "aborted", usage, costUsd: 0.5 }),
    );
  });
});

test("a budget is told again of what was spent, and that a price is not known", async () => {
  const unknown = ask(writing(START, ...textParts("Yes"), finishPart()), { prompt: "?", maxOutputTokens: 10 });
  const budgeted = async (source: TokenSource): Promise<unknown> => {
    let log: unknown;
    await virtualTime(async ({ execute }) => {
      const budget = { usd: 1, tokens: 30 };
      log = plain(await logOf(execute(asking(source), "", { budget })));
    });
    return log;
  };
  const live = await budgeted(record(unknown, fileOf("unpriced")));
  expect(await budgeted(replay(fileOf("unpriced")))).toEqual(live);
  expect(live).toContainEqual(expect.objectContaining({ type: "budget:price_unknown", model: "mock/m-1" }));
  expect(live).toContainEqual(expect.objectContaining({ type: "budget:threshold_reached" }));
});

test("what tools do not say is not said in the replay", async () => {
  const call = { toolCallId: "c1", tool: "ring" };
  const model = scriptedModel([
    [
      { finish: "tool-calls" },
      { part: { type: "tool-call", ...call, args: undefined } },
      { part: { type: "tool-progress", ...call, data: undefined } },
      { part: { type: "tool-result", ...call, success: true } },
    ],
  ]);
  await virtualTime(async ({ execute }) => {
    const live = toldByChunk(await logOf(execute(asking(record(model, fileOf("silent"))), "")));
    expect(toldByChunk(await logOf(execute(asking(replay(fileOf("silent"))), "")))).toEqual(live);
    expect(live).toHaveProperty(["answer /", 2, "type"], "tool:call_start");
  });
});
