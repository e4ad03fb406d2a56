import { type ModelCall, defineFlow, failed, flow, instant, run, start } from "@sluice/core";
import { logOf, replay, scriptedModel, virtualTime } from "@sluice/testing";
import { describe, expect, test } from "vitest";
import { z } from "zod";

const spec = defineFlow({ name: "desk", input: z.null(), result: z.any() });
const reads = (source: () => ModelCall) =>
  flow(spec).chunk("write", start, (_in, ctx) => ctx.text(source()), { timeout: 100 });
/** 61 tokens, the seventh of which ends the category: a product. */
const recording = "examples/recordings/02-coffee-maker.json";

describe("a generation that is ended before its end", () => {
  test("S13 a cancel ends it in the log before the final entry, with what is known", async () => {
    await virtualTime(async ({ execute, advance, delay, now }) => {
      const slow = scriptedModel([["a", { afterMs: 20, text: "b" }, { hangs: true }]], { delay });
      const execution = execute(
        reads(() => slow),
        null,
      );
      await advance(50);
      execution.cancel("enough");
      expect(now()).toBe(50);
      const entries = (await logOf(execution)).filter(({ live }) => live === 0);
      expect(entries.slice(3)).toMatchObject([
        {
          type: "model:finish",
          chunk: "write",
          model: "scripted",
          finishReason: "aborted",
          durationMs: 50,
          firstTokenMs: 0,
        },
        { type: "chunk:failed", error: { code: "chunk-aborted" } },
        { type: "flow:cancelled" },
      ]);
      expect(entries[3]).toHaveProperty("usage", {});
      expect(entries[3]).not.toHaveProperty("tokensSaved");
    });
  });

  test("S12 so does a timeout, once, though the model goes on", async () => {
    await virtualTime(async ({ execute, delay }) => {
      const deaf: ModelCall = {
        model: "deaf",
        async *stream() {
          for (const delta of ["a", "b", "c"]) {
            await delay(60);
            yield { type: "text", delta };
          }
          yield { type: "finish", finishReason: "stop", usage: { outputTokens: 3 } };
        },
      };
      const it = reads(() => deaf).chunk("instead", failed("write"), () => delay(500));
      const finishes = (await logOf(execute(it, null))).filter(({ type }) => type === "model:finish");
      expect(finishes).toMatchObject([{ finishReason: "aborted", durationMs: 100, firstTokenMs: 60, usage: {} }]);
    });
  });

  test("S34 an invalid field that ends it tells the tokens saved, where the source knows them", async () => {
    await virtualTime(async ({ execute, delay }) => {
      const Triage = instant("triage", z.object({ category: z.enum(["billing"]) }), { onInvalid: "fail" });
      const it = flow(spec)
        .chunk("read", start, (_in, ctx) => ctx.instant(Triage, replay(recording, { delay })))
        .chunk("instead", failed("read"), () => {});
      const entries = await logOf(execute(it, null));
      const written = entries.filter(({ type }) => type === "model:token").length;
      expect(entries.filter(({ type }) => type === "model:finish")).toMatchObject([
        { finishReason: "aborted", tokensSaved: 61 - written },
      ]);
      expect(written).toBe(6);
    });
  });

  test("S34 it is told at once, though the chunk answers for the field and goes on", async () => {
    await virtualTime(async ({ execute, delay }) => {
      const Triage = instant("triage", z.object({ n: z.number() }), { onInvalid: "fail" });
      const source = scriptedModel([['{"n":"x"', { afterMs: 1_000, text: "}" }]], { delay });
      const it = flow(spec).chunk("read", start, async (_in, ctx) => {
        await ctx.instant(Triage, source).catch(() => {});
        await delay(300);
      });
      const entries = await logOf(execute(it, null));
      expect(
        entries.flatMap(({ type, at }) => (type === "model:finish" || type === "chunk:complete" ? [[type, at]] : [])),
      ).toEqual([
        ["model:finish", 0],
        ["chunk:complete", 300],
      ]);
    });
  });

  test("S34 a scripted reply knows the share of its tokens that is still to come", async () => {
    const finish = { finish: "stop", usage: { outputTokens: 10 } };
    const Triage = instant("triage", z.object({ n: z.number() }), { onInvalid: "fail" });
    const savedBy = async (source: ModelCall) => {
      const it = flow(spec)
        .chunk("read", start, (_in, ctx) => ctx.instant(Triage, source))
        .chunk("instead", failed("read"), () => {});
      const entries = await logOf(run(it, null));
      return entries.flatMap((entry) =>
        entry.type === "model:finish" ? [[entry.finishReason, entry.tokensSaved]] : [],
      );
    };
    const pieces = [{ reasoning: "Hm." }, '{"n":', '"x"', ',"m":1}'];
    expect(await savedBy(scriptedModel([[...pieces, finish]]))).toEqual([["aborted", 3]]);
    expect(await savedBy(scriptedModel([pieces]))).toEqual([["aborted", undefined]]);
    expect(await savedBy(scriptedModel([['{"n":1}', finish]]))).toEqual([["stop", undefined]]);
  });

  test("a source that fails to tell does not know", async () => {
    const source: ModelCall = {
      model: "m",
      stream: (request) =>
        Object.assign(scriptedModel([["a", { hangs: true }]]).stream(request), {
          remaining: () => {
            throw new Error("no idea");
          },
        }),
    };
    const execution = run(
      reads(() => source),
      null,
    );
    await new Promise((resolve) => void setImmediate(resolve));
    execution.cancel("enough");
    const finish = (await logOf(execution)).find(({ type }) => type === "model:finish");
    expect(finish).toMatchObject({ finishReason: "aborted" });
    expect(finish).not.toHaveProperty("tokensSaved");
  });

  test("a model that fails finishes with an error, and its chunk fails", async () => {
    const source = scriptedModel([["a", { throws: new Error("the line is dead") }]]);
    const types = (
      await logOf(
        run(
          reads(() => source),
          null,
        ),
      )
    ).map(({ type }) => type);
    expect(types.filter((type) => type.startsWith("model:"))).toEqual(["model:start", "model:token", "model:finish"]);
    expect(types.at(-1)).toBe("flow:failed");
  });
});
