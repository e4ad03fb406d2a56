import {
  type Context,
  type Entry,
  Machine,
  after,
  all,
  any,
  changed,
  compile,
  defineFlow,
  event,
  failed,
  flow,
  gather,
  instant,
  latest,
  quorum,
  race,
  run,
  rx,
  start,
} from "@sluice/core";
import { VirtualTime } from "@sluice/testing";
import { map } from "rxjs";
import { describe, expect, test } from "vitest";
import { z } from "zod";
import { type Tokens, entriesOf, played, standingIn, startsOf } from "./played.ts";

const Plan = instant(
  "plan",
  z.object({
    kind: z.string().optional(),
    title: z.string().optional(),
    items: z.array(z.string()).optional(),
  }),
);
const Inner = instant("inner", z.object({ word: z.string(), rest: z.string().optional() }));
const Noted = event("noted", z.string());
const Said = event("said", z.string());
const Keyed = event("keyed", z.object({ key: z.string(), text: z.string() }), { lane: true });
const Go = event("go", z.string());
const spec = defineFlow({
  name: "corners",
  input: z.null(),
  state: z.object({ seen: z.array(z.string()).default([]) }),
  stream: z.string(),
  result: z.unknown(),
  accepts: [Go],
});
type Ctx = Context<typeof spec>;
/** The same flow, with limits that its types do not show. */
const limited = (limits: { concurrency?: number; timeout?: number }): typeof spec => ({ ...spec, ...limits });
const again = { retry: { attempts: 3, delay: 10, jitter: false } } as const;

/** Each attempt reads the next text; the last one again and again. */
const reading =
  (time: VirtualTime, ...texts: readonly Tokens[]) =>
  (_input: unknown, ctx: Ctx) =>
    ctx.instant(Plan, time.tokens(texts[ctx.attempt - 1] ?? texts.at(-1) ?? []));

/** What the completed activations of a chunk have returned, without what was taken back. */
function standing(log: readonly Entry[], chunk: string): unknown[] {
  return standingIn(log).flatMap((entry) => (entry.chunk === chunk ? [entry.output] : []));
}

describe("S36 several replies of one chunk", () => {
  test("two that break off together: what failed because of the second is taken back with it, and counts for nothing", async () => {
    const time = new VirtualTime();
    const it = flow(spec)
      .chunk("read", start, async (_input, ctx) => {
        const first = ctx.instant(
          Plan,
          time.tokens([
            [10, '{"title":"x",'],
            [20, "?"],
          ]),
        );
        const second = ctx.instant(
          Inner,
          time.tokens([
            [10, '{"word":"y",'],
            [20, "?"],
          ]),
        );
        await Promise.allSettled([first, second]);
        return "over";
      })
      .chunk("title", Plan.field("title"), (title) => title)
      .chunk("word", Inner.field("word"), () => {
        throw new Error("no");
      })
      .chunk("answer", failed("word"), () => "never");
    const { log } = await played(run(it, null, { scheduler: time.scheduler }), time);
    expect(startsOf(log, "answer")).toEqual([]);
    expect(log.at(-1)).toMatchObject({ type: "flow:completed" });
  });

  test("two that break off together: no join keeps a value of the second", async () => {
    const time = new VirtualTime();
    const it = flow(spec)
      .chunk("read", start, async (_input, ctx) => {
        const first = ctx.instant(
          Plan,
          time.tokens([
            [10, '{"title":"x",'],
            [20, "?"],
          ]),
        );
        const second = ctx.instant(
          Inner,
          time.tokens([
            [10, '{"word":"y",'],
            [20, "?"],
          ]),
        );
        await Promise.allSettled([first, second]);
        await time.delay(10);
      })
      .chunk("word", Inner.field("word"), (word) => word)
      .chunk("title", Plan.field("title"), (title) => title)
      .chunk("late", start, async (_input, ctx) => {
        await time.delay(200);
        ctx.emit(Noted, "late");
      })
      .chunk("met", all(after("word"), Noted), (met) => met);
    const { log } = await played(run(it, null, { scheduler: time.scheduler }), time);
    expect(startsOf(log, "met")).toEqual([]);
  });

  test("one is complete and kept while the other breaks off: only the other is read again", async () => {
    const time = new VirtualTime();
    const it = flow(spec)
      .chunk(
        "read",
        start,
        async (_input, ctx) => {
          const broken = ctx.attempt === 1;
          const first = ctx.instant(Plan, time.tokens([[10, `{"title":"x${ctx.attempt}","items":["a","b"]}`]]));
          const second = ctx.instant(Inner, time.tokens([[20, broken ? '{"word":"y",?' : '{"word":"z"}']]));
          return [(await first).title, (await second).word];
        },
        again,
      )
      .chunk("title", Plan.field("title"), (title) => title)
      .chunk("item", Plan.field("items[*]"), (item) => item)
      .chunk("list", gather("item"), (items) => items)
      .chunk("word", Inner.field("word"), (word) => word)
      .chunk("both", all(after("title"), after("word")), (both) => both);
    const { log } = await played(run(it, null, { scheduler: time.scheduler }), time);
    expect(standing(log, "read")).toEqual([["x1", "z"]]);
    expect(startsOf(log, "title")).toEqual(["x1"]);
    expect(startsOf(log, "list")).toEqual([["a", "b"]]);
    expect(standing(log, "both")).toEqual([["x1", "z"]]);
  });

  test("the second try in one attempt stands, the first goes when the chunk completes", async () => {
    const time = new VirtualTime();
    const it = flow(spec)
      .chunk("read", start, async (_input, ctx) => {
        try {
          return await ctx.instant(Plan, time.tokens([[10, '{"items":["a","b"],?']]));
        } catch {
          return ctx.instant(Plan, time.tokens([[10, '{"items":["c"]}']]));
        }
      })
      .chunk("item", Plan.field("items[*]"), (item) => item)
      .chunk("list", gather("item"), (items) => items);
    const { log } = await played(run(it, null, { scheduler: time.scheduler }), time);
    expect(standing(log, "item")).toEqual(["c"]);
    expect(standing(log, "list")).toEqual([["c"]]);
  });
});

describe("S36 nested replies", () => {
  test.each([
    ["kept", '{"title":"x"}', ["a", "b"]],
    ["replaced", '{"title":"y"}', ["a", "b"]],
    ["left out", '{"kind":"k"}', undefined],
  ])("a provisional reader that is tried again while its own cause is %s", async (_name, second, expected) => {
    const time = new VirtualTime();
    const it = flow(spec)
      .chunk(
        "read",
        start,
        reading(
          time,
          [
            [10, '{"title":"x",'],
            [15, "?"],
          ],
          [[40, second]],
        ),
        again,
      )
      .chunk(
        "inner",
        Plan.field("title"),
        (title, ctx) =>
          ctx.instant(
            Inner,
            time.tokens(
              ctx.attempt === 1
                ? [
                    [5, `{"word":"${title}","rest`],
                    [2, "?"],
                  ]
                : [[30, `{"word":"${title}!"}`]],
            ),
          ),
        again,
      )
      .chunk("word", Inner.field("word"), (word) => word, { compensate: () => time.delay(7) });
    const { log } = await played(run(it, null, { scheduler: time.scheduler }), time);
    const title = second.includes("x") ? "x" : "y";
    expect(standing(log, "word")).toEqual(expected === undefined ? [] : [`${title}!`]);
    expect(log.at(-1)).toMatchObject({ type: "flow:completed" });
  });

  test("those who answer for a provisional reader's failure hear of it when what it brought about is undone", async () => {
    const time = new VirtualTime();
    const told: string[] = [];
    const it = flow(spec)
      .chunk(
        "read",
        start,
        reading(time, [
          [10, '{"title":"x",'],
          [20, '"kind":"a"}'],
        ]),
      )
      .chunk("inner", Plan.field("title"), (_title, ctx) => ctx.instant(Inner, time.tokens([[5, '{"word":"w",?']])))
      .chunk("word", Inner.field("word"), (word) => word, {
        compensate: async () => {
          await time.delay(100);
          told.push("undone");
        },
      })
      .chunk("answer", failed("inner"), () => void told.push("answered"));
    await played(run(it, null, { scheduler: time.scheduler }), time);
    expect(told).toEqual(["undone", "answered"]);
  });

  test("what an invalid field of a retracted reader was to start never starts", async () => {
    const time = new VirtualTime();
    const Checked = instant(
      "checked",
      z.object({ n: z.union([z.number().max(5), z.literal(99)]), rest: z.string().optional() }),
    );
    const it = flow(spec)
      .chunk(
        "read",
        start,
        reading(
          time,
          [
            [10, '{"title":"x",'],
            [30, "?"],
          ],
          [[40, '{"kind":"k"}']],
        ),
        again,
      )
      .chunk(
        "inner",
        Plan.field("title"),
        (_title, ctx) =>
          ctx.instant(
            Checked,
            time.tokens(
              ctx.attempt === 1
                ? [[5, '{"n":1,?']]
                : [
                    [2, '{"n":77,'],
                    [200, '"rest":""}'],
                  ],
            ),
          ),
        { retry: { attempts: 2, delay: 3, jitter: false } },
      )
      .chunk("n", Checked.field("n"), (n) => n, { compensate: () => time.delay(200) })
      .chunk("wrong", Checked.invalid("n"), ({ raw }) => raw);
    const { log } = await played(run(it, null, { scheduler: time.scheduler }), time);
    expect(startsOf(log, "wrong")).toEqual([]);
    expect(log.at(-1)).toMatchObject({ type: "flow:completed" });
  });
});

describe("S36 values that are waited for", () => {
  test("one that is taken back before it has come leaves nothing to be gathered in its lane", async () => {
    const time = new VirtualTime();
    const Rows = instant("rows", z.object({ rows: z.array(z.object({ x: z.number() })) }));
    const Tags = instant("tags", z.object({ tags: z.array(z.number()) }));
    const outer = ['{"rows":[{"x":1}],?', '{"rows":[]}'];
    const inner = ['{"tags":[1],?', '{"tags":[2]}'];
    const it = flow(spec)
      .chunk(
        "read",
        start,
        (_input, ctx) => ctx.instant(Rows, time.tokens([[10, outer[ctx.attempt - 1] ?? ""]])),
        again,
      )
      .chunk(
        "row",
        Rows.field("rows[*].x"),
        (_x, ctx) => ctx.instant(Tags, time.tokens([[2, inner[ctx.attempt - 1] ?? ""]])),
        { retry: { attempts: 2, delay: 2, jitter: false } },
      )
      .chunk("tag", Tags.field("tags[*]"), (tag) => tag, { compensate: () => time.delay(100) })
      .chunk("list", gather("tag"), (tags) => tags);
    const { log } = await played(run(it, null, { scheduler: time.scheduler }), time);
    expect(standing(log, "list")).toEqual([]);
    expect(startsOf(log, "list")).toEqual([[1]]);
  });
});

describe("S36 joins", () => {
  test("a join with a time that has only had what is taken back waits no longer, and holds nothing", async () => {
    const time = new VirtualTime();
    const it = flow(spec)
      .chunk(
        "read",
        start,
        reading(time, [
          [10, '{"title":"x",'],
          [20, "?"],
        ]),
      )
      .chunk("title", Plan.field("title"), (title) => title)
      .chunk("note", start, () => {}, { emits: [Noted] })
      .chunk("met", all(after("title"), Noted), (met) => met, { joinTimeout: 500 })
      .chunk("answer", failed("read"), () => "answered");
    const { log, result } = await played(run(it, null, { scheduler: time.scheduler }), time);
    expect(result).toBe("answered");
    expect(log.at(-1)).toMatchObject({ type: "flow:completed", durationMs: 30 });
  });

  test("a join of one reply's fields with a time waits no longer when the reply breaks off", async () => {
    const time = new VirtualTime();
    const it = flow(spec)
      .chunk(
        "read",
        start,
        reading(time, [
          [10, '{"title":"x",'],
          [20, "?"],
        ]),
      )
      .chunk("met", all(Plan.field("title"), Plan.field("kind")), (met) => met, { joinTimeout: 500 })
      .chunk("answer", failed("read"), () => "answered");
    const { log } = await played(run(it, null, { scheduler: time.scheduler }), time);
    expect(log.at(-1)).toMatchObject({ type: "flow:completed", durationMs: 30 });
  });

  test("a join with a time meets the new value within the time", async () => {
    const time = new VirtualTime();
    const it = flow(spec)
      .chunk("read", start, reading(time, [[10, '{"title":"x",?']], [[10, '{"title":"y"}']]), again)
      .chunk("title", Plan.field("title"), (title) => title, { compensate: () => time.delay(20) })
      .chunk("note", start, async (_input, ctx) => {
        await time.delay(70);
        ctx.emit(Noted, "n");
      })
      .chunk("met", all(after("title"), Noted), (met) => met, { joinTimeout: 500 });
    const { log } = await played(run(it, null, { scheduler: time.scheduler }), time);
    expect(standing(log, "met")).toEqual([["y", "n"]]);
    expect(log.at(-1)).toMatchObject({ type: "flow:completed", durationMs: 70 });
  });

  test("a race that is given back goes to who came next, also when another comes while the first is undone", async () => {
    const time = new VirtualTime();
    const it = flow(spec)
      .chunk(
        "read",
        start,
        reading(
          time,
          [
            [10, '{"title":"x",'],
            [20, "?"],
          ],
          [[10, '{"kind":"a"}']],
        ),
        again,
      )
      .chunk("title", Plan.field("title"), (title) => title, { compensate: () => time.delay(100) })
      .chunk("note", start, async (_input, ctx) => {
        await time.delay(20);
        ctx.emit(Noted, "second");
        await time.delay(80);
        ctx.emit(Noted, "third");
      })
      .chunk("met", race(after("title"), Noted), (met) => met);
    const { log } = await played(run(it, null, { scheduler: time.scheduler }), time);
    expect(startsOf(log, "met")).toEqual(["x", "second"]);
  });

  test("a late vote that is taken back does not let a quorum fire again", async () => {
    const time = new VirtualTime();
    const it = flow(spec)
      .chunk(
        "read",
        start,
        reading(
          time,
          [
            [10, '{"title":"x",'],
            [20, "?"],
          ],
          [[10, '{"kind":"a"}']],
        ),
        again,
      )
      .chunk("title", Plan.field("title"), (title) => title)
      .chunk("one", start, () => 1)
      .chunk("two", start, () => 2)
      .chunk("met", quorum(2, after("one"), after("two"), after("title")), ({ values }) => values);
    const { log } = await played(run(it, null, { scheduler: time.scheduler }), time);
    expect(startsOf(log, "met")).toHaveLength(1);
  });

  test("latest comes back to what it has fired with already: it does not fire it again", async () => {
    const time = new VirtualTime();
    const it = flow(spec)
      .chunk(
        "read",
        start,
        reading(
          time,
          [
            [10, '{"title":"x",'],
            [20, "?"],
          ],
          [[10, '{"kind":"a"}']],
        ),
        again,
      )
      .chunk("note", start, (_input, ctx) => {
        ctx.emit(Noted, "n");
        ctx.emit(Said, "firm");
      })
      .chunk("text", any(Said, Plan.field("title")), (text) => text)
      .chunk("met", latest(after("text"), Noted), (met) => met);
    const { log } = await played(run(it, null, { scheduler: time.scheduler }), time);
    expect(startsOf(log, "met")).toEqual([
      ["firm", "n"],
      ["x", "n"],
    ]);
  });

  test("a join by a key gives what it is given back a lane that is still there", async () => {
    const time = new VirtualTime();
    const it = flow(spec)
      .chunk(
        "read",
        start,
        reading(
          time,
          [
            [10, '{"title":"k",'],
            [40, "?"],
          ],
          [[10, '{"kind":"a"}']],
        ),
        again,
      )
      .chunk("title", Plan.field("title"), (title) => ({ key: title, text: "provisional" }))
      .chunk("note", start, async (_input, ctx) => {
        await time.delay(20);
        ctx.emit(Keyed, { key: "k", text: "firm" });
      })
      .chunk("other", Keyed, ({ key }) => ({ key, text: "other" }))
      .chunk(
        "met",
        quorum(2, after("title"), Keyed, after("other")),
        async ({ values }) => {
          await time.delay(1_000);
          return values.map(({ text }) => text);
        },
        { by: "key" },
      );
    const { log } = await played(run(it, null, { scheduler: time.scheduler }), time);
    expect(standing(log, "met")).toEqual([["firm", "other"]]);
  });

  test("a quorum of two replies' values, one confirmed and one taken back, is counted again", async () => {
    const time = new VirtualTime();
    const it = flow(spec)
      .chunk(
        "read",
        start,
        reading(
          time,
          [
            [10, '{"title":"x",'],
            [20, "?"],
          ],
          [[60, '{"title":"y"}']],
        ),
        again,
      )
      .chunk("other", start, (_input, ctx) =>
        ctx.instant(
          Inner,
          time.tokens([
            [12, '{"word":"w",'],
            [30, '"rest":""}'],
          ]),
        ),
      )
      .chunk("title", Plan.field("title"), (title) => title)
      .chunk("word", Inner.field("word"), (word) => word)
      .chunk("met", quorum(2, after("title"), after("word"), Noted), ({ values }) => values);
    const { log } = await played(run(it, null, { scheduler: time.scheduler }), time);
    expect(standing(log, "met")).toEqual([["w", "y"]]);
  });
});

describe("S36 what else a field may start", () => {
  test("what a pipeline yields because of a field is a fact", async () => {
    const time = new VirtualTime();
    const it = flow(spec)
      .chunk("read", start, reading(time, [[10, '{"title":"x",?']], [[10, '{"title":"y"}']]), again)
      .chunk(
        "piped",
        rx(Plan.field("title"), (title$) => title$.pipe(map((title) => `${title}!`))),
        (text) => text,
      );
    const { log } = await played(run(it, null, { scheduler: time.scheduler }), time);
    expect(standing(log, "piped")).toEqual(["x!", "y!"]);
  });

  test("a guard is asked again for the new value, and its no holds nothing", async () => {
    const time = new VirtualTime();
    const it = flow(spec)
      .chunk(
        "read",
        start,
        reading(time, [[10, '{"title":"x","items":["a"],?']], [[10, '{"title":"y","items":["b"]}']]),
        again,
      )
      .chunk("title", Plan.field("title"), (title) => title, { when: (title) => title === "y" })
      .chunk("item", Plan.field("items[*]"), (item) => item, { when: (item) => item === "a" })
      .chunk("list", gather("item"), (items) => items);
    const { log } = await played(run(it, null, { scheduler: time.scheduler }), time);
    expect(standing(log, "title")).toEqual(["y"]);
    expect(standing(log, "list")).toEqual([[]]);
  });

  test("a provisional chunk that is out of time is tried again, and goes when its cause does", async () => {
    const time = new VirtualTime();
    const it = flow(spec)
      .chunk(
        "read",
        start,
        reading(
          time,
          [
            [10, '{"title":"x",'],
            [20, "?"],
          ],
          [[10, '{"title":"y"}']],
        ),
        again,
      )
      .chunk(
        "title",
        Plan.field("title"),
        async (title, ctx) => {
          await time.delay(title === "x" || ctx.attempt === 1 ? 50 : 1);
          return title;
        },
        { timeout: 15, retry: { attempts: 2, delay: 5, jitter: false } },
      )
      .chunk("answer", failed("title"), () => "never");
    const { log } = await played(run(it, null, { scheduler: time.scheduler }), time);
    expect(standing(log, "title")).toEqual(["y"]);
    expect(startsOf(log, "answer")).toEqual([]);
  });

  test("a change of the state by a chunk that is taken back is a fact, and so is what it starts", async () => {
    const time = new VirtualTime();
    const it = flow(spec)
      .chunk("read", start, reading(time, [[10, '{"items":["x"],?']], [[10, '{"kind":"k"}']]), again)
      .chunk("item", Plan.field("items[*]"), (item, ctx) => ctx.state.set("seen", [item]), {
        compensate: async (_undo, ctx) => {
          await time.delay(30);
          ctx.state.set("seen", []);
        },
      })
      .chunk("seen", changed("seen"), async ({ to }) => {
        await time.delay(100);
        return to;
      });
    const { log } = await played(run(it, null, { scheduler: time.scheduler }), time);
    expect(standing(log, "seen")).toEqual([["x"], []]);
  });
});

describe("S36 undoing", () => {
  const undoing = (time: VirtualTime) =>
    flow(spec)
      .chunk(
        "read",
        start,
        reading(time, [[10, '{"kind":"a","title":"x",?']], [[10, '{"kind":"b","title":"y"}']]),
        again,
      )
      .chunk("kind", Plan.field("kind"), (kind) => kind, { compensate: () => time.delay(100) })
      .chunk("title", Plan.field("title"), (title) => title, { compensate: () => time.delay(100) });

  test.each([["cancel"], ["end"]] as const)("a %s tells all that was taken back and is not undone", async (how) => {
    const time = new VirtualTime();
    const it = undoing(time).chunk("end", Go, (_text, ctx) => ctx.end("now"));
    const execution = run(it, null, { scheduler: time.scheduler });
    time.scheduler.schedule(() => void (how === "cancel" ? execution.cancel("enough") : execution.emit(Go, "")), 60);
    const { log } = await played(execution, time);
    const [final] = entriesOf(log, how === "cancel" ? "flow:cancelled" : "flow:completed");
    expect(final?.notUndone?.map(({ chunk }) => chunk).toSorted()).toEqual(["kind", "title"]);
  });

  test("what a compensation emits in a lane that is gone is waited for", async () => {
    const time = new VirtualTime();
    const it = flow(spec)
      .chunk("read", start, reading(time, [[10, '{"items":["a","b"],?']], [[10, '{"items":["a"]}']]), again)
      .chunk("item", Plan.field("items[*]"), (item) => item, {
        compensate: async (_undo, ctx) => {
          await time.delay(50);
          ctx.emit(Noted, "undone");
        },
      })
      .chunk("noted", Noted, async (text) => {
        await time.delay(100);
        return text;
      });
    const { log } = await played(run(it, null, { scheduler: time.scheduler }), time);
    expect(startsOf(log, "noted")).toEqual(["undone"]);
    expect(standing(log, "noted")).toEqual(["undone"]);
  });

  test("a compensation that is tried again while further attempts write: each value comes once what was before it is undone", async () => {
    const time = new VirtualTime();
    let tries = 0;
    const it = flow(spec)
      .chunk(
        "read",
        start,
        reading(
          time,
          [[10, '{"title":"x","kind":"a",?']],
          [
            [10, '{"title":"y","kind":"a",'],
            [1, "?"],
          ],
          [[10, '{"title":"z","kind":"b"}']],
        ),
        again,
      )
      .chunk("kind", Plan.field("kind"), (kind) => kind, { compensate: () => time.delay(5) })
      .chunk("title", Plan.field("title"), (title) => title, {
        retry: { attempts: 3, delay: 20, jitter: false },
        compensate: async () => {
          tries += 1;
          await time.delay(3);
          if (tries < 3) throw new Error("not yet");
        },
      });
    const { log } = await played(run(it, null, { scheduler: time.scheduler }), time);
    expect(startsOf(log, "title")).toEqual(["x", "z"]);
    expect(standing(log, "kind")).toEqual(["b"]);
    expect(entriesOf(log, "chunk:compensated").map(({ chunk, willRetry }) => [chunk, willRetry])).toEqual([
      ["title", true],
      ["title", true],
      ["title", false],
      ["kind", false],
    ]);
  });
});

describe("S36 fan-outs", () => {
  test("a value that comes late, once what was there before is undone, takes nothing from what is gathered", async () => {
    const time = new VirtualTime();
    const it = flow(spec)
      .chunk(
        "read",
        start,
        reading(
          time,
          [[10, '{"items":["a"],?']],
          [[10, '{"items":["b"],?']],
          [
            [10, '{"items":["b"],'],
            [300, '"kind":"k"}'],
          ],
        ),
        again,
      )
      .chunk("item", Plan.field("items[*]"), (item) => item, { compensate: () => time.delay(100) })
      .chunk("list", gather("item"), (items) => items);
    const { log } = await played(run(it, null, { scheduler: time.scheduler }), time);
    expect(standing(log, "list")).toEqual([["b"]]);
    expect(entriesOf(log, "chunk:start").filter(({ chunk, at }) => chunk === "list" && at > 200)).toEqual([]);
  });

  test("a lane that is taken back while its facts go on holds the execution until they end", async () => {
    const time = new VirtualTime();
    const it = flow(spec)
      .chunk("read", start, reading(time, [[10, '{"items":["a","b"],?']], [[10, '{"kind":"a"}']]), again)
      .chunk("item", Plan.field("items[*]"), (item, ctx) => void ctx.emit(Noted, item))
      .chunk("noted", Noted, async (text) => {
        await time.delay(500);
        return text;
      });
    const { log } = await played(run(it, null, { scheduler: time.scheduler }), time);
    expect(standing(log, "noted")).toEqual(["a", "b"]);
    expect(log.at(-1)).toMatchObject({ type: "flow:completed", durationMs: 510 });
  });
});

describe("S36 with a limit of one", () => {
  test("an execution in which one chunk runs at a time comes to the end of its last attempt", async () => {
    const time = new VirtualTime();
    const it = flow(limited({ concurrency: 1 }))
      .chunk(
        "read",
        start,
        reading(time, [[10, '{"title":"x","items":["a","b"],?']], [[10, '{"title":"y","items":["a","c"]}']]),
        { ...again, concurrency: 1 },
      )
      .chunk(
        "title",
        Plan.field("title"),
        async (title) => {
          await time.delay(4);
          return title;
        },
        { compensate: () => time.delay(9) },
      )
      .chunk(
        "item",
        Plan.field("items[*]"),
        async (item) => {
          await time.delay(4);
          return item;
        },
        { concurrency: 1, compensate: () => time.delay(9) },
      )
      .chunk("list", gather("item"), (items) => items);
    const { log } = await played(run(it, null, { scheduler: time.scheduler }), time);
    expect(standing(log, "title")).toEqual(["y"]);
    expect(standing(log, "list")).toEqual([["a", "c"]]);
  });
});

describe("ends in every phase", () => {
  const child = flow(defineFlow({ name: "child", input: z.string() }))
    .chunk("one", start, (word) => word, { compensate: () => {} })
    .chunk("two", after("one"), () => {});

  /** Reads three times, undoes with a retry, holds a failure, runs a child, waits in joins and stops a reply. */
  const busy = (time: VirtualTime, timeout?: number) =>
    flow(limited(timeout === undefined ? {} : { timeout }))
      .chunk(
        "read",
        start,
        reading(
          time,
          [
            [10, '{"title":"x","items":["a","b"],'],
            [9, "?"],
          ],
          [
            [7, '{"title":"y","items":["a"],'],
            [9, '"kind":"k",?'],
          ],
          [
            [5, '{"title":"z","items":["c"],'],
            [20, '"kind":"k"}'],
          ],
        ),
        again,
      )
      .chunk("title", Plan.field("title"), (title) => title, {
        retry: { attempts: 2, delay: 4, jitter: false },
        compensate: async (_undo, ctx) => {
          await time.delay(3);
          if (ctx.attempt === 1) throw new Error("not yet");
        },
      })
      .chunk("child", after("title"), (title, ctx) => ctx.child(child, title))
      .chunk("inner", Plan.field("items[*]"), (item, ctx) =>
        ctx.instant(
          Inner,
          time.tokens([
            [2, `{"word":"${item}",`],
            [30, '"rest":""}'],
          ]),
          { stoppable: true },
        ),
      )
      .chunk(
        "word",
        Inner.field("word"),
        async (word, ctx) => {
          await time.delay(6);
          ctx.stop(Inner);
          return word;
        },
        { compensate: () => time.delay(5) },
      )
      .chunk("list", gather("inner"), (inners) => inners.map(({ value }) => value.word))
      .chunk("fails", Plan.field("kind"), () => {
        throw new Error("no");
      })
      .chunk("answer", failed("fails"), () => {})
      .chunk("met", all(after("title"), after("list"), Noted), () => {}, { joinTimeout: 70 })
      .chunk("unmet", failed("met"), () => {})
      .chunk("note", start, async (_input, ctx) => {
        await time.delay(25);
        ctx.emit(Noted, "n");
      })
      .chunk("end", Go, (_text, ctx) => ctx.end("now"));

  test.each(["cancel", "rollback", "end", "timeout"] as const)(
    "a %s at any millisecond ends it, once and for all",
    async (how) => {
      for (let at = 1; at <= 130; at += 1) {
        const time = new VirtualTime();
        const execution = run(busy(time, how === "timeout" ? at : undefined), null, { scheduler: time.scheduler });
        time.scheduler.schedule(() => {
          if (execution.status !== "running") return;
          if (how === "end") execution.emit(Go, "");
          else if (how !== "timeout") execution.cancel("enough", { rollback: how === "rollback" });
        }, at);
        const { log } = await played(execution, time);
        const begun = new Map<string, number>();
        for (const entry of log) {
          if (entry.type !== "chunk:start" && entry.type !== "chunk:complete" && entry.type !== "chunk:failed")
            continue;
          const key = [...entry.path, entry.activationId, entry.attempt].join("/");
          begun.set(key, (begun.get(key) ?? 0) + (entry.type === "chunk:start" ? 1 : -1));
        }
        expect(
          [...begun].filter(([key, open]) => open !== 0 && !key.endsWith("/0")),
          `at ${at} ms`,
        ).toEqual([]);
        expect(log.flatMap(({ live, seq }) => (live === 0 ? [seq] : []))).toEqual(
          Array.from({ length: log.filter(({ live }) => live === 0).length }, (_, index) => index + 1),
        );
      }
    },
  );

  test("undisturbed it comes to the end of its last attempt", async () => {
    const time = new VirtualTime();
    const { log } = await played(run(busy(time), null, { scheduler: time.scheduler }), time);
    expect(log.at(-1)).toMatchObject({ type: "flow:completed" });
    expect(standing(log, "list")).toEqual([["c"]]);
    expect(standing(log, "title")).toEqual(["z"]);
    expect(startsOf(log, "answer")).toHaveLength(1);
  });
});

describe("S37 ctx.stop", () => {
  test("between two attempts does nothing, and fails nobody", async () => {
    const time = new VirtualTime();
    const it = flow(spec)
      .chunk(
        "read",
        start,
        (_input, ctx) =>
          ctx.instant(Plan, time.tokens([[10, ctx.attempt === 1 ? '{"title":"x",?' : '{"title":"x"}']]), {
            stoppable: true,
          }),
        again,
      )
      .chunk("title", Plan.field("title"), async (_title, ctx) => {
        await time.delay(5);
        ctx.stop(Plan);
      });
    const { log } = await played(run(it, null, { scheduler: time.scheduler }), time);
    expect(log.at(-1)).toMatchObject({ type: "flow:completed" });
  });

  test("before the next attempt has opened the reply does nothing, and fails nobody", async () => {
    const time = new VirtualTime();
    const it = flow(spec)
      .chunk(
        "read",
        start,
        async (_input, ctx) => {
          if (ctx.attempt > 1) await time.delay(20);
          return ctx.instant(Plan, time.tokens([[10, ctx.attempt === 1 ? '{"title":"x",?' : '{"title":"x"}']]), {
            stoppable: true,
          });
        },
        again,
      )
      .chunk("title", Plan.field("title"), async (_title, ctx) => {
        await time.delay(15);
        ctx.stop(Plan);
      });
    const { log } = await played(run(it, null, { scheduler: time.scheduler }), time);
    expect(log.at(-1)).toMatchObject({ type: "flow:completed" });
  });

  test("of a reply that has broken off, which its chunk answers for, does nothing", async () => {
    const time = new VirtualTime();
    const it = flow(spec)
      .chunk("read", start, async (_input, ctx) => {
        await ctx.instant(Plan, time.tokens([[10, '{"title":"x",?']]), { stoppable: true }).catch(() => {});
        await time.delay(50);
      })
      .chunk("title", Plan.field("title"), async (_title, ctx) => {
        await time.delay(5);
        ctx.stop(Plan);
        return "asked";
      });
    const { log } = await played(run(it, null, { scheduler: time.scheduler }), time);
    expect(entriesOf(log, "chunk:failed")).toEqual([]);
    expect(log.at(-1)).toMatchObject({ type: "flow:completed" });
  });

  test("by two chunks at the same time stops it once", async () => {
    const time = new VirtualTime();
    const it = flow(spec)
      .chunk("read", start, (_input, ctx) =>
        ctx.instant(
          Plan,
          time.tokens([
            [10, '{"title":"x","kind":"a",'],
            [500, '"items":[]}'],
          ]),
          { stoppable: true },
        ),
      )
      .chunk("title", Plan.field("title"), (_title, ctx) => ctx.stop(Plan))
      .chunk("kind", Plan.field("kind"), (_kind, ctx) => ctx.stop(Plan));
    const { log } = await played(run(it, null, { scheduler: time.scheduler }), time);
    expect(entriesOf(log, "reply:stopped")).toHaveLength(1);
    expect(log.at(-1)).toMatchObject({ type: "flow:completed", durationMs: 10 });
  });

  test("of the reply of a reader that is being taken back does nothing", async () => {
    const time = new VirtualTime();
    const child = flow(defineFlow({ name: "child", input: z.null() }))
      .chunk("one", start, () => null, {
        compensate: () => time.delay(50),
      })
      .chunk("two", after("one"), () => time.delay(1_000));
    const it = flow(spec)
      .chunk(
        "read",
        start,
        reading(
          time,
          [
            [10, '{"title":"x",'],
            [20, "?"],
          ],
          [[10, '{"kind":"a"}']],
        ),
        again,
      )
      .chunk("inner", Plan.field("title"), async (_title, ctx) => {
        void ctx.child(child, null).catch(() => {});
        return ctx.instant(
          Inner,
          time.tokens([
            [5, '{"word":"w",'],
            [500, '"rest":""}'],
          ]),
          { stoppable: true },
        );
      })
      .chunk("word", Inner.field("word"), async (_word, ctx) => {
        void ctx.child(child, null).catch(() => {});
        await time.delay(45);
        ctx.stop(Inner);
      });
    const { log } = await played(run(it, null, { scheduler: time.scheduler }), time);
    expect(standing(log, "word")).toEqual([]);
    expect(standing(log, "inner")).toEqual([]);
    expect(log.at(-1)).toMatchObject({ type: "flow:completed" });
  });
});

describe("memory of an execution that stays open", () => {
  const open = defineFlow({ name: "open", input: z.null(), result: z.unknown(), accepts: [Go], keepOpen: true });

  /** The size of the machine's snapshot after so many replies, `overlap` of them at the same time. */
  const sizeAfter = async (replies: number, overlap: number) => {
    const time = new VirtualTime();
    const it = flow(open)
      .chunk(
        "read",
        Go,
        (_text, ctx) =>
          ctx.instant(
            Plan,
            time.tokens(
              ctx.attempt === 1
                ? [[1, '{"title":"x","kind":"a","items":["a","b"],?']]
                : [
                    [1, '{"title":"y","kind":"a",'],
                    [8, '"items":["a","c"]}'],
                  ],
            ),
          ),
        { retry: { attempts: 2, delay: 1, jitter: false } },
      )
      .chunk("title", Plan.field("title"), (title, ctx) => ctx.setResult(title))
      .chunk("kind", Plan.field("kind"), (kind) => kind)
      .chunk("item", Plan.field("items[*]"), (item) => item)
      .chunk("list", gather("item"), (items) => items)
      .chunk("first", race(after("kind"), after("list")), () => {})
      .chunk("both", all(after("kind"), after("list")), (both) => both)
      .chunk("votes", quorum(1, after("kind"), after("list")), () => {});
    const execution = run(it, null, { scheduler: time.scheduler, id: "open" });
    const machine = new Machine(compile(it));
    const seen: Entry[] = [];
    execution.events$.subscribe((entry) => void (entry.live === 0 && seen.push(entry)));
    for (let n = 0; n < replies; n += 1) {
      execution.emit(Go, "");
      await time.advance(Math.ceil(13 / overlap));
    }
    await time.advance(7);
    const before = seen.length;
    for (const entry of seen) machine.apply(entry);
    execution.cancel("enough");
    expect(before).toBeGreaterThan(replies * 10);
    return JSON.stringify(machine.snapshot()).length;
  };

  test.each([
    ["one after the other", 1],
    ["that overlap", 3],
  ])("after 1,000 replies %s the machine holds no more than after 10", async (_name, overlap) => {
    const [few, many] = [await sizeAfter(10, overlap), await sizeAfter(1_000, overlap)];
    expect(many).toBeLessThan(few * 1.3);
  });
});
