// The flows whose processes are killed. What each comes to follows from its input alone, however often it is cut off.
import {
  type Context,
  type Undo,
  after,
  all,
  defineFlow,
  each,
  event,
  flow,
  gather,
  instant,
  interrupt,
  start,
} from "@sluice/core";
import { z } from "zod";
import { type Witness, turns } from "./witness.ts";

export const Nudge = event("nudge", z.object({ n: z.number() }));
const Packed = event("packed", z.object({ item: z.number(), part: z.number() }));
const Weighed = event("weighed", z.object({ item: z.number() }));
const Approval = interrupt("approval", {
  ask: z.object({ sum: z.number() }),
  answer: z.object({ by: z.string() }),
});
const Colour = interrupt("colour", { ask: z.object({ n: z.number() }), answer: z.object({ by: z.string() }) });
const Reply = instant("reply", z.object({ title: z.string(), parts: z.array(z.string()) }));
const item = z.object({ key: z.string(), n: z.number() });
const retry = { attempts: 3, delay: 2, jitter: false };

/** Fails in its first attempts. */
function failsIn(attempts: number, { attempt }: Context): void {
  if (attempt <= attempts) throw new Error(`attempt ${attempt}`);
}

/** Adds to a set in the state: an attempt that is cut off may have done so. */
const added = (numbers: readonly number[], n: number): number[] =>
  [...new Set([...numbers, n])].toSorted((a, b) => a - b);

/** The flows, with a witness of what their chunks do. */
export function flowsOf(witness: Witness) {
  const grandchild = flow(defineFlow({ name: "grandchild", input: z.number(), stream: item, result: z.number() }))
    .chunk("double", start, async (n, ctx) => {
      const told = witness.begin("double", ctx, n);
      await told.step("double");
      await ctx.sleep(2);
      ctx.putIntoStream({ key: ctx.idempotencyKey, n });
      told.end();
      return n * 2;
    })
    .chunk(
      "check",
      after("double"),
      (n, ctx) => {
        const told = witness.begin("check", ctx, n);
        failsIn(1, ctx);
        ctx.setResult(n);
        told.end();
      },
      { retry },
    );

  const childSpec = defineFlow({
    name: "child",
    input: z.number(),
    state: z.object({ seen: z.array(z.number()).default([]) }),
    result: z.object({ sum: z.number(), by: z.string() }),
  });
  const child = flow(childSpec)
    .chunk("split", start, async (n, ctx) => {
      const told = witness.begin("split", ctx, n);
      await told.step("split");
      told.end();
      return [n, n + 1];
    })
    .chunk(
      "grow",
      each(after("split")),
      async (n, ctx) => {
        const told = witness.begin("grow", ctx, n);
        ctx.state.set("seen", added(ctx.state.get("seen"), n));
        await told.step("plant");
        failsIn(1, ctx); // before its child: an attempt that is tried again runs another one
        const value = await ctx.child(grandchild, n);
        await told.step("harvest");
        told.end();
        return value;
      },
      { retry },
    )
    .chunk("add", gather("grow"), (values, ctx) => {
      const told = witness.begin("add", ctx, values);
      ctx.interrupt(Approval, { sum: values.reduce((sum, value) => sum + value, 0) });
      told.end();
      return values.reduce((sum, value) => sum + value, 0);
    })
    .chunk("close", all(after("add"), Approval.answered), ([sum, { by }], ctx) => {
      const told = witness.begin("close", ctx, [sum, by]);
      ctx.setResult({ sum, by });
      told.end();
    });

  const order = flow(
    defineFlow({
      name: "order",
      input: z.object({ n: z.number(), items: z.array(z.number()) }),
      state: z.object({
        cut: z.array(z.number()).default([]),
        paired: z.array(z.number()).default([]),
        nudges: z.array(z.number()).default([]),
      }),
      stream: item,
      result: z.object({ sum: z.number(), by: z.string(), colour: z.string(), family: z.number() }),
      accepts: [Nudge],
    }),
  )
    .chunk("list", start, async ({ items }, ctx) => {
      const told = witness.begin("list", ctx, items);
      await told.step("read", () => turns(1));
      ctx.putIntoStream({ key: ctx.idempotencyKey, n: 0 });
      told.end();
      return items;
    })
    .chunk(
      "work",
      each(after("list")),
      async (n, ctx) => {
        const told = witness.begin("work", ctx, n);
        ctx.state.update((draft) => void (draft.cut = added(draft.cut, n)));
        told.emit(Packed, { item: n, part: 1 });
        ctx.putIntoStream({ key: ctx.idempotencyKey, n: 1 });
        await told.step(`cut ${n}`);
        if (n % 2 === 0) failsIn(2, ctx);
        if (n % 3 === 0) await ctx.sleep(2);
        await Promise.all([told.step("glue", () => turns(2)), told.step("paint")]);
        told.emit(Packed, { item: n, part: 2 });
        told.emit(Weighed, { item: n });
        ctx.putIntoStream({ key: ctx.idempotencyKey, n: 2 });
        told.end();
        return n * 10;
      },
      { retry, concurrency: 2 },
    )
    .chunk("pair", all(Packed, Weighed), ([{ item: n }], ctx) => {
      const told = witness.begin("pair", ctx, n);
      ctx.state.set("paired", added(ctx.state.get("paired"), n));
      told.end();
    })
    .chunk("sum", gather("work"), (values, ctx) => {
      const told = witness.begin("sum", ctx, values);
      const sum = values.reduce((one, value) => one + value, 0);
      ctx.interrupt(Approval, { sum });
      told.end();
      return sum;
    })
    .chunk("decide", Approval.answered, async ({ by }, ctx) => {
      const told = witness.begin("decide", ctx, by);
      await told.step("decide");
      told.end();
      return by;
    })
    .chunk(
      "family",
      start,
      async ({ n }, ctx) => {
        const told = witness.begin("family", ctx, n);
        await told.step("call");
        failsIn(1, ctx);
        const { sum, by } = await ctx.child(child, n);
        told.end();
        return by === "somebody" ? sum : 0;
      },
      { retry },
    )
    .chunk("colour", start, async ({ n }, ctx) => {
      const told = witness.begin("colour", ctx, n);
      await told.step("before");
      const { by } = await ctx.ask(Colour, { n });
      await told.step("after");
      told.end();
      return by;
    })
    .chunk("nudged", Nudge, ({ n }, ctx) => {
      const told = witness.begin("nudged", ctx, n);
      ctx.state.set("nudges", added(ctx.state.get("nudges"), n));
      told.end();
    })
    .chunk("finish", all(after("sum"), after("decide"), after("family"), after("colour")), (values, ctx) => {
      const told = witness.begin("finish", ctx, values);
      const [sum, by, family, colour] = values;
      ctx.setResult({ sum, by, family, colour });
      told.end();
    });

  const counter = flow(
    defineFlow({
      name: "counter",
      input: z.object({ n: z.number() }),
      state: z.object({ nudges: z.array(z.number()).default([]) }),
      accepts: [Nudge],
      keepOpen: true,
    }),
  ).chunk("count", Nudge, async ({ n }, ctx) => {
    const told = witness.begin("count", ctx, n);
    ctx.state.set("nudges", added(ctx.state.get("nudges"), n));
    await told.step("count");
    told.end();
  });

  const reader = flow(
    defineFlow({ name: "reader", input: z.object({ n: z.number() }), stream: item, result: z.array(z.string()) }),
  )
    .chunk(
      "read",
      start,
      async ({ n }, ctx) => {
        const told = witness.begin("read", ctx, n);
        const parts = [1, 2, 3].map((part) => `part ${part} of ${n}`);
        await ctx.instant(Reply, told.pieces(JSON.stringify({ title: `text ${n}`, parts }), 9));
        await told.step("read");
        if (n % 2 === 0) failsIn(1, ctx);
        told.end();
      },
      { retry },
    )
    .chunk("part", Reply.field("parts[*]"), async (text, ctx) => {
      const told = witness.begin("part", ctx, text);
      await told.step("translate");
      ctx.putIntoStream({ key: ctx.idempotencyKey, n: text.length });
      told.end();
      return text.toUpperCase();
    })
    .chunk("join", gather("part"), (parts, ctx) => {
      const told = witness.begin("join", ctx, parts);
      ctx.setResult(parts);
      told.end();
    });

  /** Undoes in steps; its first attempt fails after one of them. */
  const undo = async (_undo: Undo<unknown, unknown>, ctx: Context): Promise<void> => {
    const told = witness.undo(ctx);
    await told.step("refund");
    failsIn(1, ctx);
    await ctx.sleep(1);
    await told.step("tell");
    told.end();
  };
  const booking = flow(defineFlow({ name: "booking", input: z.number(), result: z.number() })).chunk(
    "book",
    start,
    async (n, ctx) => {
      const told = witness.begin("book", ctx, n);
      await told.step("book");
      ctx.setResult(n);
      told.end();
    },
    { compensate: undo, retry },
  );
  const guided = flow(defineFlow({ name: "guided", input: z.number(), result: z.number() }))
    .chunk(
      "hire",
      start,
      async (n, ctx) => {
        const told = witness.begin("hire", ctx, n);
        await told.step("hire");
        told.end();
        return n;
      },
      { compensate: undo, retry },
    )
    .chunk("walk", after("hire"), async (n, ctx) => {
      witness.begin("walk", ctx, n);
      await ctx.sleep(3_600_000);
    });
  const trip = flow(defineFlow({ name: "trip", input: z.object({ n: z.number() }), result: z.number() }))
    .chunk(
      "reserve",
      start,
      async ({ n }, ctx) => {
        const told = witness.begin("reserve", ctx, n);
        await told.step("reserve");
        told.end();
        return [n, n + 1, n + 2];
      },
      { compensate: undo, retry },
    )
    .chunk(
      "leg",
      each(after("reserve")),
      async (n, ctx) => {
        const told = witness.begin("leg", ctx, n);
        failsIn(1, ctx);
        await told.step("leg");
        told.end();
        return n;
      },
      { compensate: undo, retry },
    )
    .chunk(
      "stay",
      start,
      async ({ n }, ctx) => {
        const told = witness.begin("stay", ctx, n);
        const booked = await ctx.child(booking, n);
        told.end();
        return booked;
      },
      { compensate: undo, retry },
    )
    .chunk("tour", start, async ({ n }, ctx) => {
      witness.begin("tour", ctx, n);
      return ctx.child(guided, n);
    })
    .chunk("confirm", all(gather("leg"), after("stay")), async (values, ctx) => {
      witness.begin("confirm", ctx, values);
      await ctx.sleep(3);
      throw new Error("sold out");
    });

  return { order, counter, reader, trip, child, grandchild, booking, guided };
}
