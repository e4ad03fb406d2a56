import {
  type Entry,
  FlowDefinitionError,
  after,
  all,
  any,
  compile,
  defineFlow,
  each,
  event,
  failed,
  flow,
  gather,
  instant,
  run,
  start,
  toMermaid,
} from "@sluice/core";
import { deferred, itemsOf, logOf, virtualTime } from "@sluice/testing";
import { describe, expect, test } from "vitest";
import { z } from "zod";

const list = defineFlow({ name: "list", input: z.array(z.any()), stream: z.any(), result: z.any() });
const lanesOf = (log: readonly Entry[], chunk: string): string[] =>
  log.flatMap((entry) => (entry.type === "chunk:start" && entry.chunk === chunk ? [entry.lane] : []));

describe("S6 S7 each and gather", () => {
  test("F2 a fan-out with guards gathers what each item came to", async () => {
    const it = flow(list)
      .chunk("item", each(start), (value: unknown) => value)
      .chunk("ok", after("item"), () => "OK", { when: (value) => value === 1 })
      .chunk("notOk", after("item"), () => "Not OK", { when: (value) => value !== 1 })
      .chunk("verdict", any(after("ok"), after("notOk")), (verdict) => verdict)
      .chunk("all", gather("verdict"), (verdicts) => verdicts);
    expect(await run(it, [1, "2", ["Agently"]]).result).toEqual(["OK", "Not OK", "Not OK"]);
  });

  test("F3 fan-outs within fan-outs gather within each other", async () => {
    const it = flow(defineFlow({ name: "nested", input: z.number(), result: z.any() }))
      .chunk("outer", start, (n) => Array.from({ length: n }, () => n))
      .chunk("middle", each(after("outer")), (n) => Array.from({ length: n }, () => ["H", "A"]))
      .chunk("inner", each(after("middle")), (letters) => letters)
      .chunk("letter", each(after("inner")), (letter) => letter)
      .chunk("word", gather("letter"), (letters) => letters)
      .chunk("words", gather("word"), (words) => words)
      .chunk("all", gather("words"), (all) => all);
    const word = ["H", "A"];
    expect(await run(it, 2).result).toEqual([
      [word, word],
      [word, word],
    ]);
  });

  test("F4 a fan-out over nothing gathers [] at once", async () => {
    const it = flow(list)
      .chunk("item", each(start), (value: unknown) => value)
      .chunk("all", gather("item"), (values) => values.length);
    const execution = run(it, []);
    expect(await execution.result).toBe(0);
    const started = (await logOf(execution)).filter(({ type }) => type === "chunk:start");
    expect(started).toMatchObject([{ chunk: "all", input: [], lane: "/" }]);
  });

  test("F5 an each over 800 items starts each of them once, and gathers them in order", async () => {
    const it = flow(list)
      .chunk("item", each(start), async (value: number) => value * 2)
      .chunk("all", gather("item"), (values) => values);
    const items = Array.from({ length: 800 }, (_, index) => index);
    expect(await run(it, items).result).toEqual(items.map((value) => value * 2));
  });

  test("gather gives results in the order of the items, whatever the order of completion", async () => {
    const holds = [deferred(), deferred(), deferred()];
    const it = flow(list)
      .chunk("item", each(start), async (index: number) => {
        await holds[index]?.promise;
        return `done ${index}`;
      })
      .chunk("all", gather("item"), (values) => values);
    const execution = run(it, [0, 1, 2]);
    for (const index of [2, 0, 1]) {
      await new Promise((resolve) => void setImmediate(resolve));
      holds[index]?.resolve();
    }
    expect(await execution.result).toEqual(["done 0", "done 1", "done 2"]);
  });

  test("gather fires at the very entry with which the last lane is done, once, in the lane above", async () => {
    const it = flow(list)
      .chunk("item", each(start), (value: number) => value)
      .chunk("then", after("item"), (value) => value)
      .chunk("all", gather("item"), (values, ctx) => [values, ctx.signal.event, ctx.signal.id]);
    const execution = run(it, [1, 2]);
    const [values, name, id] = (await execution.result) as unknown[];
    const log = await logOf(execution);
    const last = log.filter((entry) => entry.type === "chunk:complete" && entry.chunk === "then").at(-1);
    expect([values, name, id]).toEqual([[1, 2], 'gather("item")', `e${last?.seq}`]);
    expect(lanesOf(log, "all")).toEqual(["/"]);
  });

  test("lanes in which the chunk did not complete are left out, and the indexes tell which are there", async () => {
    const it = flow(list)
      .chunk("item", each(start), (value: number) => value)
      .chunk("odd", after("item"), (value) => value, { when: (value) => value % 2 === 1 })
      .chunk("all", gather("odd"), (values, ctx) => [values, ctx.signal.indexes]);
    expect(await run(it, [1, 2, 3, 4, 5]).result).toEqual([
      [1, 3, 5],
      [0, 2, 4],
    ]);
  });

  test("what an item's chunk failed with is answered in its lane, and the answer is gathered", async () => {
    const it = flow(list)
      .chunk("item", each(start), (value: number) => {
        if (value === 2) throw new Error("no two");
        return `${value}`;
      })
      .chunk("instead", failed("item"), ({ error }) => (error.cause as Error).message)
      .chunk("either", any(after("item"), after("instead")), (text) => text)
      .chunk("all", gather("either"), (values) => values);
    expect(await run(it, [1, 2, 3]).result).toEqual(["1", "no two", "3"]);
  });

  test("of several completions in one lane the last is gathered", async () => {
    const Again = event("again", z.number());
    const it = flow(list)
      .chunk("item", each(start), (value: number, ctx) => void ctx.emit(Again, value), { emits: [Again] })
      .chunk(
        "again",
        Again,
        (value, ctx) => {
          if (value < 3) ctx.emit(Again, value + 1);
          return value;
        },
        { emits: [Again] },
      )
      .chunk("all", gather("again"), (values) => values);
    expect(await run(it, [1, 2, 3]).result).toEqual([3, 3, 3]);
  });

  test("all who listen to an item share its lane; a fan-out belongs to its source", async () => {
    const it = flow(list)
      .chunk("plan", start, (values) => values)
      .chunk("left", each(after("plan")), (value: unknown) => value)
      .chunk("right", each(after("plan")), (value: unknown) => value)
      .chunk("whole", after("plan"), (values) => values.length);
    const execution = run(it, ["a", "b"]);
    await execution.result;
    const log = await logOf(execution);
    expect(lanesOf(log, "left")).toEqual(lanesOf(log, "right"));
    expect(new Set(lanesOf(log, "left")).size).toBe(2);
    expect(log.flatMap((entry) => (entry.type === "chunk:start" ? [entry.chunk] : []))).toEqual([
      "plan",
      "whole",
      "left",
      "right",
      "left",
      "right",
    ]);
  });

  test("a gather waits for all that an item led to, also for retries", async () => {
    await virtualTime(async ({ execute }) => {
      let calls = 0;
      const it = flow(list)
        .chunk("item", each(start), (value: number) => value)
        .chunk(
          "slow",
          after("item"),
          (value) => {
            calls += 1;
            if (calls === 1) throw new Error("once");
            return value;
          },
          { retry: { attempts: 2, delay: 1_000, jitter: false } },
        )
        .chunk("all", gather("item"), (values, ctx) => ctx.putIntoStream({ values, calls }));
      const execution = execute(it, [1, 2]);
      const log = await logOf(execution);
      expect(log.find(({ type }) => type === "stream:item")).toMatchObject({
        item: { values: [1, 2], calls: 3 },
        at: 1_000,
      });
    });
  });

  test("ctx.signal.indexes tells where in the fan-outs a chunk runs, whatever triggered it", async () => {
    const it = flow(list)
      .chunk("row", each(start), (row: number[]) => row)
      .chunk("cell", each(after("row")), (cell) => cell)
      .chunk("then", after("cell"), (cell, ctx) => `${cell} at ${ctx.signal.indexes.join(",")}`)
      .chunk("cells", gather("then"), (cells, ctx) => [cells, ctx.signal.indexes])
      .chunk("rows", gather("cells"), (rows) => rows)
      .chunk("again", each(after("rows")), (_row, ctx) => ctx.putIntoStream(ctx.signal.indexes));
    const execution = run(it, [["a", "b"], [], ["c"]]);
    const again: unknown[] = [];
    execution.stream$.subscribe((indexes) => again.push(indexes));
    await execution.result;
    const rows = (await logOf(execution)).find((entry) => entry.type === "chunk:start" && entry.chunk === "rows");
    expect(rows).toMatchObject({
      input: [
        [
          ["a at 0,0", "b at 0,1"],
          [0, 1],
        ],
        [[], []],
        [["c at 2,0"], [0]],
      ],
    });
    expect(again).toEqual([[0], [1], [2]]);
  });

  test("an each whose payload is no array fails the execution, and says where", async () => {
    const Any = event("any", z.any());
    const it = flow(list)
      .chunk("begin", start, (_values, ctx) => void ctx.emit(Any, { not: "a list" }))
      .chunk("item", each(Any), (value: unknown) => value);
    await expect(run(it, []).result).rejects.toMatchObject({
      code: "payload-invalid",
      message:
        "each(any): the payload is no array (in list.item). Emit or return what the trigger needs, or change the trigger",
    });
  });

  test("toMermaid draws fan-outs and gathers", () => {
    const it = flow(list)
      .chunk("item", each(start), (value: unknown) => value)
      .chunk("all", gather("item"), (values) => values.length);
    expect(toMermaid(compile(it)).split("\n")).toEqual([
      "flowchart LR",
      '  c0["item"]',
      '  c1["all"]',
      '  o1{{"each"}}',
      "  o1 --> c0",
      '  s0(["start"])',
      "  s0 --> o1",
      '  o2{{"gather"}}',
      "  o2 --> c1",
      "  c0 --> o2",
    ]);
  });

  test("fan-outs over the same signal that are written differently gather each what is theirs", async () => {
    const Some = event("some", z.array(z.number()));
    const Other = event("other", z.array(z.number()));
    const it = flow(defineFlow({ name: "same", input: z.any(), stream: z.any(), result: z.any() }))
      .chunk("begin", start, (_input, ctx) => void ctx.emit(Some, [1, 2]))
      .chunk("either", each(any(Some, Other)), async (n) => n)
      .chunk("one", each(Some), async (n) => n * 10)
      .chunk("ones", gather("one"), (values) => values)
      .chunk("eithers", gather("either"), (values, ctx) => ctx.putIntoStream(values));
    const execution = run(it, 0);
    expect(await execution.result).toEqual([10, 20]);
    expect(await itemsOf(execution.stream())).toEqual([[1, 2]]);
  });

  test("what two gathers of one entry give is taken apart in fan-outs of their own", async () => {
    const it = flow(list)
      .chunk("m", each(start), (value) => value)
      .chunk("n", each(start), (value) => value * 10)
      .chunk("p", each(gather("m")), async (value) => value + 1)
      .chunk("q", each(gather("n")), async (value) => value + 2)
      .chunk("ofP", gather("p"), (values, ctx) => ctx.putIntoStream(values))
      .chunk("ofQ", gather("q"), (values, ctx) => ctx.putIntoStream(values));
    expect(await itemsOf(run(it, [1, 2]).stream())).toEqual([
      [2, 3],
      [12, 22],
    ]);
  });

  test("chunks over the same each(each(…)) share its lanes, and are gathered once each", async () => {
    const it = flow(list)
      .chunk("p", each(each(start)), async (value) => value + 1)
      .chunk("q", each(each(start)), async (value) => value + 2)
      .chunk("both", all(after("p"), after("q")), (pair, ctx) => ctx.putIntoStream({ pair }))
      .chunk("ofP", gather("p"), (values, ctx) => ctx.putIntoStream({ p: values }))
      .chunk("ofQ", gather("q"), (values, ctx) => ctx.putIntoStream({ q: values }));
    const items = await itemsOf(run(it, [[1, 2]]).stream());
    expect(items).toEqual([{ pair: [2, 3] }, { pair: [3, 4] }, { p: [2, 3] }, { q: [3, 4] }]);
  });

  test("what two chunks join for themselves they take apart for themselves, and are gathered once each", async () => {
    const it = flow(list)
      .chunk("a", start, () => [1])
      .chunk("b", start, () => [2])
      .chunk("p", each(all(after("a"), after("b"))), async (value) => value)
      .chunk("q", each(all(after("a"), after("b"))), async (value) => value)
      .chunk("ofP", gather("p"), (values, ctx) => ctx.putIntoStream({ p: values }))
      .chunk("ofQ", gather("q"), (values, ctx) => ctx.putIntoStream({ q: values }));
    expect(await itemsOf(run(it, []).stream())).toEqual([{ p: [[1], [2]] }, { q: [[1], [2]] }]);
    const across = it.chunk("both", all(after("p"), after("q")), () => {});
    expect(() => compile(across)).toThrow("join-across-lanes");
  });
});

const Plan = instant("plan", z.object({ title: z.string(), steps: z.array(z.string()) }));
const Book = instant(
  "book",
  z.object({ parts: z.array(z.object({ name: z.string(), words: z.array(z.string()) })), note: z.string() }),
);

describe("S7 fan-outs over a growing reply", () => {
  const spec = defineFlow({ name: "reading", input: z.string(), result: z.any(), stream: z.any() });

  test("gather fires when the array is complete and its lanes are done, while the reply goes on", async () => {
    const hold = deferred();
    async function* tokens() {
      yield '{"title":"t","steps":["a","b"]';
      await hold.promise;
      yield "}";
    }
    const it = flow(spec)
      .chunk("read", start, (_text, ctx) => ctx.instant(Plan, tokens()))
      .chunk("step", Plan.field("steps[*]"), (step) => step.toUpperCase())
      .chunk("all", gather("step"), (steps, ctx) => ctx.putIntoStream(steps));
    const execution = run(it, "x");
    const seen: unknown[] = [];
    execution.stream$.subscribe((item) => seen.push(item));
    await new Promise((resolve) => void setImmediate(resolve));
    expect(seen).toEqual([["A", "B"]]);
    expect(execution.status).toBe("running");
    hold.resolve();
    await execution.result;
    expect(seen).toHaveLength(1);
  });

  test("an array without items gathers [] in time", async () => {
    const it = flow(spec)
      .chunk("read", start, (text, ctx) => ctx.instant(Plan, [text]))
      .chunk("step", Plan.field("steps[*]"), (step) => step)
      .chunk("all", gather("step"), (steps) => ({ steps }));
    const execution = run(it, '{"steps":[],"title":"t"}');
    expect(await execution.result).toEqual({ steps: [] });
    const types = (await logOf(execution)).map((entry) => `${entry.type} ${"chunk" in entry ? entry.chunk : ""}`);
    expect(types.indexOf("chunk:start all")).toBeLessThan(types.indexOf("chunk:complete read"));
  });

  test("fan-outs within fan-outs of one reply gather inside out", async () => {
    const reply = {
      parts: [
        { name: "one", words: ["a", "b"] },
        { name: "two", words: [] },
        { name: "three", words: ["c"] },
      ],
      note: "n",
    };
    const it = flow(spec)
      .chunk("read", start, (text, ctx) => ctx.instant(Book, text.match(/.{1,3}/gs) ?? []))
      .chunk("word", Book.field("parts[*].words[*]"), (word) => word.toUpperCase())
      .chunk("part", gather("word"), (words) => words.join(""))
      .chunk("all", gather("part"), (parts) => parts);
    expect(await run(it, JSON.stringify(reply)).result).toEqual(["AB", "", "C"]);
  });

  test("a reply that breaks off gathers nothing", async () => {
    async function* tokens() {
      yield '{"title":"t","steps":["a"';
      throw new Error("the line is dead");
    }
    const it = flow(spec)
      .chunk("read", start, (_text, ctx) => ctx.instant(Plan, tokens()))
      .chunk("step", Plan.field("steps[*]"), (step) => step)
      .chunk("all", gather("step"), (steps) => steps)
      .chunk("instead", failed("read"), () => "instead");
    const execution = run(it, "x");
    expect(await execution.result).toBe("instead");
    expect((await logOf(execution)).filter((entry) => "chunk" in entry && entry.chunk === "all")).toEqual([]);
  });

  test("replies of several lanes gather in their lanes", async () => {
    const it = flow(defineFlow({ name: "many", input: z.array(z.string()), result: z.any() }))
      .chunk("read", each(start), (text: string, ctx) => ctx.instant(Plan, [text]))
      .chunk("step", Plan.field("steps[*]"), (step) => `${step}!`)
      .chunk("joined", gather("step"), (steps) => steps.join(" "))
      .chunk("done", after("read"), ({ title }) => title)
      .chunk("all", gather("done"), (titles) => titles);
    const execution = run(it, ['{"title":"x","steps":["a","b"]}', '{"title":"y","steps":["c"]}']);
    expect(await execution.result).toEqual(["x", "y"]);
    const joined = (await logOf(execution)).filter(
      (entry) => entry.type === "chunk:complete" && entry.chunk === "joined",
    );
    expect(joined).toMatchObject([
      { output: "a! b!", lane: "/e1[0]" },
      { output: "c!", lane: "/e1[1]" },
    ]);
  });

  test("two patterns of one array gather each what is theirs", async () => {
    await virtualTime(async ({ execute }) => {
      const Groups = instant("groups", z.object({ groups: z.record(z.string(), z.array(z.string())) }));
      const it = flow(defineFlow({ name: "patterns", input: z.any(), stream: z.any(), result: z.any() }))
        .chunk("read", start, (_input, ctx) => ctx.instant(Groups, ['{"groups":{"a":["x"],"b":["y"],"c":[]}}']))
        .chunk("any", Groups.field("groups.*[*]"), async (name) => name)
        .chunk("a", Groups.field("groups.a[*]"), async (name) => name)
        .chunk("ofAny", gather("any"), (names, ctx) => ctx.putIntoStream(["any", ...names]))
        .chunk("ofA", gather("a"), (names, ctx) => ctx.putIntoStream(["a", ...names]));
      expect(await itemsOf(execute(it, 0).stream())).toEqual([["any"], ["any", "x"], ["a", "x"], ["any", "y"]]);
    });
  });

  test("a gather does not wait for the reply's end because of a fan-out below that nobody gathers", async () => {
    await virtualTime(async ({ execute, tokens, now }) => {
      const item = z.object({ name: z.string(), tags: z.array(z.string()) });
      const Items = instant("items", z.object({ items: z.array(item), rest: z.string() }));
      const written = [
        [0, '{"items":[{"name":"a","tags":["t"]}],'],
        [100, '"rest":"x"}'],
      ] as const;
      const it = flow(defineFlow({ name: "below", input: z.any(), result: z.any() }))
        .chunk("read", start, async (_input, ctx) => void (await ctx.instant(Items, tokens(written))))
        .chunk("tag", Items.field("items[*].tags[*]"), (tag) => tag)
        .chunk("name", Items.field("items[*].name"), (name) => name)
        .chunk("names", gather("name"), (names) => ({ names, at: now() }));
      expect(await execute(it, 0).result).toEqual({ names: ["a"], at: 0 });
    });
  });

  test.each([
    ["[]", []],
    ['["a","b"]', ["a", "b"]],
  ])("a root that is an array is gathered when its reply is complete: %s", async (text, expected) => {
    await virtualTime(async ({ execute, tokens }) => {
      const List = instant("list", z.array(z.string()));
      const it = flow(defineFlow({ name: "root", input: z.any(), result: z.any() }))
        .chunk("read", start, async (_input, ctx) => void (await ctx.instant(List, tokens([[1, text]]))))
        .chunk("item", List.field("[*]"), (item) => item)
        .chunk("all", gather("item"), (items, ctx) => ctx.setResult(items));
      expect(await execute(it, 0).result).toEqual(expected);
    });
  });

  test.each([["c", "d"], ["c"], ["a", "b"], [], ["a", "x", "y"]])(
    "an array that a reply writes twice counts as it was written last: %j",
    async (...last) => {
      await virtualTime(async ({ execute, tokens, delay }) => {
        const Items = instant("items", z.object({ items: z.array(z.string()) }));
        const written = [
          [0, '{"items":["a","b"],'],
          [100, `"items":${JSON.stringify(last)}}`],
        ] as const;
        const it = flow(defineFlow({ name: "twice", input: z.any(), result: z.any() }))
          .chunk("read", start, async (_input, ctx) => void (await ctx.instant(Items, tokens(written))))
          .chunk("item", Items.field("items[*]"), (item) => delay(5).then(() => item))
          .chunk("all", gather("item"), (items, ctx) => ctx.setResult(items));
        expect(await execute(it, 0).result).toEqual(last);
      });
    },
  );
});

describe("S39 gathers", () => {
  const problemsOf = (it: unknown): string[] => {
    try {
      compile(it);
    } catch (error) {
      if (error instanceof FlowDefinitionError)
        return error.problems.map(({ code, where, what }) => `${code} ${where}: ${what}`);
      throw error;
    }
    return [];
  };

  test("a gather outside any fan-out is a problem", () => {
    const it = flow(list)
      .chunk("a", start, (values) => values)
      .chunk("b", gather("a"), () => {});
    expect(problemsOf(it)).toEqual(['gather-outside list.b: gather("a") has no fan-out above "a"']);
  });

  test("a gather whose fan-out the graph does not tell is a problem; declared emits tell it", () => {
    const Found = event("found", z.string());
    const make = (emits: object) =>
      flow(list)
        .chunk("item", each(start), (value: string, ctx) => void ctx.emit(Found, value), emits)
        .chunk("found", Found, (value) => value)
        .chunk("all", gather("found"), (values) => values);
    expect(problemsOf(make({}))).toEqual([
      'gather-outside list.all: gather("found") has no fan-out above "found": whether one lies above event found cannot be told from the graph',
    ]);
    expect(problemsOf(make({ emits: [Found] }))).toEqual([]);
  });

  test("a gather with two fan-outs above its chunk is a problem", () => {
    const it = flow(list)
      .chunk("one", each(start), (value: unknown) => [value])
      .chunk("two", each(after("one")), (value) => value)
      .chunk("both", any(after("one"), after("two")), (value: unknown) => value)
      .chunk("all", gather("both"), (values) => values);
    expect(problemsOf(it)).toEqual([
      'gather-ambiguous list.all: gather("both") has several fan-outs above "both": each(start) and each(after("one"))',
    ]);
  });
});
