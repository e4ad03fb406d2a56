import {
  type Context,
  FlowDefinitionError,
  type Graph,
  after,
  all,
  any,
  compile,
  defineFlow,
  each,
  failed,
  flow,
  gather,
  instant,
  latest,
  race,
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

const Other = instant("other", z.object({ c: z.number().optional(), words: z.array(z.string()).optional() }));
const Inner = instant("inner", z.object({ d: z.number().optional(), tags: z.array(z.number()).optional() }));

/** A chunk by chance. */
interface Piece {
  readonly kind: number;
  readonly from: readonly [number, number];
  readonly delay: number;
  readonly does: number;
}

/** What a reply is in each attempt: all but the last text break off. */
export interface Written {
  readonly texts: readonly string[];
  readonly cuts: readonly number[];
}

/** The chunks that read a reply, and which. */
export const readers = { read: "reply", second: "other", nested: "inner" } as const;
export type Reader = keyof typeof readers;

/**
 * A flow in which two chunks read a reply each from the start on, and a third one because of what one of these holds; each
 * is written again until its last text.
 */
export interface ReplyPlan {
  readonly pieces: readonly Piece[];
  readonly written: Readonly<Record<Reader, Written>>;
  /** What the third one follows from. */
  readonly cause: number;
  /** Whether a chunk that may does stop a reply: then what stands hangs on the time. */
  readonly stops: boolean;
  readonly concurrency: number;
}

const small = fc.nat(2);
/** A reply with its keys in any order, and how far it comes in each attempt. */
function writtenOf(values: Readonly<Record<string, fc.Arbitrary<unknown>>>): fc.Arbitrary<Written> {
  const keys = Object.keys(values);
  const texts = fc
    .tuple(fc.record(values, { requiredKeys: [] }), fc.shuffledSubarray(keys, { minLength: keys.length }))
    .map(([value, order]) => {
      const present = order.flatMap((key) => (value[key] === undefined ? [] : [[key, value[key]] as const]));
      return JSON.stringify(Object.fromEntries(present));
    });
  return fc.record({
    texts: fc.array(texts, { minLength: 1, maxLength: 3 }),
    cuts: fc.array(fc.nat(60), { minLength: 3, maxLength: 3 }),
  });
}
const pieces = fc.record({
  kind: fc.nat(999),
  from: fc.tuple(fc.nat(9), fc.nat(9)),
  delay: fc.nat(12),
  does: fc.nat(9),
});
export const replyPlans: fc.Arbitrary<ReplyPlan> = fc.record({
  pieces: fc.array(pieces, { minLength: 2, maxLength: 7 }),
  written: fc.record({
    read: writtenOf({
      a: small,
      b: fc.constantFrom("p", "q"),
      list: fc.array(small, { maxLength: 3 }),
      rows: fc.array(fc.record({ x: small, tags: fc.array(small, { maxLength: 2 }) }), { maxLength: 3 }),
    }),
    second: writtenOf({ c: small, words: fc.array(fc.constantFrom("u", "v"), { maxLength: 2 }) }),
    nested: writtenOf({ d: small, tags: fc.array(small, { maxLength: 2 }) }),
  }),
  cause: fc.nat(5),
  stops: fc.constant(false),
  concurrency: fc.nat(3),
});

type Loose = {
  chunk: (name: string, trigger: unknown, work: (payload: never, ctx: Context) => unknown, options: object) => Loose;
};

/** A flow, and what is known of its chunks. */
interface ReplyFlow {
  readonly flow: Loose;
  readonly graph: Graph;
  /** Those that return the same whatever starts them: what does is a matter of time. */
  readonly blind: ReadonlySet<string>;
}

/** The flow of a plan; `alone`: only the last texts are written. Chunks only look at what they are given. */
export function replyFlowOf(plan: ReplyPlan, time: VirtualTime, alone: boolean, attempts?: number): ReplyFlow {
  const spec = defineFlow({
    name: "reply",
    input: z.number(),
    result: z.any(),
    ...(plan.concurrency > 0 && { concurrency: plan.concurrency + 1 }),
  });
  const reading = (it: Loose, name: Reader, trigger: unknown, reply: typeof Reply): Loose => {
    const { texts, cuts } = plan.written[name];
    const written = alone ? texts.slice(-1) : texts;
    const read = async (_payload: never, ctx: Context): Promise<undefined> => {
      const text = written[ctx.attempt - 1] ?? "";
      const isLast = ctx.attempt === written.length;
      const cut = cuts[ctx.attempt - 1] ?? 0;
      const shown = isLast ? text : text.slice(0, cut % text.length);
      const tokens = shown.match(/.{1,7}/gu) ?? [];
      const source = time.tokens(tokens.map((token) => [1 + (cut % 3), token] as const));
      await ctx.instant(reply, source, { stoppable: true });
    };
    return it.chunk(name, trigger, read, { retry: { attempts: attempts ?? written.length, delay: 3, jitter: false } });
  };
  const causes = [
    Reply.field("a"),
    Reply.field("list[*]"),
    Reply.field("rows[*]"),
    Reply.field("rows[*].x"),
    Other.field("c"),
    Other.field("words[*]"),
  ];
  let it = reading(flow(spec) as unknown as Loose, "read", start, Reply);
  it = reading(it, "second", start, Other as unknown as typeof Reply);
  it = reading(it, "nested", causes[plan.cause % causes.length], Inner as unknown as typeof Reply);
  const [single, several] = [[] as string[], [] as string[]];
  const blind = new Set<string>();
  plan.pieces.forEach((piece, index) => {
    const name = `c${index}`;
    const { trigger, isBlind, isSeveral } = triggerOf(piece, single, several);
    const work = async (payload: unknown, ctx: Context): Promise<unknown> => {
      if (piece.delay > 0) await time.delay(piece.delay);
      if (isBlind) return name;
      if (plan.stops && piece.does > 2 && piece.does < 8) stopOf(ctx);
      if (piece.does === 1 && JSON.stringify(payload).length % 3 === 0) throw new Error("by chance");
      return piece.does === 2 ? [payload, 1] : { [name]: payload };
    };
    const own = piece.does > 5 ? { compensate: () => time.delay(piece.delay) } : {};
    const next = it.chunk(name, trigger, work as never, own);
    if (!isSound(next)) return;
    it = next;
    if (isBlind) blind.add(name);
    (isSeveral ? several : single).push(name);
  });
  return { flow: it, graph: compile(it), blind };
}

/** Stops the replies that a chunk follows from, if it follows from any. */
function stopOf(ctx: Context): void {
  for (const reply of [Inner, Other, Reply]) {
    try {
      ctx.stop(reply);
    } catch {
      // it follows from another one
    }
  }
}

/** A trigger; `single` and `several` are the chunks that start once in a lane, and those that may start more often. */
function triggerOf({ kind, from }: Piece, single: readonly string[], several: readonly string[]) {
  const [x = "", y = ""] = from.map((index) => single[index % Math.max(1, single.length)]);
  const both = [...single, ...several];
  const [v = "", w = ""] = from.map((index) => both[index % Math.max(1, both.length)]);
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
    Other.field("c"),
    Other.field("words[*]"),
    Inner.field("d"),
    Inner.field("tags[*]"),
    Inner.done,
    all(Reply.field("a"), Other.field("c")),
    latest(Reply.field("b"), Other.field("c")),
  ];
  const follow = [
    after(x),
    after(x),
    all(after(x), after(y)),
    gather(x),
    gather(x),
    each(after(x)),
    failed(x),
    all(after(x), Reply.field("a")),
    all(after(x), Other.field("c")),
    latest(after(x), after(y)),
    latest(after(x), Reply.field("b")),
  ];
  const races = [race(Reply.field("a"), Other.field("c")), race(after(x), after(y)), race(after(x), Other.field("c"))];
  const anys = [any(Reply.field("a"), Other.field("c")), any(after(v), after(w)), after(several[0] ?? v)];
  const kinds = [fields, fields, fields, follow, follow, follow, races, anys];
  const list = single.length === 0 ? fields : (kinds[kind % kinds.length] ?? fields);
  return { trigger: list[kind % list.length] as unknown, isBlind: list === races, isSeveral: list === anys };
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
