import {
  FlowDefinitionError,
  Machine,
  after,
  all,
  any,
  compile,
  defineFlow,
  each,
  event,
  failed,
  flow,
  instant,
  latest,
  quorum,
  race,
  run,
  start,
} from "@sluice/core";
import { deferred, expectNoLeaks, itemsOf as itemsIn, logOf, virtualTime } from "@sluice/testing";
import { describe, expect, test } from "vitest";
import { z } from "zod";

const A = event("a", z.number());
const B = event("b", z.number());
const C = event("c", z.number());
const Run = event("run", z.number(), { lane: true });
const spec = defineFlow({
  name: "join",
  input: z.any(),
  stream: z.any(),
  result: z.any(),
  accepts: [A, B, C, Run],
  keepOpen: true,
});
const begun = flow(spec).chunk("begin", start, () => {});

/** Emits events from outside, in order, and gives all items that were put into the stream. */
async function itemsOf(
  it: Parameters<typeof run>[0],
  emitted: readonly (readonly [typeof A | typeof B | typeof C, number])[],
): Promise<unknown[]> {
  const execution = run(it as typeof begun, 0);
  const items: unknown[] = [];
  execution.stream$.subscribe((item) => items.push(item));
  for (const [name, payload] of emitted) {
    execution.emit(name, payload);
    await new Promise((resolve) => void setImmediate(resolve));
  }
  execution.close();
  await execution.result;
  expectNoLeaks(execution);
  return items;
}

describe("S6b joins", () => {
  test("F7 all fires once for both handlers of one chunk's events", async () => {
    const Read = event("read", z.string());
    const Write = event("write", z.string());
    const it = flow(defineFlow({ name: "two", input: z.string(), result: z.any() }))
      .chunk("both", start, (text, ctx) => {
        ctx.emit(Read, text);
        ctx.emit(Write, text);
      })
      .chunk("read", Read, async (text) => `read ${text}`)
      .chunk("write", Write, (text) => `wrote ${text}`)
      .chunk("join", all(after("read"), after("write")), ([read, write], ctx) => [read, write, ctx.signal.event]);
    const execution = run(it, "x");
    expect(await execution.result).toEqual(["read x", "wrote x", 'all(after("read"), after("write"))']);
    const joins = (await logOf(execution)).filter((entry) => entry.type === "chunk:start" && entry.chunk === "join");
    expect(joins).toHaveLength(1);
  });

  test("F8 two executions of one flow join their own pairs", async () => {
    await virtualTime(async ({ execute, delay }) => {
      const it = flow(defineFlow({ name: "pair", input: z.number(), result: z.any() }))
        .chunk("left", start, async (n) => delay(n).then(() => `L${n}`))
        .chunk("right", start, async (n) => delay(30 - n).then(() => `R${n}`))
        .chunk("join", all(after("left"), after("right")), (pair) => pair);
      const executions = [execute(it, 10), execute(it, 20)];
      expect(await Promise.all(executions.map(({ result }) => result))).toEqual([
        ["L10", "R10"],
        ["L20", "R20"],
      ]);
    });
  });

  const orders = permutations(["L1", "L2", "R1", "R2"]);
  test.each(orders.map((order) => [order.join(" "), order] as const))(
    "F9 two runs in lanes of their own never mix: %s",
    async (_name, order) => {
      const holds = Object.fromEntries(["L1", "L2", "R1", "R2"].map((name) => [name, deferred()]));
      const it = begun
        .chunk("left", Run, async (n) => holds[`L${n}`]?.promise.then(() => `L${n}`))
        .chunk("right", Run, async (n) => holds[`R${n}`]?.promise.then(() => `R${n}`))
        .chunk("join", all(after("left"), after("right")), (pair, ctx) => ctx.putIntoStream(pair));
      const execution = run(it, 0);
      const pairs: unknown[] = [];
      execution.stream$.subscribe((pair) => pairs.push(pair));
      execution.emit(Run, 1);
      execution.emit(Run, 2);
      for (const name of order) {
        await new Promise((resolve) => void setImmediate(resolve));
        holds[name]?.resolve();
      }
      execution.close();
      await execution.result;
      expect(sorted(pairs)).toEqual([
        ["L1", "R1"],
        ["L2", "R2"],
      ]);
    },
  );

  test("all takes the oldest of each, and keeps what is over for the next time", async () => {
    const it = begun.chunk("join", all(A, B), (pair, ctx) => ctx.putIntoStream(pair));
    const pairs = await itemsOf(it, [
      [A, 1],
      [A, 2],
      [B, 10],
      [A, 3],
      [B, 20],
      [B, 30],
      [B, 40],
    ]);
    expect(pairs).toEqual([
      [1, 10],
      [2, 20],
      [3, 30],
    ]);
  });

  test("latest fires whenever one fires, once all have, with the latest of each", async () => {
    const it = begun.chunk("join", latest(A, B), (pair, ctx) => ctx.putIntoStream(pair));
    expect(
      await itemsOf(it, [
        [A, 1],
        [A, 2],
        [B, 10],
        [B, 20],
        [A, 3],
      ]),
    ).toEqual([
      [2, 10],
      [2, 20],
      [3, 20],
    ]);
  });

  test("race fires for the first, once a lane; the others are not cancelled", async () => {
    const it = begun
      .chunk("other", B, (n, ctx) => ctx.putIntoStream(`b ${n}`))
      .chunk("first", race(A, B), (n, ctx) => ctx.putIntoStream([n, ctx.signal.event]));
    expect(
      await itemsOf(it, [
        [B, 10],
        [A, 1],
        [B, 20],
      ]),
    ).toEqual(["b 10", [10, "b"], "b 20"]);
  });

  test("a race is run once in each lane", async () => {
    const it = begun
      .chunk("one", Run, (n) => `one ${n}`)
      .chunk("two", Run, (n) => `two ${n}`)
      .chunk("first", race(after("one"), after("two")), (winner, ctx) => ctx.putIntoStream(winner));
    const execution = run(it, 0);
    const winners: unknown[] = [];
    execution.stream$.subscribe((winner) => winners.push(winner));
    execution.emit(Run, 1);
    execution.emit(Run, 2);
    execution.close();
    await execution.result;
    expect(winners).toEqual(["one 1", "one 2"]);
  });

  test("quorum fires when n have fired, with their names in order, and ignores the rest of that round", async () => {
    const it = begun.chunk("vote", quorum(2, A, B, C), ({ fired, values }, ctx) => ctx.putIntoStream([fired, values]));
    expect(
      await itemsOf(it, [
        [C, 1],
        [A, 2],
        [B, 3],
        [A, 4],
        [A, 5],
        [C, 6],
        [B, 7],
        [B, 8],
      ]),
    ).toEqual([
      [
        ["c", "a"],
        [1, 2],
      ],
      [
        ["a", "c"],
        [4, 6],
      ],
      [
        ["a", "b"],
        [5, 8],
      ],
    ]);
  });

  test("any fires for each, and ctx.signal.event tells which", async () => {
    const it = begun.chunk("each", any(A, B), (n, ctx) => ctx.putIntoStream([n, ctx.signal.event]));
    expect(
      await itemsOf(it, [
        [A, 1],
        [B, 2],
      ]),
    ).toEqual([
      [1, "a"],
      [2, "b"],
    ]);
  });

  test("joins nest in each other", async () => {
    const it = begun.chunk("join", all(latest(A, B), any(B, C)), (it2, ctx) => ctx.putIntoStream(it2));
    expect(
      await itemsOf(it, [
        [A, 1],
        [C, 7],
        [B, 2],
      ]),
    ).toEqual([[[1, 2], 7]]);
  });

  test("each takes the tuple of a join apart", async () => {
    const it = begun.chunk("item", each(all(A, B)), (n, ctx) => ctx.putIntoStream([n, ctx.signal.indexes]));
    expect(
      await itemsOf(it, [
        [B, 2],
        [A, 1],
      ]),
    ).toEqual([
      [1, [0]],
      [2, [1]],
    ]);
  });

  test("S38b a guard of a join is asked with its payload", async () => {
    const it = begun.chunk("join", all(A, B), (pair, ctx) => ctx.putIntoStream(pair), { when: ([a, b]) => a < b });
    expect(
      await itemsOf(it, [
        [A, 1],
        [B, 0],
        [A, 2],
        [B, 3],
      ]),
    ).toEqual([[2, 3]]);
  });

  test("once starts a chunk at most once a lane; a guard's no does not count", async () => {
    const it = begun.chunk("first", A, (n, ctx) => ctx.putIntoStream(n), { once: true, when: (n) => n > 1 });
    expect(
      await itemsOf(it, [
        [A, 1],
        [A, 2],
        [A, 3],
      ]),
    ).toEqual([2]);
  });

  test("once holds for signals that wait behind each other", async () => {
    const it = begun.chunk("first", A, (n, ctx) => ctx.putIntoStream(n), { once: true });
    const execution = run(it, 0);
    const items: unknown[] = [];
    execution.stream$.subscribe((item) => items.push(item));
    for (const n of [1, 2, 3]) execution.emit(A, n);
    execution.close();
    await execution.result;
    expect(items).toEqual([1]);
  });

  test("S10 a failure that a join waits for is answered by it", async () => {
    const it = flow(defineFlow({ name: "join", input: z.any(), result: z.any() }))
      .chunk("bad", start, () => {
        throw new Error("broken");
      })
      .chunk("good", start, () => "good")
      .chunk("both", all(failed("bad"), after("good")), ([{ chunk }, good]) => [chunk, good]);
    expect(await run(it, 0).result).toEqual(["bad", "good"]);
  });

  test("what started once in a lane is forgotten with the lane", async () => {
    const it = begun.chunk("one", Run, () => {}, { once: true });
    const execution = run(it, 0);
    for (let n = 0; n < 20; n += 1) execution.emit(Run, n);
    execution.close();
    const machine = new Machine(compile(it));
    for (const entry of await logOf(execution)) if (entry.live === 0) machine.apply(entry);
    expect(machine.snapshot().activations.spent).toEqual([]);
  });
});

describe("S6 where joins fill", () => {
  const Order = event("order", z.object({ order: z.object({ id: z.string() }), item: z.string() }));
  const Paid = event("paid", z.object({ order: z.object({ id: z.string() }), sum: z.number() }));
  const shop = defineFlow({
    name: "shop",
    input: z.any(),
    stream: z.any(),
    result: z.any(),
    accepts: [Order, Paid],
    keepOpen: true,
  });

  test("by joins what has the same value at a path, whatever the order", async () => {
    const it = flow(shop)
      .chunk("begin", start, () => {})
      .chunk("ship", all(Order, Paid), ([{ item }, { sum }], ctx) => ctx.putIntoStream([item, sum]), {
        by: "order.id",
      });
    const execution = run(it, 0);
    const shipped: unknown[] = [];
    execution.stream$.subscribe((one) => shipped.push(one));
    execution.emit(Order, { order: { id: "x" }, item: "book" });
    execution.emit(Paid, { order: { id: "y" }, sum: 2 });
    execution.emit(Paid, { order: { id: "x" }, sum: 1 });
    execution.emit(Order, { order: { id: "y" }, item: "pen" });
    execution.close();
    await execution.result;
    expect(shipped).toEqual([
      ["book", 1],
      ["pen", 2],
    ]);
  });

  test("a payload without a value at that path fails the execution, and says so", async () => {
    const it = flow(shop)
      .chunk("begin", start, () => {})
      .chunk("ship", all(Order, Paid), () => {}, { by: "order.number" });
    const execution = run(it, 0);
    execution.emit(Order, { order: { id: "x" }, item: "book" });
    await expect(execution.result).rejects.toMatchObject({
      code: "payload-invalid",
      what: 'all(order, paid): the payload of order has no text or number at "order.number"',
      where: "shop.ship",
    });
  });

  test("items of a fan-out join within their lanes", async () => {
    await virtualTime(async ({ execute, delay }) => {
      const it = flow(defineFlow({ name: "items", input: z.array(z.number()), stream: z.any(), result: z.any() }))
        .chunk("up", each(start), async (n) => delay(n).then(() => `up ${n}`))
        .chunk("down", each(start), async (n) => delay(50 - n).then(() => `down ${n}`))
        .chunk("both", all(after("up"), after("down")), (both, ctx) => ctx.putIntoStream(both));
      const execution = execute(it, [10, 20, 40]);
      const seen: unknown[] = [];
      execution.stream$.subscribe((both) => seen.push(both));
      await execution.result;
      expect(seen).toEqual([
        ["up 20", "down 20"],
        ["up 10", "down 10"],
        ["up 40", "down 40"],
      ]);
    });
  });

  const Reply = instant(
    "reply",
    z.object({ items: z.array(z.object({ a: z.number(), b: z.number() })), x: z.number(), y: z.number() }),
  );

  test("fields of one reply join for each reply by itself", async () => {
    const it = flow(defineFlow({ name: "replies", input: z.any(), stream: z.any(), result: z.any() }))
      .chunk("one", start, (_input, ctx) => ctx.instant(Reply, ['{"x":1,"items":[],"y":2}']))
      .chunk("two", start, (_input, ctx) => ctx.instant(Reply, ['{"x":10,"items":[],"y":20}']))
      .chunk("join", all(Reply.field("x"), Reply.field("y")), (pair, ctx) => ctx.putIntoStream(pair));
    const execution = run(it, 0);
    const pairs: unknown[] = [];
    execution.stream$.subscribe((pair) => pairs.push(pair));
    await execution.result;
    expect(sorted(pairs)).toEqual([
      [1, 2],
      [10, 20],
    ]);
  });

  test("fields of one item join for each item", async () => {
    const it = flow(defineFlow({ name: "replies", input: z.any(), stream: z.any(), result: z.any() }))
      .chunk("read", start, (_input, ctx) =>
        ctx.instant(Reply, ['{"items":[{"a":1,"b":2},{"b":20,"a":10}],"x":1,"y":2}']),
      )
      .chunk("join", all(Reply.field("items[*].a"), Reply.field("items[*].b")), (pair, ctx) =>
        ctx.putIntoStream([pair, ctx.signal.indexes]),
      );
    const execution = run(it, 0);
    const pairs: unknown[] = [];
    execution.stream$.subscribe((pair) => pairs.push(pair));
    await execution.result;
    expect(pairs).toEqual([
      [[1, 2], [0]],
      [[10, 20], [1]],
    ]);
  });

  test("what a key brings together out of several lanes has no position in any", async () => {
    const it = begun
      .chunk("left", Run, () => ({ id: 1 }))
      .chunk("items", Run, () => [{ id: 1 }, { id: 2 }])
      .chunk("right", each(after("items")), (item) => item)
      .chunk("join", all(after("left"), after("right")), (_pair, ctx) => ctx.putIntoStream(ctx.signal.indexes), {
        by: "id",
      });
    const execution = run(it, 0);
    execution.emit(Run, 1);
    execution.close();
    expect(await itemsIn(execution.stream())).toEqual([[]]);
  });

  test("what came of a reply that broke off is not kept for its joins", async () => {
    const it = begun
      .chunk("read", A, (_n, ctx) => ctx.instant(Reply, ['{"x":1,']))
      .chunk("answer", failed("read"), () => {})
      .chunk("join", all(Reply.field("x"), Reply.field("y")), () => {});
    const execution = run(it, 0);
    for (let n = 0; n < 5; n += 1) execution.emit(A, n);
    execution.close();
    const machine = new Machine(compile(it));
    for (const entry of await logOf(execution)) if (entry.live === 0) machine.apply(entry);
    expect(machine.snapshot().joins).toEqual([]);
  });
});

describe("S12 timeout of a join", () => {
  const make = () =>
    begun
      .chunk("join", all(A, B), (pair, ctx) => ctx.putIntoStream(pair), { joinTimeout: 1_000 })
      .chunk("late", failed("join"), ({ error, input, attempts }, ctx) =>
        ctx.putIntoStream([(error as { code?: string }).code, input, attempts]),
      );

  test("a join whose time is over has failed: failed(…) answers, with what had come", async () => {
    await virtualTime(async ({ execute, advance }) => {
      const execution = execute(make(), 0);
      const seen: unknown[] = [];
      execution.stream$.subscribe((item) => seen.push(item));
      execution.emit(A, 1);
      await advance(999);
      expect(seen).toEqual([]);
      await advance(1);
      expect(seen).toEqual([["join-timeout", [1], 0]]);
      execution.emit(B, 2);
      await advance(500);
      execution.emit(A, 3);
      await advance(2_000);
      expect(seen).toEqual([
        ["join-timeout", [1], 0],
        [3, 2],
      ]);
      execution.close();
      await execution.result;
    });
  });

  test("a join that waits holds its lane: the execution does not complete before its time is over", async () => {
    await virtualTime(async ({ execute }) => {
      const it = flow(defineFlow({ name: "wait", input: z.any(), result: z.any() }))
        .chunk("one", start, () => 1)
        .chunk("two", start, () => 2)
        .chunk("never", after("two"), () => 3, { when: () => false })
        .chunk("join", all(after("one"), after("never")), () => 4, { joinTimeout: 250 });
      const execution = execute(it, 0);
      await expect(execution.result).rejects.toMatchObject({
        code: "join-timeout",
        message:
          'all(after("one"), after("never")) had not all it waits for after 250 ms (in wait.join). Raise the `timeout` of its trigger, or answer with failed("join")',
      });
      const log = await logOf(execution);
      expect(log.at(-1)).toMatchObject({ type: "flow:failed", at: 250 });
      expect(log.filter(({ type }) => type === "timer:set")).toMatchObject([{ timer: "join join.0.1 /", dueAt: 250 }]);
    });
  });

  test("a join that fills in time leaves no timer behind", async () => {
    await virtualTime(async ({ execute, advance, now }) => {
      const execution = execute(make(), 0);
      execution.emit(A, 1);
      await advance(10);
      execution.emit(B, 2);
      execution.close();
      await execution.result;
      expect(now()).toBe(10);
    });
  });

  test("a join of one reply's fields fails when its time is over, though the reply has ended without the rest", async () => {
    await virtualTime(async ({ execute }) => {
      const Reply = instant("reply", z.object({ a: z.string(), b: z.string().optional() }));
      const it = flow(defineFlow({ name: "parts", input: z.any(), result: z.any() }))
        .chunk("read", start, (_input, ctx) => ctx.instant(Reply, ['{"a":"x"}']))
        .chunk("both", all(Reply.field("a"), Reply.field("b")), () => {}, { joinTimeout: 50 })
        .chunk("missed", failed("both"), ({ input }) => input);
      expect(await execute(it, 0).result).toEqual(["x"]);
    });
  });

  test("a quorum that fails for its time gives what had come to the round that waits", async () => {
    await virtualTime(async ({ execute, settle, advance }) => {
      const it = begun
        .chunk("join", quorum(2, A, B, C), () => {}, { joinTimeout: 50 })
        .chunk("missed", failed("join"), ({ input }, ctx) => ctx.putIntoStream(input));
      const execution = execute(it, 0);
      await settle();
      execution.emit(A, 1);
      execution.emit(B, 2);
      execution.emit(A, 3);
      await advance(50);
      execution.close();
      expect(await itemsIn(execution.stream())).toEqual([{ fired: ["a"], values: [3] }]);
    });
  });

  test("a join that has fired once waits for nothing more, and no deadline fails it", async () => {
    await virtualTime(async ({ execute, settle, advance }) => {
      const it = begun.chunk("join", all(A, B), (pair, ctx) => ctx.putIntoStream(pair), {
        joinTimeout: 50,
        once: true,
      });
      const execution = execute(it, 0);
      await settle();
      execution.emit(A, 1);
      execution.emit(B, 2);
      execution.emit(A, 3); // before the chunk has started
      await settle();
      execution.emit(A, 4);
      await advance(100);
      execution.close();
      expect(await itemsIn(execution.stream())).toEqual([[1, 2]]);
    });
  });
});

describe("S39 joins", () => {
  const problemsOf = (it: unknown): string[] => {
    try {
      compile(it);
    } catch (error) {
      if (error instanceof FlowDefinitionError) {
        return error.problems.map(({ code, where, what }) => `${code} ${where}: ${what}`);
      }
      throw error;
    }
    return [];
  };
  const list = defineFlow({ name: "list", input: z.array(z.any()), result: z.any() });
  const Text = instant("text", z.object({ a: z.string(), items: z.array(z.string()) }));

  test("a join across lanes is a problem", () => {
    const it = flow(list)
      .chunk("plan", start, (values) => values)
      .chunk("item", each(after("plan")), (value: unknown) => value)
      .chunk("join", all(after("plan"), after("item")), () => {});
    expect(problemsOf(it)).toEqual([
      'join-across-lanes list.join: all(after("plan"), after("item")) can never fill, for its parts fire in different lanes: after("plan") in no fan-out, after("item") in the lanes of each(after("plan"))',
    ]);
  });

  test("a join of a reply's field with one of its items is a problem", () => {
    const it = flow(list)
      .chunk("read", start, (_values, ctx) => ctx.instant(Text, ["{}"]))
      .chunk("join", all(Text.field("a"), Text.field("items[*]")), () => {});
    expect(problemsOf(it)).toMatchObject([expect.stringMatching(/^join-across-lanes list\.join/)]);
  });

  test("by joins across lanes", () => {
    const it = flow(list)
      .chunk("plan", start, (values) => values)
      .chunk("item", each(after("plan")), (value: unknown) => value)
      .chunk("join", all(after("plan"), after("item")), () => {}, { by: "id" });
    expect(problemsOf(it)).toEqual([]);
  });

  test("a join that waits for its own chunk can never fill", () => {
    const loose = flow(list) as unknown as {
      chunk: (name: string, trigger: unknown, work: () => unknown) => typeof loose;
    };
    const it = loose
      .chunk("a", start, () => 1)
      .chunk("b", all(after("a"), after("c") as never), () => 1)
      .chunk("c", after("b"), () => 1);
    expect(problemsOf(it)).toEqual([
      'join-never-fills list.b: this chunk can never run: it waits for after("c"), which waits for it',
      'join-never-fills list.c: this chunk can never run: it waits for after("b"), which waits for it',
    ]);
  });

  test("a quorum of more than there are is a problem", () => {
    const it = flow(list)
      .chunk("a", start, () => 1)
      .chunk("b", quorum(3, A, B), () => {});
    expect(problemsOf(it)).toEqual(["join-never-fills list.b: quorum(3, …) waits for 3 of 2 triggers"]);
  });

  test("a join over a live source is a problem", () => {
    const it = flow(list)
      .chunk("read", start, (_values, ctx) => ctx.instant(Text, ["{}"]))
      .chunk("b", all(Text.delta("a"), A), () => {});
    expect(problemsOf(it)).toEqual([
      'live-combined list.b: all(…) holds text.delta("a"), which is live: it is not recorded, so nothing can wait for it',
    ]);
  });

  test("options of joins stand at joins only", () => {
    const it = flow(list)
      .chunk("a", start, () => 1)
      .chunk("b", A, () => {}, { by: "id", joinTimeout: 5 })
      .chunk("c", all(all(A, B), C), () => {}, { by: "id" });
    expect(problemsOf(it)).toEqual([
      'option-invalid list.b: the option "by" of @on stands at a, which is no join of plain triggers',
      'option-invalid list.b: the option "timeout" of @on stands at a, which is no join of plain triggers',
      'option-invalid list.c: the option "by" of @on stands at all(all(a, b), c), which is no join of plain triggers',
    ]);
  });
});

function sorted(pairs: readonly unknown[]): unknown[] {
  return pairs.toSorted((a, b) => JSON.stringify(a).localeCompare(JSON.stringify(b)));
}

function permutations<T>(items: readonly T[]): T[][] {
  if (items.length < 2) return [[...items]];
  return items.flatMap((item, index) => permutations(items.toSpliced(index, 1)).map((rest) => [item, ...rest]));
}
