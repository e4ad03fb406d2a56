import { type Context, type Runnable, after, defineFlow, flow, start } from "@sluice/core";
import { z } from "zod";
import { Approval, type Process, failFirst } from "./crash-process.ts";

/** Flows that chunks run as children: one that completes, one with a child of its own, one that fails and undoes, and two that ask. */
export function childrenOf(process: Process): readonly Runnable[] {
  const { time } = process;
  const spec = (name: string) => defineFlow({ name, input: z.number(), stream: z.unknown(), result: z.unknown() });
  const note = (ctx: Context): Promise<never> | undefined => {
    if (!process.alive()) return new Promise<never>(() => {});
    process.called(`run ${ctx.idempotencyKey}`);
    return undefined;
  };
  const work = async (n: number, ctx: Context): Promise<number> => {
    await note(ctx);
    ctx.putIntoStream({ child: n });
    await ctx.step("first", () => process.called(`step ${ctx.idempotencyKey}/first`));
    await time.delay(n + 1, ctx);
    return n + 1;
  };
  const compensate = async (_undo: unknown, ctx: Context): Promise<void> => {
    await note(ctx);
    process.called(`undo ${ctx.idempotencyKey}`);
    await time.delay(2, ctx);
    failFirst(1, process, ctx);
  };
  const undone = { compensate, retry: { attempts: 2, delay: 1, jitter: false } };
  const leaf = flow(spec("leaf")).chunk("first", start, work, undone).chunk("second", after("first"), work);
  const nesting = flow(spec("nesting"))
    .chunk("before", start, work, undone)
    .chunk(
      "nest",
      after("before"),
      async (n, ctx) => {
        await note(ctx);
        return [await ctx.child(leaf, n), await ctx.child(leaf, n)];
      },
      undone,
    )
    .chunk("after", after("nest"), (_, ctx) => work(0, ctx));
  const failing = flow(spec("failing"))
    .chunk("first", start, work, undone)
    .chunk("second", after("first"), async (_, ctx) => {
      await note(ctx);
      await time.delay(1, ctx);
      throw new Error("it fails");
    });
  const asking = flow(spec("asking"))
    .chunk(
      "first",
      start,
      async (n, ctx) => {
        await note(ctx);
        ctx.interrupt(Approval, { draft: `child ${n}` });
        return n;
      },
      undone,
    )
    .chunk("second", Approval.answered, (_, ctx) => work(1, ctx));
  const waiting = flow(spec("waiting")).chunk("first", start, async (n, ctx) => {
    await note(ctx);
    return (await ctx.ask(Approval, { draft: `child ${n} inline` })).ok;
  });
  return [leaf, nesting, failing, asking, waiting];
}
