// An execution as a message of the AI SDK's UI message stream: what is shown, and how.
import { ask } from "@sluice/ai";
import { type TokenSource, defineFlow, flow, instant, run, start } from "@sluice/core";
import { scriptedModel, virtualTime } from "@sluice/testing";
import type { UIMessageChunk } from "ai";
import { describe, expect, test } from "vitest";
import { z } from "zod";
import { CALLS, asking, trackOf, tracking } from "./agent.ts";
import { answering, callParts, finishPart, textParts } from "./mock-model.ts";
import { chunksOf, partsOf, shownBy } from "./ui-message.ts";

const spec = defineFlow({
  name: "show",
  input: z.string(),
  stream: z.unknown(),
  result: z.unknown(),
  state: z.object({ n: z.number().default(0), who: z.string().optional() }),
});
const Note = instant("note", z.object({ title: z.string(), tags: z.array(z.string()) }));
const telling = (source: TokenSource) => flow(spec).chunk("tell", start, (_input, ctx) => ctx.text(source));
const noting = (source: TokenSource) => flow(spec).chunk("note", start, (_input, ctx) => ctx.instant(Note, source));
const ofType = <T extends UIMessageChunk["type"]>(chunks: readonly UIMessageChunk[], type: T) =>
  chunks.filter((chunk): chunk is Extract<UIMessageChunk, { type: T }> => chunk.type === type);

describe("a text", () => {
  test("of a model is a part, within the message's one step", async () => {
    const execution = run(telling(scriptedModel([["Hello ", "you"]])), "", { id: "e1" });
    expect(await chunksOf(execution)).toEqual([
      { type: "start", messageId: "e1" },
      { type: "start-step" },
      { type: "text-start", id: "a1.1.1" },
      { type: "text-delta", id: "a1.1.1", delta: "Hello " },
      { type: "text-delta", id: "a1.1.1", delta: "you" },
      { type: "text-end", id: "a1.1.1" },
      { type: "finish-step" },
      { type: "finish", finishReason: "stop" },
    ]);
  });

  test("and the reasoning before it are parts of their own; reasoning can be left out", async () => {
    const thinking = () => run(telling(scriptedModel([[{ reasoning: "Well, " }, { reasoning: "hm." }, "Yes"]])), "");
    const { messages, last } = await shownBy(await chunksOf(thinking()));
    expect(partsOf(last)).toEqual(["reasoning Well, hm.", "text Yes"]);
    expect(partsOf(messages[2])).toEqual(["reasoning… Well, "]);
    const without = await shownBy(await chunksOf(thinking(), { reasoning: false }));
    expect(partsOf(without.last)).toEqual(["text Yes"]);
  });

  test("is told from a structured reply that is read at the same time, in the same chunk", async () => {
    const both = flow(spec).chunk("both", start, async (_input, ctx) => {
      const text = ctx.text(scriptedModel([["So ", "it ", "is"]]));
      await ctx.instant(Note, scriptedModel([['{"title":', '"T","tags"', ":[]}"]]));
      return text;
    });
    const { last } = await shownBy(await chunksOf(run(both, "")));
    expect(partsOf(last)).toEqual(["text So it is", 'note.title complete "T"', "note.tags complete []"]);
  });

  test("of two models at once is two parts", async () => {
    const two = flow(spec).chunk("two", start, (_input, ctx) =>
      Promise.all([ctx.text(scriptedModel([["one ", "one"]])), ctx.text(scriptedModel([["two ", "two"]]))]),
    );
    expect(partsOf((await shownBy(await chunksOf(run(two, "")))).last)).toEqual(["text one one", "text two two"]);
  });

  test("that nobody is to see is not shown", async () => {
    const quiet = flow(spec).chunk("tell", start, (_input, ctx) => ctx.generate(scriptedModel(["secret"])));
    expect(partsOf((await shownBy(await chunksOf(run(quiet, "")))).last)).toEqual([]);
  });

  test("that was cut says so in the reason to finish", async () => {
    const cut = run(telling(scriptedModel([["Hel", { finish: "length" }]])), "");
    expect((await chunksOf(cut)).at(-1)).toEqual({ type: "finish", finishReason: "length" });
  });
});

describe("a field of a reply", () => {
  const reply = ['{"title":"A ', "long ", 'title","tags":["x"', "]}"];

  test("is a data part, replaced in place while it is written, until it is complete", async () => {
    const chunks = await chunksOf(run(noting(scriptedModel([reply])), ""));
    const title = { reply: "note", replyId: "note@a1", path: "title" };
    const fields = chunks.filter(({ type }) => type === "data-field");
    expect(fields.slice(0, 4)).toEqual([
      { type: "data-field", id: "note@a1:title", data: { ...title, state: "writing", value: "A " } },
      { type: "data-field", id: "note@a1:title", data: { ...title, state: "writing", value: "A long " } },
      { type: "data-field", id: "note@a1:title", data: { ...title, state: "writing", value: "A long title" } },
      { type: "data-field", id: "note@a1:title", data: { ...title, state: "complete", value: "A long title" } },
    ]);
    expect(ofType(chunks, "text-start")).toEqual([]);
    expect(partsOf((await shownBy(chunks)).last)).toEqual([
      'note.title complete "A long title"',
      'note.tags[0] complete "x"',
      'note.tags complete ["x"]',
    ]);
  });

  test("that is long is told again only when it has grown by an eighth: at most nine times its length in all", async () => {
    const words = Array.from({ length: 3_000 }, () => "word ");
    const chunks = await chunksOf(run(noting(scriptedModel([['{"title":"', ...words, '","tags":[]}']])), ""));
    const told = chunks.flatMap((chunk) =>
      chunk.type === "data-field" && chunk.id === "note@a1:title"
        ? [(chunk.data as { value: string }).value.length]
        : [],
    );
    expect(told.at(-1)).toBe(15_000);
    expect(told.length).toBeGreaterThan(40);
    expect(told.reduce((sum, length) => sum + length, 0)).toBeLessThan(10 * 15_000);
  });

  test("can be text of the message, or not shown at all", async () => {
    const chunks = await chunksOf(run(noting(scriptedModel([reply])), ""), {
      field: ({ path }) => (path === "title" ? "text" : path.startsWith("tags[") ? "data" : "none"),
    });
    expect(ofType(chunks, "text-delta").map(({ delta }) => delta)).toEqual(["A ", "long ", "title"]);
    expect(partsOf((await shownBy(chunks)).last)).toEqual(["text A long title", 'note.tags[0] complete "x"']);
  });

  test("that comes at once can be text, too; what is no text stays data", async () => {
    const Kind = instant("kind", z.object({ kind: z.enum(["a", "b"]), n: z.number() }));
    const it = flow(spec).chunk("k", start, (_input, ctx) => ctx.instant(Kind, ['{"kind":"b","n":3}']));
    const { last } = await shownBy(
      await chunksOf(run(it, ""), { field: ({ path }) => (path === "" ? "none" : "text") }),
    );
    expect(partsOf(last)).toEqual(["text b", "kind.n complete 3"]);
  });

  test("that does not fit is shown with what the model wrote, and why", async () => {
    const it = run(noting(['{"title":7,"tags":[]}']), "");
    const invalid = (await chunksOf(it)).find((chunk) => chunk.type === "data-field" && chunk.id === "note@a1:title");
    expect(invalid).toMatchObject({
      data: { state: "invalid", value: 7, issues: [{ message: "Invalid input: expected string, received number" }] },
    });
  });

  test("may hold what JSON cannot", async () => {
    const Odd = instant(
      "odd",
      z.object({ at: z.string().transform((text) => new Date(text)), n: z.number().transform(BigInt) }),
    );
    const it = flow(spec).chunk("o", start, async (_input, ctx) => {
      await ctx.instant(Odd, ['{"at":"2026-01-02","n":3}']);
    });
    expect(partsOf((await shownBy(await chunksOf(run(it, "")))).last).slice(0, 2)).toEqual([
      'odd.at complete "2026-01-02T00:00:00.000Z"',
      'odd.n complete "3"',
    ]);
  });
});

describe("a tool", () => {
  test("is a part with what it was called with, and what it gave", async () => {
    const execution = run(asking(ask(tracking(), { prompt: "?", tools: trackOf(() => ({ status: "shipped" })) })), "");
    const { messages, last } = await shownBy(await chunksOf(execution));
    const part = { type: "tool-track", toolCallId: "c1", input: { order: "A7" } };
    expect(partsOf(last)).toMatchObject([
      { ...part, state: "output-available", output: { status: "shipped" } },
      "text It is on its way",
    ]);
    expect(messages.slice(1, 4).map(partsOf)).toMatchObject([
      [{ type: "tool-track", toolCallId: "c1", state: "input-streaming" }],
      [{ ...part, state: "input-streaming" }],
      [{ ...part, state: "input-available" }],
    ]);
  });

  test("shows its progress as a preliminary output", async () => {
    async function* execute() {
      yield "searching";
      yield "shipped";
    }
    const chunks = await chunksOf(run(asking(ask(tracking(), { prompt: "?", tools: trackOf(execute) })), ""));
    expect(ofType(chunks, "tool-output-available")).toEqual([
      { type: "tool-output-available", toolCallId: "c1", output: "searching", preliminary: true },
      { type: "tool-output-available", toolCallId: "c1", output: "shipped", preliminary: true },
      { type: "tool-output-available", toolCallId: "c1", output: "shipped" },
    ]);
  });

  test("that fails says why, without keys", async () => {
    const tools = trackOf(() => {
      throw new Error("Denied for sk-live-abcdef1234567890");
    });
    const chunks = await chunksOf(run(asking(ask(tracking(), { prompt: "?", tools })), ""));
    expect(ofType(chunks, "tool-output-error")).toEqual([
      { type: "tool-output-error", toolCallId: "c1", errorText: "Denied for [secret]" },
    ]);
  });

  test("whose chunk ends before it is ended, too", async () => {
    const tools = trackOf(() => new Promise(() => {}));
    const execution = run(asking(ask(tracking(), { prompt: "?", tools })), "");
    execution.on("tool:call_start", () => execution.cancel("enough"));
    const chunks = await chunksOf(execution);
    expect(chunks.slice(-2)).toEqual([
      { type: "tool-output-error", toolCallId: "c1", errorText: "The call was ended" },
      { type: "abort", reason: "enough" },
    ]);
  });

  test("that is called again under the id of another call is another part", async () => {
    const calling = () =>
      answering([...callParts("call_0", "track", { order: "A7" }), CALLS], [...textParts("Ok"), finishPart()]);
    let n = 0;
    const tools = trackOf(() => (n += 1));
    const twice = flow(spec).chunk("twice", start, async (_input, ctx) => {
      await ctx.generate(ask(calling(), { prompt: "?", tools }));
      return ctx.generate(ask(calling(), { prompt: "?", tools }));
    });
    const { last } = await shownBy(await chunksOf(run(twice, "")));
    expect(partsOf(last)).toMatchObject([
      { toolCallId: "call_0", output: 1 },
      { toolCallId: "call_0~2", output: 2 },
    ]);
  });
});

describe("items and state", () => {
  const busy = flow(spec).chunk("work", start, (_input, ctx) => {
    ctx.putIntoStream({ percent: 50 });
    ctx.state.set("who", "Ada");
    ctx.putIntoStream({ percent: 100 });
    ctx.state.update((draft) => {
      draft.n = 2;
      delete draft.who;
    });
  });

  test("are data parts; the state is one, as it stands after each change", async () => {
    const { messages, last } = await shownBy(await chunksOf(run(busy, "")));
    expect(partsOf(last)).toEqual(['item {"percent":50}', 'state {"n":2}', 'item {"percent":100}']);
    expect(partsOf(messages[2])).toEqual(['item {"percent":50}', 'state {"n":0,"who":"Ada"}']);
  });

  test("can be shown as something else, or not at all", async () => {
    const chunks = await chunksOf(run(busy, ""), {
      item: (item) =>
        (item as { percent: number }).percent < 100 ? undefined : { type: "data-progress", id: "bar", data: item },
      state: (state) => (state as { who?: string }).who,
    });
    expect(chunks.filter(({ type }) => type.startsWith("data-"))).toEqual([
      { type: "data-state", id: "show", data: "Ada" },
      { type: "data-progress", id: "bar", data: { percent: 100 } },
    ]);
  });

  test("of a child: its items unless they are not bridged, its state not", async () => {
    for (const [bridge, shown] of [
      [true, ['item {"percent":50}', 'item {"percent":100}']],
      [false, []],
    ] as const) {
      const parent = flow(defineFlow({ name: "parent", input: z.string() })).chunk(
        "run",
        start,
        async (_input, ctx) => {
          await ctx.child(busy, "", { bridge });
        },
      );
      expect(partsOf((await shownBy(await chunksOf(run(parent, "")))).last)).toEqual(shown);
    }
  });
});

describe("the end", () => {
  const breaking = (error: Error, timeout?: number) =>
    flow({ ...spec, ...(timeout !== undefined && { timeout }) }).chunk("work", start, async (_input, ctx) => {
      await ctx.text(["Hel"]);
      throw error;
    });

  test("of an execution that fails is an error with a sentence: no stack, no key", async () => {
    const error = new Error("refused: sk-live-abcdef1234567890");
    const chunks = await chunksOf(run(breaking(error), ""));
    expect(chunks.slice(-3)).toEqual([
      { type: "error", errorText: 'The chunk "work" failed: refused: [secret]' },
      { type: "finish-step" },
      { type: "finish", finishReason: "error" },
    ]);
    expect((await shownBy(chunks)).errors).toEqual(['The chunk "work" failed: refused: [secret]']);
  });

  test("can be told in other words", async () => {
    const chunks = await chunksOf(run(breaking(new Error("no")), ""), {
      onError: (error) => `Sorry: ${(error as { code: string }).code}`,
    });
    expect(ofType(chunks, "error")).toEqual([{ type: "error", errorText: "Sorry: chunk-failed" }]);
  });

  test("ends a text that its model has broken off", async () => {
    const broken = run(telling(scriptedModel([["Hel", { throws: new Error("gone") }]])), "");
    const { last, errors } = await shownBy(await chunksOf(broken));
    expect(partsOf(last)).toEqual(["text Hel"]);
    expect(errors).toEqual(['The model "scripted" failed: gone']);
  });

  test("of an execution that is cancelled is an abort", async () => {
    const execution = run(telling(scriptedModel([["Hel", { hangs: true }]])), "");
    execution.on("model:token", () => execution.cancel("user left"));
    expect((await chunksOf(execution)).slice(-2)).toEqual([
      { type: "text-end", id: "a1.1.1" },
      { type: "abort", reason: "user left" },
    ]);
  });

  test("of an execution whose time is over is an error", async () => {
    await virtualTime(async ({ execute, delay }) => {
      const slow = flow({ ...spec, timeout: 100 }).chunk("work", start, () => delay(1_000));
      const chunks = await chunksOf(execute(slow, ""));
      expect(ofType(chunks, "error")).toEqual([
        { type: "error", errorText: "The execution took longer than its time: 100 ms" },
      ]);
    });
  });

  test("may bring metadata, as any entry may", async () => {
    const execution = run(telling(scriptedModel(["Hi"])), "");
    const chunks = await chunksOf(execution, {
      messageMetadata: (entry) =>
        entry.type === "model:finish"
          ? { model: entry.model }
          : entry.type === "flow:completed"
            ? { result: entry.result as unknown }
            : undefined,
    });
    expect((await shownBy(chunks)).messages.at(-1)?.metadata).toEqual({ model: "scripted", result: "Hi" });
  });
});
