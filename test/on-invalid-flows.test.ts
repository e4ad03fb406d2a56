// onInvalid: "abort" where more hangs on the reply: what fields have triggered and is undone, several documents, tools.
import { ask, toolOf } from "@sluice/ai";
import {
  type ModelCall,
  SluiceError,
  type TokenSource,
  after,
  defineFlow,
  failed,
  flow,
  gather,
  instant,
  run,
  start,
} from "@sluice/core";
import { type ReplyPiece, VirtualTime, scriptedModel } from "@sluice/testing";
import { describe, expect, test } from "vitest";
import { z } from "zod";
import { CALLS } from "./agent.ts";
import { type ProviderPart, START, answering, callParts, finishPart, mock, textParts } from "./mock-model.ts";
import { entriesOf, played, retractedIn, standingIn, startsOf } from "./played.ts";

const spec = defineFlow({ name: "shop", input: z.null(), stream: z.string(), result: z.any() });
const retry = { attempts: 2, delay: 100, jitter: false } as const;
/** A chunk that does not let its attempt fail. */
const swallowed = () => new Promise<never>(() => {});
const Order = instant("order", z.object({ item: z.string(), box: z.string(), count: z.number() }), {
  onInvalid: "abort",
});
const bad = (item: string): ReplyPiece[] => [
  `{"item":"${item}",`,
  { afterMs: 10, text: '"box":"small",' },
  { afterMs: 10, text: '"count":"two"' },
  { afterMs: 10, text: "}" },
];
const good = (item: string): ReplyPiece[] => [`{"item":"${item}",`, { afterMs: 10, text: '"box":"small","count":2}' }];

/** Charges first; then reads an order, whose fields reserve and pack: all of it can be undone. */
const shop = (source: TokenSource, undone: string[], packing?: () => Promise<void>) =>
  flow(spec)
    .chunk("charge", start, () => "paid", { compensate: () => void undone.push("charge") })
    .chunk("read", after("charge"), (_paid, ctx) => ctx.instant(Order, source).catch(swallowed), { retry })
    .chunk("reserve", Order.field("item"), (item) => item.toUpperCase(), {
      compensate: ({ output }) => void undone.push(`reserve ${output}`),
    })
    .chunk("pack", Order.field("box"), () => packing?.(), {
      compensate: () => void undone.push("pack"),
    });

describe('S34 onInvalid: "abort" and what can be undone', () => {
  test("what an equal field has triggered stays, and is not done twice", async () => {
    const time = new VirtualTime();
    const undone: string[] = [];
    const model = scriptedModel([bad("cup"), good("cup")], time);
    const { execution, log } = await played(run(shop(model, undone), null, { scheduler: time.scheduler }), time);
    expect(execution.status).toBe("completed");
    expect(undone).toEqual([]);
    expect(startsOf(log, "reserve")).toEqual(["cup"]);
    expect(startsOf(log, "pack")).toEqual(["small"]);
    expect(model.calls).toMatchObject([{ outcome: "aborted" }, { outcome: "finished" }]);
  });

  test("what a field has triggered that is written otherwise then is undone, before it is done anew", async () => {
    const time = new VirtualTime();
    const undone: string[] = [];
    const model = scriptedModel([bad("cup"), good("pot")], time);
    const { execution, log } = await played(run(shop(model, undone), null, { scheduler: time.scheduler }), time);
    expect(execution.status).toBe("completed");
    expect(undone).toEqual(["reserve CUP"]);
    expect(startsOf(log, "reserve")).toEqual(["cup", "pot"]);
    expect(startsOf(log, "pack")).toEqual(["small"]);
    const undoing = log.findIndex((entry) => entry.type === "chunk:compensated");
    const anew = log.findIndex((entry) => entry.type === "chunk:start" && entry.input === "pot");
    expect(undoing).toBeLessThan(anew);
  });

  test("all is undone once, in reverse order, when the attempts are spent", async () => {
    const time = new VirtualTime();
    const undone: string[] = [];
    const model = scriptedModel([bad("cup"), bad("cup")], time);
    const { log, result } = await played(run(shop(model, undone), null, { scheduler: time.scheduler }), time);
    expect(result).toMatchObject({ code: "reply-invalid", where: "shop.read" });
    expect(undone).toEqual(["pack", "reserve CUP", "charge"]);
    expect(entriesOf(log, "flow:rollback")).toMatchObject([{ end: "flow:failed", error: { code: "reply-invalid" } }]);
    expect(log.at(-1)).not.toHaveProperty("notUndone");
  });

  test("what a field has triggered and still runs is aborted, and not undone", async () => {
    const time = new VirtualTime();
    const undone: string[] = [];
    const model = scriptedModel([bad("cup"), bad("cup")], time);
    const { log } = await played(
      run(
        shop(model, undone, () => time.delay(10_000)),
        null,
        { scheduler: time.scheduler },
      ),
      time,
    );
    expect(undone).toEqual(["reserve CUP", "charge"]);
    expect(entriesOf(log, "chunk:failed").filter(({ chunk }) => chunk === "pack")).toMatchObject([
      { error: { code: "chunk-aborted" } },
    ]);
    expect(log.at(-1)).toMatchObject({ type: "flow:failed", durationMs: 140 });
  });

  test("a handler of the failure comes when what the fields have triggered is undone; the rest stands", async () => {
    const time = new VirtualTime();
    const undone: string[] = [];
    const model = scriptedModel([bad("cup"), bad("cup")], time);
    const it = shop(model, undone).chunk("sorry", failed("read"), ({ error }, ctx) => {
      undone.push("then sorry");
      ctx.setResult(error instanceof SluiceError && error.code);
    });
    const { execution, result } = await played(run(it, null, { scheduler: time.scheduler }), time);
    expect(execution.status).toBe("completed");
    expect(result).toBe("reply-invalid");
    expect(undone.toSorted()).toEqual(["pack", "reserve CUP", "then sorry"]);
    expect(undone.at(-1)).toBe("then sorry");
  });

  test("a cancel with rollback during the pause before the retry undoes what the fields have triggered", async () => {
    const time = new VirtualTime();
    const undone: string[] = [];
    const model = scriptedModel([bad("cup"), good("cup")], time);
    const execution = run(shop(model, undone), null, { scheduler: time.scheduler });
    await time.advance(50);
    execution.cancel("enough", { rollback: true });
    const { log } = await played(execution, time);
    expect(undone).toEqual(["pack", "reserve CUP", "charge"]);
    expect(log.at(-1)).toMatchObject({ type: "flow:cancelled" });
    expect(model.calls).toHaveLength(1);
  });
});

describe('S34 onInvalid: "abort" and several documents', () => {
  const Lines = instant("lines", z.array(z.object({ name: z.string(), n: z.number() })), {
    multi: true,
    onInvalid: "abort",
  });
  const line = (name: string, n: unknown): string => `${JSON.stringify({ name, n })}\n`;
  const reading = (source: TokenSource, undone: string[]) =>
    flow(spec)
      .chunk("read", start, (_in, ctx) => ctx.instant(Lines, source).catch(swallowed), { retry })
      .chunk("one", Lines.field("[*]"), ({ name }) => name.toUpperCase(), {
        compensate: ({ output }) => void undone.push(output),
      })
      .chunk("all", gather("one"), (names, ctx) => ctx.setResult(names));

  test("the generation ends with the first that does not fit; the next attempt goes on from what is equal", async () => {
    const time = new VirtualTime();
    const undone: string[] = [];
    const model = scriptedModel(
      [
        [line("a", 1), line("b", "x"), { afterMs: 10, text: line("c", 3) }],
        [line("a", 1), line("b", 2), line("c", 3)],
      ],
      time,
    );
    const { log, result } = await played(run(reading(model, undone), null, { scheduler: time.scheduler }), time);
    expect(result).toEqual(["A", "B", "C"]);
    expect(model.calls[0]).toMatchObject({ outcome: "aborted", text: line("a", 1) + line("b", "x") });
    expect(model.calls[1]?.issues).toMatchObject([{ path: "[1].n", raw: "x" }]);
    expect(startsOf(log, "one")).toMatchObject([{ name: "a" }, { name: "b" }, { name: "c" }]);
    expect(startsOf(log, "all")).toEqual([["A", "B", "C"]]);
    expect(undone).toEqual([]);
  });

  test("a document that is written otherwise, or not again, is taken back", async () => {
    const time = new VirtualTime();
    const undone: string[] = [];
    const model = scriptedModel([[line("a", 1), line("b", 2), line("c", "x")], [line("z", 1)]], time);
    const { log, result } = await played(run(reading(model, undone), null, { scheduler: time.scheduler }), time);
    expect(result).toEqual(["Z"]);
    expect(undone.toSorted()).toEqual(["A", "B"]);
    expect(standingIn(log).filter(({ chunk }) => chunk === "one")).toMatchObject([{ output: "Z" }]);
  });

  test("nothing is gathered of a reply that never fits, and its documents are undone", async () => {
    const time = new VirtualTime();
    const undone: string[] = [];
    const pieces = [line("a", 1), line("b", "x")];
    const model = scriptedModel([pieces, pieces], time);
    const { log, result } = await played(run(reading(model, undone), null, { scheduler: time.scheduler }), time);
    expect(result).toMatchObject({ code: "reply-invalid" });
    expect(undone).toEqual(["A"]);
    expect(startsOf(log, "all")).toEqual([]);
  });
});

describe('S34 onInvalid: "abort" and the input of a tool', () => {
  const Refund = instant("refund", z.object({ order: z.string(), euros: z.number() }), { onInvalid: "abort" });
  const done = [...textParts("Done"), finishPart()];
  const refunding = (
    model: Parameters<typeof ask>[0],
    seen: { readonly paid: unknown[]; readonly undone: string[] },
  ) => {
    const refund = toolOf(Refund, { execute: (input) => seen.paid.push(input) });
    const source = (): ModelCall => ask(model, { prompt: "Refund", tools: { refund } });
    return flow(spec)
      .chunk("answer", start, async (_in, ctx) => ctx.setResult(await ctx.text(source())), { retry })
      .chunk("order", Refund.field("order"), (order) => order, {
        compensate: ({ output }) => void seen.undone.push(output),
      });
  };

  test("ends the attempt and its request at once; the tool runs in the next one only", async () => {
    const time = new VirtualTime();
    const seen = { paid: [], undone: [] };
    const model = answering(
      [...callParts("c1", "refund", { order: "A7", euros: "thirty" }), CALLS],
      [...callParts("c1", "refund", { order: "A7", euros: 30 }), CALLS],
      done,
    );
    const { log, result } = await played(run(refunding(model, seen), null, { scheduler: time.scheduler }), time);
    expect(result).toBe("Done");
    expect(seen.paid).toEqual([{ order: "A7", euros: 30 }]);
    expect(model.doStreamCalls.map(({ abortSignal }) => abortSignal?.aborted)).toEqual([true, false, false]);
    expect(entriesOf(log, "chunk:failed")).toMatchObject([
      { chunk: "answer", attempt: 1, willRetry: true, error: { code: "reply-invalid" } },
    ]);
    expect(entriesOf(log, "tool:call_start")).toMatchObject([{ attempt: 2 }]);
  });

  test("what its fields have triggered is of that attempt: undone, and done anew in the next", async () => {
    const time = new VirtualTime();
    const seen = { paid: [], undone: [] };
    const model = answering(
      [...callParts("c1", "refund", { order: "A7", euros: "thirty" }), CALLS],
      [...callParts("c1", "refund", { order: "B8", euros: 30 }), CALLS],
      done,
    );
    const { log } = await played(run(refunding(model, seen), null, { scheduler: time.scheduler }), time);
    expect(startsOf(log, "order")).toEqual(["A7", "B8"]);
    expect(seen.undone).toEqual(["A7"]);
    expect(retractedIn(log).size).toBe(1);
  });

  test("a model that goes on writing is not read any more", async () => {
    const time = new VirtualTime();
    const seen = { paid: [], undone: [] };
    const [begin, , ...rest] = callParts("c1", "refund", { order: "A7", euros: 30 });
    const written = (...deltas: string[]): ProviderPart[] =>
      deltas.map((delta) => ({ type: "tool-input-delta", id: "c1", delta }));
    let calls = 0;
    const model = mock(async ({ abortSignal }) => ({
      stream: new ReadableStream<ProviderPart>({
        async start(controller) {
          calls += 1;
          const write = (...parts: (ProviderPart | undefined)[]): void => {
            for (const part of parts) if (part !== undefined) controller.enqueue(part);
          };
          if (calls === 3) {
            write(START, ...done);
            controller.close();
            return;
          }
          write(START, begin, ...written(calls === 1 ? '{"order":"A7","euros":"30"' : '{"order":"A7","euros":30'));
          await time.delay(1000);
          if (abortSignal?.aborted === true) return;
          write(...written("}"), ...rest, CALLS);
          controller.close();
        },
      }),
    }));
    const { log, result } = await played(run(refunding(model, seen), null, { scheduler: time.scheduler }), time);
    expect(result).toBe("Done");
    expect(entriesOf(log, "chunk:failed")).toMatchObject([{ at: 0, error: { code: "reply-invalid" } }]);
    expect(seen.paid).toEqual([{ order: "A7", euros: 30 }]);
  });

  test("attempts that are spent fail the chunk, and what is done is undone", async () => {
    const time = new VirtualTime();
    const seen = { paid: [], undone: [] };
    const wrong = [...callParts("c1", "refund", { order: "A7", euros: "thirty" }), CALLS];
    const { log, result } = await played(
      run(refunding(answering(wrong, wrong), seen), null, { scheduler: time.scheduler }),
      time,
    );
    expect(result).toMatchObject({ code: "reply-invalid", where: "shop.answer" });
    expect(seen.paid).toEqual([]);
    expect(startsOf(log, "order")).toEqual(["A7"]);
    expect(seen.undone).toEqual(["A7"]);
  });
});
