import { type Entry, after, defineFlow, flow, load, memoryStore, positionOf, run, start } from "@sluice/core";
import { deferred, itemsOf } from "@sluice/testing";
import { describe, expect, test } from "vitest";
import { z } from "zod";

const spec = defineFlow({ name: "count", input: z.number(), stream: z.number(), result: z.number() });
const count = flow(spec)
  .chunk("one", start, (amount, ctx) => {
    for (let item = 0; item < amount; item += 1) ctx.putIntoStream(item);
    return amount;
  })
  .chunk("two", after("one"), (amount, ctx) => {
    for (let item = 0; item < amount; item += 1) ctx.putIntoStream(amount + item);
    return amount;
  });

/** An execution that has ended, of which memory has kept the last ten entries. */
async function ended(amount = 1_500) {
  const store = memoryStore();
  const execution = run(count, amount, { store, id: "x", retention: { maxEntries: 10 } });
  await execution.result;
  return { store, execution };
}

function upTo(amount: number): readonly number[] {
  return Array.from({ length: amount }, (_, index) => index);
}

describe("S16 views of a stored execution reach back behind what memory retains", () => {
  test("a reader that begins at the start gets every item, in order, once", async () => {
    const { execution } = await ended();
    expect(await itemsOf(execution.stream({ from: 1 }))).toEqual(upTo(3_000));
  });

  test("a reader goes on behind any position, as if nothing had been dropped", async () => {
    const { execution } = await ended(300);
    const all = (await itemsOf(execution.events({ from: 1 }))) as readonly Entry[];
    expect(all.map(({ seq }) => seq)).toEqual(all.map((_, index) => index + 1));
    for (const seq of [0, 1, 2, 299, 300, 301, all.length - 11, all.length - 10, all.length - 1, all.length]) {
      const rest = (await itemsOf(execution.events({ after: seq }))) as readonly Entry[];
      expect(rest.map(positionOf)).toEqual(all.slice(seq).map(positionOf));
      const live = (await itemsOf(execution.events({ after: `${seq}.3` }))) as readonly Entry[];
      expect(live.map(positionOf)).toEqual(all.slice(seq).map(positionOf));
      const from = (await itemsOf(execution.events({ from: Math.max(1, seq) }))) as readonly Entry[];
      expect(from.map(positionOf)).toEqual(all.slice(Math.max(0, seq - 1)).map(positionOf));
    }
  });

  test("also when the execution was loaded from a checkpoint, and has ended", async () => {
    const { store } = await ended(40);
    const loaded = await load(count, "x", { store, retention: { maxEntries: 5 } });
    expect(loaded.status).toBe("completed");
    expect(await loaded.result).toBe(40);
    expect(await itemsOf(loaded.stream({ from: 1 }))).toEqual(upTo(80));
  });

  test("a reader that says nothing begins with what is retained", async () => {
    const { execution } = await ended(40);
    expect(await itemsOf(execution.stream())).toEqual([72, 73, 74, 75, 76, 77, 78, 79]);
  });

  test("a reader that lags while chunks put items reads on from the store", async () => {
    const store = memoryStore();
    const execution = run(count, 200, { store, retention: { maxEntries: 10 } });
    const seen: number[] = [];
    for await (const item of execution.stream({ from: 1 })) seen.push(item);
    expect(seen).toEqual(upTo(400));
  });

  test("with exit, what is neither in memory nor stored yet is a gap, and no damage", async () => {
    const [store, gate] = [memoryStore(), deferred<void>()];
    const open = flow(spec).chunk("put", start, async (amount, ctx) => {
      for (let item = 0; item < amount; item += 1) ctx.putIntoStream(item);
      await gate.promise;
      return amount;
    });
    const execution = run(open, 200, { store, durability: "exit", retention: { maxEntries: 10 } });
    const reading = execution.stream({ from: 1 });
    await expect(reading.next().then(() => reading.next())).rejects.toMatchObject({ code: "stream-gap" });
    gate.resolve();
    await execution.result;
    expect(await itemsOf(execution.stream({ from: 1 }))).toEqual(upTo(200));
  });
});
