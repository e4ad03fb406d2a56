// What docs/durability.md promises of an execution whose process has died: another one goes on with it from the store.
import {
  type Execution,
  SluiceError,
  type Store,
  after,
  defineFlow,
  event,
  failed,
  flow,
  fork,
  instant,
  interrupt,
  load,
  memoryStore,
  recover,
  replay,
  run,
  start,
} from "@sluice/core";
import { VirtualTime, deferred } from "@sluice/testing";
import { describe, expect, test } from "vitest";
import { z } from "zod";

/** Two processes on one store: the first dies, as far as the store knows, when the second has claimed its execution. */
function processes(store: Store = memoryStore()) {
  const first = new VirtualTime();
  const second = new VirtualTime();
  return {
    store,
    first,
    second,
    one: { store, id: "x", scheduler: first.scheduler },
    two: { store, scheduler: second.scheduler },
  };
}

const never = new Promise<never>(() => {});
const spec = defineFlow({ name: "work", input: z.number(), stream: z.string(), result: z.unknown() });
const Question = interrupt("question", { ask: z.string(), answer: z.object({ ok: z.boolean() }), expires: 1_000 });

async function typesIn(store: Store): Promise<readonly string[]> {
  const texts = await store.read("x");
  return texts.map((text) => (JSON.parse(text) as { readonly type: string }).type);
}

describe("S26 unfinished work runs again", () => {
  test("with the same activation and key, and the next attempt, however often it dies", async () => {
    const { store, one } = processes();
    let dies = true;
    const it = flow(spec).chunk("a", start, async (_, ctx) => {
      if (dies) await never;
      return [ctx.activationId, ctx.idempotencyKey, ctx.attempt];
    });
    const time = new VirtualTime();
    run(it, 1, { ...one, scheduler: time.scheduler });
    await time.settle();
    for (let deaths = 0; deaths < 3; deaths += 1) {
      await load(it, "x", { store, scheduler: time.scheduler });
      await time.settle();
    }
    dies = false;
    const last = await load(it, "x", { store, scheduler: time.scheduler });
    await time.settle();
    expect(await last.result).toEqual(["a1", "x/a1", 5]);
  });

  test("a crash is none of the attempts of a retry", async () => {
    const { one, two, first, second } = processes();
    const attempts: number[] = [];
    const it = flow(spec).chunk(
      "a",
      start,
      async (_, ctx) => {
        attempts.push(ctx.attempt);
        if (ctx.attempt === 1) await never;
        throw new Error("no");
      },
      { retry: { attempts: 2, delay: 1 } },
    );
    run(it, 1, one);
    await first.settle();
    const again = await load(it, "x", two);
    await second.advance();
    expect(again.status).toBe("failed");
    expect(attempts).toEqual([1, 2, 3]);
  });

  test("state and items of what died stay, and a reset tells viewers", async () => {
    const { store, one, two, first, second } = processes();
    const counting = defineFlow({
      name: "work",
      input: z.number(),
      state: z.object({ n: z.number().default(0) }),
      stream: z.string(),
      result: z.number(),
    });
    const it = flow(counting).chunk("a", start, async (_, ctx) => {
      ctx.state.update((state) => void (state.n += 1));
      ctx.putIntoStream("counted");
      if (ctx.attempt === 1) await never;
      ctx.setResult(ctx.state.get("n"));
    });
    run(it, 1, one);
    await first.settle();
    const again = await load(it, "x", two);
    await second.settle();
    expect(await again.result).toBe(2);
    expect(await typesIn(store)).toEqual([
      "flow:start",
      "chunk:start",
      "state:changed",
      "stream:item",
      "flow:resume",
      "chunk:reset",
      "chunk:start",
      "state:changed",
      "stream:item",
      "chunk:complete",
      "flow:completed",
    ]);
  });

  test("S28 a signal that it had emitted is not delivered twice", async () => {
    const { one, two, first, second } = processes();
    const Told = event("told", z.number());
    const heard: number[] = [];
    const it = flow(spec)
      .chunk("a", start, async (_, ctx) => {
        ctx.emit(Told, 1);
        if (ctx.attempt === 1) await never;
        ctx.emit(Told, 2);
      })
      .chunk("b", Told, (n) => void heard.push(n));
    run(it, 1, one);
    await first.settle();
    const again = await load(it, "x", two);
    await second.settle();
    expect(again.status).toBe("completed");
    expect(heard).toEqual([1, 2]);
  });

  test.each([
    ["S36 a complete reply is not asked for again", ['{"a":"x","b":"y"}'], 1],
    ["S36 an open one is, and its equal fields are not delivered twice", ['{"a":"x",', '"b":"y"}'], 2],
  ])("%s", async (_name, pieces, asked) => {
    const { one, two, first, second } = processes();
    const Reply = instant("reply", z.object({ a: z.string(), b: z.string() }));
    const calls: string[] = [];
    const it = flow(spec)
      .chunk("read", start, async (_, ctx) => {
        const source = async function* () {
          calls.push("asked");
          for (const piece of pieces) {
            yield piece;
            if (ctx.attempt === 1 && pieces.length > 1) await never;
          }
        };
        await ctx.instant(Reply, source());
        if (ctx.attempt === 1) await never;
      })
      .chunk("a", Reply.field("a"), (a) => void calls.push(a));
    run(it, 1, one);
    await first.settle();
    const again = await load(it, "x", two);
    await second.settle();
    expect(again.status).toBe("completed");
    expect(calls.filter((call) => call === "asked")).toHaveLength(asked);
    expect(calls.filter((call) => call === "x")).toHaveLength(1);
  });

  test("S25 an answer that it had got is not asked for again", async () => {
    const { one, two, first, second } = processes();
    const it = flow(spec).chunk("a", start, async (_, ctx) => {
      const { ok } = await ctx.ask(Question, "sure?");
      if (ctx.attempt === 1) await never;
      ctx.setResult(ok);
    });
    const execution = run(it, 1, one);
    await first.settle();
    execution.resume(Question, "question@a1", { ok: true });
    await first.settle();
    const again = await load(it, "x", two);
    await second.settle();
    expect(await again.result).toBe(true);
  });

  test("S25 a question that is open keeps its id, and its time", async () => {
    const { one, two, first, second } = processes();
    const it = flow(spec).chunk("a", start, async (_, ctx) => {
      await ctx.ask(Question, "sure?");
    });
    run(it, 1, one);
    await first.settle();
    await second.advance(999);
    const again = await load(it, "x", two);
    await second.settle();
    expect(again.interrupts.map(({ id }) => id)).toEqual(["question@a1"]);
    await second.advance(1);
    await expect(again.result).rejects.toMatchObject({ code: "interrupt-expired" });
  });
});

describe("S26 what is not stored yet", () => {
  /** A store that takes nothing after its first commits. */
  function closing(commits: number) {
    const store = memoryStore();
    let left = commits;
    const append: Store["append"] = (appends) => {
      left -= 1;
      return left < 0 ? never : store.append(appends);
    };
    return { kept: store, closed: { ...store, append } };
  }

  const chain = (calls: string[], { delay }: VirtualTime) =>
    flow(spec)
      .chunk("a", start, async () => {
        calls.push("a");
        await delay(1);
      })
      .chunk("b", after("a"), () => void calls.push("b"));

  test.each([
    ["sync", ["a"]],
    ["async", ["a", "b"]],
  ] as const)("with %s, this had run when nothing more is stored, and runs again", async (durability, ran) => {
    const { kept, closed } = closing(1);
    const { one, two, first, second } = processes(closed);
    const calls: string[] = [];
    const seen: string[] = [];
    const execution = run(chain(calls, first), 1, { ...one, durability });
    execution.events$.subscribe({ next: ({ type }) => void seen.push(type), error: () => {} });
    await first.advance();
    expect(calls).toEqual(ran);
    expect(await kept.find("x")).toMatchObject({ lastSeq: seen.length });
    const again = await load(chain(calls, second), "x", { ...two, store: kept });
    await second.advance();
    expect(again.status).toBe("completed");
    expect(calls).toEqual([...ran, "a", "b"]);
  });

  test("with exit it is seen, and stored when the execution waits", async () => {
    const { store, one, first } = processes();
    const gate = deferred<void>();
    const it = flow(spec)
      .chunk("a", start, async (_, ctx) => {
        await gate.promise;
        ctx.interrupt(Question, "sure?");
      })
      .chunk("b", Question.answered, () => {});
    const seen: string[] = [];
    const execution = run(it, 1, { ...one, durability: "exit" });
    execution.events$.subscribe(({ type }) => void seen.push(type));
    await first.settle();
    expect(seen).toEqual(["flow:start", "chunk:start"]);
    expect(await store.find("x")).toBeUndefined();
    gate.resolve();
    await first.settle();
    expect(await store.find("x")).toMatchObject({ status: "waiting", lastSeq: 5 });
  });

  test("a store that fails stops the execution without an end, and what it had stored goes on", async () => {
    const kept = memoryStore();
    let isFull = false;
    const append: Store["append"] = (appends) => {
      if (isFull) throw new Error("the disk is full");
      return kept.append(appends);
    };
    const { one, two, first, second } = processes({ ...kept, append });
    const told: unknown[] = [];
    let again: Execution | undefined;
    const it = flow(spec).chunk("a", start, async (_, ctx) => {
      ctx.abortSignal.addEventListener("abort", () => told.push("aborted"));
      if (again !== undefined) return;
      isFull = true;
      ctx.putIntoStream("too much");
      await never;
    });
    const execution = run(it, 1, one);
    execution.stream$.subscribe({ error: ({ code }: SluiceError) => void told.push(code) });
    await first.settle();
    expect(new Set(told)).toEqual(new Set(["aborted", "store-failed"]));
    await expect(execution.result).rejects.toMatchObject({ code: "store-failed" });
    isFull = false;
    again = await load(it, "x", two);
    await second.settle();
    expect(again.status).toBe("completed");
  });
});

describe("S26 time that passes while nobody has an execution in memory", () => {
  test("is over for its questions", async () => {
    const { store, one, two, first, second } = processes();
    const it = flow(spec)
      .chunk("a", start, (_, ctx) => void ctx.interrupt(Question, "sure?"))
      .chunk("b", Question.answered, () => "answered")
      .chunk("c", Question.expired, () => "expired");
    const execution = run(it, 1, one);
    await first.settle();
    await Promise.all([execution.release(), first.settle()]);
    await second.advance(5_000);
    expect(await store.find("x")).toMatchObject({ status: "waiting" });
    const again = await load(it, "x", two);
    await second.settle();
    expect(await again.result).toBe("expired");
  });

  test("is over for its flow, and begins anew for the chunks that start over", async () => {
    const { one, two, first, second } = processes();
    const limited = defineFlow({ name: "work", input: z.number(), timeout: 10_000 });
    const it = flow(limited).chunk("a", start, () => never, { timeout: 1_000 });
    run(it, 1, one);
    await first.settle();
    await second.advance(5_000);
    const again = await load(it, "x", two);
    await second.advance(999);
    expect(again.status).toBe("running");
    await second.advance(1);
    expect(again.status).toBe("failed");

    run(it, 1, { ...one, id: "y" });
    await first.settle();
    await second.advance(10_000);
    const late = await load(it, "y", two);
    await second.settle();
    expect(late.status).toBe("timeout");
  });
});

describe("S11 an undoing goes on over a crash", () => {
  test("what is undone stays so, what was being undone is again, under the same key", async () => {
    const { one, two, first, second } = processes();
    const calls: string[] = [];
    const undo = (name: string, dies = false) => ({
      compensate: async (_: unknown, ctx: { readonly idempotencyKey: string }) => {
        calls.push(`${name} ${ctx.idempotencyKey}`);
        if (dies && calls.length === 2) await never;
      },
    });
    const it = flow(spec)
      .chunk("a", start, () => 1, undo("a"))
      .chunk("b", after("a"), () => 2, undo("b", true))
      .chunk("c", after("b"), () => 3, undo("c"))
      .chunk("d", after("c"), () => {
        throw new Error("no");
      });
    run(it, 1, one);
    await first.settle();
    expect(calls).toEqual(["c x/a3/undo", "b x/a2/undo"]);
    const again = await load(it, "x", two);
    await second.settle();
    expect(again.status).toBe("failed");
    expect(calls.slice(2)).toEqual(["b x/a2/undo", "a x/a1/undo"]);
  });
});

describe("S24 answers", () => {
  const asking = () =>
    flow(spec)
      .chunk("a", start, (_, ctx) => void ctx.interrupt(Question, "sure?"))
      .chunk("b", Question.answered, ({ ok }) => ok);

  async function released() {
    const all = processes();
    const execution = run(asking(), 1, all.one);
    await all.first.settle();
    await Promise.all([execution.release(), all.first.settle()]);
    return all;
  }

  test("wait in the store until the execution is loaded", async () => {
    const { store, two, second } = await released();
    await store.putAnswer({ executionId: "x", interrupt: "question@a1", answer: '{"ok":true}' });
    const { executions } = await recover([asking()], two);
    await second.settle();
    expect(await executions[0]?.result).toBe(true);
    expect(await store.answers("x")).toEqual([]);
  });

  test("that wait and do not fit are told, and the question stays open", async () => {
    const { store, two, second } = await released();
    await store.putAnswer({ executionId: "x", interrupt: "question@a1", answer: '{"ok":1}' });
    const told: unknown[] = [];
    const again = await load(asking(), "x", { ...two, onObserverError: (error) => told.push(error) });
    await second.settle();
    expect(told).toEqual([expect.objectContaining({ code: "answer-invalid" })]);
    again.resume("question@a1", { ok: false });
    await second.settle();
    expect(await again.result).toBe(false);
    expect(await store.answers("x")).toEqual([]);
  });

  test("are taken once over all processes, and harmless again under the same request id", async () => {
    const { two, second } = await released();
    const it = asking().chunk("c", after("b"), (_, ctx) => void ctx.interrupt(Question, "really?"));
    const again = await load(it, "x", { ...two, acceptChanges: true });
    again.resume("question@a1", { ok: true }, { requestId: "r" });
    await second.settle();
    await Promise.all([again.release(), second.settle()]);
    const third = await load(it, "x", { ...two, acceptChanges: true });
    third.resume("question@a1", { ok: true }, { requestId: "r" });
    expect(() => third.resume("question@a1", { ok: true })).toThrow(
      expect.objectContaining({ code: "interrupt-closed" }),
    );
    expect(third.interrupts).toHaveLength(1);
  });
});

describe("S29 an execution has one owner", () => {
  test("the one before stops at its next append, and starts nothing more", async () => {
    const { store, one, two, first, second } = processes();
    const gate = deferred<void>();
    const calls: string[] = [];
    const it = flow(spec)
      .chunk("a", start, async (_, ctx) => {
        await gate.promise;
        calls.push(`a#${ctx.attempt}`);
      })
      .chunk("b", after("a"), () => void calls.push("b"));
    const before = run(it, 1, one);
    await first.settle();
    const now = await load(it, "x", two);
    await second.settle();
    gate.resolve();
    await first.settle();
    await second.settle();
    await expect(before.result).rejects.toMatchObject({ code: "claim-lost" });
    expect(now.status).toBe("completed");
    expect(calls).toEqual(["a#1", "a#2", "b"]);
    expect(await store.find("x")).toMatchObject({ epoch: 2, status: "completed" });
  });

  test("recover leaves other flows alone, and those that wait where that is asked for", async () => {
    const { store, one, two, first } = processes();
    const waiting = flow(spec)
      .chunk("a", start, (_, ctx) => void ctx.interrupt(Question, "sure?"))
      .chunk("b", Question.answered, () => {});
    const other = flow(defineFlow({ name: "other", input: z.number() })).chunk("a", start, () => never);
    run(waiting, 1, one);
    run(other, 1, { ...one, id: "y" });
    await first.settle();
    expect(await recover([waiting], { ...two, waiting: false })).toEqual({ executions: [], refused: [] });
    const { executions } = await recover([waiting], two);
    expect(executions.map(({ id, status }) => ({ id, status }))).toEqual([{ id: "x", status: "waiting" }]);
    expect(await store.find("y")).toMatchObject({ epoch: 1 });
  });

  test.each([
    ["sync", []],
    ["async", [2]],
  ] as const)(
    "an id that is stored is not founded again; with %s these chunks have started",
    async (durability, ran) => {
      const { one, first } = processes();
      const calls: number[] = [];
      const it = flow(spec).chunk("a", start, (n) => {
        calls.push(n);
        return n;
      });
      const before = run(it, 1, one);
      await first.settle();
      const twice = run(it, 2, { ...one, durability });
      await first.settle();
      await expect(twice.result).rejects.toMatchObject({ code: "execution-exists" });
      expect(await before.result).toBe(1);
      expect(calls).toEqual([1, ...ran]);
    },
  );
});

describe("S30 other code", () => {
  test("goes on where the wiring is the same, whatever else is not", async () => {
    const { one, two, first, second } = processes();
    run(
      flow(spec).chunk("a", start, () => never),
      1,
      one,
    );
    await first.settle();
    const other = flow(spec).chunk("a", start, () => "new", { timeout: 500, retry: { attempts: 3 } });
    const again = await load(other, "x", two);
    await second.settle();
    expect(await again.result).toBe("new");
  });

  test("is refused with the differences where the wiring is another, unless that is accepted", async () => {
    const { store, one, two, first, second } = processes();
    const old = flow(spec)
      .chunk("a", start, () => {})
      .chunk("gone", after("a"), () => never)
      .chunk("b", after("a"), () => never);
    run(old, 1, one);
    await first.settle();
    const calls: string[] = [];
    const changed = flow(spec)
      .chunk("a", start, () => void calls.push("a"))
      .chunk("b", after("a"), () => void calls.push("b"))
      .chunk("more", after("b"), () => void calls.push("more"));
    await expect(load(changed, "x", two)).rejects.toMatchObject({
      code: "graph-changed",
      message: expect.stringContaining(`chunk "gone" is gone; chunk "more" is new`) as string,
    });
    expect(await store.find("x")).toMatchObject({ epoch: 1 });
    const again = await load(changed, "x", { ...two, acceptChanges: true });
    await second.settle();
    expect(again.status).toBe("completed");
    expect(calls).toEqual(["b", "more"]);
  });

  /** An execution whose child was left under way, by a process whose child was wired differently. */
  async function rewired() {
    const { one, two, first, second } = processes();
    const kid = defineFlow({ name: "kid", input: z.number() });
    let child = flow(kid).chunk("a", start, () => never);
    const it = flow(spec).chunk("run", start, async (n, ctx) => void (await ctx.child(child, n)));
    run(it, 1, one);
    await first.settle();
    child = flow(kid).chunk("b", start, () => {}) as unknown as typeof child; // its chunks are another's
    return { it, child, two, second };
  }

  test("a child that is under way and wired differently is refused where its flow is given, unless that is accepted", async () => {
    const { it, child, two, second } = await rewired();
    await expect(load(it, "x", { ...two, flows: [child] })).rejects.toMatchObject({ code: "graph-changed" });
    const accepted = await load(it, "x", { ...two, flows: [child], acceptChanges: true });
    await second.settle();
    expect(accepted.status).toBe("completed");
  });

  test("a child whose flow was not given, and is wired differently, fails the chunk that runs it", async () => {
    const { it, two, second } = await rewired();
    const again = await load(it, "x", two);
    await second.settle();
    await expect(again.result).rejects.toMatchObject({ code: "graph-changed" });
  });
});

describe("S30 a damaged log", () => {
  const it = flow(spec)
    .chunk("a", start, (n) => n)
    .chunk("b", after("a"), () => never);

  async function damaged() {
    const all = processes();
    run(it, 1, all.one);
    await all.first.settle();
    const read: Store["read"] = async (id, range) => {
      const texts = await all.store.read(id, range);
      return texts.map((text) => (id === "x" && text.includes('"chunk:complete"') ? text.slice(0, 9) : text));
    };
    return { ...all, two: { ...all.two, store: { ...all.store, read } } };
  }

  test("is refused with the place, and nothing is claimed", async () => {
    const { store, two } = await damaged();
    const { executions, refused } = await recover([it], two);
    expect(executions).toEqual([]);
    expect(refused).toEqual([
      {
        executionId: "x",
        error: expect.objectContaining({
          code: "log-corrupt",
          message: expect.stringContaining('The log of the execution "x" is damaged at entry 3') as string,
        }) as SluiceError,
      },
    ]);
    expect(await store.find("x")).toMatchObject({ epoch: 1 });
  });

  test("can be forked from before the place", async () => {
    const { two, second } = await damaged();
    const forked = await fork(it, "x", { ...two, at: 2, id: "y" });
    await second.settle();
    expect(forked.status).toBe("running");
  });
});

describe("S21 what can be stored", () => {
  test("run refuses an input that JSON cannot hold, and a chunk that returns one fails and is not tried again", async () => {
    const { one, first } = processes();
    const it = flow(defineFlow({ name: "work", input: z.unknown() })).chunk("a", start, () => ({ at: new Date(0) }), {
      retry: { attempts: 3 },
    });
    expect(() => run(it, { a: new Map() }, one)).toThrow(expect.objectContaining({ code: "not-serialisable" }));
    const execution = run(it, {}, one);
    await first.settle();
    await expect(execution.result).rejects.toMatchObject({
      code: "not-serialisable",
      message: expect.stringContaining("The value at at is a Date") as string,
    });
  });

  test("a cause comes back with its name, message and code, and is no instance of its class any more", async () => {
    const { one, two, first, second } = processes();
    class Refused extends Error {
      override readonly name = "Refused";
      readonly code = "E_REFUSED";
    }
    const it = flow(spec)
      .chunk("a", start, () => {
        throw new Refused("not today");
      })
      .chunk("b", failed("a"), async ({ error }, ctx) => {
        if (ctx.attempt === 1) await never;
        const { name, message, code } = error.cause as Refused;
        ctx.setResult([name, message, code, error.cause instanceof Refused]);
      });
    run(it, 1, one);
    await first.settle();
    const again = await load(it, "x", two);
    await second.settle();
    expect(await again.result).toEqual(["Refused", "not today", "E_REFUSED", false]);
  });
});

describe("S31 views and forks", () => {
  test("what came before the last checkpoint is told to who asks for it, and not pushed", async () => {
    const { one, two, first } = processes();
    const it = flow(spec)
      .chunk("a", start, async (n, ctx) => {
        for (let item = 0; item < n; item += 1) {
          ctx.putIntoStream(String(item));
          await first.delay(1);
        }
        ctx.interrupt(Question, "sure?");
      })
      .chunk("b", Question.answered, () => {});
    const execution = run(it, 20, { ...one, checkpointEvery: 10 });
    await first.advance();
    await Promise.all([execution.release(), first.settle()]);
    const again = await load(it, "x", two);
    const items: string[] = [];
    again.stream$.subscribe((item) => void items.push(item));
    expect(items.length).toBeLessThan(20);
    expect((await again.events({ from: 1 }).next()).value).toMatchObject({ seq: 1, type: "flow:start" });
    expect((await replay(it, "x", two)).items).toHaveLength(20);
  });

  test("a fork has idempotency keys of its own", async () => {
    const { one, two, first, second } = processes();
    const it = flow(spec)
      .chunk("a", start, () => {})
      .chunk("b", after("a"), (_, ctx) => ctx.idempotencyKey);
    const execution = run(it, 1, one);
    await first.settle();
    const forked = await fork(it, "x", { ...two, at: 3, id: "y" });
    await second.settle();
    expect([await execution.result, await forked.result]).toEqual(["x/a2", "y/a2"]);
  });
});
