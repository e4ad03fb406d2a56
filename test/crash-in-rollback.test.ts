// A process that ends while an execution and its children undo their work: the next one goes on from there.
import { type Undo, after, defineFlow, flow, memoryStore, recover, run, start } from "@sluice/core";
import { VirtualTime } from "@sluice/testing";
import { expect, test } from "vitest";
import { z } from "zod";

const number = z.number();
const longer = { refund: 1, tell: 10_000, file: 100_000 };

/** A parent that fails after 5 ms, while its child waits; the child, and what it has done, are undone in three steps. */
function trip(time: VirtualTime, told: (call: string) => void) {
  const guided = flow(defineFlow({ name: "guided", input: number, result: number }))
    .chunk("hire", start, (n) => n, {
      compensate: async (_undo: Undo<number, number>, ctx) => {
        for (const name of ["refund", "tell", "file"] as const) {
          await ctx.step(name, () => told(name));
          await ctx.step(`${name} at length`, () => "x".repeat(longer[name])); // a checkpoint comes when so much was written
          await time.delay(10);
        }
      },
    })
    .chunk("walk", after("hire"), (_n, ctx) => ctx.sleep(1_000));
  const it = flow(defineFlow({ name: "trip", input: number, result: number }))
    .chunk("tour", start, (n, ctx) => ctx.child(guided, n))
    .chunk("confirm", start, async (_n, ctx) => {
      await ctx.sleep(5);
      throw new Error("sold out");
    });
  return { it, guided };
}

test("S11 S22 a child that undoes its work goes on with that after each crash", async () => {
  const time = new VirtualTime();
  const options = { store: memoryStore(), scheduler: time.scheduler, checkpointEvery: 1 };
  const calls: string[] = [];
  let life = 0;
  /** The flows of the next process; the one before it is dead. */
  const next = () => {
    const own = (life += 1);
    return trip(time, (call) => void (own === life && calls.push(`${call} in ${own}`)));
  };
  run(next().it, 1, { ...options, id: "x" });
  await time.advance(10);
  for (const ms of [15, 25]) {
    const { it, guided } = next();
    await recover([it], { ...options, flows: [guided] });
    await time.advance(ms);
  }
  const { it, guided } = next();
  const { executions } = await recover([it], { ...options, flows: [guided] });
  await time.advance(50);
  await expect(executions[0]?.result).rejects.toMatchObject({ code: "chunk-failed" });
  expect(calls).toEqual(["refund in 1", "tell in 2", "file in 3"]);
  const types = (await options.store.read("x")).map((text) => (JSON.parse(text) as { readonly type: string }).type);
  expect(types.filter((type) => type === "flow:rollback")).toHaveLength(1);
});
