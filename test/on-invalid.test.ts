import {
  type InstantOptions,
  Machine,
  type ModelCall,
  type ModelRequest,
  compile,
  defineFlow,
  flow,
  instant,
  parseReply,
  run,
  start,
} from "@sluice/core";
import { type ScriptedReply, logOf, scriptedModel } from "@sluice/testing";
import { describe, expect, test } from "vitest";
import { z } from "zod";

const schema = z
  .object({ from: z.number(), to: z.number(), tags: z.array(z.enum(["new", "old"])), note: z.string() })
  .refine(({ from, to }) => from < to, "from must be less than to");
const good = { from: 1, to: 2, tags: ["new"], note: "fine" };
const written = (change: Record<string, unknown>): string => JSON.stringify({ ...good, ...change });
const spec = defineFlow({ name: "desk", input: z.null(), stream: z.string(), result: z.any() });
const retry = { attempts: 3, delay: 0 };
const asking = (model: ModelCall, options: InstantOptions = {}) =>
  flow(spec).chunk("read", start, (_in, ctx) => ctx.instant(instant("span", schema, options), model), { retry });
const toldBy = async (...replies: ScriptedReply[]) => {
  const model = scriptedModel(replies);
  await run(asking(model), null).result;
  return model.calls.map(({ issues }) => issues);
};
const turn = () => new Promise((resolve) => void setImmediate(resolve));

describe('onInvalid: "abort"', () => {
  const pieces = ['{"from":1,"to":"two"', ',"tags":[],', '"note":"never read"}'];

  test("S34 ends the generation and the attempt at once, whatever the chunk does, and tells the next attempt's model", async () => {
    const model = scriptedModel([pieces, written({})]);
    const requests: ModelRequest[] = [];
    const heard: ModelCall = { ...model, stream: (request) => (requests.push(request), model.stream(request)) };
    const Span = instant("span", schema, { onInvalid: "abort" });
    const caught: unknown[] = [];
    const it = flow(spec).chunk(
      "read",
      start,
      async (_in, ctx) => {
        try {
          return await ctx.instant(Span, heard);
        } catch (error) {
          caught.push(error);
          return new Promise(() => {});
        }
      },
      { retry },
    );
    const execution = run(it, null);
    expect(await execution.result).toEqual(good);
    expect(model.calls).toMatchObject([
      { text: pieces[0], outcome: "aborted" },
      { text: written({}), outcome: "finished" },
    ]);
    const [first, second] = requests;
    expect(first?.abortSignal.reason).toMatchObject({ code: "reply-invalid" });
    expect(first).not.toHaveProperty("issues");
    const message = "Invalid input: expected number, received string";
    expect(second?.issues).toEqual([{ path: "to", issues: [{ path: [], message }], raw: "two" }]);
    expect(caught).toMatchObject([{ code: "reply-invalid" }]);
    const entries = (await logOf(execution)).filter(({ type }) => /invalid|model:finish|failed|retry|start/.test(type));
    expect(entries).toMatchObject([
      { type: "flow:start" },
      { type: "chunk:start", attempt: 1 },
      { type: "model:start" },
      { type: "field:invalid", field: "to" },
      { type: "model:finish", finishReason: "aborted" },
      {
        type: "chunk:failed",
        error: { code: "reply-invalid", message: expect.stringContaining(message) as string },
        willRetry: true,
      },
      { type: "chunk:retry" },
      { type: "chunk:start", attempt: 2 },
      { type: "model:start" },
      { type: "model:finish", finishReason: "stop" },
    ]);
  });

  test("tries again within the attempts of the chunk, and has failed for good then", async () => {
    const model = scriptedModel([pieces, pieces, pieces, written({})]);
    await expect(run(asking(model, { onInvalid: "abort" }), null).result).rejects.toMatchObject({
      code: "reply-invalid",
      where: "desk.read",
    });
    expect(model.calls).toHaveLength(3);
    const once = scriptedModel([pieces, written({})]);
    const it = flow(spec).chunk("read", start, (_in, ctx) =>
      ctx.instant(instant("span", schema, { onInvalid: "abort" }), once),
    );
    await expect(run(it, null).result).rejects.toMatchObject({ code: "reply-invalid" });
    expect(once.calls).toHaveLength(1);
  });

  test("what it has shown is reset, and live chunks do not keep it from being tried again", async () => {
    const Span = instant("span", schema, { onInvalid: "abort" });
    const model = scriptedModel([['{"note":"a', '","from":"one"'], written({})]);
    const it = flow(spec)
      .chunk("read", start, (_in, ctx) => ctx.instant(Span, model), { retry })
      .chunk("show", Span.delta("note"), (text, ctx) => ctx.putIntoStream(text));
    const execution = run(it, null);
    await execution.result;
    const entries = await logOf(execution);
    expect(entries.filter(({ type }) => type === "chunk:reset")).toMatchObject([{ discardedAttempt: 1 }]);
    expect(entries.flatMap((entry) => (entry.type === "stream:item" ? [entry.item] : []))).toEqual(["a", "fine"]);
  });

  test("of a source that is no model it ends the reading", async () => {
    let pulled = 0;
    function* tokens() {
      for (const piece of pulled > 0 ? [written({})] : pieces) {
        pulled += 1;
        yield piece;
      }
    }
    const Span = instant("span", schema, { onInvalid: "abort" });
    const it = flow(spec).chunk("read", start, (_in, ctx) => ctx.instant(Span, tokens()), { retry });
    expect(await run(it, null).result).toEqual(good);
    expect(pulled).toBe(2);
  });

  test("outside of a flow it ends the reading, as fail does", async () => {
    const reading = parseReply(instant("span", schema, { onInvalid: "abort" }), [...pieces]);
    await expect(reading.done).rejects.toThrow('The field to of the reply "span" does not fit its schema');
  });
});

describe("S34 what the next attempt's model is told", () => {
  test("every issue of a whole reply, once, with its place and what the model wrote", async () => {
    const wrong = { from: "one", to: 2, tags: ["new", "huge"], note: "fine" };
    const [first, second] = await toldBy(JSON.stringify(wrong), written({}));
    expect(first).toBeUndefined();
    expect(second).toMatchObject([
      { path: "from", issues: [{ path: [], message: expect.stringContaining("number") as string }], raw: "one" },
      { path: "tags[1]", issues: [{ path: [], message: expect.stringContaining('"old"') as string }], raw: "huge" },
    ]);
    expect(second).toHaveLength(2);
  });

  test("an issue of the whole, which no field has", async () => {
    const wrong = { ...good, from: 9 };
    const [, second] = await toldBy(JSON.stringify(wrong), written({}));
    expect(second).toMatchObject([
      {
        path: "",
        issues: [{ path: [], message: expect.stringMatching(/^from must be less than to/) as string }],
        raw: wrong,
      },
    ]);
  });

  test.each([
    ["no JSON", "I cannot help with that.", /has no JSON/, {}],
    ["a reply that broke off", '{"from":1,"to":', /was still open/, { raw: { from: 1 } }],
    ["broken JSON", '{"from":1 "to"}', /^The reply/, {}],
  ])("%s is one issue of the whole, with its message", async (_name, text, message, there) => {
    const [, second] = await toldBy(text, written({}));
    const issues = [{ path: [], message: expect.stringMatching(message) as string }];
    expect(second).toEqual([{ path: "", issues, ...there }]);
  });

  test("of several failures the last of this reply, also when its source has failed since", async () => {
    const model = scriptedModel([
      written({ from: "one" }),
      [{ throws: new Error("the line is dead") }],
      written({ to: "two" }),
      written({}),
    ]);
    const four = flow(spec).chunk("read", start, (_in, ctx) => ctx.instant(instant("span", schema), model), {
      retry: { attempts: 4, delay: 0 },
    });
    await run(four, null).result;
    const paths = model.calls.map(({ issues }) => issues?.map(({ path }) => path));
    expect(paths).toEqual([undefined, ["from"], ["from"], ["to"]]);
  });

  test("nothing of a reply that was valid, though a part of it was not", async () => {
    const Loose = instant("loose", z.object({ tags: z.array(z.enum(["new"])).catch([]) }));
    const model = scriptedModel(['{"tags":["huge"]}', written({})]);
    const it = flow(spec).chunk(
      "read",
      start,
      async (_in, ctx) => {
        const loose = await ctx.instant(Loose, model);
        if (ctx.attempt === 1) throw new Error("another trouble");
        return [loose, (await ctx.instant(instant("span", schema), model)).from];
      },
      { retry },
    );
    expect(await run(it, null).result).toEqual([{ tags: [] }, 1]);
    expect(model.calls.map(({ issues }) => issues)).toEqual([undefined, undefined]);
  });

  test("of each reply what was wrong with it, though its chunk wraps the error", async () => {
    const model = scriptedModel([written({}), written({ to: "two" }), written({})]);
    const [First, Second] = [instant("first", schema), instant("second", schema)];
    const it = flow(spec).chunk(
      "read",
      start,
      async (_in, ctx) => {
        await ctx.instant(First, model);
        return ctx.instant(Second, model).catch(() => Promise.reject(new Error("no luck")));
      },
      { retry },
    );
    await run(it, null).result;
    expect(model.calls.map(({ reply, issues }) => [reply, issues?.map(({ path }) => path)])).toEqual([
      ["first", undefined],
      ["second", undefined],
      ["second", ["to"]],
    ]);
  });

  test('onInvalid: "fail" hands it on too, unless the chunk answers for it', async () => {
    const model = scriptedModel(['{"from":"one"', written({})]);
    await run(asking(model, { onInvalid: "fail" }), null).result;
    expect(model.calls).toMatchObject([{ outcome: "aborted" }, { issues: [{ path: "from", raw: "one" }] }]);
    const answered = scriptedModel(['{"from":"one"']);
    const it = flow(spec).chunk(
      "read",
      start,
      (_in, ctx) => ctx.instant(instant("span", schema, { onInvalid: "fail" }), answered).catch(() => "answered"),
      { retry },
    );
    expect(await run(it, null).result).toBe("answered");
  });

  test("at most 100 issues", async () => {
    const [, second] = await toldBy(written({ tags: Array.from({ length: 250 }, () => "huge") }), written({}));
    expect(second?.map(({ path }) => path)).toEqual(Array.from({ length: 100 }, (_, index) => `tags[${index}]`));
  });

  test("it is in the log: a machine that is given what a crash has left hands it to the next attempt", async () => {
    const model = scriptedModel([[written({ to: "two" }), { hangs: true }]]);
    const it = asking(model);
    const execution = run(it, null);
    await turn();
    execution.cancel("the process dies");
    const entries = (await logOf(execution)).filter(({ live }) => live === 0);
    const left = entries.slice(0, entries.findIndex(({ type }) => type === "field:invalid") + 1);
    const machine = new Machine(compile(it));
    for (const entry of left) machine.apply(entry);
    const restored = Machine.restore(compile(it), JSON.parse(JSON.stringify(machine.snapshot())) as never);
    const pending = {
      activation: { attempts: 1, issues: [{ replyId: "span@a1", issues: [{ path: "to", raw: "two" }] }] },
    };
    expect(machine.pending()).toMatchObject([pending]);
    expect(restored.pending()).toMatchObject([pending]);
  });

  test("so is what was wrong with the whole: a machine that is given the log hands it on", async () => {
    const it = asking(scriptedModel(["no JSON", written({})]));
    const execution = run(it, null);
    await execution.result;
    const entries = (await logOf(execution)).filter(({ live }) => live === 0);
    const machine = new Machine(compile(it));
    const upTo = entries.findIndex((entry) => entry.type === "chunk:start" && entry.attempt === 2);
    for (const entry of entries.slice(0, upTo)) machine.apply(entry);
    expect(machine.pending()).toMatchObject([{ activation: { issues: [{ attempt: 1, issues: [{ path: "" }] }] } }]);
  });
});
