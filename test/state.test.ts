import { type Entry, after, defineFlow, flow, run, start } from "@sluice/core";
import { deferred, logOf } from "@sluice/testing";
import { describe, expect, test } from "vitest";
import { z } from "zod";

const spec = defineFlow({
  name: "keeper",
  input: z.number(),
  state: z.object({
    list: z.array(z.number()).default([]),
    who: z.object({ name: z.string(), tags: z.array(z.string()) }).optional(),
    count: z.number().max(10).default(0),
  }),
});

const entriesOf = async (execution: { events: () => AsyncIterable<Entry> }, type: string): Promise<Entry[]> =>
  (await logOf(execution)).filter((entry) => entry.type === type);

describe("state", () => {
  test("S20 an update is one entry with what was added, changed and removed, and JSON patches", async () => {
    const it = flow(spec)
      .chunk("a", start, (_n, ctx) =>
        ctx.state.update((draft) => void (draft.who = { name: "Ada", tags: ["x", "y", "z"] })),
      )
      .chunk("b", after("a"), (_n, ctx) =>
        ctx.state.update((draft) => {
          draft.who?.tags.splice(1, 2);
          draft.count += 1;
        }),
      );
    const changes = await entriesOf(run(it, 1), "state:changed");
    expect(changes).toMatchObject(
      [
        { diff: { added: ["who"], changed: [], removed: [] } },
        { diff: { added: [], changed: ["count", "who"].toSorted().toReversed().toSorted(), removed: [] } },
      ].map((one) => ({ diff: { ...one.diff, changed: expect.arrayContaining(one.diff.changed) as string[] } })),
    );
    expect(changes[1]).toMatchObject({
      patches: expect.arrayContaining([
        { op: "replace", path: "/count", value: 1 },
        { op: "remove", path: "/who/tags/2" },
        { op: "remove", path: "/who/tags/1" },
      ]) as unknown,
    });
  });

  test("F14 set replaces and never merges: a list set to [] is []", async () => {
    const it = flow(spec)
      .chunk("a", start, (_n, ctx) => ctx.state.set("list", [1, 2]))
      .chunk("b", after("a"), (_n, ctx) => ctx.state.set("list", []));
    const execution = run(it, 1);
    await execution.result;
    const [final] = await entriesOf(execution, "flow:completed");
    expect(final).toMatchObject({ state: { list: [], count: 0 } });
  });

  test("S20 no change makes no entry", async () => {
    const it = flow(spec).chunk("a", start, (_n, ctx) => {
      ctx.state.set("count", 0);
      ctx.state.update(() => {});
    });
    expect(await entriesOf(run(it, 1), "state:changed")).toEqual([]);
  });

  test("S20 two updates that overlap in time both survive", async () => {
    const [left, right] = [deferred(), deferred()];
    const add =
      (gate: PromiseWithResolvers<void>, n: number) =>
      async (_n: number, ctx: { state: { update: (f: (d: { list: number[] }) => void) => void } }) => {
        await gate.promise;
        ctx.state.update((draft) => void draft.list.push(n));
      };
    const it = flow(spec).chunk("left", start, add(left, 1)).chunk("right", start, add(right, 2));
    const execution = run(it, 1);
    await Promise.resolve();
    right.resolve();
    await Promise.resolve();
    left.resolve();
    await execution.result;
    const [final] = await entriesOf(execution, "flow:completed");
    expect(final).toMatchObject({ state: { list: [2, 1] } });
  });

  test("S20 an update that does not fit the schema changes nothing and fails its chunk", async () => {
    const it = flow(spec).chunk("a", start, (_n, ctx) => ctx.state.set("count", 11));
    const execution = run(it, 1);
    await expect(execution.result).rejects.toMatchObject({ code: "state-invalid", where: "keeper.a" });
    const [final] = await entriesOf(execution, "flow:failed");
    expect(final).toMatchObject({ state: { count: 0 } });
  });

  test("what an update's function returns is ignored, and an asynchronous one is refused", async () => {
    const it = flow(spec)
      .chunk("a", start, (_n, ctx) => ctx.state.update((draft) => draft.list.push(7)))
      .chunk("b", after("a"), (_n, ctx) => ctx.state.update(async (draft) => void draft.list.push(8)));
    const execution = run(it, 1);
    await expect(execution.result).rejects.toMatchObject({ code: "state-invalid", where: "keeper.b" });
    expect((await entriesOf(execution, "flow:failed"))[0]).toMatchObject({ state: { list: [7] } });
  });

  test("S20 an update is a fact: it stays when its attempt fails", async () => {
    const it = flow(spec).chunk("a", start, (_n, ctx) => {
      ctx.state.set("count", 3);
      throw new Error("afterwards");
    });
    const execution = run(it, 1);
    await expect(execution.result).rejects.toThrow("afterwards");
    expect((await entriesOf(execution, "flow:failed"))[0]).toMatchObject({ state: { count: 3 } });
  });

  test("S21 what JSON cannot hold is refused at the door, with the key's path", async () => {
    const it = flow(spec).chunk("a", start, (_n, ctx) =>
      ctx.state.set("who", { name: "x", tags: [new Date() as unknown as string] }),
    );
    await expect(run(it, 1).result).rejects.toMatchObject({
      code: "not-serialisable",
      message: expect.stringContaining("who.tags[0]") as string,
    });
  });

  test("what a chunk reads cannot be changed behind the state's back", async () => {
    const it = flow(spec).chunk("a", start, (_n, ctx) => {
      ctx.state.set("list", [1]);
      ctx.state.get("list").push(2);
    });
    const execution = run(it, 1);
    await expect(execution.result).rejects.toMatchObject({ code: "chunk-failed" });
    expect((await entriesOf(execution, "flow:failed"))[0]).toMatchObject({ state: { list: [1] } });
  });

  test("state$ gives the present state, then each change, to whoever comes when", async () => {
    const hold = deferred();
    const it = flow(spec)
      .chunk("a", start, (_n, ctx) => ctx.state.set("count", 1))
      .chunk("b", after("a"), async (_n, ctx) => {
        await hold.promise;
        ctx.state.set("count", 2);
      });
    const execution = run(it, 1);
    const early: number[] = [];
    execution.state$.subscribe(({ count }) => early.push(count));
    await Promise.resolve();
    const late: number[] = [];
    execution.state$.subscribe(({ count }) => late.push(count));
    hold.resolve();
    await execution.result;
    expect([early, late]).toEqual([
      [0, 1, 2],
      [1, 2],
    ]);
  });
});
