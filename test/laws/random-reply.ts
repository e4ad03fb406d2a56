import {
  type Context,
  FlowDefinitionError,
  type Graph,
  after,
  all,
  compile,
  defineFlow,
  each,
  failed,
  flow,
  gather,
  instant,
  start,
} from "@sluice/core";
import type { VirtualTime } from "@sluice/testing";
import fc from "fast-check";
import { z } from "zod";

const Reply = instant(
  "reply",
  z.object({
    a: z.number().optional(),
    b: z.string().optional(),
    list: z.array(z.number()).optional(),
    rows: z.array(z.object({ x: z.number(), tags: z.array(z.number()) })).optional(),
  }),
);

/** A chunk by chance. */
interface Piece {
  readonly kind: number;
  readonly from: readonly [number, number];
  readonly delay: number;
  readonly does: number;
}

/** A flow whose first chunk reads a reply, which is written again until the last text. */
export interface ReplyPlan {
  readonly pieces: readonly Piece[];
  readonly texts: readonly string[];
  readonly cuts: readonly number[];
  readonly concurrency: number;
}

const small = fc.nat(2);
const values = fc.record(
  {
    a: small,
    b: fc.constantFrom("p", "q"),
    list: fc.array(small, { maxLength: 3 }),
    rows: fc.array(fc.record({ x: small, tags: fc.array(small, { maxLength: 2 }) }), { maxLength: 3 }),
  },
  { requiredKeys: [] },
);
/** A reply with its keys in any order. */
const texts = fc
  .tuple(values, fc.shuffledSubarray(["a", "b", "list", "rows"] as const, { minLength: 4 }))
  .map(([value, order]) => {
    const written = order.flatMap((key) => (value[key] === undefined ? [] : [[key, value[key]] as const]));
    return JSON.stringify(Object.fromEntries(written));
  });
const pieces = fc.record({
  kind: fc.nat(99),
  from: fc.tuple(fc.nat(9), fc.nat(9)),
  delay: fc.nat(12),
  does: fc.nat(9),
});
export const replyPlans: fc.Arbitrary<ReplyPlan> = fc.record({
  pieces: fc.array(pieces, { minLength: 2, maxLength: 7 }),
  texts: fc.array(texts, { minLength: 2, maxLength: 3 }),
  cuts: fc.array(fc.nat(60), { minLength: 3, maxLength: 3 }),
  concurrency: fc.nat(3),
});

type Loose = {
  chunk: (name: string, trigger: unknown, work: (payload: never, ctx: Context) => unknown, options: object) => Loose;
};

/** The flow of a plan; `alone`: only the last text is written. Chunks only look at what they are given. */
export function replyFlowOf(
  plan: ReplyPlan,
  time: VirtualTime,
  alone: boolean,
  attempts = plan.texts.length,
): { flow: Loose; graph: Graph } {
  const written = alone ? plan.texts.slice(-1) : plan.texts;
  const spec = defineFlow({
    name: "reply",
    input: z.number(),
    result: z.any(),
    ...(plan.concurrency > 0 && { concurrency: plan.concurrency + 1 }),
  });
  const read = async (_payload: never, ctx: Context): Promise<undefined> => {
    const text = written[ctx.attempt - 1] ?? "";
    const isLast = ctx.attempt === written.length;
    const cut = plan.cuts[ctx.attempt - 1] ?? 0;
    const shown = isLast ? text : text.slice(0, cut % text.length);
    const tokens = shown.match(/.{1,7}/gu) ?? [];
    await ctx.instant(Reply, time.tokens(tokens.map((token) => [1 + (cut % 3), token] as const)));
  };
  const options = { retry: { attempts, delay: 3, jitter: false } };
  let it = (flow(spec) as unknown as Loose).chunk("read", start, read, options);
  const names: string[] = [];
  plan.pieces.forEach((piece, index) => {
    const name = `c${index}`;
    const work = async (payload: unknown): Promise<unknown> => {
      if (piece.delay > 0) await time.delay(piece.delay);
      if (piece.does === 1 && JSON.stringify(payload).length % 3 === 0) throw new Error("by chance");
      return piece.does === 2 ? [payload, 1] : { [name]: payload };
    };
    const own = piece.does > 5 ? { compensate: () => time.delay(piece.delay) } : {};
    const next = it.chunk(name, triggerOf(piece, names), work as never, own);
    if (!isSound(next)) return;
    it = next;
    names.push(name);
  });
  return { flow: it, graph: compile(it) };
}

function triggerOf({ kind, from }: Piece, names: readonly string[]): unknown {
  const fields = [
    Reply.field("a"),
    Reply.field("b"),
    Reply.field("list[*]"),
    Reply.field("list"),
    Reply.field("rows[*].tags[*]"),
    Reply.field("rows[*]"),
    Reply.field("rows[*].x"),
    Reply.done,
    all(Reply.field("a"), Reply.field("b")),
    all(Reply.field("b"), Reply.done),
  ];
  const [x = "", y = ""] = from.map((index) => names[index % Math.max(1, names.length)]);
  const follow = [
    after(x),
    all(after(x), after(y)),
    gather(x),
    gather(x),
    each(after(x)),
    failed(x),
    all(after(x), Reply.field("a")),
  ];
  const choices = names.length === 0 || kind % 5 < 2 ? fields : follow;
  return choices[kind % choices.length];
}

function isSound(it: Loose): boolean {
  try {
    compile(it);
    return true;
  } catch (error) {
    if (error instanceof FlowDefinitionError) return false;
    throw error;
  }
}
