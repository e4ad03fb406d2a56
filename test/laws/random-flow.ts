import {
  type Context,
  FlowDefinitionError,
  type Graph,
  after,
  all,
  any,
  changed,
  compile,
  defineFlow,
  each,
  event,
  failed,
  flow,
  gather,
  latest,
  quorum,
  race,
  rx,
  start,
} from "@sluice/core";
import type { VirtualTime } from "@sluice/testing";
import fc from "fast-check";
import { type Observable, bufferCount } from "rxjs";
import { z } from "zod";

export const Poke = event("poke", z.number());
const Fresh = event("fresh", z.number(), { lane: true });

/** A chunk by chance. */
export interface Piece {
  readonly kind: number;
  readonly from: readonly [number, number];
  readonly delay: number;
  /** 0 to 3: never, on its first attempt, on some items, synchronously on some items. */
  readonly fails: number;
  readonly attempts: number;
  readonly concurrency: number;
  readonly timeout: number;
  readonly list: number;
  readonly does: number;
  /** Bits: it takes a step; it sleeps. So does what undoes it. */
  readonly remembers: number;
}

/** A flow by chance, and what happens to it from outside. */
export interface Plan {
  readonly pieces: readonly Piece[];
  readonly concurrency: number;
  readonly timeout: number;
  readonly cancelAt: number | null;
  readonly rollback: boolean;
  readonly pokes: readonly number[];
}

const piece: fc.Arbitrary<Piece> = fc.record({
  // fan-outs and gathers are found by chance too rarely
  kind: fc.oneof(fc.nat(14), fc.integer({ min: 6, max: 9 })),
  from: fc.tuple(fc.nat(9), fc.nat(9)),
  delay: fc.nat(4),
  fails: fc.oneof({ weight: 6, arbitrary: fc.constant(0) }, { weight: 1, arbitrary: fc.integer({ min: 1, max: 3 }) }),
  attempts: fc.integer({ min: 1, max: 3 }),
  concurrency: fc.nat(3),
  timeout: fc.oneof({ weight: 4, arbitrary: fc.constant(0) }, { weight: 1, arbitrary: fc.integer({ min: 1, max: 4 }) }),
  list: fc.oneof(fc.constant(2), fc.nat(3)),
  does: fc.nat(7),
  remembers: fc.oneof(
    { weight: 3, arbitrary: fc.constant(0) },
    { weight: 2, arbitrary: fc.integer({ min: 1, max: 3 }) },
  ),
});

export const plans: fc.Arbitrary<Plan> = fc.record({
  pieces: fc.array(piece, { minLength: 1, maxLength: 9 }),
  concurrency: fc.nat(3),
  timeout: fc.oneof(
    { weight: 5, arbitrary: fc.constant(0) },
    { weight: 1, arbitrary: fc.integer({ min: 1, max: 12 }) },
  ),
  cancelAt: fc.option(fc.nat(12), { freq: 4 }),
  rollback: fc.boolean(),
  pokes: fc.array(fc.nat(8), { maxLength: 2 }),
});

/** The builder of a flow whose chunks are not known to the types. */
interface Loose {
  readonly "~flow": { readonly name: string; readonly input: z.ZodNumber; readonly accepts: readonly [typeof Poke] };
  chunk(name: string, trigger: unknown, work: (payload: never, ctx: Context) => unknown, options?: object): Loose;
}

/** The flow of a plan. A piece that makes no definition is left out. Its chunks wait on the clock, and do not go on for ever. */
export function flowOf(plan: Plan, time: VirtualTime): { readonly flow: Loose; readonly graph: Graph } {
  const spec = defineFlow({
    name: "random",
    input: z.number(),
    state: z.object({ n: z.number().default(0) }),
    stream: z.any(),
    result: z.any(),
    accepts: [Poke],
    ...(plan.concurrency > 0 && { concurrency: plan.concurrency }),
    ...(plan.timeout > 0 && { timeout: plan.timeout }),
  });
  let emitted = 0;
  let calls = 0;
  const recall = async ({ delay, remembers }: Piece, ctx: Context): Promise<void> => {
    if (remembers & 1) await ctx.step("first", () => time.delay(delay));
    if (remembers & 2) await ctx.sleep(delay);
  };
  const work = (index: number, own: Piece) => {
    const { delay, fails, list, does } = own;
    const act = (ctx: Context): readonly number[] => {
      const { indexes } = ctx.signal;
      if (isTired()) return [];
      if (fails === 1 && ctx.attempt === 1) throw new Error("the first attempt");
      if (fails >= 2 && ((indexes.at(-1) ?? 0) + index) % 2 === 0) throw new Error("this item");
      if (does & 1) ctx.putIntoStream({ index, indexes });
      if (does & 2 && ctx.state.get("n") < 5) ctx.state.update((draft: { n: number }) => void (draft.n += 1));
      if (does & 4 && emitted < 5) ctx.emit((emitted += 1) % 2 === 0 ? Poke : Fresh, index);
      return Array.from({ length: list }, (_, item) => (indexes.at(-1) ?? 0) * 100 + index * 10 + item);
    };
    return (_payload: never, ctx: Context): unknown => {
      calls += 1;
      if (own.remembers > 0 && !isTired()) return recall(own, ctx).then(() => act(ctx));
      return fails === 3 || delay === 0 || isTired() ? act(ctx) : time.delay(delay).then(() => act(ctx));
    };
  };
  // what follows a handler may fail again, and so call the handler again: by then nothing fails any more
  const isTired = (): boolean => calls > 200;
  const options = (own: Piece): object => ({
    retry: { attempts: own.attempts, delay: 2, jitter: false },
    ...(own.concurrency > 0 && { concurrency: own.concurrency }),
    ...(own.timeout > 0 && { timeout: own.timeout }),
    ...(own.does === 5 && {
      compensate: (_undo: never, ctx: Context) => (own.remembers > 0 ? recall(own, ctx) : time.delay(own.delay)),
    }),
    ...(own.does === 6 && { once: true }),
  });
  let it = flow(spec) as unknown as Loose;
  const names: string[] = [];
  plan.pieces.forEach((own, index) => {
    const name = `c${index}`;
    const trigger = names.length === 0 ? start : triggerOf(own, names);
    const next = it.chunk(name, trigger, work(index, own), options(own));
    if (!isSound(next)) return;
    it = next;
    names.push(name);
  });
  return { flow: it, graph: compile(it) };
}

function triggerOf({ kind, from }: Piece, names: readonly string[]): unknown {
  const [x = "", y = ""] = from.map((index) => names[index % names.length]);
  const triggers = [
    () => after(x),
    () => any(after(x), after(y)),
    () => all(after(x), after(y)),
    () => race(after(x), after(y)),
    () => latest(after(x), Poke),
    () => quorum(2, after(x), after(y), Poke),
    () => each(after(x)),
    () => each(after(y)),
    () => gather(x),
    () => gather(y),
    () => failed(x),
    () => failed(),
    () => any(Poke, Fresh),
    () => changed("n"),
    () => rx(after(x), (list$: Observable<unknown>) => list$.pipe(bufferCount(2))),
  ];
  return triggers[kind % triggers.length]?.();
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
