import {
  type Entry,
  FlowDefinitionError,
  Machine,
  after,
  all,
  compile,
  defineFlow,
  failed,
  flow,
  gather,
  instant,
  run,
  start,
  toMermaid,
} from "@sluice/core";
import { deferred, logOf } from "@sluice/testing";
import { describe, expect, test } from "vitest";
import { z } from "zod";

const Offer = instant(
  "offer",
  z.object({
    title: z.string(),
    items: z.array(z.object({ name: z.string(), price: z.number().positive() })),
    currency: z.enum(["EUR", "USD"]),
  }),
);
const item = (name: string, price: unknown) => ({ name, price });
const written = (...items: unknown[]): string => JSON.stringify({ title: "Tea", items, currency: "EUR" });
const mixed = written(item("cup", 3), item("pot", "nine"), item("tin", 5));
const spec = defineFlow({ name: "shop", input: z.array(z.string()), stream: z.any(), result: z.any() });
const reading = flow(spec)
  .chunk("read", start, (pieces, ctx) => ctx.instant(Offer, pieces))
  .chunk("instead", failed("read"), () => {});

describe("Reply.invalid", () => {
  test("S34 fires once per match, with the place, the issues and what the model wrote, while the model goes on", async () => {
    const hold = deferred();
    async function* tokens() {
      yield mixed.slice(0, mixed.indexOf('"tin"'));
      await hold.promise;
      yield mixed.slice(mixed.indexOf('"tin"'));
    }
    const it = flow(spec)
      .chunk("read", start, (_in, ctx) => ctx.instant(Offer, tokens()))
      .chunk("instead", failed("read"), () => {})
      .chunk("price", Offer.invalid("items[*].price"), (invalid, ctx) => {
        ctx.putIntoStream([invalid, ctx.signal.event, ctx.signal.path, ctx.signal.indexes]);
      });
    const execution = run(it, []);
    const seen: unknown[] = [];
    execution.stream$.subscribe((one) => seen.push(one));
    await new Promise((resolve) => void setImmediate(resolve));
    const expected = {
      path: "items[1].price",
      indexes: [1],
      issues: [{ path: [], message: "Invalid input: expected number, received string" }],
      raw: "nine",
    };
    expect(seen).toEqual([[expected, 'offer.invalid("items[*].price")', "items[1].price", [1]]]);
    hold.resolve();
    await execution.result;
    expect(seen).toHaveLength(1);
  });

  test("S6 an item that does not fit has a lane where somebody listens to what is invalid, and only there", async () => {
    const lanesOf = (entries: readonly Entry[], chunk: string) =>
      entries.flatMap((entry) => (entry.type === "chunk:start" && entry.chunk === chunk ? [entry.lane] : []));
    const fields = reading.chunk("item", Offer.field("items[*]"), () => {});
    const both = fields
      .chunk("mend", Offer.invalid("items[*]"), () => {})
      .chunk("name", Offer.field("items[*].name"), () => {});
    const lane = (index: number) => `/offer@a1:items[${index}]`;
    expect(lanesOf(await logOf(run(fields, [mixed])), "item")).toEqual([lane(0), lane(2)]);
    const entries = await logOf(run(both, [mixed]));
    expect(lanesOf(entries, "item")).toEqual([lane(0), lane(2)]);
    expect(lanesOf(entries, "mend")).toEqual([lane(1)]);
    expect(lanesOf(entries, "name")).toEqual([lane(0), lane(1), lane(2)]);
  });

  test("S7 what answers for invalid items is gathered with the valid ones, when the array is complete", async () => {
    const hold = deferred();
    async function* tokens() {
      yield mixed.slice(0, mixed.indexOf(',"currency"'));
      await hold.promise;
      yield mixed.slice(mixed.indexOf(',"currency"'));
    }
    const it = flow(spec)
      .chunk("read", start, (_in, ctx) => ctx.instant(Offer, tokens()))
      .chunk("instead", failed("read"), () => {})
      .chunk("item", Offer.field("items[*]"), ({ name }) => name)
      .chunk("mend", Offer.invalid("items[*]"), ({ indexes }) => `item ${indexes.join()} mended`)
      .chunk("items", gather("item"), (names, ctx) => ctx.putIntoStream([names, ctx.signal.indexes]))
      .chunk("mended", gather("mend"), (names, ctx) => ctx.putIntoStream([names, ctx.signal.indexes]));
    const execution = run(it, []);
    const seen: unknown[] = [];
    execution.stream$.subscribe((one) => seen.push(one));
    await new Promise((resolve) => void setImmediate(resolve));
    expect(seen).toEqual([
      [
        ["cup", "tin"],
        [0, 2],
      ],
      [["item 1 mended"], [1]],
    ]);
    hold.resolve();
    await execution.result;
    expect(seen).toHaveLength(2);
  });

  test("S7 an array that does not fit is not gathered where nobody answers for what is invalid in it", async () => {
    const it = reading
      .chunk("item", Offer.field("items[*]"), ({ name }) => name)
      .chunk("items", gather("item"), (names, ctx) => ctx.putIntoStream(names));
    const entries = await logOf(run(it, [mixed]));
    expect(entries.filter((entry) => "chunk" in entry && entry.chunk === "items")).toEqual([]);
  });

  test("S7 lanes in which somebody answers for an invalid item hold the execution open until he is done", async () => {
    const hold = deferred();
    const it = reading
      .chunk("mend", Offer.invalid("items[*]"), () => hold.promise)
      .chunk("then", after("mend"), (_nothing, ctx) => ctx.putIntoStream(ctx.signal.indexes));
    const execution = run(it, [mixed]);
    await new Promise((resolve) => void setImmediate(resolve));
    expect(execution.status).toBe("running");
    hold.resolve();
    const entries = await logOf(execution);
    expect(entries.flatMap((entry) => (entry.type === "stream:item" ? [entry.item] : []))).toEqual([[1]]);
  });

  test("S6 a join of one reply's fields takes an invalid one, too", async () => {
    const it = reading.chunk("both", all(Offer.field("title"), Offer.invalid("currency")), ([title, { raw }], ctx) =>
      ctx.putIntoStream([title, raw]),
    );
    const entries = await logOf(run(it, ['{"title":"Tea","items":[],"currency":"yen"}']));
    expect(entries.flatMap((entry) => (entry.type === "stream:item" ? [entry.item] : []))).toEqual([["Tea", "yen"]]);
  });

  test("a machine that is given the log comes to the same place", async () => {
    const it = reading
      .chunk("mend", Offer.invalid("items[*]"), ({ raw }) => raw)
      .chunk("mended", gather("mend"), (values) => values);
    const entries = (await logOf(run(it, [mixed]))).filter(({ live }) => live === 0);
    const cut = entries.findIndex((entry) => entry.type === "chunk:start" && entry.chunk === "mend");
    const [machine, again] = [new Machine(compile(it)), new Machine(compile(it))];
    for (const entry of entries.slice(0, cut)) for (const one of [machine, again]) one.apply(entry);
    const restored = Machine.restore(compile(it), JSON.parse(JSON.stringify(again.snapshot())) as never);
    expect(restored.pending().slice(-1)).toMatchObject([
      { type: "start", activation: { arrival: { payload: { path: "items[1]", raw: item("pot", "nine") } } } },
    ]);
    for (const entry of entries.slice(cut)) expect(restored.apply(entry)).toEqual(machine.apply(entry));
    expect(restored.snapshot()).toEqual(machine.snapshot());
  });

  test("compile() knows its paths, and the graph shows it", () => {
    const wrong = reading.chunk("mend", Offer.invalid("itms[*]" as "items[*]"), () => {});
    expect(() => compile(wrong)).toThrow(FlowDefinitionError);
    expect(() => compile(wrong)).toThrow(
      'the schema of "offer" has no "itms[*]". Did you mean "items"? [path-unknown]',
    );
    const right = reading.chunk("mend", Offer.invalid("items[*]"), () => {});
    expect(toMermaid(compile(right))).toContain('(["offer.invalid(&quot;items[*]&quot;)"])');
  });
});
