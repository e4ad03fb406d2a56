import {
  type Context,
  type DeepPartial,
  type Entry,
  type Stoppable,
  after,
  defineFlow,
  flow,
  gather,
  instant,
  run,
  start,
} from "@sluice/core";
import { VirtualTime, scriptedModel } from "@sluice/testing";
import { describe, expect, expectTypeOf, test } from "vitest";
import { z } from "zod";
import { entriesOf, played, standingIn } from "./played.ts";

const schema = z.object({
  items: z.array(z.string()),
  verdict: z.enum(["accept", "reject"]),
  at: z.string().transform((text) => text.length),
  why: z.object({ short: z.string(), long: z.string() }),
});
const Review = instant("review", schema);
const spec = defineFlow({ name: "review", input: z.null(), stream: z.any(), result: z.any() });
type Ctx = Context<typeof spec>;
const pieces = ['{"items":["a","b"],"verdict":"rej', 'ect","at":"here","why":{"short":"no","long":"be', 'cause"}}'];

const completed = (log: readonly Entry[], chunk: string): unknown[] =>
  entriesOf(log, "chunk:complete").flatMap((entry) => (entry.chunk === chunk ? [entry.output] : []));

/** A model that writes a piece each 10 ms. */
const writing = (time: VirtualTime, ...more: readonly string[]) =>
  scriptedModel(
    [
      [
        ...[...pieces, ...more].map((text) => ({ text, afterMs: 10 })),
        { finish: "stop", usage: { outputTokens: 300 } },
      ],
    ],
    { delay: (ms) => time.delay(ms) },
  );

describe("S37 ctx.stop", () => {
  test("ends the generation from a chunk that a field has triggered, and keeps what is complete", async () => {
    const time = new VirtualTime();
    const model = writing(time);
    const it = flow(spec)
      .chunk("read", start, (_in, ctx) => ctx.instant(Review, model, { stoppable: true }))
      .chunk("item", Review.field("items[*]"), (item) => item)
      .chunk("list", gather("item"), (items) => items)
      .chunk("whole", Review.done, () => "never")
      .chunk("judge", Review.field("why.short"), (_short, ctx) => ctx.stop(Review));
    const { log } = await played(run(it, null, { scheduler: time.scheduler }), time);
    const value = { items: ["a", "b"], verdict: "reject", at: 4, why: { short: "no" } };
    expect(completed(log, "read")).toEqual([{ stopped: true, value }]);
    expect(completed(log, "list")).toEqual([["a", "b"]]);
    expect(completed(log, "whole")).toEqual([]);
    expect(entriesOf(log, "reply:stopped")).toMatchObject([
      { value, reason: "stopped by judge", tokensSaved: 100, at: 20 },
    ]);
    expect(entriesOf(log, "model:finish")).toMatchObject([{ finishReason: "aborted", tokensSaved: 100 }]);
    expect(model.calls).toMatchObject([{ outcome: "aborted" }]);
    expect(log.at(-1)).toMatchObject({ type: "flow:completed", durationMs: 20 });
  });

  test("an array that is cut is closed: gather fires with the items that were complete", async () => {
    const time = new VirtualTime();
    const it = flow(spec)
      .chunk("read", start, (_in, ctx) =>
        ctx.instant(
          Review,
          time.tokens([
            [10, '{"items":["a","b","c'],
            [1_000, "..."],
          ]),
          { stoppable: true },
        ),
      )
      .chunk("item", Review.field("items[*]"), (item, ctx) => {
        if (item === "b") ctx.stop(Review);
        return item;
      })
      .chunk("list", gather("item"), (items) => items);
    const { log } = await played(run(it, null, { scheduler: time.scheduler }), time);
    expect(completed(log, "read")).toEqual([{ stopped: true, value: { items: ["a", "b"] } }]);
    expect(completed(log, "list")).toEqual([["a", "b"]]);
    expect(log.at(-1)).toMatchObject({ type: "flow:completed", durationMs: 10 });
  });

  test("it can be asked for by what follows from a field through returns", async () => {
    const time = new VirtualTime();
    const it = flow(spec)
      .chunk("read", start, (_in, ctx) => ctx.instant(Review, writing(time), { stoppable: true }))
      .chunk("look", Review.field("verdict"), (verdict) => verdict)
      .chunk("judge", after("look"), (verdict, ctx) => {
        if (verdict === "reject") ctx.stop(Review);
      });
    const { log } = await played(run(it, null, { scheduler: time.scheduler }), time);
    expect(entriesOf(log, "reply:stopped")).toMatchObject([{ reason: "stopped by judge" }]);
  });

  test("a reply that nobody stops comes whole", async () => {
    const time = new VirtualTime();
    const it = flow(spec).chunk("read", start, async (_in, ctx) => {
      const reply = await ctx.instant(Review, writing(time), { stoppable: true });
      expectTypeOf(reply).toEqualTypeOf<Stoppable<z.output<typeof schema>>>();
      if (reply.stopped) expectTypeOf(reply.value).toEqualTypeOf<DeepPartial<z.output<typeof schema>>>();
      else expectTypeOf(reply.value.at).toEqualTypeOf<number>();
      return reply;
    });
    const { log } = await played(run(it, null, { scheduler: time.scheduler }), time);
    expect(completed(log, "read")).toMatchObject([{ stopped: false, value: { at: 4, why: { long: "because" } } }]);
    expect(entriesOf(log, "reply:complete")).toHaveLength(1);
  });

  test("a stopped reply is kept: the next attempt of its chunk gets the same, and asks nobody", async () => {
    const time = new VirtualTime();
    const model = writing(time);
    const it = flow(spec)
      .chunk(
        "read",
        start,
        async (_in, ctx) => {
          const reply = await ctx.instant(Review, model, { stoppable: true });
          if (ctx.attempt === 1) throw new Error("after it");
          return reply.stopped;
        },
        { retry: { attempts: 2, delay: 5, jitter: false } },
      )
      .chunk("judge", Review.field("verdict"), (_verdict, ctx) => ctx.stop(Review));
    const { log } = await played(run(it, null, { scheduler: time.scheduler }), time);
    expect(completed(log, "read")).toEqual([true]);
    expect(model.calls).toHaveLength(1);
    expect(entriesOf(log, "reply:stopped")).toHaveLength(1);
  });

  test("S36 what only an earlier attempt has written is retracted when the reply is stopped", async () => {
    const time = new VirtualTime();
    const texts = ['{"items":["a","b"],"at":"x",?', '{"items":["a"],"verdict":"reject","at":"y'];
    const it = flow(spec)
      .chunk(
        "read",
        start,
        (_in, ctx) =>
          ctx.instant(
            Review,
            time.tokens([
              [10, texts[ctx.attempt - 1] ?? ""],
              [100, "..."],
            ]),
            { stoppable: true },
          ),
        { retry: { attempts: 2, delay: 5, jitter: false } },
      )
      .chunk("item", Review.field("items[*]"), (item) => item)
      .chunk("list", gather("item"), (items) => items)
      .chunk("at", Review.field("at"), (at) => at)
      .chunk("judge", Review.field("verdict"), (_verdict, ctx) => ctx.stop(Review));
    const { log } = await played(run(it, null, { scheduler: time.scheduler }), time);
    const stands = standingIn(log).map(({ chunk, output }) => [chunk, output]);
    expect(stands).toEqual(
      expect.arrayContaining([
        ["item", "a"],
        ["list", ["a"]],
        ["judge", undefined],
      ]),
    );
    expect(stands).not.toContainEqual(["at", 1]);
    expect(stands).not.toContainEqual(["list", ["a", "b"]]);
    expect(stands).not.toContainEqual(["item", "b"]);
  });

  test("S36 an array whose items a later attempt has written again is gathered when that is stopped within it", async () => {
    const time = new VirtualTime();
    const texts = ['{"items":["a","b"?', '{"items":["a","b","c'];
    const it = flow(spec)
      .chunk(
        "read",
        start,
        (_in, ctx) =>
          ctx.instant(
            Review,
            time.tokens([
              [10, texts[ctx.attempt - 1] ?? ""],
              [100, "..."],
            ]),
            { stoppable: true },
          ),
        { retry: { attempts: 2, delay: 5, jitter: false } },
      )
      .chunk("item", Review.field("items[*]"), async (item, ctx) => {
        if (item !== "b") return item;
        await time.delay(30);
        ctx.stop(Review);
        return item;
      })
      .chunk("list", gather("item"), (items) => items);
    const { log } = await played(run(it, null, { scheduler: time.scheduler }), time);
    expect(completed(log, "list")).toEqual([["a", "b"]]);
    expect(log.at(-1)).toMatchObject({ type: "flow:completed" });
  });

  test("a reply that is over is not stopped any more: nothing happens", async () => {
    const time = new VirtualTime();
    const it = flow(spec)
      .chunk("read", start, (_in, ctx) => ctx.instant(Review, writing(time), { stoppable: true }))
      .chunk("judge", Review.field("verdict"), async (_verdict, ctx) => {
        await time.delay(500);
        ctx.stop(Review);
      });
    const { log } = await played(run(it, null, { scheduler: time.scheduler }), time);
    expect(entriesOf(log, "reply:stopped")).toEqual([]);
    expect(log.at(-1)).toMatchObject({ type: "flow:completed" });
  });

  test.each([
    [
      "was not opened as stoppable",
      (time: VirtualTime) =>
        flow(spec)
          .chunk("read", start, (_in, ctx) => ctx.instant(Review, writing(time)))
          .chunk("judge", Review.field("verdict"), (_verdict, ctx) => ctx.stop(Review)),
    ],
    [
      "does not follow from",
      (time: VirtualTime) =>
        flow(spec)
          .chunk("read", start, (_in, ctx) => ctx.instant(Review, writing(time), { stoppable: true }))
          .chunk("judge", start, async (_in: null, ctx: Ctx) => {
            await time.delay(15);
            ctx.stop(Review);
          }),
    ],
  ])("a reply that %s cannot be stopped: the error says how to mend it", async (what, made) => {
    const time = new VirtualTime();
    const { log } = await played(run(made(time), null, { scheduler: time.scheduler }), time);
    expect(log.at(-1)).toMatchObject({
      type: "flow:failed",
      error: { code: "reply-not-stoppable", message: expect.stringContaining(what) as string, where: "review.judge" },
    });
  });
});
