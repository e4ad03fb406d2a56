import {
  type Entry,
  type Execution,
  after,
  all,
  defineFlow,
  event,
  failed,
  flow,
  interrupt,
  load,
  memoryStore,
  recover,
  run,
  start,
  vitalsOf,
} from "@sluice/core";
import { VirtualTime, itemsOf } from "@sluice/testing";
import { expect, test } from "vitest";
import { z } from "zod";
import { type PromptStore, mortalStore } from "./laws/mortal-store.ts";

const Approval = interrupt("approval", { ask: z.string(), answer: z.object({ ok: z.boolean() }) });
const Tick = event("tick", z.number());
const codeOf = (work: Promise<unknown>): Promise<unknown> =>
  work.then(
    () => "resolved",
    (error: { readonly code?: string }) => error.code,
  );
const none = { timers: 0, attempts: 0, listeners: 0, readers: 0 };

/** A store in memory, and a process on it that dies with its nth append. */
function dying(after: number, taken = true) {
  const store = memoryStore() as PromptStore;
  let alive = true;
  const mortal = mortalStore(
    store,
    { after, taken, how: "silent" },
    { alive: () => alive, die: () => (alive = false) },
  );
  return { store, mortal };
}

/** A flow whose chunk waits until it is let go. */
function waiting(calls: string[] = []) {
  const gate = Promise.withResolvers<void>();
  const it = flow(
    defineFlow({ name: "waits", input: z.number(), stream: z.unknown(), result: z.number(), accepts: [Tick] }),
  )
    .chunk("one", start, async (n, ctx) => {
      calls.push(`one ${ctx.attempt} ${ctx.idempotencyKey}`);
      ctx.putIntoStream(n);
      await gate.promise;
      return n + 1;
    })
    .chunk("two", after("one"), (n) => n * 2);
  return { it, gate };
}

test("S26 unfinished work runs again with the same key and the next attempt, finished work does not", async () => {
  const [store, time, calls] = [memoryStore(), new VirtualTime(), [] as string[]];
  const { scheduler } = time;
  const { it, gate } = waiting(calls);
  run(it, 1, { store, scheduler, id: "x" });
  await time.settle();
  const again = await load(it, "x", { store, scheduler });
  await time.settle();
  gate.resolve();
  await time.settle();
  expect(await again.result).toBe(4);
  expect(calls).toEqual(["one 1 x/a1", "one 2 x/a1"]);
  const log = await itemsOf(again.events());
  expect(log.map(({ type }) => type).slice(0, 7)).toEqual([
    "flow:start",
    "chunk:start",
    "stream:item",
    "flow:resume",
    "chunk:reset",
    "chunk:start",
    "stream:item",
  ]);
});

test("S26 attempts that were cut off are none of a chunk's retries", async () => {
  const [store, time, calls] = [memoryStore(), new VirtualTime(), [] as string[]];
  const { scheduler } = time;
  const it = flow(defineFlow({ name: "fails", input: z.number(), result: z.unknown() }))
    .chunk(
      "one",
      start,
      async (_, ctx) => {
        calls.push(`${ctx.attempt} @${time.now()}`);
        await time.delay(10, ctx);
        throw new Error("no");
      },
      { retry: { attempts: 2, delay: 5, jitter: false } },
    )
    .chunk("answer", failed("one"), ({ attempts }) => attempts);
  run(it, 1, { store, scheduler, id: "x" });
  await time.advance(1);
  const again = await load(it, "x", { store, scheduler });
  await time.advance();
  expect(await again.result).toBe(3);
  expect(calls).toEqual(["1 @0", "2 @1", "3 @16"]);
});

test("S8b an idle time that was over when its process died stays over", async () => {
  const time = new VirtualTime();
  const { scheduler } = time;
  const it = flow(
    defineFlow({ name: "open", input: z.number(), result: z.unknown(), keepOpen: true, idle: 10, accepts: [Tick] }),
  ).chunk("one", start, (n) => n);
  const { store, mortal } = dying(4);
  run(it, 1, { store: mortal, scheduler, id: "x" });
  await time.advance(20);
  expect(store.read("x").at(-1)).toContain("timer:fired");
  const again = await load(it, "x", { store, scheduler });
  await time.settle();
  expect(again.status).toBe("completed");
  expect(time.now()).toBe(20);
});

test("S26 an execution that was never stored is not known", async () => {
  const time = new VirtualTime();
  const { scheduler } = time;
  const { it } = waiting();
  const { store, mortal } = dying(1, false);
  run(it, 1, { store: mortal, scheduler, id: "x", durability: "exit" });
  await time.advance(5);
  await expect(load(it, "x", { store, scheduler })).rejects.toMatchObject({ code: "execution-unknown" });
});

test("one that has ended gives its result and its views, and nothing starts", async () => {
  const [store, time] = [memoryStore(), new VirtualTime()];
  const { scheduler } = time;
  const { it, gate } = waiting();
  gate.resolve();
  const first = run(it, 1, { store, scheduler, id: "x" });
  await time.settle();
  const again = await load(it, "x", { store, scheduler });
  expect([again.status, await again.result, await again.settled]).toEqual(["completed", 4, "completed"]);
  expect(await itemsOf(again.events())).toEqual(await itemsOf(first.events()));
  expect(await itemsOf(again.stream())).toEqual([1]);
  await again.release();
  await again.stored();
  again.cancel();
  expect(() => again.emit(Tick, 1)).toThrowError(expect.objectContaining({ code: "execution-ended" }));
  expect({ ...vitalsOf(again as Execution), pending: time.pending }).toEqual({ ...none, pending: 0 });
  expect(store.find("x")).toMatchObject({ epoch: 1 });
});

test("S23 one that is released while it runs goes on elsewhere, and here nothing is left", async () => {
  const [store, time, calls] = [memoryStore(), new VirtualTime(), [] as string[]];
  const { scheduler } = time;
  const { it, gate } = waiting(calls);
  const first = run(it, 1, { store, scheduler, id: "x" });
  const result = codeOf(first.result);
  const read = codeOf(itemsOf(first.stream()));
  await time.settle();
  await time.during(Promise.all([first.release(), first.release()]));
  await first.release();
  expect([await result, await read, await first.settled]).toEqual([
    "execution-released",
    "execution-released",
    "running",
  ]);
  expect(await codeOf(first.stored())).toBe("execution-released");
  expect({ ...vitalsOf(first as Execution), pending: time.pending }).toEqual({ ...none, pending: 0 });
  expect(() => first.emit(Tick, 1)).toThrowError(expect.objectContaining({ code: "execution-released" }));
  const again = await load(it, "x", { store, scheduler });
  await time.settle();
  gate.resolve();
  expect(await time.during(again.result)).toBe(4);
  expect(calls.length).toBe(2);
});

test("S23 one that is released before it has begun begins elsewhere", async () => {
  const [store, time] = [memoryStore(), new VirtualTime()];
  const { scheduler } = time;
  const { it, gate } = waiting();
  gate.resolve();
  await time.during(run(it, 1, { store, scheduler, id: "x" }).release());
  const again = await load(it, "x", { store, scheduler });
  expect(await time.during(again.result)).toBe(4);
});

test("an execution without a store cannot be released", async () => {
  const { it } = waiting();
  const execution = run(it, 1);
  expect(await codeOf(execution.release())).toBe("store-missing");
  execution.cancel();
});

test("events, answers and cancels are taken before the first tick after a load", async () => {
  const [store, time] = [memoryStore(), new VirtualTime()];
  const { scheduler } = time;
  const it = flow(defineFlow({ name: "open", input: z.number(), result: z.unknown(), accepts: [Tick], keepOpen: true }))
    .chunk("ask", start, (_, ctx) => void ctx.interrupt(Approval, "go on?"))
    .chunk("answered", all(Approval.answered, Tick), ([{ ok }, n], ctx) => ctx.end([ok, n]));
  for (const id of ["a", "b"]) {
    const execution = run(it, 1, { store, scheduler, id });
    await time.settle();
    await time.during(execution.release());
  }
  const [a, b] = [await load(it, "a", { store, scheduler }), await load(it, "b", { store, scheduler })];
  a.emit(Tick, 5);
  a.resume(Approval, a.interrupts[0]?.id ?? "", { ok: true });
  b.cancel("no more");
  await time.settle();
  expect(await a.result).toEqual([true, 5]);
  expect(await codeOf(b.result)).toBe("execution-cancelled");
  expect((await itemsOf(b.events())).map(({ type }) => type).slice(-2)).toEqual(["flow:waiting", "flow:cancelled"]);
});

test("S29 who was taken over hears of it with the next append, and stores nothing more", async () => {
  const [store, time] = [memoryStore(), new VirtualTime()];
  const { scheduler } = time;
  const { it, gate } = waiting();
  const first = run(it, 1, { store, scheduler, id: "x" });
  const result = codeOf(first.result);
  await time.settle();
  const again = await load(it, "x", { store, scheduler });
  first.emit(Tick, 1);
  gate.resolve();
  await time.settle();
  expect(await result).toBe("claim-lost");
  expect({ ...vitalsOf(first as Execution), pending: time.pending }).toEqual({ ...none, pending: 0 });
  expect(await again.result).toBe(4);
  expect((await itemsOf(again.events())).filter(({ type }) => type === "signal")).toEqual([]);
});

test("S13 a store that fails stops the execution without an entry, and it is recovered", async () => {
  const time = new VirtualTime();
  const { scheduler } = time;
  const { it, gate } = waiting();
  const store = memoryStore() as PromptStore;
  let appends = 0;
  const failing = {
    ...store,
    append: (...given: Parameters<typeof store.append>) => {
      appends += 1;
      if (appends === 3) throw new Error("the disk is full");
      return store.append(...given);
    },
  };
  const first = run(it, 1, { store: failing, scheduler, id: "x" });
  const [result, read] = [codeOf(first.result), codeOf(itemsOf(first.events()))];
  await time.settle();
  gate.resolve();
  await time.settle();
  expect([await result, await read]).toEqual(["store-failed", "store-failed"]);
  expect(vitalsOf(first as Execution)).toEqual(none);
  const { executions, refused } = await recover([it], { store: failing, scheduler });
  expect(refused).toEqual([]);
  expect(await time.during(executions[0]?.result ?? Promise.resolve())).toBe(4);
});

test("a reader that goes on from a position finds it across a load, also what is in the checkpoint only", async () => {
  const [store, time] = [memoryStore(), new VirtualTime()];
  const { scheduler } = time;
  const it = flow(defineFlow({ name: "items", input: z.number(), stream: z.number(), result: z.unknown() }))
    .chunk("one", start, (_, ctx) => {
      for (const item of [1, 2, 3]) ctx.putIntoStream(item);
    })
    .chunk("two", after("one"), async (_, ctx) => {
      await time.delay(1);
      ctx.putIntoStream(4);
      if (ctx.attempt === 1) await time.delay(1_000);
    });
  const seen: Entry[] = [];
  run(it, 1, { store, scheduler, id: "x" }).events$.subscribe({ next: (entry) => seen.push(entry), error: () => {} });
  await time.advance(5);
  const again = await load(it, "x", { store, scheduler });
  const rest = itemsOf(again.events({ from: `${(seen.at(-1)?.seq ?? 0) + 1}` }));
  await time.during(again.result);
  expect((await rest).map(({ seq }) => seq)[0]).toBe((seen.at(-1)?.seq ?? 0) + 1);
  run(it, 1, { store, scheduler, id: "y", checkpointEvery: 1 }).events$.subscribe({ error: () => {} });
  await time.advance(5);
  const later = await load(it, "y", { store, scheduler });
  later.cancel();
  await time.settle();
  const all = await time.during(itemsOf(later.events({ from: 1 })));
  expect(all.map(({ seq }) => seq)).toEqual(all.map((_, index) => index + 1));
});

test("an execution whose flow cannot be made stays with its owner, and does not keep others from being recovered", async () => {
  const [store, time] = [memoryStore(), new VirtualTime()];
  const { scheduler } = time;
  const { it, gate } = waiting();
  const other = flow(defineFlow({ name: "other", input: z.number(), result: z.unknown() })).chunk("one", start, (n) =>
    time.delay(5).then(() => n),
  );
  const first = run(it, 1, { store, scheduler, id: "x" });
  run(other, 2, { store, scheduler, id: "y" });
  await time.settle();
  const broken = {
    flow: it,
    create: () => {
      throw new Error("no client");
    },
  };
  const { executions, refused } = await recover([broken, other], { store, scheduler });
  expect(refused).toMatchObject([{ executionId: "x", error: { code: "create-failed" } }]);
  gate.resolve();
  expect(await time.during(first.result)).toBe(4);
  expect(await time.during(executions[0]?.result ?? Promise.resolve())).toBe(2);
});

test("observers that throw or act while what is stored is shown harm nothing, and see all in order", async () => {
  const [store, time] = [memoryStore(), new VirtualTime()];
  const { scheduler } = time;
  const it = flow(
    defineFlow({ name: "watched", input: z.number(), result: z.unknown(), accepts: [Tick], keepOpen: true }),
  ).chunk("one", Tick, (n, ctx) => void (n === 3 && ctx.end(n)));
  const reported: unknown[] = [];
  const onObserverError = (error: unknown): void => void reported.push(error);
  const execution = run(it, 1, { store, scheduler, id: "x", onObserverError, retention: { maxEntries: 3 } });
  const seen: number[] = [];
  execution.events$.subscribe(() => {
    throw new Error("an observer");
  });
  execution.events$.subscribe((entry) => {
    seen.push(entry.seq);
    expect(store.find("x")).toMatchObject({ lastSeq: expect.any(Number) });
    if (entry.type === "flow:start" || (entry.type === "chunk:complete" && entry.seq < 5))
      execution.emit(Tick, Math.min(3, entry.seq));
  });
  expect(await time.during(execution.result)).toBe(3);
  expect(seen).toEqual(seen.map((_, index) => index + 1));
  expect((store.find("x") as { readonly lastSeq: number }).lastSeq).toBe(seen.length);
  expect(reported).toMatchObject([{ message: "an observer" }]);
});

test("an observer that releases the execution ends it here, and it goes on elsewhere", async () => {
  const [store, time] = [memoryStore(), new VirtualTime()];
  const { scheduler } = time;
  const { it, gate } = waiting();
  gate.resolve();
  const first = run(it, 1, { store, scheduler, id: "x" });
  const result = codeOf(first.result);
  let released: Promise<void> | undefined;
  first.on("chunk:start", () => (released ??= first.release()));
  await time.settle();
  await released;
  expect(await result).toBe("execution-released");
  const again = await load(it, "x", { store, scheduler });
  expect(await time.during(again.result)).toBe(4);
});

test("S38b a guard is asked once: neither a retry nor a crash asks it again, whatever it would say by then", async () => {
  const [time, store, asked] = [new VirtualTime(), memoryStore(), [] as string[]];
  const guarded = (says: (n: number) => boolean, ends: Promise<void>) =>
    flow(defineFlow({ name: "guarded", input: z.number(), result: z.number() })).chunk(
      "once",
      start,
      async (n, ctx) => {
        if (ctx.attempt === 1) throw new Error("again");
        await ends;
        ctx.setResult(n + ctx.attempt);
      },
      { when: (n) => says(n), retry: { attempts: 2, delay: 10 } },
    );
  const yes = (): boolean => asked.push("yes") > 0;
  const execution = run(guarded(yes, new Promise(() => {})), 1, { store, id: "x", scheduler: time.scheduler });
  await time.advance(20);
  expect(asked).toEqual(["yes"]);
  await execution.release();
  const no = (): boolean => asked.push("no") < 0;
  const again = await load(guarded(no, Promise.resolve()), "x", { store, scheduler: time.scheduler });
  await time.advance();
  expect(await again.result).toBe(4);
  expect(asked).toEqual(["yes"]);
});

test("S29 an execution that its owner ends while it is claimed is over, and is not gone on with", async () => {
  const [store, time] = [memoryStore() as PromptStore, new VirtualTime()];
  const spec = defineFlow({ name: "open", input: z.number(), result: z.number(), accepts: [Tick], keepOpen: true });
  const it = flow(spec).chunk("end", Tick, (n, ctx) => ctx.end(n));
  run(it, 1, { store, id: "x", scheduler: time.scheduler });
  await time.settle();
  const final = { type: "flow:cancelled", at: 5, state: {}, durationMs: 5, reason: "elsewhere" };
  const racing: typeof store = {
    ...store,
    claim: (id) => {
      const first = (store.find(id)?.lastSeq ?? 0) + 1;
      const entries = [JSON.stringify(final)];
      store.append([{ executionId: id, epoch: 1, first, entries, status: "cancelled", at: 5 }]);
      return store.claim(id);
    },
  };
  const loaded = await load(it, "x", { store: racing, scheduler: time.scheduler });
  await time.advance();
  expect(loaded.status).toBe("cancelled");
  await expect(loaded.result).rejects.toMatchObject({ code: "execution-cancelled" });
  expect(vitalsOf(loaded)).toEqual(none);
  expect(store.read("x").filter((text) => text.includes("flow:resume"))).toEqual([]);
});
