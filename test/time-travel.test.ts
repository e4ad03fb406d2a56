import {
  type Entry,
  after,
  changed,
  defineFlow,
  diff,
  each,
  flow,
  fork,
  gather,
  interrupt,
  memoryStore,
  replay,
  replayStored,
  run,
  start,
  storedEntries,
} from "@sluice/core";
import { VirtualTime, logOf } from "@sluice/testing";
import { describe, expect, test } from "vitest";
import { z } from "zod";

const spec = defineFlow({
  name: "trip",
  input: z.object({ city: z.string(), days: z.number() }),
  state: z.object({ price: z.number().default(0), note: z.string().optional() }),
  stream: z.string(),
  result: z.string(),
});

/** A flow that tells what it calls. `rate` is its code, which may be another in a fork. */
function tripOf(calls: string[], rate = 100) {
  return flow(spec)
    .chunk("plan", start, ({ city, days }, ctx) => {
      calls.push("plan");
      ctx.putIntoStream(`planning ${city}`);
      return Array.from({ length: days }, (_, day) => day + 1);
    })
    .chunk("book", each(after("plan")), (day, ctx) => {
      calls.push(`book ${day}`);
      ctx.state.update((state) => void (state.price += rate));
      ctx.putIntoStream(`day ${day}`);
      return day;
    })
    .chunk("sum", gather("book"), (days, ctx) => {
      calls.push("sum");
      ctx.setResult(`${days.length} days, ${ctx.state.get("price")}`);
    });
}

async function travelled(days = 2) {
  const store = memoryStore();
  const calls: string[] = [];
  const trip = tripOf(calls);
  const execution = run(trip, { city: "Ghent", days }, { store, id: "first" });
  const result = await execution.result;
  return { store, calls, trip, result, entries: await logOf(execution) };
}

function seqOf(entries: readonly Entry[], type: string, nth = 1): number {
  return entries.filter((entry) => entry.type === type)[nth - 1]?.seq ?? 0;
}

describe("S31 replay rebuilds any moment from the log", () => {
  test("with its state, its stream and where the graph stood, and calls nobody", async () => {
    const { store, calls, trip, entries } = await travelled();
    const before = [...calls];
    const moment = await replay(trip, "first", { store, upTo: seqOf(entries, "state:changed", 2) });
    expect(moment).toMatchObject({ status: "running", state: { price: 200 }, items: ["planning Ghent", "day 1"] });
    expect(moment.position).toEqual([
      { chunk: "book", activationId: "a3", lane: "/e4[1]", attempts: 1, is: "running" },
    ]);
    expect(moment).not.toHaveProperty("result");
    expect(calls).toEqual(before);
  });

  test("at its end it has the result and nothing is under way", async () => {
    const { store, trip, entries } = await travelled();
    const end = await replay(trip, "first", { store });
    expect(end).toMatchObject({ status: "completed", result: "2 days, 200", seq: entries.length, position: [] });
    expect(end.entries).toEqual(entries);
  });

  test("each moment is told, and each is the fold of the entries before it", async () => {
    const { store, trip, entries } = await travelled(3);
    for (const { seq } of entries) {
      const moment = await replay(trip, "first", { store, upTo: seq });
      expect(moment.entries).toEqual(entries.slice(0, seq));
      expect(moment.seq).toBe(seq);
    }
  });

  test("a moment that is not there, and an execution that is not, are refused by name", async () => {
    const { store, trip, entries } = await travelled();
    await expect(replay(trip, "first", { store, upTo: entries.length + 1 })).rejects.toMatchObject({
      code: "position-invalid",
      message: expect.stringContaining(`its entries are 1 to ${entries.length}`),
    });
    await expect(replay(trip, "nobody", { store })).rejects.toMatchObject({ code: "execution-unknown" });
  });

  test("without the flow, too: its graph is stored, and so are its entries", async () => {
    const { store, trip, entries } = await travelled();
    const upTo = seqOf(entries, "state:changed", 2);
    expect(await replayStored("first", { store, upTo })).toEqual(await replay(trip, "first", { store, upTo }));
    expect(await storedEntries(store, "first", { after: 2, upTo: 5 })).toEqual(entries.slice(2, 5));
    await expect(replayStored("nobody", { store })).rejects.toMatchObject({ code: "execution-unknown" });
  });

  test("what waited for people then shows its questions", async () => {
    const Sign = interrupt("sign", { ask: z.string(), answer: z.boolean() });
    const store = memoryStore();
    const it = flow(defineFlow({ name: "letter", input: z.string() }))
      .chunk("write", start, (text, ctx) => void ctx.interrupt(Sign, text))
      .chunk("send", Sign.answered, () => {});
    const execution = run(it, "Dear", { store, id: "x" });
    await execution.settled;
    const waiting = await replay(it, "x", { store });
    expect(waiting).toMatchObject({
      status: "waiting",
      interrupts: [{ id: "sign@a1", name: "sign", payload: "Dear", path: ["letter"], chunk: "write" }],
    });
  });
});

describe("S31 fork starts a new execution from a past moment", () => {
  test("nothing that was complete runs again, and the first stays as it is", async () => {
    const { store, calls, trip, entries } = await travelled();
    calls.length = 0;
    const at = seqOf(entries, "chunk:complete", 2);
    const forked = await fork(trip, "first", { store, at, id: "second" });
    expect(await forked.result).toBe("2 days, 200");
    expect(calls).toEqual(["book 2", "sum"]);
    expect(store.find("second")).toMatchObject({
      status: "completed",
      forkedFrom: { executionId: "first", seq: at },
    });
    expect((await replay(trip, "first", { store })).entries).toEqual(entries);
    const log = await logOf(forked);
    expect(log.map(({ seq }) => seq)).toEqual(log.map((_, index) => index + 1));
    expect(log[at]).toMatchObject({ type: "flow:forked", from: { executionId: "first", seq: at } });
  });

  test("with another state", async () => {
    const { store, trip, entries } = await travelled();
    const forked = await fork(trip, "first", {
      store,
      at: seqOf(entries, "chunk:complete", 2),
      state: { price: 1000 },
    });
    expect(await forked.result).toBe("2 days, 1100");
  });

  test("with other code", async () => {
    const { store, entries } = await travelled();
    const forked = await fork(tripOf([], 7), "first", { store, at: seqOf(entries, "chunk:complete", 2) });
    expect(await forked.result).toBe("2 days, 107");
  });

  test("with another input from the start, and from nowhere else", async () => {
    const { store, trip, calls } = await travelled();
    calls.length = 0;
    const forked = await fork(trip, "first", { store, at: 1, input: { city: "Mons", days: 1 } });
    expect(await forked.result).toBe("1 days, 100");
    expect(calls).toEqual(["plan", "book 1", "sum"]);
    await expect(fork(trip, "first", { store, at: 2, input: { city: "Mons", days: 1 } })).rejects.toMatchObject({
      code: "fork-invalid",
    });
  });

  test("not from its end, not with a state or an input that does not fit, not over another execution", async () => {
    const { store, trip, entries } = await travelled();
    await expect(fork(trip, "first", { store, at: entries.length })).rejects.toMatchObject({ code: "fork-invalid" });
    const wrongState = { price: "much" } as never;
    await expect(fork(trip, "first", { store, at: 2, state: wrongState })).rejects.toMatchObject({
      code: "state-invalid",
    });
    const wrongInput = { city: 1 } as never;
    await expect(fork(trip, "first", { store, at: 1, input: wrongInput })).rejects.toMatchObject({
      code: "input-invalid",
    });
    await expect(fork(trip, "first", { store, at: 2, id: "first" })).rejects.toMatchObject({
      code: "execution-exists",
    });
    expect(await store.list()).toMatchObject([{ executionId: "first" }]);
  });

  test("a flow that is wired differently is refused with the differences, unless that is accepted", async () => {
    const { store, entries } = await travelled();
    const other = tripOf([]).chunk("tell", changed("price"), () => {});
    const at = seqOf(entries, "chunk:complete", 2);
    await expect(fork(other, "first", { store, at })).rejects.toMatchObject({
      code: "graph-changed",
      message: expect.stringContaining('chunk "tell" is new'),
    });
    const forked = await fork(other, "first", { store, at, acceptChanges: true });
    expect(await forked.result).toBe("2 days, 200");
  });

  test("a sleep has as much time left as it had", async () => {
    const time = new VirtualTime();
    const store = memoryStore();
    const it = flow(defineFlow({ name: "nap", input: z.string(), result: z.number() })).chunk(
      "nap",
      start,
      async (_, ctx) => {
        await ctx.sleep(1000);
        ctx.setResult(time.now());
      },
    );
    const execution = run(it, "", { store, id: "first", scheduler: time.scheduler });
    await time.advance();
    expect(await execution.result).toBe(1000);
    await time.during(time.delay(5000));
    const at = seqOf(await logOf(execution), "timer:set");
    const forking = fork(it, "first", { store, at, scheduler: time.scheduler });
    const forked = await forking;
    await time.advance();
    expect(await forked.result).toBe(7000);
  });
});

describe("diff tells how two executions differ", () => {
  test("which chunks came out otherwise, and what that changed", async () => {
    const { store, trip, entries } = await travelled();
    const at = seqOf(entries, "chunk:complete", 2);
    const forked = await fork(tripOf([], 7), "first", { store, at, id: "second" });
    await forked.result;
    const told = diff(await replay(trip, "first", { store }), await replay(trip, "second", { store }));
    expect(told).toEqual({
      agreeUpTo: at,
      chunks: [],
      state: { price: { one: 200, other: 107 } },
      result: { one: "2 days, 200", other: "2 days, 107" },
    });
  });

  test("times are no difference", async () => {
    const store = memoryStore();
    const it = flow(defineFlow({ name: "slow", input: z.null(), result: z.number() })).chunk(
      "nap",
      start,
      async (_, ctx) => {
        await ctx.sleep(10);
        await pause();
        ctx.setResult(1);
      },
    );
    let pause = (): Promise<void> => Promise.resolve();
    for (const id of ["one", "other"]) {
      const time = new VirtualTime();
      if (id === "other") await time.during(time.delay(500));
      pause = () => time.delay(id === "one" ? 5 : 70);
      run(it, null, { store, id, scheduler: time.scheduler });
      await time.advance();
    }
    const [one, other] = [await replay(it, "one", { store }), await replay(it, "other", { store })];
    expect(one.at).not.toBe(other.at);
    expect(diff(one, other)).toEqual({ agreeUpTo: one.seq, chunks: [], state: {} });
  });

  test("an execution does not differ from itself, and its end from its beginning by what came since", async () => {
    const { store, trip } = await travelled(1);
    const end = await replay(trip, "first", { store });
    expect(diff(end, end)).toEqual({ agreeUpTo: end.seq, chunks: [], state: {} });
    const begun = await replay(trip, "first", { store, upTo: 2 });
    expect(diff(begun, end)).toMatchObject({
      agreeUpTo: 2,
      chunks: [
        { chunk: "plan", lane: "/", nth: 1, one: { unfinished: true }, other: { output: [1] } },
        { chunk: "book", lane: "/e4[0]", nth: 1, other: { output: 1 } },
        { chunk: "sum", lane: "/", nth: 1 },
      ],
      state: { price: { one: 0, other: 100 } },
      items: { from: 0, one: [], other: ["planning Ghent", "day 1"] },
      status: { one: "running", other: "completed" },
    });
  });
});
