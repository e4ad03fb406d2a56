import {
  type Entry,
  type FieldSignal,
  type InstantOptions,
  Machine,
  type ModelPart,
  after,
  compile,
  defineFlow,
  event,
  failed,
  flow,
  instant,
  run,
  start,
} from "@sluice/core";
import { VirtualTime, deferred, logOf, virtualTime } from "@sluice/testing";
import fc from "fast-check";
import { describe, expect, test } from "vitest";
import { z } from "zod";

const Triage = instant(
  "triage",
  z.object({
    category: z.enum(["billing", "shipping"]),
    n: z.number(),
    summary: z.string(),
    steps: z.array(z.string()),
    items: z.array(z.object({ name: z.string(), tags: z.array(z.string()) })).default([]),
  }),
);
const text =
  '{"category":"billing","n":12,"summary":"Paid twice","steps":["look","refund"],"items":[{"name":"a","tags":["x","y"]},{"name":"b","tags":[]}]}';
const Failed = event("failed", z.string());
const spec = defineFlow({ name: "desk", input: z.array(z.string()), stream: z.string() });

/** Cuts a text at the given places. */
const cut = (whole: string, at: readonly number[]): string[] => {
  const places = [0, ...new Set(at.map((n) => n % whole.length))].toSorted((a, b) => a - b);
  return places.map((from, index) => whole.slice(from, places[index + 1])).filter((piece) => piece !== "");
};
const reading = flow(spec).chunk("read", start, (pieces, ctx) => ctx.instant(Triage, pieces));

describe("instant in a flow", () => {
  test("a field starts a chunk while the model is still writing the rest", async () => {
    const time = new VirtualTime();
    const it = flow(spec)
      .chunk("read", start, (_in, ctx) =>
        ctx.instant(
          Triage,
          time.tokens([
            [10, '{"category":"bil'],
            [10, 'ling","n":1,"summary":"Pa'],
            [30, 'id","steps":["a"'],
            [50, "]}"],
          ]),
        ),
      )
      .chunk("lookUp", Triage.field("category"), async () => {
        await time.delay(25);
      })
      .chunk("step", Triage.field("steps[*]"), (step) => step);
    const execution = run(it, [], { scheduler: time.scheduler });
    await time.advance();
    const at = (type: string, chunk: string) =>
      logged.find((entry) => entry.type === type && "chunk" in entry && entry.chunk === chunk)?.at;
    const logged = await logOf(execution);
    expect([
      at("chunk:start", "lookUp"),
      at("chunk:complete", "lookUp"),
      at("chunk:start", "step"),
      at("chunk:complete", "read"),
    ]).toEqual([20, 45, 50, 100]);
    expect(logged.at(-1)).toMatchObject({ type: "flow:completed", durationMs: 100 });
  });

  test("S32 any chunking of a reply gives the same fields, in the same order, and the same chunks", async () => {
    const it = flow(spec)
      .chunk("read", start, (pieces, ctx) => ctx.instant(Triage, pieces))
      .chunk("category", Triage.field("category"), (category) => category)
      .chunk("tag", Triage.field("items[*].tags[*]"), (tag) => tag)
      .chunk("whole", Triage.done, () => "end");
    const fieldsAndChunks = async (pieces: string[]) => {
      const entries = await logOf(run(it, pieces, { id: "x" }));
      const fields = entries.flatMap((entry) =>
        entry.type === "field:complete" ? [[entry.field, entry.indexes, entry.value]] : [],
      );
      const chunks = entries.flatMap((entry) =>
        entry.type === "chunk:complete" && entry.chunk !== "read" ? [[entry.chunk, entry.lane, entry.output]] : [],
      );
      return { fields, chunks };
    };
    const expected = await fieldsAndChunks([text]);
    expect(expected.chunks).toHaveLength(4);
    await fc.assert(
      fc.asyncProperty(fc.array(fc.nat(text.length - 1), { maxLength: 40 }), async (at) => {
        expect(await fieldsAndChunks(cut(text, at))).toEqual(expected);
      }),
      { numRuns: 60 },
    );
  });

  test("S33 the live entries of a path go opened, deltas that join to the value, complete; children before their container", async () => {
    const entries = await logOf(run(reading, cut(text, [7, 30, 44, 47, 60, 80])));
    const fields = entries.filter((entry) => entry.type.startsWith("field:")) as (Entry & {
      field: string;
      delta?: string;
      value?: unknown;
    })[];
    const ofSummary = fields.filter(({ field }) => field === "summary");
    expect(ofSummary[0]?.type).toBe("field:opened");
    expect(ofSummary.at(-1)).toMatchObject({ type: "field:complete", value: "Paid twice" });
    expect(ofSummary.flatMap(({ delta }) => delta ?? []).join("")).toBe("Paid twice");
    const completed = fields.filter(({ type }) => type === "field:complete").map(({ field }) => field);
    expect(completed.indexOf("items[0].tags[1]")).toBeLessThan(completed.indexOf("items[0].tags"));
    expect(completed.indexOf("items[0]")).toBeLessThan(completed.indexOf("items"));
  });

  test("§5 field:complete is durable where a chunk listens, live elsewhere; live positions lie between the durable ones", async () => {
    const it = reading.chunk("n", Triage.field("n"), () => {});
    const entries = await logOf(run(it, [text]));
    const complete = entries.filter((entry) => entry.type === "field:complete");
    expect(complete.filter(({ live }) => live === 0).map(({ field }) => field)).toEqual(["n"]);
    const positions = entries.map(({ seq, live }) => [seq, live] as const);
    const sorted = positions.toSorted(([a, x], [b, y]) => a - b || x - y);
    expect(positions).toEqual(sorted);
    expect(new Set(positions.map(String)).size).toBe(positions.length);
  });

  test("S6 each item of a growing array has a lane of its own, which all who listen to the item share, and completion waits for all", async () => {
    const gates = [deferred(), deferred()];
    const it = reading
      .chunk("item", Triage.field("items[*]"), (_item, ctx) => gates[ctx.signal.indexes[0] ?? 0]?.promise)
      .chunk("name", Triage.field("items[*].name"), (name) => name)
      .chunk("tag", Triage.field("items[*].tags[*]"), (tag) => tag)
      .chunk("then", after("item"), (_nothing, ctx) => ctx.signal.id);
    const execution = run(it, [text]);
    gates[1]?.resolve();
    await new Promise((resolve) => void setImmediate(resolve));
    expect(execution.status).toBe("running");
    gates[0]?.resolve();
    const entries = await logOf(execution);
    const lanes = (chunk: string) =>
      entries.flatMap((entry) => (entry.type === "chunk:complete" && entry.chunk === chunk ? [entry.lane] : []));
    expect(lanes("item")).toEqual(["/triage@a1:items[1]", "/triage@a1:items[0]"]);
    expect(lanes("name")).toEqual(["/triage@a1:items[0]", "/triage@a1:items[1]"]);
    expect(lanes("then")).toEqual(lanes("item"));
    expect(lanes("tag")).toEqual(["/triage@a1:items[0]/tags[0]", "/triage@a1:items[0]/tags[1]"]);
  });

  test("a reply that fails after items have been triggered, and is answered for, leaves no lane open", async () => {
    const it = flow(spec)
      .chunk("read", start, async (_in, ctx) => {
        try {
          await ctx.instant(Triage, ['{"category":"billing","items":[{"name":"a","tags":[]},{"na']);
        } catch (error) {
          ctx.emit(Failed, String(error));
        }
      })
      .chunk("item", Triage.field("items[*]"), ({ name }) => name)
      .chunk("told", Failed, (text) => text);
    expect(await run(it, []).result).toContain("was still open");
  });

  test("S7 the lanes of a reply are done when it is complete and they are quiet, while its chunk goes on", async () => {
    const hold = deferred();
    const it = flow(spec)
      .chunk("read", start, async (_in, ctx) => {
        await ctx.instant(Triage, [text]);
        await hold.promise;
      })
      .chunk("item", Triage.field("items[*]"), ({ name }) => name);
    const execution = run(it, []);
    const machine = new Machine(compile(it));
    const lanes: string[][] = [];
    execution.events$.subscribe((entry) => {
      if (entry.live > 0) return;
      machine.apply(entry);
      lanes.push(machine.snapshot().lanes.lanes.map(({ id }) => id));
    });
    await new Promise((resolve) => void setImmediate(resolve));
    expect(lanes.find((ids) => ids.length > 1)).toEqual(["/", "/triage@a1:items[0]"]);
    expect(lanes.at(-1)).toEqual(["/"]);
    expect(execution.status).toBe("running");
    hold.resolve();
    await execution.result;
  });

  test("S8 what a chunk returns is not the result when its reply has triggered something", async () => {
    const heard = reading.chunk("n", Triage.field("steps[*]"), () => "in a lane");
    expect(await run(heard, [text]).result).toBeUndefined();
    expect(await run(reading, [text]).result).toMatchObject({ n: 12 });
  });

  test("done fires once, with the typed reply, after all its fields", async () => {
    const order: string[] = [];
    const it = reading
      .chunk("step", Triage.field("steps[*]"), (step) => void order.push(step))
      .chunk("done", Triage.done, ({ steps }) => void order.push(`done ${steps.length}`));
    await run(it, cut(text, [5, 9, 70])).result;
    expect(order).toEqual(["look", "refund", "done 2"]);
  });

  test("S37b chunks on delta and opened are live: their items are live entries, and completion waits for them", async () => {
    const time = new VirtualTime();
    const it = reading
      .chunk("show", Triage.delta("summary"), async (piece, ctx) => {
        await time.delay(500);
        ctx.putIntoStream(piece);
      })
      .chunk("begin", Triage.opened("steps[*]"), ({ path }, ctx) => ctx.putIntoStream(path));
    const execution = run(it, cut(text, [text.indexOf("Paid") + 3]), { scheduler: time.scheduler });
    const items: string[] = [];
    execution.stream$.subscribe((item) => items.push(item));
    await time.advance();
    expect(items.toSorted()).toEqual(["Pai", "d twice", "steps[0]", "steps[1]"].toSorted());
    const entries = await logOf(execution);
    expect(
      entries
        .filter((entry) => "chunk" in entry && ["show", "begin"].includes(entry.chunk ?? ""))
        .every(({ live }) => live > 0),
    ).toBe(true);
    expect(entries.at(-1)).toMatchObject({ type: "flow:completed", at: 500 });
  });

  test("S37b a live chunk that does more than put items fails the execution, with a message that says so", async () => {
    const Ping = event("ping", z.number());
    const it = reading.chunk("show", Triage.delta("summary"), (_text, ctx) => void ctx.emit(Ping, 1));
    await expect(run(it, [text]).result).rejects.toMatchObject({ code: "live-chunk", where: "desk.show" });
  });

  test("S34 an invalid field is an entry, and the whole reply fails at its end with every issue", async () => {
    const execution = run(reading, ['{"category":"refund","n":"no","summary":"s","steps":[]}']);
    await expect(execution.result).rejects.toMatchObject({
      code: "reply-invalid",
      message: expect.stringMatching(/category.*n/s) as string,
    });
    const invalid = (await logOf(execution)).filter((entry) => entry.type === "field:invalid");
    expect(invalid.map(({ field }) => field)).toEqual(["category", "n"]);
  });

  test('S34 onInvalid: "fail" ends the attempt at the first invalid field, and stops reading', async () => {
    const Strict = instant("strict", z.object({ n: z.number(), text: z.string() }), { onInvalid: "fail" });
    let pulled = 0;
    function* tokens(): Generator<string> {
      for (const token of ['{"n":"x"', ',"text":"', "more", '"}']) {
        pulled += 1;
        yield token;
      }
    }
    const it = flow(spec).chunk("read", start, (_in, ctx) => ctx.instant(Strict, tokens()));
    await expect(run(it, []).result).rejects.toMatchObject({ code: "reply-invalid", where: "desk.read" });
    expect(pulled).toBe(1);
  });

  test.each([
    ["prose only", ["I cannot help with that."], "reply-no-json"],
    ["a cut reply", ['{"category":"billing","n":1'], "reply-truncated"],
    ["an empty reply", [], "reply-no-json"],
  ])("%s is a clear error of the chunk", async (_name, pieces, code) => {
    await expect(run(reading, pieces).result).rejects.toMatchObject({
      code,
      where: expect.stringContaining("desk.read") as string,
    });
  });

  test("S33 a reply that breaks off is told with what is there, which is never complete", async () => {
    const it = flow(spec).chunk("read", start, (pieces, ctx) => ctx.instant(Triage, pieces), {
      retry: { attempts: 2, delay: 0 },
    });
    const entries = await logOf(run(it, ['{"category":"billing","n":12,"summary":"Paid tw']));
    const [failure] = entries.filter((entry) => entry.type === "chunk:failed");
    expect(failure).toMatchObject({
      error: { code: "reply-truncated" },
      replies: [{ replyId: "triage@a1", whole: { path: "", raw: { category: "billing", n: 12, summary: "Paid tw" } } }],
    });
    const complete = entries.flatMap((entry) => (entry.type === "field:complete" ? [entry.field] : []));
    expect(new Set(complete)).toEqual(new Set(["category", "n"]));
  });

  test.each([
    ["5 KB", 5_000],
    ["1 MB", 1_000_000],
  ])("I5 S32 each token of a text of %s is told live, and they join to the text", async (_size, length) => {
    const Text = instant("text", z.object({ text: z.string() }));
    const tokens = Array.from({ length: length / 16 }, (_, index) => String(index).padStart(16, "."));
    const it = flow(spec).chunk("read", start, async (_in, ctx) => {
      await ctx.instant(Text, ['{"text":"', ...tokens, '"}']);
    });
    const execution = run(it, []);
    const deltas: string[] = [];
    execution.on("field:delta", ({ delta }) => void deltas.push(delta));
    await execution.result;
    expect(deltas).toEqual(tokens);
  });

  test("S35 what was mended in a reply stands in its entry, and nothing where it was JSON", async () => {
    const completions = async (pieces: string[]) =>
      (await logOf(run(reading, pieces))).filter((entry) => entry.type === "reply:complete");
    const [mended] = await completions(['{category: \'billing\', "n": 12, "summary": "a\nb", "st', 'eps": [],}']);
    expect(mended).toMatchObject({
      value: { category: "billing", n: 12, summary: "a\nb" },
      repairs: [
        { rule: "unquoted-key", offset: 1 },
        { rule: "single-quotes", offset: 11 },
        { rule: "control-character", offset: 44 },
        { rule: "extra-comma", offset: 61 },
      ],
    });
    const [clean] = await completions([text]);
    expect(clean).not.toHaveProperty("repairs");
  });

  test("S35 guesses are made where the reply asks for them, and strict mends nothing", async () => {
    const schema = z.object({ said: z.string() });
    const reads = (options: InstantOptions) => {
      const it = flow(spec).chunk("read", start, (pieces, ctx) =>
        ctx.instant(instant("said", schema, options), pieces),
      );
      return run(it, ['{"said": "so "it" was",}']).result;
    };
    expect(await reads({ guess: ["inner-quotes"] })).toEqual({ said: 'so "it" was' });
    await expect(reads({})).rejects.toMatchObject({ code: "reply-syntax" });
    await expect(reads({ strict: true, guess: ["inner-quotes"] })).rejects.toMatchObject({ code: "reply-syntax" });
  });

  test("S38 a reply has limits, which its definition can set", async () => {
    const Short = instant("short", z.object({ a: z.string() }), { limits: { maxStringChars: 3 } });
    const it = flow(spec).chunk("read", start, (pieces, ctx) => ctx.instant(Short, pieces));
    expect(await run(it, ['{"a":"abc"}']).result).toEqual({ a: "abc" });
    await expect(run(it, ['{"a":"abcd"}']).result).rejects.toMatchObject({
      code: "reply-limit",
      mend: "If such replies are right, raise the option limits.maxStringChars",
    });
  });

  test("a source may yield bytes, cut inside a character", async () => {
    const reply = '{"category":"billing","n":1,"summary":"Köln 😀 二","steps":[]}';
    const bytes = new TextEncoder().encode(reply);
    const it = (pieces: readonly (string | Uint8Array)[]) =>
      flow(spec).chunk("read", start, (_in, ctx) => ctx.instant(Triage, pieces));
    for (const size of [1, 2, 3, 7, bytes.length]) {
      const pieces = Array.from({ length: Math.ceil(bytes.length / size) }, (_, n) =>
        bytes.subarray(n * size, (n + 1) * size),
      );
      expect(await run(it(pieces), []).result).toMatchObject({ summary: "Köln 😀 二" });
    }
  });

  test("a text from bytes is whole, and what is no UTF-8 shows as U+FFFD", async () => {
    const it = flow(spec).chunk("read", start, async (_in, ctx) => {
      const pieces = [new Uint8Array([0x4b, 0xc3]), new Uint8Array([0xb6]), "l", new Uint8Array([0xe4, 0xba])];
      for await (const piece of ctx.text(pieces)) ctx.putIntoStream(piece);
    });
    const execution = run(it, []);
    const items: string[] = [];
    execution.stream$.subscribe((item) => items.push(item));
    await execution.result;
    expect(items.join("")).toBe("Köl\ufffd");
  });

  test("field$ gives the signals of one field, to late subscribers too", async () => {
    const execution = run(reading, cut(text, [text.indexOf("Paid") + 3]));
    const early: FieldSignal<string>[] = [];
    execution.field$(Triage, "summary").subscribe((signal) => early.push(signal));
    await execution.result;
    const late: FieldSignal<string>[] = [];
    execution.field$(Triage, "summary").subscribe((signal) => late.push(signal));
    expect(early.map(({ type }) => type)).toEqual(["opened", "delta", "delta", "complete"]);
    expect(late).toEqual(early);
    const tags: unknown[] = [];
    execution
      .field$(Triage, "items[*].tags[*]")
      .subscribe((signal) => signal.type === "complete" && tags.push(signal.value));
    expect(tags).toEqual(["x", "y"]);
  });

  test("S5 a reply that is judged when its attempt is over completes nothing", async () => {
    await virtualTime(async ({ execute, delay }) => {
      const slow = z.object({ a: z.string() }).refine(() => delay(100).then(() => true));
      const Slow = instant("slow", slow);
      const it = flow(defineFlow({ name: "judged", input: z.any(), result: z.any() }))
        .chunk("read", start, (_input, ctx) => ctx.instant(Slow, ['{"a":"x"}']), { timeout: 50 })
        .chunk("done", Slow.done, () => {})
        .chunk("answer", failed("read"), () => delay(100));
      const types = (await logOf(execute(it, 0))).map(
        (entry) => entry.type + ("chunk" in entry ? ` ${entry.chunk}` : ""),
      );
      expect(types).not.toContain("reply:complete read");
      expect(types).not.toContain("chunk:start done");
    });
  });

  test("S5 an observer that ends the attempt at one field sees no further field of it", async () => {
    await virtualTime(async ({ execute, delay }) => {
      const Pair = instant("pair", z.object({ a: z.string(), b: z.string() }));
      const it = flow(defineFlow({ name: "ended", input: z.any(), result: z.any() }))
        .chunk("first", start, () => 1, { compensate: () => delay(10) })
        .chunk("read", after("first"), (_one, ctx) => ctx.instant(Pair, ['{"a":"x","b":"y"}']));
      const execution = execute(it, 0);
      execution.on("field:complete", () => execution.cancel("enough", { rollback: true }));
      const fields = (await logOf(execution)).flatMap((entry) => ("field" in entry ? [entry.type, entry.field] : []));
      expect(fields.slice(fields.indexOf("field:complete"))).toEqual(["field:complete", "a"]);
    });
  });
});

describe("models as sources", () => {
  /** A model of the test's own: parts with their pauses. */
  const model = (
    time: VirtualTime,
    parts: readonly (readonly [number, ModelPart])[],
    seen: { abortSignal?: AbortSignal } = {},
  ) => ({
    model: "test/model",
    async *stream({ abortSignal }: { abortSignal: AbortSignal }): AsyncGenerator<ModelPart> {
      seen.abortSignal = abortSignal;
      for (const [ms, part] of parts) {
        await time.delay(ms);
        yield part;
      }
    },
  });
  const finish: ModelPart = { type: "finish", finishReason: "stop", usage: { inputTokens: 3, outputTokens: 2 } };

  test("T10 each token arrives when the model writes it; the times stand in the log", async () => {
    const time = new VirtualTime();
    const it = flow(spec).chunk("write", start, async (_in, ctx) => {
      const reply = ctx.text(
        model(time, [
          [100, { type: "text", delta: "Hel" }],
          [40, { type: "text", delta: "lo" }],
          [40, finish],
        ]),
      );
      for await (const piece of reply) ctx.putIntoStream(piece);
      return reply;
    });
    const execution = run(it, [], { scheduler: time.scheduler });
    const seen: [number, string][] = [];
    execution.stream$.subscribe((piece) => seen.push([time.scheduler.now(), piece]));
    await time.advance();
    expect(seen).toEqual([
      [100, "Hel"],
      [140, "lo"],
    ]);
    expect(await execution.result).toBe("Hello");
    const entries = await logOf(execution);
    expect(entries.filter(({ type }) => type.startsWith("model:")).map(({ type, at }) => [type, at])).toEqual([
      ["model:start", 0],
      ["model:token", 100],
      ["model:token", 140],
      ["model:finish", 180],
    ]);
    expect(entries.find(({ type }) => type === "model:finish")).toMatchObject({
      model: "test/model",
      firstTokenMs: 100,
      durationMs: 180,
      finishReason: "stop",
      usage: { inputTokens: 3, outputTokens: 2 },
    });
  });

  test("R6 cancel in the middle of a reply reaches the model at once, and nothing is left pending", async () => {
    const time = new VirtualTime();
    const seen: { abortSignal?: AbortSignal } = {};
    const it = flow(spec).chunk("write", start, (_in, ctx) =>
      ctx.text(
        model(
          time,
          [
            [10, { type: "text", delta: "a" }],
            [1_000, { type: "text", delta: "b" }],
          ],
          seen,
        ),
      ),
    );
    const execution = run(it, [], { scheduler: time.scheduler });
    await time.advance(50);
    execution.cancel("enough");
    expect(seen.abortSignal?.aborted).toBe(true);
    await expect(execution.result).rejects.toMatchObject({ code: "execution-cancelled" });
    await time.advance();
    const entries = await logOf(execution);
    expect(entries.at(-1)).toMatchObject({ type: "flow:cancelled", at: 50 });
    expect(entries.filter(({ type }) => type === "model:token")).toHaveLength(1);
  });

  test("S5 a reading that its chunk does not wait for is aborted when the chunk ends", async () => {
    const time = new VirtualTime();
    const seen: { abortSignal?: AbortSignal } = {};
    const it = flow(spec).chunk("write", start, (_in, ctx) => {
      void ctx.text(model(time, [[10, { type: "text", delta: "a" }]], seen)).catch(() => {});
      return "done";
    });
    const longer = it.chunk("later", after("write"), async (done) => {
      await time.delay(100);
      return done;
    });
    const execution = run(longer, [], { scheduler: time.scheduler });
    await time.advance();
    expect(await execution.result).toBe("done");
    expect(seen.abortSignal?.aborted).toBe(true);
    const ofModel = (await logOf(execution)).filter(({ type }) => type.startsWith("model:"));
    expect(ofModel).toMatchObject([
      { type: "model:start" },
      { type: "model:finish", finishReason: "aborted", usage: {} },
    ]);
  });

  test("S13 a reading of a source that never answers rejects when its attempt is ended", async () => {
    const told = deferred<unknown>();
    const silent = {
      model: "test/silent",
      stream: () => ({ [Symbol.asyncIterator]: () => ({ next: () => new Promise<never>(() => {}) }) }),
    };
    const it = flow(spec).chunk("write", start, (_in, ctx) => ctx.instant(Triage, silent).catch(told.resolve));
    const execution = run(it, []);
    await new Promise((resolve) => void setImmediate(resolve));
    execution.cancel("enough");
    expect(await told.promise).toMatchObject({ code: "chunk-aborted" });
    await expect(execution.result).rejects.toMatchObject({ code: "execution-cancelled" });
  });

  test("S13 a reading that nobody awaits is no unhandled rejection, nor is one that is asked for too late", async () => {
    const unhandled: unknown[] = [];
    const hear = (error: unknown): void => void unhandled.push(error);
    process.on("unhandledRejection", hear);
    const gate = deferred();
    const late = deferred();
    const it = flow(spec)
      .chunk("careless", start, (_in, ctx) => {
        void ctx.instant(Triage, ["no JSON here"]);
        void gate.promise.then(() => {
          void ctx.instant(Triage, [text]);
          void ctx.text(["x"]);
          late.resolve();
        });
      })
      .chunk("waits", start, async (_in, ctx) => {
        void ctx.instant(Triage, {
          model: "m",
          stream: () => ({ [Symbol.asyncIterator]: () => ({ next: () => new Promise<never>(() => {}) }) }),
        });
        gate.resolve();
        await late.promise;
        await new Promise(() => {});
      });
    const execution = run(it, []);
    await late.promise;
    execution.cancel("over");
    await execution.result.catch(() => {});
    await new Promise((resolve) => void setImmediate(resolve));
    process.off("unhandledRejection", hear);
    expect(unhandled).toEqual([]);
  });

  test("what a model throws is one clear failure of the chunk, with its cause", async () => {
    const broken = {
      model: "test/broken",
      stream: () => {
        throw new Error("no route to host");
      },
    };
    const it = flow(spec).chunk("write", start, (_in, ctx) => ctx.text(broken));
    await expect(run(it, []).result).rejects.toMatchObject({
      code: "model-failed",
      message: expect.stringContaining('The model "test/broken" failed: no route to host') as string,
      where: "desk.write",
    });
  });

  test("a reading that fails is aborted, and so is its model", async () => {
    const time = new VirtualTime();
    const seen: { abortSignal?: AbortSignal } = {};
    const Strict = instant("strict", z.object({ n: z.number() }), { onInvalid: "fail" });
    const it = flow(spec).chunk("read", start, (_in, ctx) =>
      ctx.instant(
        Strict,
        model(
          time,
          [
            [1, { type: "text", delta: '{"n":"x",' }],
            [1_000, finish],
          ],
          seen,
        ),
      ),
    );
    const execution = run(it, [], { scheduler: time.scheduler });
    await time.advance();
    await expect(execution.result).rejects.toMatchObject({ code: "reply-invalid" });
    expect(seen.abortSignal?.aborted).toBe(true);
  });
});
