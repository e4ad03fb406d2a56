import {
  type Context,
  type Entry,
  SluiceError,
  after,
  all,
  any,
  defineFlow,
  each,
  event,
  failed,
  flow,
  gather,
  instant,
  latest,
  quorum,
  race,
  run,
  start,
} from "@sluice/core";
import { VirtualTime } from "@sluice/testing";
import { describe, expect, test } from "vitest";
import { z } from "zod";
import { type Tokens, entriesOf, played, standingIn, startsOf } from "./played.ts";

const Plan = instant(
  "plan",
  z.object({
    kind: z.enum(["a", "b"]).optional(),
    title: z.string().optional(),
    items: z.array(z.string()).optional(),
    rows: z.array(z.object({ x: z.number(), y: z.number() })).optional(),
  }),
);
const Noted = event("noted", z.string());
const Go = event("go", z.string());
const spec = defineFlow({
  name: "plan",
  input: z.null(),
  state: z.object({ seen: z.array(z.string()).default([]) }),
  stream: z.string(),
  result: z.unknown(),
  accepts: [Go],
});
type Ctx = Context<typeof spec>;
const again = { retry: { attempts: 3, delay: 10, jitter: false } } as const;

/** What is asked in one test: each attempt writes the next text; what breaks off fails the attempt. */
class Replies {
  readonly #time: VirtualTime;
  readonly #texts: readonly Tokens[];
  asked = 0;

  constructor(time: VirtualTime, ...texts: readonly Tokens[]) {
    this.#time = time;
    this.#texts = texts;
  }

  readonly read = (_input: unknown, ctx: Ctx) => {
    const tokens = this.#texts[ctx.attempt - 1] ?? [];
    const { asked } = this;
    const source = this.#time.tokens(tokens);
    const counted = async function* (this: Replies) {
      this.asked = asked + 1;
      yield* source;
    };
    return ctx.instant(Plan, counted.call(this));
  };
}

/** The chunks that have completed, without what was taken back. */
const standing = (log: readonly Entry[]): unknown[] =>
  standingIn(log).map(({ chunk, lane, output }) => [chunk, lane, output]);

describe("S36 what a reply has triggered, when its attempt fails", () => {
  test("I9 an equal field of the next attempt is not delivered twice, and what it triggered goes on meanwhile", async () => {
    const time = new VirtualTime();
    const replies = new Replies(
      time,
      [[10, '{"kind":"a","title":"x","it']],
      [
        [10, '{"kind":"a",'],
        [10, '"title":"x","items":["one"]}'],
      ],
    );
    const it = flow(spec)
      .chunk("read", start, replies.read, again)
      .chunk("kind", Plan.field("kind"), async (kind) => {
        await time.delay(15);
        return kind;
      })
      .chunk("title", Plan.field("title"), (title) => title)
      .chunk("item", Plan.field("items[*]"), (item) => item);
    const { log } = await played(run(it, null, { scheduler: time.scheduler }), time);
    expect(startsOf(log, "kind")).toEqual(["a"]);
    expect(startsOf(log, "title")).toEqual(["x"]);
    expect(startsOf(log, "item")).toEqual(["one"]);
    expect(entriesOf(log, "signal:retracted")).toEqual([]);
    expect(log.at(-1)).toMatchObject({ type: "flow:completed" });
  });

  test("I9 a different field is retracted: what runs is aborted, what has completed is undone, then the new value comes", async () => {
    const time = new VirtualTime();
    const told: string[] = [];
    const replies = new Replies(
      time,
      [
        [10, '{"kind":"a","title":"old",'],
        [10, "oops"],
      ],
      [[10, '{"kind":"a","title":"new"}']],
    );
    const it = flow(spec)
      .chunk("read", start, replies.read, again)
      .chunk("kind", Plan.field("kind"), (kind) => kind)
      .chunk("book", Plan.field("title"), (title) => `booked ${title}`, {
        compensate: async ({ output }) => {
          told.push(`undoing ${String(output)}`);
          await time.delay(5);
          told.push(`undone ${String(output)}`);
        },
      })
      .chunk("send", after("book"), async (booked, ctx) => {
        told.push(`sending ${booked}`);
        if (booked === "booked old") ctx.abortSignal.addEventListener("abort", () => told.push(`aborted ${booked}`));
        await time.delay(50);
        if (!ctx.abortSignal.aborted) told.push(`sent ${booked}`);
      });
    const { log } = await played(run(it, null, { scheduler: time.scheduler }), time);
    expect(told).toEqual([
      "sending booked old",
      "aborted booked old",
      "undoing booked old",
      "undone booked old",
      "sending booked new",
      "sent booked new",
    ]);
    const [retracted] = entriesOf(log, "signal:retracted");
    const old = entriesOf(log, "field:complete").find(({ value }) => value === "old");
    expect(retracted?.ids).toEqual([`e${old?.seq}`]);
    const chunks = log.flatMap((entry) =>
      entry.type === "chunk:start" && retracted?.activations.includes(entry.activationId) === true ? [entry.chunk] : [],
    );
    expect(chunks).toEqual(["book", "send"]);
    expect(standing(log)).toContainEqual(["book", "/", "booked new"]);
    expect(startsOf(log, "kind")).toEqual(["a"]);
  });

  test("a field that the next attempt leaves out is retracted when its reply is complete", async () => {
    const time = new VirtualTime();
    const undone: unknown[] = [];
    const replies = new Replies(time, [[10, '{"title":"x","kind":']], [[10, '{"kind":"b"}']]);
    const it = flow(spec)
      .chunk("read", start, replies.read, again)
      .chunk("title", Plan.field("title"), (title) => title, { compensate: ({ output }) => void undone.push(output) })
      .chunk("kind", Plan.field("kind"), (kind) => kind);
    const { log } = await played(run(it, null, { scheduler: time.scheduler }), time);
    expect(undone).toEqual(["x"]);
    expect(standing(log).map((one) => (one as string[])[0])).toEqual(["kind", "read"]);
  });

  test("when the reply fails for good all is retracted, before those who answer for the failure hear of it", async () => {
    const time = new VirtualTime();
    const told: string[] = [];
    const replies = new Replies(time, [[10, '{"title":"x","kind":']], [[10, '{"title":"x"']], [[10, "{"]]);
    const it = flow(spec)
      .chunk("read", start, replies.read, again)
      .chunk("title", Plan.field("title"), (title) => title, {
        compensate: async () => {
          await time.delay(20);
          told.push("undone");
        },
      })
      .chunk("fallback", failed("read"), (failure) => {
        told.push(`fallback after ${failure.attempts}`);
        return "plain";
      });
    const { log, result } = await played(run(it, null, { scheduler: time.scheduler }), time);
    expect(told).toEqual(["undone", "fallback after 3"]);
    expect(startsOf(log, "title")).toEqual(["x"]);
    expect(result).toBe("plain");
  });

  test("without one who answers the flow fails, and what was triggered is undone with the rest, once", async () => {
    const time = new VirtualTime();
    const undone: unknown[] = [];
    const replies = new Replies(time, [[10, '{"title":"x","kind":']]);
    const it = flow(spec)
      .chunk("read", start, replies.read)
      .chunk("title", Plan.field("title"), (title) => title, { compensate: ({ output }) => void undone.push(output) });
    const { log, result } = await played(run(it, null, { scheduler: time.scheduler }), time);
    expect(result).toMatchObject({ code: "reply-truncated" });
    expect(undone).toEqual(["x"]);
    expect(entriesOf(log, "flow:rollback")).toHaveLength(1);
  });

  test("a chunk that completes without waiting for its reply leaves nothing of it", async () => {
    const time = new VirtualTime();
    const undone: unknown[] = [];
    const it = flow(spec)
      .chunk("read", start, async (_input, ctx) => {
        void ctx.instant(
          Plan,
          time.tokens([
            [10, '{"title":"x",'],
            [1_000, '"kind":"a"}'],
          ]),
        );
        await time.delay(50);
        return "done";
      })
      .chunk("title", Plan.field("title"), (title) => title, { compensate: ({ output }) => void undone.push(output) });
    const { log } = await played(run(it, null, { scheduler: time.scheduler }), time);
    expect(undone).toEqual(["x"]);
    expect(log.at(-1)).toMatchObject({ type: "flow:completed" });
  });

  test("a complete reply is kept: a later attempt of its chunk does not ask for it again, and delivers nothing twice", async () => {
    const time = new VirtualTime();
    let calls = 0;
    const it = flow(spec)
      .chunk(
        "read",
        start,
        async (_input, ctx) => {
          const reply = await ctx.instant(
            Plan,
            (function* () {
              calls += 1;
              yield '{"kind":"a","items":["one","two"]}';
            })(),
          );
          if (ctx.attempt < 3) throw new Error("after the reply");
          return reply.items;
        },
        again,
      )
      .chunk("item", Plan.field("items[*]"), (item) => item)
      .chunk("list", gather("item"), (items) => items)
      .chunk("whole", Plan.done, (whole) => whole.kind);
    const { log } = await played(run(it, null, { scheduler: time.scheduler }), time);
    expect(calls).toBe(1);
    expect(startsOf(log, "item")).toEqual(["one", "two"]);
    expect(startsOf(log, "list")).toEqual([["one", "two"]]);
    expect(startsOf(log, "whole")).toHaveLength(1);
    expect(entriesOf(log, "reply:complete")).toHaveLength(1);
    expect(entriesOf(log, "chunk:complete").find(({ chunk }) => chunk === "read")?.output).toEqual(["one", "two"]);
    expect(entriesOf(log, "signal:retracted")).toEqual([]);
  });

  test("two fields that come again otherwise are replaced, each once", async () => {
    const time = new VirtualTime();
    const replies = new Replies(
      time,
      [[10, '{"kind":"a","title":"x",?']],
      [[10, '{"kind":"b","title":"y",?']],
      [[10, '{"kind":"b","title":"z"}']],
    );
    const it = flow(spec)
      .chunk("read", start, replies.read, again)
      .chunk("both", all(Plan.field("kind"), Plan.field("title")), (both) => both.join(""));
    const { log } = await played(run(it, null, { scheduler: time.scheduler }), time);
    expect(standing(log).filter((one) => (one as string[])[0] === "both")).toEqual([["both", "/", "bz"]]);
  });

  test("a value that is replaced before the one before it is undone never comes", async () => {
    const time = new VirtualTime();
    const replies = new Replies(
      time,
      [[10, '{"title":"old",?']],
      [
        [10, '{"title":"mid",'],
        [1, "?"],
      ],
      [[10, '{"title":"new"}']],
    );
    const it = flow(spec)
      .chunk("read", start, replies.read, again)
      .chunk("title", Plan.field("title"), (title) => title, { compensate: () => time.delay(100) });
    const { log } = await played(run(it, null, { scheduler: time.scheduler }), time);
    expect(startsOf(log, "title")).toEqual(["old", "new"]);
    expect(log.at(-1)).toMatchObject({ type: "flow:completed" });
  });

  test("the later one counts where a model writes a key twice", async () => {
    const time = new VirtualTime();
    const replies = new Replies(time, [[10, '{"title":"x","kind":"a","title":"y"}']]);
    const it = flow(spec)
      .chunk("read", start, replies.read)
      .chunk("title", Plan.field("title"), (title) => title);
    const { log } = await played(run(it, null, { scheduler: time.scheduler }), time);
    expect(standing(log).filter((one) => (one as string[])[0] === "title")).toEqual([["title", "/", "y"]]);
  });
});

describe("S36 fan-outs of a reply that is written again", () => {
  const list = (time: VirtualTime, ...texts: string[]) =>
    flow(spec)
      .chunk("read", start, new Replies(time, ...texts.map((text) => [[10, text]] as const)).read, again)
      .chunk("item", Plan.field("items[*]"), async (item) => {
        await time.delay(3);
        return item.toUpperCase();
      })
      .chunk("list", gather("item"), (items) => items.join(""))
      .chunk("shown", after("list"), (shown, ctx) => ctx.setResult(shown));

  test.each([
    ["the same", '{"items":["a","b"],?', '{"items":["a","b"]}', "AB", 1],
    ["another item", '{"items":["a","b"],?', '{"items":["a","c"]}', "AC", 2],
    ["more items", '{"items":["a","b"],?', '{"items":["a","b","c"]}', "ABC", 2],
    ["fewer items", '{"items":["a","b"],?', '{"items":["a"]}', "A", 2],
    ["no items", '{"items":["a","b"],?', '{"items":[]}', "", 2],
    ["items where there were none", '{"items":[],?', '{"items":["a"]}', "A", 2],
    ["no array", '{"items":["a"],?', '{"kind":"a"}', "", 1],
    ["it broke off within", '{"items":["a","b"?', '{"items":["x","b","c"]}', "XBC", 1],
    ["three attempts", '{"items":["a","b"],?', '{"items":["a"],?', "", 1],
  ])("gather never mixes attempts: %s", async (name, first, second, expected, gathers) => {
    const time = new VirtualTime();
    const third = name === "three attempts" ? '{"items":["a","z"]}' : second;
    const { log, result } = await played(
      run(list(time, first, second, third), null, { scheduler: time.scheduler }),
      time,
    );
    const wanted = name === "three attempts" ? "AZ" : expected;
    expect(result).toBe(wanted === "" && name === "no array" ? undefined : wanted);
    const stand = standing(log).filter((one) => (one as string[])[0] === "list");
    expect(stand).toEqual(name === "no array" ? [] : [["list", "/", wanted]]);
    expect(startsOf(log, "list").length).toBeLessThanOrEqual(name === "three attempts" ? 3 : gathers);
    expect(log.at(-1)).toMatchObject({ type: "flow:completed" });
  });

  test("gather fires anew as soon as the array is complete again, with what is in it", async () => {
    const time = new VirtualTime();
    const replies = new Replies(
      time,
      [[10, '{"items":["a","b"],?']],
      [
        [10, '{"items":["a"],'],
        [100, '"kind":"a"}'],
      ],
    );
    const it = flow(spec)
      .chunk("read", start, replies.read, again)
      .chunk("item", Plan.field("items[*]"), (item) => item)
      .chunk("list", gather("item"), (items) => items);
    const { log } = await played(run(it, null, { scheduler: time.scheduler }), time);
    const gathered = log.flatMap((entry) =>
      entry.type === "chunk:start" && entry.chunk === "list" ? [[entry.at, entry.input]] : [],
    );
    expect(gathered).toEqual([
      [10, ["a", "b"]],
      [30, ["a"]],
    ]);
  });

  test("lanes within lanes: one changed item of one row runs again, the others stand", async () => {
    const time = new VirtualTime();
    const Nested = instant("nested", z.object({ rows: z.array(z.object({ tags: z.array(z.string()) })) }));
    const texts = ['{"rows":[{"tags":["a","b"]},{"tags":["c"]}],?', '{"rows":[{"tags":["a","x"]},{"tags":["c"]}]}'];
    const it = flow(spec)
      .chunk(
        "read",
        start,
        (_input, ctx) => ctx.instant(Nested, time.tokens([[10, texts[ctx.attempt - 1] ?? ""]])),
        again,
      )
      .chunk("tag", Nested.field("rows[*].tags[*]"), (tag) => tag)
      .chunk("row", gather("tag"), (tags) => tags.join(""))
      .chunk("table", gather("row"), (rows) => rows);
    const { log } = await played(run(it, null, { scheduler: time.scheduler }), time);
    expect(startsOf(log, "tag")).toEqual(["a", "b", "c", "x"]);
    expect(standing(log).filter((one) => (one as string[])[0] === "table")).toEqual([["table", "/", ["ax", "c"]]]);
    expect(
      standing(log)
        .filter((one) => (one as string[])[0] === "row")
        .map((one) => (one as string[])[2]),
    ).toEqual(expect.arrayContaining(["c", "ax"]));
  });

  test("a gather of nothing goes with the row that it was in", async () => {
    const time = new VirtualTime();
    const Nested = instant("nested", z.object({ rows: z.array(z.object({ tags: z.array(z.string()) })) }));
    const texts = ['{"rows":[{"tags":["a"]},{"tags":[]}?', '{"rows":[]}'];
    const it = flow(spec)
      .chunk(
        "read",
        start,
        (_input, ctx) => ctx.instant(Nested, time.tokens([[10, texts[ctx.attempt - 1] ?? ""]])),
        again,
      )
      .chunk("tag", Nested.field("rows[*].tags[*]"), (tag) => tag)
      .chunk("row", gather("tag"), (tags) => tags.join(""))
      .chunk("table", gather("row"), (rows) => rows);
    const { log } = await played(run(it, null, { scheduler: time.scheduler }), time);
    expect(standing(log)).toEqual([
      ["table", "/", []],
      ["read", "/", { rows: [] }],
    ]);
  });

  test("what is taken apart of a returned array goes with it", async () => {
    const time = new VirtualTime();
    const replies = new Replies(time, [[10, '{"title":"ab",?']], [[10, '{"title":"cd"}']]);
    const it = flow(spec)
      .chunk("read", start, replies.read, again)
      .chunk("letters", Plan.field("title"), (title) => title.split(""))
      .chunk("letter", each(after("letters")), (letter) => letter)
      .chunk("word", gather("letter"), (letters) => letters.join(""));
    const { log } = await played(run(it, null, { scheduler: time.scheduler }), time);
    expect(standing(log).filter((one) => (one as string[])[0] === "word")).toEqual([["word", "/", "cd"]]);
  });
});

describe("S36 joins get back every input that was not itself retracted", () => {
  const base = (time: VirtualTime, texts: readonly Tokens[]) =>
    flow(spec)
      .chunk("read", start, new Replies(time, ...texts).read, again)
      .chunk("firm", start, async (_input, ctx) => {
        await time.delay(2);
        ctx.emit(Noted, "one");
        await time.delay(40);
        ctx.emit(Noted, "two");
      })
      .chunk("title", Plan.field("title"), (title) => title);

  const twice: readonly Tokens[] = [[[10, '{"title":"old",?']], [[10, '{"title":"new"}']]];
  const metOf = (log: readonly Entry[]): unknown[] =>
    standing(log)
      .filter((one) => (one as string[])[0] === "met")
      .map((one) => JSON.parse((one as string[])[2] ?? "") as unknown);

  test("all: the firm one waits again, and meets the new value", async () => {
    const time = new VirtualTime();
    const { log } = await played(
      run(
        base(time, twice).chunk("met", all(after("title"), Noted), (met) => JSON.stringify(met)),
        null,
        { scheduler: time.scheduler },
      ),
      time,
    );
    expect(startsOf(log, "met")).toEqual([
      ["old", "one"],
      ["new", "one"],
    ]);
    expect(metOf(log)).toEqual([["new", "one"]]);
  });

  test("all: what waits for a value that does not come again meets the next", async () => {
    const time = new VirtualTime();
    const { log } = await played(
      run(
        base(time, [[[10, '{"title":"old",?']], [[10, '{"kind":"a"}']]]).chunk(
          "met",
          all(after("title"), Noted),
          (met) => JSON.stringify(met),
        ),
        null,
        { scheduler: time.scheduler },
      ),
      time,
    );
    expect(metOf(log)).toEqual([]);
    expect(log.at(-1)).toMatchObject({ type: "flow:completed" });
  });

  test("latest: it is as if the retracted value had never come", async () => {
    const time = new VirtualTime();
    const { log } = await played(
      run(
        base(time, twice).chunk("met", latest(after("title"), Noted), (met) => JSON.stringify(met)),
        null,
        { scheduler: time.scheduler },
      ),
      time,
    );
    expect(metOf(log)).toEqual([
      ["new", "one"],
      ["new", "two"],
    ]);
  });

  test("race: who came next has won", async () => {
    const time = new VirtualTime();
    const it = base(time, [
      [
        [1, '{"title":"old",'],
        [30, "?"],
      ],
      [[90, '{"kind":"a"}']],
    ]).chunk("met", race(after("title"), Go), (met) => JSON.stringify(met));
    const execution = run(it, null, { scheduler: time.scheduler });
    time.scheduler.schedule(() => void execution.emit(Go, "next"), 20);
    const { log } = await played(execution, time);
    expect(startsOf(log, "met")).toEqual(["old", "next"]);
    expect(metOf(log)).toEqual(["next"]);
  });

  test("quorum: the votes that stand are counted again", async () => {
    const time = new VirtualTime();
    const { log } = await played(
      run(
        base(time, twice).chunk("met", quorum(2, after("title"), Noted, after("read")), (met) => JSON.stringify(met)),
        null,
        { scheduler: time.scheduler },
      ),
      time,
    );
    expect(metOf(log)).toEqual([{ fired: ["noted", 'after("title")'], values: ["one", "new"] }]);
  });
});

describe("S36 what is a fact, and what counts on confirmation", () => {
  test("emit, state and what they triggered stay", async () => {
    const time = new VirtualTime();
    const replies = new Replies(time, [[10, '{"title":"old",?']], [[10, '{"title":"new"}']]);
    const it = flow(spec)
      .chunk("read", start, replies.read, again)
      .chunk("note", Plan.field("title"), (title, ctx) => {
        ctx.state.update((draft) => void draft.seen.push(title));
        ctx.emit(Noted, title);
      })
      .chunk("noted", Noted, (text) => text);
    const { log, execution } = await played(run(it, null, { scheduler: time.scheduler }), time);
    expect(standing(log).filter((one) => (one as string[])[0] === "noted")).toEqual([
      ["noted", "/", "old"],
      ["noted", "/", "new"],
    ]);
    expect(log.at(-1)).toMatchObject({ state: { seen: ["old", "new"] } });
    expect(execution.status).toBe("completed");
  });

  test("the result of a retracted chunk does not count, that of a confirmed one does", async () => {
    const time = new VirtualTime();
    const replies = new Replies(time, [[10, '{"title":"old",?']], [[10, '{"kind":"a"}']]);
    const it = flow(spec)
      .chunk("first", start, (_input, ctx) => ctx.setResult("firm"))
      .chunk("read", start, replies.read, again)
      .chunk("title", Plan.field("title"), (title, ctx) => ctx.setResult(title));
    expect((await played(run(it, null, { scheduler: time.scheduler }), time)).result).toBe("firm");
  });

  test("a provisional chunk that has failed for good fails the flow when its field is confirmed, not before", async () => {
    const time = new VirtualTime();
    const replies = new Replies(time, [
      [10, '{"title":"x",'],
      [40, '"kind":"a"}'],
    ]);
    const it = flow(spec)
      .chunk("read", start, replies.read)
      .chunk("title", Plan.field("title"), () => {
        throw new Error("no");
      })
      .chunk("whole", Plan.done, (whole) => whole.kind);
    const { log, result } = await played(run(it, null, { scheduler: time.scheduler }), time);
    expect(result).toMatchObject({ code: "chunk-failed" });
    expect(log.at(-1)).toMatchObject({ type: "flow:failed", durationMs: 50 });
    expect(entriesOf(log, "chunk:failed")[0]).toMatchObject({ chunk: "title", at: 10 });
  });

  test("a failure that is retracted never counts", async () => {
    const time = new VirtualTime();
    const replies = new Replies(time, [[10, '{"title":"bad",?']], [[10, '{"title":"good"}']]);
    const it = flow(spec)
      .chunk("read", start, replies.read, again)
      .chunk("title", Plan.field("title"), (title) => {
        if (title === "bad") throw new Error("no");
        return title;
      })
      .chunk("answer", failed("title"), () => "never");
    const { log } = await played(run(it, null, { scheduler: time.scheduler }), time);
    expect(startsOf(log, "answer")).toEqual([]);
    expect(log.at(-1)).toMatchObject({ type: "flow:completed" });
  });

  test("once counts again when the first has been retracted", async () => {
    const time = new VirtualTime();
    const replies = new Replies(time, [[10, '{"title":"old",?']], [[10, '{"title":"new"}']]);
    const it = flow(spec)
      .chunk("read", start, replies.read, again)
      .chunk("title", any(Plan.field("title"), after("read")), (title) => title, { once: true });
    const { log } = await played(run(it, null, { scheduler: time.scheduler }), time);
    expect(startsOf(log, "title")).toEqual(["old", "new"]);
  });

  test("a reply that a retracted chunk was reading is retracted with it", async () => {
    const time = new VirtualTime();
    const Inner = instant("inner", z.object({ word: z.string(), rest: z.string() }));
    const undone: unknown[] = [];
    const replies = new Replies(
      time,
      [
        [10, '{"title":"old",'],
        [20, "?"],
      ],
      [[10, '{"title":"new"}']],
    );
    const it = flow(spec)
      .chunk("read", start, replies.read, again)
      .chunk("inner", Plan.field("title"), (title, ctx) =>
        ctx.instant(
          Inner,
          time.tokens([
            [5, `{"word":"${title}",`],
            [60, '"rest":""}'],
          ]),
        ),
      )
      .chunk("word", Inner.field("word"), (word) => word, { compensate: ({ output }) => void undone.push(output) });
    const { log } = await played(run(it, null, { scheduler: time.scheduler }), time);
    expect(undone).toEqual(["old"]);
    expect(standing(log).filter((one) => (one as string[])[0] === "word")).toEqual([["word", "/", "new"]]);
  });

  test("a child of a retracted chunk is cancelled, and undoes its work before the new value comes", async () => {
    const time = new VirtualTime();
    const told: string[] = [];
    const child = flow(defineFlow({ name: "child", input: z.string() }))
      .chunk("one", start, (word) => word, {
        compensate: async ({ output }) => {
          await time.delay(5);
          told.push(`undone ${String(output)}`);
        },
      })
      .chunk("two", after("one"), async (word) => {
        told.push(`two ${word}`);
        await time.delay(100);
      });
    const replies = new Replies(time, [[10, '{"title":"old",?']], [[10, '{"title":"new"}']]);
    const it = flow(spec)
      .chunk("read", start, replies.read, again)
      .chunk("title", Plan.field("title"), (title, ctx) => ctx.child(child, title));
    const { log } = await played(run(it, null, { scheduler: time.scheduler }), time);
    expect(told).toEqual(["two old", "undone old", "two new"]);
    expect(log.at(-1)).toMatchObject({ type: "flow:completed" });
  });

  /** Cancels while the first of two chunks is being undone. */
  const cancelledInBetween = async (rollback: boolean) => {
    const time = new VirtualTime();
    const undone: unknown[] = [];
    const replies = new Replies(time, [[10, '{"kind":"a","title":"old",?']], [[10, '{"kind":"a","title":"new"}']]);
    const it = flow(spec)
      .chunk("read", start, replies.read, again)
      .chunk("kind", Plan.field("kind"), (kind) => kind, { compensate: ({ output }) => void undone.push(output) })
      .chunk("title", Plan.field("title"), (title) => title, {
        compensate: async ({ output }, ctx) => {
          await time.delay(20);
          if (!ctx.abortSignal.aborted) undone.push(output);
        },
      });
    const execution = run(it, null, { scheduler: time.scheduler });
    time.scheduler.schedule(() => execution.cancel("enough", { rollback }), 40);
    return { undone, ...(await played(execution, time)) };
  };

  test("a cancel in the middle of an undoing ends at once, and tells what is not undone", async () => {
    const { log, undone } = await cancelledInBetween(false);
    expect(undone).toEqual([]);
    expect(log.at(-1)).toMatchObject({
      type: "flow:cancelled",
      notUndone: [{ chunk: "title", error: { code: "chunk-aborted" } }],
    });
  });

  test("a cancel with rollback lets the undoing end, and undoes the rest, each once", async () => {
    const { log, undone } = await cancelledInBetween(true);
    expect(undone).toEqual(["old", "a"]);
    expect(entriesOf(log, "chunk:compensated")).toHaveLength(2);
    expect(log.at(-1)).toMatchObject({ type: "flow:cancelled", reason: "enough" });
  });

  test("a compensation that fails is told in the final entry, and the new value comes all the same", async () => {
    const time = new VirtualTime();
    const replies = new Replies(time, [[10, '{"title":"old",?']], [[10, '{"title":"new"}']]);
    const it = flow(spec)
      .chunk("read", start, replies.read, again)
      .chunk("title", Plan.field("title"), (title) => title, {
        compensate: () => {
          throw new SluiceError("chunk-failed", { what: "no way back" });
        },
      });
    const { log } = await played(run(it, null, { scheduler: time.scheduler }), time);
    expect(startsOf(log, "title")).toEqual(["old", "new"]);
    expect(log.at(-1)).toMatchObject({ type: "flow:completed", notUndone: [{ chunk: "title" }] });
  });
});
