import {
  after,
  defineFlow,
  each,
  event,
  type Execution,
  type Entry,
  type FlowDefinitionError,
  failed,
  vitalsOf,
  flow,
  gather,
  instant,
  interrupt,
  Machine,
  compile,
  run,
  positionOf,
  start,
  toSSE,
} from "@sluice/core";
import { VirtualTime, deferred, itemsOf, leaksOf, logOf } from "@sluice/testing";
import { describe, expect, test } from "vitest";
import { z } from "zod";
import { entriesOf, played } from "./played.ts";

const Approval = interrupt("approval", {
  ask: z.object({ draft: z.string() }),
  answer: z.object({ approved: z.boolean(), note: z.string().trim().optional() }),
});
const Second = interrupt("second", { ask: z.string(), answer: z.string() });
const spec = defineFlow({ name: "letters", input: z.string(), stream: z.string(), result: z.unknown() });

const letter = flow(spec)
  .chunk("write", start, (text, ctx) => void ctx.interrupt(Approval, { draft: `Dear ${text}` }))
  .chunk("send", Approval.answered, ({ approved }) => (approved ? "sent" : "dropped"));

/** Runs until it waits or ends. */
async function begun(it: Parameters<typeof run>[0], input: unknown = "Ann") {
  const time = new VirtualTime();
  const execution = run(it as never, input as never, { scheduler: time.scheduler } as never) as unknown as Execution;
  await time.settle();
  return { time, execution };
}

describe("S23 questions to people", () => {
  test("a chunk that completes with a question leaves it open, and the execution waits", async () => {
    const { execution, time } = await begun(letter);
    expect(execution.status).toBe("waiting");
    expect(execution.interrupts).toEqual([
      { id: "approval@a1", name: "approval", payload: { draft: "Dear Ann" }, path: ["letters"], chunk: "write" },
    ]);
    execution.resume(Approval, "approval@a1", { approved: true });
    expect(await execution.result).toBe("sent");
    await time.advance();
    expect(leaksOf(execution)).toEqual([]);
    expect((await logOf(execution)).map(({ type }) => type)).toEqual([
      "flow:start",
      "chunk:start",
      "chunk:complete",
      "interrupt:raised",
      "flow:waiting",
      "flow:resume",
      "interrupt:answered",
      "chunk:start",
      "chunk:complete",
      "flow:completed",
    ]);
  });

  test("status$ and settled tell of each wait", async () => {
    const twice = flow(spec)
      .chunk("write", start, (text, ctx) => void ctx.interrupt(Approval, { draft: text }))
      .chunk("again", Approval.answered, (_answer, ctx) => void ctx.interrupt(Second, "sure?"))
      .chunk("send", Second.answered, (answer) => answer);
    const { execution, time } = await begun(twice);
    const seen: string[] = [];
    execution.status$.subscribe((status) => seen.push(status));
    expect(await execution.settled).toBe("waiting");
    execution.resume(Approval, "approval@a1", { approved: true });
    await time.settle();
    expect(await execution.settled).toBe("waiting");
    execution.resume(Second, "second@a2", "yes");
    expect(await execution.settled).toBe("completed");
    expect(seen).toEqual(["waiting", "running", "waiting", "running", "completed"]);
  });

  test("H2 what does not depend on the answer goes on meanwhile", async () => {
    const siblings = flow(spec)
      .chunk("ask", start, (text, ctx) => void ctx.interrupt(Approval, { draft: text }))
      .chunk("one", start, () => 1)
      .chunk("two", start, () => 2)
      .chunk("afterOne", after("one"), (n, ctx) => ctx.putIntoStream(`one ${n}`))
      .chunk("afterTwo", after("two"), (n, ctx) => ctx.putIntoStream(`two ${n}`))
      .chunk("send", Approval.answered, ({ approved }, ctx) => ctx.setResult(approved));
    const { execution } = await begun(siblings);
    expect(execution.status).toBe("waiting");
    const waiting = entriesOf(await until(execution), "stream:item").map(({ item }) => item);
    expect(waiting).toEqual(["one 1", "two 2"]);
    execution.resume(Approval, "approval@a1", { approved: true });
    expect(await execution.result).toBe(true);
  });

  test("H3 a lane of a fan-out that asks is gathered with what follows from the answer", async () => {
    const it = flow(spec)
      .chunk("list", start, () => ["a", "b", "c"])
      .chunk(
        "check",
        each(after("list")),
        (letter, ctx) => {
          if (letter === "b") ctx.interrupt(Second, letter);
          else return letter.toUpperCase();
        },
        { emits: [Second] },
      )
      .chunk("mend", Second.answered, (answer) => answer)
      .chunk("merge", after("check"), (letter) => letter)
      .chunk("all", gather("mend"), (mended) => mended)
      .chunk("checked", gather("check"), (letters, ctx) => ctx.setResult({ letters }));
    const { execution } = await begun(it);
    expect(execution.status).toBe("waiting");
    const [{ id } = { id: "" }] = execution.interrupts;
    execution.resume(Second, id, "B!");
    expect(await execution.result).toEqual({ letters: ["A", undefined, "C"] });
    const gathered = entriesOf(await logOf(execution), "chunk:complete").filter(({ chunk }) => chunk === "all");
    expect(gathered.map(({ output }) => output)).toEqual([["B!"]]);
  });

  test("several are open at once, and are answered in any order", async () => {
    const it = flow(spec)
      .chunk("write", start, (_text, ctx) => {
        ctx.interrupt(Second, "first");
        ctx.interrupt(Second, "second");
      })
      .chunk("hear", Second.answered, (answer, ctx) => ctx.putIntoStream(`${ctx.signal.interrupt}: ${answer}`));
    const { execution } = await begun(it);
    expect(execution.interrupts.map(({ id }) => id)).toEqual(["second@a1", "second@a1.2"]);
    execution.resume("second@a1.2", "later");
    expect(execution.interrupts.map(({ id }) => id)).toEqual(["second@a1"]);
    execution.resume("second@a1", "sooner");
    await execution.result;
    const items = entriesOf(await logOf(execution), "stream:item").map(({ item }) => item);
    expect(items).toEqual(["second@a1.2: later", "second@a1: sooner"]);
  });

  test("a chunk that fails has asked nothing; its next attempt asks under the same id", async () => {
    const ids: string[] = [];
    const it = flow(spec)
      .chunk(
        "write",
        start,
        (text, ctx) => {
          ids.push(ctx.interrupt(Approval, { draft: text }));
          if (ctx.attempt === 1) throw new Error("once");
        },
        { retry: { attempts: 2, delay: 10 } },
      )
      .chunk("send", Approval.answered, () => "sent");
    const { execution, time } = await begun(it);
    expect(execution.interrupts).toEqual([]);
    await time.advance(20);
    expect(ids).toEqual(["approval@a1", "approval@a1"]);
    expect(execution.interrupts.map(({ id }) => id)).toEqual(["approval@a1"]);
    execution.cancel();
    expect(execution.interrupts).toEqual([]);
    expect(execution.status).toBe("cancelled");
  });

  test("events from outside come in while it waits", async () => {
    const Nudge = event("nudge", z.string());
    const it = flow({ ...spec, accepts: [Nudge] })
      .chunk("write", start, (text, ctx) => void ctx.interrupt(Approval, { draft: text }))
      .chunk("nudged", Nudge, (text, ctx) => ctx.putIntoStream(text))
      .chunk("send", Approval.answered, () => "sent");
    const { execution, time } = await begun(it);
    (execution.emit as (e: unknown, p: unknown) => void)(Nudge, "hurry");
    await time.settle();
    expect(execution.status).toBe("waiting");
    execution.resume(Approval, "approval@a1", { approved: false });
    await execution.result;
    const log = await logOf(execution);
    expect(entriesOf(log, "flow:waiting")).toHaveLength(2);
    expect(entriesOf(log, "flow:resume")).toHaveLength(2);
  });

  test("a question that nothing in the flow listens to is refused", async () => {
    const it = flow(spec).chunk("write", start, (text, ctx) => void ctx.interrupt(Approval, { draft: text }));
    const { execution } = await begun(it);
    await expect(execution.result).rejects.toMatchObject({ code: "interrupt-unheard", where: "letters.write" });
  });

  test("a question that does not fit its schema is refused with its path", async () => {
    const it = flow(spec)
      .chunk("write", start, (_text, ctx) => void ctx.interrupt(Approval, { draft: 7 as never }))
      .chunk("send", Approval.answered, () => "sent");
    const { execution } = await begun(it);
    await expect(execution.result).rejects.toThrow(/The question "approval" does not fit its schema: draft/);
  });
});

describe("S24 answers", () => {
  test("H6 an answer of the wrong shape, to an unknown question, or of another question changes nothing", async () => {
    const { execution } = await begun(letter);
    const before = (await until(execution)).length;
    const answer = (id: string, value: unknown) => () => execution.resume(id, value);
    expect(answer("approval@a1", { approved: "yes" })).toThrow(
      expect.objectContaining({ code: "answer-invalid", message: expect.stringContaining("approved") as string }),
    );
    expect(answer("approval@a7", { approved: true })).toThrow(
      expect.objectContaining({ code: "interrupt-unknown", message: expect.stringContaining("approval@a1") as string }),
    );
    expect(() => execution.resume(Second, "approval@a1", "yes")).toThrow(
      /is "approval", and the answer is one to "second"/,
    );
    expect((await until(execution)).length).toBe(before);
    execution.resume("approval@a1", { approved: true });
    expect(await execution.result).toBe("sent");
  });

  test("the same answer with the same request id again is harmless, also after the end, a different one is refused", async () => {
    const twice = flow(spec)
      .chunk("write", start, (text, ctx) => void ctx.interrupt(Approval, { draft: text }))
      .chunk("again", Approval.answered, (_answer, ctx) => void ctx.interrupt(Second, "sure?"))
      .chunk("send", Second.answered, (answer) => answer);
    const { execution, time } = await begun(twice);
    const yes = { approved: true, note: " fine " };
    execution.resume("approval@a1", yes, { requestId: "r1" });
    execution.resume("approval@a1", yes, { requestId: "r1" });
    await time.settle();
    for (const [value, requestId] of [
      [{ approved: false }, "r1"],
      [yes, "r2"],
    ] as const)
      expect(() => execution.resume("approval@a1", value, { requestId })).toThrow(
        expect.objectContaining({ code: "interrupt-closed" }),
      );
    expect(() => execution.resume("approval@a1", yes)).toThrow(/has been answered already/);
    execution.resume("second@a2", "yes");
    expect(await execution.result).toBe("yes");
    execution.resume("approval@a1", yes, { requestId: "r1" }); // whoever has not heard that it was taken
    expect(() => execution.resume("approval@a1", yes, { requestId: "r2" })).toThrow(
      expect.objectContaining({ code: "interrupt-closed" }),
    );
    expect(entriesOf(await logOf(execution), "interrupt:answered").map(({ answer }) => answer)).toEqual([
      { approved: true, note: "fine" },
      "yes",
    ]);
  });

  test("H4 one answer passes one gate: delivered to the second it is refused", async () => {
    const twice = flow(spec)
      .chunk("write", start, (_text, ctx) => void ctx.interrupt(Second, "gate 1"))
      .chunk("again", Second.answered, (answer, ctx) => {
        if (ctx.signal.interrupt === "second@a1") ctx.interrupt(Second, "gate 2");
        else ctx.setResult(answer);
      });
    const { execution, time } = await begun(twice);
    execution.resume("second@a1", "open");
    await time.settle();
    expect(() => execution.resume("second@a1", "open")).toThrow(expect.objectContaining({ code: "interrupt-closed" }));
    expect(execution.status).toBe("waiting");
    execution.resume("second@a2", "open");
    expect(await execution.result).toBe("open");
  });

  test("after the end of the execution it is refused", async () => {
    const { execution } = await begun(letter);
    execution.cancel();
    expect(() => execution.resume("approval@a1", { approved: true })).toThrow(
      expect.objectContaining({ code: "execution-ended" }),
    );
  });

  test("a question that is not answered in time expires: what listens to that goes on, and an answer is refused", async () => {
    const Brief = interrupt("brief", { ask: z.string(), answer: z.string(), expires: 1_000 });
    const it = flow(spec)
      .chunk("write", start, (text, ctx) => void ctx.interrupt(Brief, text))
      .chunk("send", Brief.answered, (answer) => answer)
      .chunk("remind", Brief.expired, (asked, ctx) => ctx.interrupt(Second, `${asked}?`))
      .chunk("late", Second.answered, (answer, ctx) => ctx.setResult(answer));
    const { execution, time } = await begun(it);
    await time.advance(999);
    expect(execution.interrupts.map(({ name }) => name)).toEqual(["brief"]);
    await time.advance(1);
    expect(execution.interrupts).toMatchObject([{ name: "second", payload: "Ann?" }]);
    expect(() => execution.resume("brief@a1", "here")).toThrow(/has expired/);
    execution.resume("second@a2", "at last");
    expect(await execution.result).toBe("at last");
  });

  test("where nobody listens to its expiry, the execution fails", async () => {
    const Brief = interrupt("brief", { ask: z.string(), answer: z.string(), expires: 1_000 });
    const it = flow(spec)
      .chunk("write", start, (text, ctx) => void ctx.interrupt(Brief, text))
      .chunk("send", Brief.answered, (answer) => answer);
    const { execution, time } = await begun(it);
    const { result } = await played(execution, time);
    expect(result).toMatchObject({ code: "interrupt-expired" });
    expect(execution.status).toBe("failed");
  });

  test("an answer in time unsets the timer", async () => {
    const Brief = interrupt("brief", { ask: z.string(), answer: z.string(), expires: 1_000 });
    const it = flow(spec)
      .chunk("write", start, (text, ctx) => void ctx.interrupt(Brief, text))
      .chunk("send", Brief.answered, (answer) => answer);
    const { execution, time } = await begun(it);
    execution.resume("brief@a1", "quick");
    const { log } = await played(execution, time);
    expect(entriesOf(log, "interrupt:expired")).toEqual([]);
    expect(log.at(-1)).toMatchObject({ type: "flow:completed", result: "quick" });
  });
});

describe("S25 questions inline", () => {
  const inline = (timeout?: number) =>
    flow(spec).chunk(
      "write",
      start,
      async (_text, ctx) => {
        const { approved } = await ctx.ask(Approval, { draft: "x" });
        return approved;
      },
      timeout === undefined ? {} : { timeout },
    );

  test("ctx.ask gives the answer to the chunk that asks", async () => {
    const { execution } = await begun(inline());
    expect(execution.status).toBe("waiting");
    execution.resume(Approval, "approval@a1", { approved: true });
    expect(await execution.result).toBe(true);
  });

  test("S12 the time of the chunk stands still while it asks", async () => {
    const { execution, time } = await begun(inline(100));
    await time.advance(10_000);
    expect(execution.status).toBe("waiting");
    execution.resume(Approval, "approval@a1", { approved: false });
    expect(await execution.result).toBe(false);
  });

  test("the time goes on behind the answer, with what was left of it", async () => {
    const it = flow(spec).chunk(
      "write",
      start,
      async (_text, ctx) => {
        await time.delay(60);
        await ctx.ask(Second, "x");
        await time.delay(60);
      },
      { timeout: 100 },
    );
    const time = new VirtualTime();
    const execution = run(it, "Ann", { scheduler: time.scheduler });
    await time.advance(1_000);
    execution.resume(Second, "second@a1", "y");
    await time.advance(39);
    expect(execution.status).toBe("running");
    await time.advance(1);
    await expect(execution.result).rejects.toMatchObject({ code: "chunk-timeout" });
  });

  test("a later attempt gets the answer that an earlier one has got, and asks what that has left", async () => {
    const it = flow(spec).chunk(
      "write",
      start,
      async (_text, ctx) => {
        const one = await ctx.ask(Second, "one");
        if (ctx.attempt === 1) throw new Error("between");
        return `${one} ${await ctx.ask(Second, "two")}`;
      },
      { retry: { attempts: 2, delay: 10 } },
    );
    const { execution, time } = await begun(it);
    execution.resume("second@a1", "a");
    await time.advance(20);
    expect(execution.interrupts.map(({ id }) => id)).toEqual(["second@a1.2"]);
    execution.resume("second@a1.2", "b");
    expect(await execution.result).toBe("a b");
  });

  test("an attempt that is ended withdraws its question", async () => {
    const other = deferred<void>();
    const it = flow(spec)
      .chunk("ask", start, (_text, ctx) => ctx.ask(Second, "x"))
      .chunk("other", start, () => other.promise);
    const { execution, time } = await begun(it);
    expect(execution.status).toBe("running");
    other.reject(new Error("boom"));
    const { result } = await played(execution, time);
    expect(result).toMatchObject({ code: "chunk-failed" });
    expect(execution.interrupts).toEqual([]);
  });
});

describe("questions of children and of replies", () => {
  test("H5 a gate inside a child shows at the root, and is answered there", async () => {
    const child = flow({ ...spec, name: "child" })
      .chunk("gate", start, (text, ctx) => void ctx.interrupt(Approval, { draft: text }))
      .chunk("open", Approval.answered, ({ approved }) => approved);
    const parent = flow(spec)
      .chunk("call", start, (text, ctx) => ctx.child(child, `${text}!`))
      .chunk("tell", after("call"), (approved) => ({ approved }));
    const { execution, time } = await begun(parent);
    expect(execution.status).toBe("waiting");
    expect(execution.interrupts).toEqual([
      {
        id: "child#1/approval@a1",
        name: "approval",
        payload: { draft: "Ann!" },
        path: ["letters", "child#1"],
        chunk: "gate",
      },
    ]);
    execution.resume(Approval, "child#1/approval@a1", { approved: true });
    const { log, result } = await played(execution, time);
    expect(result).toEqual({ approved: true });
    expect(entriesOf(log, "flow:waiting").map(({ path }) => path)).toEqual([["letters"]]);
  });

  test("S36 a provisional chunk asks when its reply is complete, and a retracted one never", async () => {
    const Plan = instant("plan", z.object({ title: z.string(), size: z.number() }));
    const time = new VirtualTime();
    const texts = ['{"title":"A","size":', '{"title":"B","size":1}'];
    let asked = 0;
    const it = flow(spec)
      .chunk(
        "plan",
        start,
        (_text, ctx) => {
          const text = texts[asked] ?? "";
          asked += 1;
          return ctx.instant(Plan, [text]);
        },
        { retry: { attempts: 2, delay: 10 } },
      )
      .chunk("gate", Plan.field("title"), (title, ctx) => void ctx.interrupt(Second, title))
      .chunk("open", Second.answered, (answer, ctx) => ctx.setResult(answer));
    const execution = run(it, "x", { scheduler: time.scheduler });
    await time.advance(100);
    expect(execution.interrupts.map(({ payload }) => payload)).toEqual(["B"]);
    execution.resume(execution.interrupts[0]?.id ?? "", "go");
    const { log } = await played(execution, time);
    expect(entriesOf(log, "interrupt:raised")).toHaveLength(1);
  });
});

describe("questions that end with something else", () => {
  const gate = flow({ ...spec, name: "gate" })
    .chunk("gate", start, (text, ctx) => void ctx.interrupt(Approval, { draft: text }))
    .chunk("open", Approval.answered, ({ approved }) => approved);

  test("when the chunk that waits for a child is over, the execution waits no longer, and says so", async () => {
    const parent = flow(spec)
      .chunk("call", start, (text, ctx) => ctx.child(gate, text), { timeout: 100 })
      .chunk("instead", failed("call"), () => "without");
    const { execution, time } = await begun(parent);
    expect(execution.status).toBe("waiting");
    const { log, result } = await played(execution, time);
    expect(result).toBe("without");
    const own = log.filter(({ path }) => path.length === 1).map(({ type }) => type);
    expect(own.slice(own.indexOf("flow:waiting"))).toEqual([
      "flow:waiting",
      "flow:resume",
      "chunk:failed",
      "chunk:start",
      "chunk:complete",
      "flow:completed",
    ]);
    const [resumed, ended] = ["flow:resume", "flow:cancelled"].map((type) => log.findIndex((one) => one.type === type));
    expect(resumed).toBeLessThan(ended ?? 0);
  });

  test("a compensation asks nobody: it would wait for what cannot come", async () => {
    const it = flow(spec)
      .chunk("charge", start, () => 1, { compensate: (_undo, ctx) => ctx.ask(Second, "sure?") })
      .chunk("fail", after("charge"), () => {
        throw new Error("boom");
      });
    const { execution, time } = await begun(it);
    const { log } = await played(execution, time);
    expect(log.at(-1)).toMatchObject({ type: "flow:failed", notUndone: [{ error: { code: "interrupt-unheard" } }] });
  });

  test("what is undone while people were asked ends the questions, and an answer comes too late", async () => {
    const undo = deferred<void>();
    const it = flow(spec)
      .chunk("charge", start, () => 1, { compensate: () => undo.promise })
      .chunk("write", after("charge"), (_n, ctx) => void ctx.interrupt(Approval, { draft: "x" }))
      .chunk("send", Approval.answered, () => "sent");
    const { execution, time } = await begun(it);
    execution.cancel("no more", { rollback: true });
    await time.settle();
    expect(execution.interrupts).toEqual([]);
    expect(() => execution.resume("approval@a2", { approved: true })).toThrow(
      expect.objectContaining({ code: "execution-ended" }),
    );
    undo.resolve();
    const { log } = await played(execution, time);
    expect(log.at(-1)).toMatchObject({ type: "flow:cancelled" });
    expect(entriesOf(log, "interrupt:answered")).toEqual([]);
  });

  test("an attempt whose question is withdrawn has no time left that goes on", async () => {
    const it = flow(spec)
      .chunk("charge", start, () => 1, { compensate: () => new Promise<void>(() => {}) })
      .chunk("ask", after("charge"), (_n, ctx) => ctx.ask(Second, "x"), { timeout: 100 });
    const { execution, time } = await begun(it);
    execution.cancel("no more", { rollback: true });
    await time.settle();
    expect(vitalsOf(execution)).toMatchObject({ timers: 0, attempts: 1 });
    execution.cancel("now");
    await played(execution, time);
  });

  test("all who wait for the same settle together, as often as it waits", async () => {
    const { execution } = await begun(letter);
    execution.resume("approval@a1", { approved: true });
    expect(execution.settled).toBe(execution.settled);
    expect(await execution.settled).toBe("completed");
    expect(await execution.settled).toBe("completed");
  });
});

describe("questions that are not right", () => {
  const problemsOf = (question: typeof Second) => {
    const it = flow(spec)
      .chunk("write", start, (text, ctx) => void ctx.interrupt(question, text))
      .chunk("late", question.expired, () => "late");
    try {
      return compile(it) && [];
    } catch (error) {
      return (error as FlowDefinitionError).problems.map(({ code, what }) => `${code}: ${what}`);
    }
  };
  const asking = (expires: number) => interrupt("second", { ask: z.string(), answer: z.string(), expires });

  test("compile refuses a trigger on the expiry of a question that waits for ever", () => {
    expect(problemsOf(Second)).toEqual([`option-invalid: "second" has no \`expires\`, so it never expires`]);
  });

  test.each([0, -1, Number.NaN, Number.POSITIVE_INFINITY])("compile refuses a time of %s", (expires) => {
    expect(problemsOf(asking(expires))).toEqual([`option-invalid: the option "expires" of "second" is ${expires}`]);
  });

  test("it takes a time of 1 ms or more", () => {
    expect(problemsOf(asking(1))).toEqual([]);
  });
});

describe("the machine and questions", () => {
  test("from a snapshot, or from any part of the log, the machine has the same questions and the same left to do", async () => {
    const Brief = interrupt("brief", { ask: z.string(), answer: z.string(), expires: 1_000 });
    const it = flow(spec)
      .chunk("write", start, (text, ctx) => void ctx.interrupt(Brief, text))
      .chunk("send", Brief.answered, (answer) => answer);
    const { execution } = await begun(it);
    execution.resume("brief@a1", "ok");
    await execution.result;
    const graph = compile(it);
    let machine = new Machine(graph);
    const steps: unknown[] = [];
    for (const entry of await logOf(execution)) {
      machine.apply(entry);
      machine = Machine.restore(graph, JSON.parse(JSON.stringify(machine.snapshot())) as never);
      steps.push([entry.type, machine.pending().map(({ type }) => type)]);
    }
    expect(steps).toEqual([
      ["flow:start", ["start"]],
      ["chunk:start", ["start"]],
      ["chunk:complete", ["raise"]],
      ["interrupt:raised", ["wait"]],
      ["flow:waiting", ["wait"]],
      ["flow:resume", ["wait"]],
      ["interrupt:answered", ["start"]],
      ["chunk:start", ["start"]],
      ["chunk:complete", ["complete"]],
      ["flow:completed", []],
    ]);
  });
});

describe("S18 views that are pulled until a wait", () => {
  /** Asks twice, and shows something before and between. */
  const twice = flow(spec)
    .chunk("write", start, (text, ctx) => {
      ctx.putIntoStream(`Dear ${text}`);
      ctx.interrupt(Approval, { draft: text });
    })
    .chunk("again", Approval.answered, (_answer, ctx) => {
      ctx.putIntoStream("again");
      ctx.interrupt(Second, "sure?");
    })
    .chunk("send", Second.answered, (answer) => answer);

  test("they go on through a wait unless they are told to end there", async () => {
    const { execution, time } = await begun(twice);
    const through = itemsOf(execution.stream());
    expect(await itemsOf(execution.stream({ until: "waiting" }))).toEqual(["Dear Ann"]);
    execution.resume(Approval, "approval@a1", { approved: true });
    await time.settle();
    execution.resume(Second, "second@a2", "yes");
    expect(await through).toEqual(["Dear Ann", "again"]);
  });

  test("one that has begun before the wait ends with it, however fast that is over", async () => {
    const time = new VirtualTime();
    const execution = run(twice, "Ann", { scheduler: time.scheduler });
    const [items, latest] = [{}, { conflate: "length" }].map((how) =>
      itemsOf(execution.stream({ until: "waiting", ...how })),
    );
    execution.on("flow:waiting", ({ interrupts: [question] }) =>
      execution.resume(question?.id ?? "", question?.name === "second" ? "yes" : { approved: true }),
    );
    await time.advance();
    expect(await execution.result).toBe("yes");
    expect([await items, await latest]).toEqual([["Dear Ann"], ["Dear Ann"]]);
  });

  test("a wait that was over when the reader began is passed by", async () => {
    const { execution, time } = await begun(twice);
    execution.resume(Approval, "approval@a1", { approved: true });
    await time.settle();
    expect(await itemsOf(execution.stream({ until: "waiting" }))).toEqual(["Dear Ann", "again"]);
    expect(await itemsOf(execution.stream({ until: "waiting", conflate: "length" }))).toEqual(["again"]);
    execution.resume(Second, "second@a2", "yes");
    await execution.result;
    expect((await itemsOf(execution.events({ until: "waiting" }))).at(-1)).toMatchObject({ type: "flow:completed" });
  });

  test("the log ends with the entry that says so; behind it a reader goes on to the next wait", async () => {
    const { execution, time } = await begun(twice);
    const log = await itemsOf(execution.events({ until: "waiting" }));
    const last = log.at(-1) as Entry;
    expect(last.type).toBe("flow:waiting");
    const next = itemsOf(execution.events({ after: positionOf(last), until: "waiting" }));
    execution.resume(Approval, "approval@a1", { approved: true });
    await time.settle();
    const types = (await next).map(({ type }) => type);
    expect([types[0], types.at(-1)]).toEqual(["flow:resume", "flow:waiting"]);
    const messages = await itemsOf(toSSE(execution, { until: "waiting", types: ["stream:item", "flow:waiting"] }));
    expect(messages.at(-1)).toContain("event: flow:waiting");
  });

  test("with cancelOnExit the wait does not cancel: nobody has left", async () => {
    const { execution } = await begun(twice);
    await itemsOf(execution.stream({ until: "waiting", cancelOnExit: true }));
    expect(execution.status).toBe("waiting");
  });
});

/** The log so far. */
async function until(execution: Execution) {
  const log = [];
  for await (const entry of execution.events()) {
    log.push(entry);
    if (entry.type === "flow:waiting") break;
  }
  return log;
}
