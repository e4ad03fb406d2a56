import { type Context, type Entry, type Undo, after, compile, defineFlow, event, flow, run, start } from "@sluice/core";
import { deferred, expectNoLeaks, logOf, virtualTime } from "@sluice/testing";
import { describe, expect, test } from "vitest";
import { z } from "zod";

const spec = defineFlow({
  name: "order",
  input: z.number(),
  stream: z.any(),
  result: z.any(),
  state: z.object({ undone: z.array(z.string()).default([]) }),
});

/** Charge, reserve, confirm: the first two can be undone. `how` decides what the parts do. */
function order(how: { confirm?: () => unknown; refund?: () => unknown; retry?: object; timeout?: number } = {}) {
  const undone: string[] = [];
  const undo = (name: string, then?: () => unknown) => (what: Undo<unknown, unknown>, ctx: Context) => {
    undone.push(`${name} ${JSON.stringify(what)} ${ctx.idempotencyKey.slice(ctx.executionId.length)}`);
    return then?.();
  };
  const it = flow(spec)
    .chunk("charge", start, (amount) => ({ receipt: amount * 10 }), {
      compensate: undo("refund", how.refund),
      ...(how.retry !== undefined && { retry: how.retry }),
      ...(how.timeout !== undefined && { timeout: how.timeout }),
    })
    .chunk("reserve", after("charge"), ({ receipt }) => `shelf ${receipt}`, { compensate: undo("release") })
    .chunk(
      "confirm",
      after("reserve"),
      how.confirm ??
        (() => {
          throw new Error("sold out");
        }),
    );
  return { it, undone };
}
const outline = (log: readonly Entry[]): string[] =>
  log.map((entry) => `${entry.type}${"chunk" in entry && entry.chunk !== undefined ? ` ${entry.chunk}` : ""}`);

describe("S11 compensation", () => {
  test("R8 what has completed is undone in reverse order, once each, with its own input and output", async () => {
    const { it, undone } = order();
    const execution = run(it, 7);
    await expect(execution.result).rejects.toMatchObject({ code: "chunk-failed" });
    expect(undone).toEqual([
      'release {"input":{"receipt":70},"output":"shelf 70"} /a2/undo',
      'refund {"input":7,"output":{"receipt":70}} /a1/undo',
    ]);
    const log = await logOf(execution);
    expect(outline(log).slice(-5)).toEqual([
      "chunk:failed confirm",
      "flow:rollback",
      "chunk:compensated reserve",
      "chunk:compensated charge",
      "flow:failed",
    ]);
    expect(log.at(-4)).toMatchObject({ end: "flow:failed", error: { code: "chunk-failed" } });
    expect(log.at(-1)).not.toHaveProperty("notUndone");
    expectNoLeaks(execution);
  });

  test("R9 one that fails is reported in the final entry, and the others are undone all the same", async () => {
    const { it, undone } = order({
      refund: () => {
        throw new Error("the bank is closed");
      },
    });
    const execution = run(it, 7);
    await expect(execution.result).rejects.toMatchObject({ code: "chunk-failed" });
    expect(undone).toHaveLength(2);
    expect((await logOf(execution)).at(-1)).toMatchObject({
      type: "flow:failed",
      notUndone: [
        {
          chunk: "charge",
          activationId: "a1",
          error: { message: 'The compensation of the chunk "charge" failed: the bank is closed (in order.charge)' },
        },
      ],
    });
  });

  test("an undoing is tried again by the retry of its chunk", async () => {
    await virtualTime(async ({ execute }) => {
      let calls = 0;
      const { it } = order({
        retry: { attempts: 3, delay: 100, jitter: false },
        refund: () => {
          calls += 1;
          if (calls < 3) throw new Error("busy");
        },
      });
      const execution = execute(it, 7);
      await expect(execution.result).rejects.toMatchObject({ code: "chunk-failed" });
      const log = await logOf(execution);
      expect(log.filter(({ type }) => type === "chunk:retry")).toMatchObject([
        { activationId: "a1", delayMs: 100, attempt: 1 },
        { activationId: "a1", delayMs: 200, attempt: 2 },
      ]);
      expect(log.filter((entry) => entry.type === "chunk:compensated" && entry.chunk === "charge")).toMatchObject([
        { willRetry: true, attempt: 1, error: { code: "chunk-failed" } },
        { willRetry: true, attempt: 2 },
        { willRetry: false, attempt: 3 },
      ]);
      expect(log.at(-1)).toMatchObject({ type: "flow:failed", at: 300 });
    });
  });

  test("an undoing that takes too long is ended by the timeout of its chunk", async () => {
    await virtualTime(async ({ execute }) => {
      const { it } = order({ timeout: 50, refund: () => new Promise(() => {}) });
      const execution = execute(it, 7);
      await expect(execution.result).rejects.toMatchObject({ code: "chunk-failed" });
      expect((await logOf(execution)).at(-1)).toMatchObject({
        at: 50,
        notUndone: [{ error: { code: "chunk-timeout" } }],
      });
    });
  });

  test("a flow that runs out of time is undone, and ends as flow:timeout", async () => {
    await virtualTime(async ({ execute }) => {
      const limited = flow({ ...spec, timeout: 90 })
        .chunk("charge", start, () => 1, { compensate: (_undo, ctx) => ctx.state.set("undone", ["charge"]) })
        .chunk("wait", after("charge"), () => new Promise(() => {}));
      const execution = execute(limited, 1);
      await expect(execution.result).rejects.toMatchObject({ code: "execution-timeout" });
      const log = await logOf(execution);
      expect(outline(log).slice(-5)).toEqual([
        "chunk:failed wait",
        "flow:rollback",
        "state:changed charge",
        "chunk:compensated charge",
        "flow:timeout",
      ]);
      expect(log.at(-1)).toMatchObject({ elapsedMs: 90, state: { undone: ["charge"] } });
    });
  });

  test("cancel undoes nothing, cancel with rollback does", async () => {
    for (const rollback of [false, true]) {
      const { it, undone } = order({ confirm: () => new Promise(() => {}) });
      const execution = run(it, 7);
      await new Promise((resolve) => void setImmediate(resolve));
      execution.cancel("the customer left", { rollback });
      await expect(execution.result).rejects.toMatchObject({ code: "execution-cancelled" });
      expect(undone).toHaveLength(rollback ? 2 : 0);
      expect((await logOf(execution)).at(-1)).toMatchObject({ type: "flow:cancelled", reason: "the customer left" });
    }
  });

  test("a cancel while it undoes ends it at once, and tells what is not undone", async () => {
    const hold = deferred();
    const { it, undone } = order({ refund: () => hold.promise });
    const execution = run(it, 7);
    await new Promise((resolve) => void setImmediate(resolve));
    expect(undone).toHaveLength(2);
    execution.cancel("now");
    await expect(execution.result).rejects.toMatchObject({ code: "execution-cancelled" });
    const log = await logOf(execution);
    expect(outline(log).slice(-2)).toEqual(["chunk:compensated charge", "flow:cancelled"]);
    expect(log.at(-1)).toMatchObject({ notUndone: [{ chunk: "charge", error: { code: "chunk-aborted" } }] });
    expectNoLeaks(execution);
  });

  test("an execution that completes undoes nothing, nor does one without compensations", async () => {
    const { it, undone } = order({ confirm: () => "done" });
    expect(await run(it, 7).result).toBe("done");
    expect(undone).toEqual([]);
    const bare = flow(spec).chunk("bad", start, () => {
      throw new Error("bad");
    });
    const execution = run(bare, 1);
    await expect(execution.result).rejects.toMatchObject({ code: "chunk-failed" });
    expect(outline(await logOf(execution))).not.toContain("flow:rollback");
  });

  test("what an undoing emits triggers nothing", async () => {
    const Ping = event("ping", z.number());
    let heard = 0;
    const it = flow(spec)
      .chunk("charge", start, () => 1, { compensate: (_undo, ctx) => void ctx.emit(Ping, 1) })
      .chunk("ping", Ping, () => void (heard += 1))
      .chunk("bad", after("charge"), () => {
        throw new Error("bad");
      });
    const execution = run(it, 1);
    await expect(execution.result).rejects.toMatchObject({ code: "chunk-failed" });
    expect(outline(await logOf(execution))).toContain("signal charge");
    expect(heard).toBe(0);
  });

  test("the graph tells which chunks can be undone", () => {
    expect(compile(order().it).chunks.map(({ name, compensated }) => [name, compensated])).toEqual([
      ["charge", true],
      ["reserve", true],
      ["confirm", undefined],
    ]);
  });

  test("a cancel while an undoing with a timeout runs leaves no timer", async () => {
    await virtualTime(async ({ execute, settle }) => {
      const compensate = (): Promise<void> => new Promise(() => {});
      const it = flow(spec)
        .chunk("done", start, () => 1, { timeout: 10_000, compensate })
        .chunk("fatal", after("done"), () => Promise.reject(new Error("fatal")));
      const execution = execute(it, 0);
      await settle();
      execution.cancel();
      expect(execution.status).toBe("cancelled");
      expectNoLeaks(execution);
    });
  });
});
