import {
  type Context,
  FlowDefinitionError,
  type Graph,
  type ModelCall,
  type ModelPart,
  type Runnable,
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
  instant,
  interrupt,
  latest,
  quorum,
  race,
  start,
} from "@sluice/core";
import fc from "fast-check";
import { z } from "zod";
import { childrenOf } from "./crash-children.ts";
import { Approval, type Process, failFirst } from "./crash-process.ts";

export const Poke = event("poke", z.number());
const Fresh = event("fresh", z.number(), { lane: true });
const Hurried = interrupt("hurried", { ask: z.number(), answer: z.object({ ok: z.boolean() }), expires: 3 });
const Draft = instant("draft", z.object({ items: z.array(z.string()), note: z.string() }));

const rarely = fc.boolean().chain((one) => (one ? fc.boolean().map((two) => two) : fc.constant(false)));

const piece = fc.record({
  kind: fc.oneof(fc.nat(40), fc.integer({ min: 0, max: 12 })),
  from: fc.tuple(fc.nat(9), fc.nat(9)),
  delay: fc.nat(4),
  /** How many of an activation's tries fail; 9: all, on some items. */
  fails: fc.constantFrom<number[]>(0, 0, 0, 0, 0, 0, 1, 2, 9),
  attempts: fc.integer({ min: 1, max: 3 }),
  concurrency: fc.nat(3),
  list: fc.oneof(fc.constant(2), fc.nat(3)),
  hangs: fc.constantFrom(false, false, false, false, false, false, false, true),
  shows: fc.boolean(),
  sets: fc.boolean(),
  emits: rarely,
  emitsEarly: rarely,
  undoes: fc.boolean(),
  undoFails: fc.constantFrom(0, 0, 0, 1, 3),
  step: rarely,
  sleep: rarely,
  interrupts: rarely,
  asks: rarely,
  reads: rarely,
  /** Which child it runs, and how many; 0: none. */
  child: fc.oneof(fc.constant(0), fc.integer({ min: 0, max: 5 })),
  children: fc.integer({ min: 1, max: 2 }),
  joinTimeout: fc.constantFrom(0, 0, 3),
});

/** A chunk by chance. */
export type Piece = typeof piece extends fc.Arbitrary<infer T> ? T : never;

export const crashPlans = fc.record({
  pieces: fc.array(piece, { minLength: 1, maxLength: 8 }),
  concurrency: fc.nat(3),
  /** Whether what it comes to hangs on nothing but the flow. */
  steady: fc.boolean(),
  timeout: fc.constantFrom(0, 0, 0, 6, 15),
  cancelAt: fc.option(fc.nat(14), { freq: 2 }),
  rollback: fc.boolean(),
  keepOpen: rarely,
  pokes: fc.array(fc.nat(12), { maxLength: 2 }),
  budget: fc.boolean(),
});

/** A flow by chance, and what happens to it from outside. */
export type CrashPlan = typeof crashPlans extends fc.Arbitrary<infer T> ? T : never;

/** The builder of a flow whose chunks are not known to the types. */
interface Loose {
  readonly "~flow": { readonly name: string; readonly input: z.ZodNumber; readonly accepts: readonly [typeof Poke] };
  chunk(name: string, trigger: unknown, work: (payload: never, ctx: Context) => unknown, options?: object): Loose;
}

/** The flow of a plan, as a process runs it. A piece that makes no definition is left out. */
export function crashFlow(
  plan: CrashPlan,
  process: Process,
): { readonly flow: Loose; readonly graph: Graph; readonly children: readonly Runnable[] } {
  const spec = defineFlow({
    name: "random",
    input: z.number(),
    state: z.object({ c0: z.unknown().optional() }).catchall(z.unknown()),
    stream: z.unknown(),
    result: z.unknown(),
    accepts: [Poke],
    ...(plan.keepOpen && { keepOpen: true }),
    ...(plan.concurrency > 0 && { concurrency: plan.concurrency }),
    ...(!plan.steady && plan.timeout > 0 && { timeout: plan.timeout }),
  });
  const children = childrenOf(process);
  let it = flow(spec) as unknown as Loose;
  const names: string[] = [];
  const late = new Set<string>();
  const handling = new Set<string>();
  plan.pieces.forEach((given, index) => {
    const name = `c${index}`;
    const made = names.length === 0 ? { trigger: start, after: [] } : triggerOf(given, names, plan.steady);
    const isLate = made.late === true || made.after.some((one) => late.has(one));
    const isHandling = made.handles === true || made.after.some((one) => handling.has(one));
    const own = {
      ...given,
      // nothing goes round for ever: what has come round does not begin again, and what follows a failure does not fail
      ...(isLate && { emits: made.poked === true && given.emits, emitsEarly: false, interrupts: false, reads: false }),
      ...(given.hangs && { child: 0, asks: false, reads: false, step: false, sleep: false }), // what is done until then hangs on the clock
      ...(isHandling && { fails: 0, hangs: false, child: 0 }),
    };
    const next = it.chunk(
      name,
      made.trigger,
      workOf(own, index, made.poked === true, { process, children, steady: plan.steady }),
      {
        ...optionsOf(own, process),
        ...(made.joins === true && !plan.steady && own.joinTimeout > 0 && { joinTimeout: own.joinTimeout }),
      },
    );
    if (!isSound(next)) return;
    it = next;
    names.push(name);
    if (isLate) late.add(name);
    if (isHandling) handling.add(name);
  });
  return { flow: it, graph: compile(it), children };
}

interface Made {
  readonly trigger: unknown;
  readonly after: readonly string[];
  /** What it hears may come of what others do: an event, an answer, a reply. */
  readonly late?: true;
  readonly poked?: true;
  readonly handles?: true;
  readonly joins?: true;
}

function triggerOf({ kind, from }: Piece, names: readonly string[], steady: boolean): Made {
  const [x = "", y = ""] = from.map((index) => names[index % names.length]);
  const always: readonly (() => Made)[] = [
    () => ({ trigger: after(x), after: [x] }),
    () => ({ trigger: all(after(x), after(y)), after: [x, y], joins: true }),
    () => ({ trigger: any(after(x), after(y)), after: [x, y] }),
    () => ({ trigger: each(after(x)), after: [x] }),
    () => ({ trigger: each(after(y)), after: [y] }),
    () => ({ trigger: gather(x), after: [x] }),
    () => ({ trigger: gather(y), after: [y] }),
    () => ({ trigger: failed(x), after: [x], handles: true }),
    () => ({ trigger: any(Poke, Fresh), after: names, late: true, poked: true }),
    () => ({ trigger: changed("c0"), after: ["c0"] }),
    () => ({ trigger: Approval.answered, after: [], late: true }),
    () => ({ trigger: Draft.field("items[*]"), after: [], late: true }),
    () => ({ trigger: Draft.field("note"), after: [], late: true }),
    () => ({ trigger: Draft.done, after: [], late: true }),
  ];
  const loose: readonly (() => Made)[] = [
    () => ({ trigger: race(after(x), after(y)), after: [x, y] }),
    () => ({ trigger: latest(after(x), Poke), after: [x], late: true }),
    () => ({ trigger: quorum(2, after(x), after(y), Poke), after: [x, y], late: true, joins: true }),
    () => ({ trigger: Hurried.expired, after: [], late: true }),
  ];
  const triggers = steady ? always : [...always, ...loose];
  return triggers[kind % triggers.length]?.() ?? { trigger: after(x), after: [x] };
}

function optionsOf(own: Piece, process: Process): object {
  return {
    retry: { attempts: own.attempts, delay: 2, jitter: false },
    emits: [Poke, Fresh, ...(own.interrupts ? [Approval, Hurried] : [])],
    ...(own.concurrency > 0 && { concurrency: own.concurrency }),
    ...(own.hangs && { timeout: 2 }),
    ...(own.undoes && {
      compensate: async (_undo: unknown, ctx: Context) => {
        if (!process.alive()) return process.time.delay(Number.MAX_SAFE_INTEGER);
        process.called(`undo ${ctx.idempotencyKey}`);
        if (own.step) await stepOf(own, process, ctx);
        if (own.sleep) await ctx.sleep(1);
        else await process.time.delay(own.delay, ctx);
        failFirst(own.undoFails, process, ctx);
      },
    }),
  };
}

interface Bound {
  readonly process: Process;
  readonly children: readonly Runnable[];
  readonly steady: boolean;
}

function workOf(own: Piece, index: number, isPoked: boolean, { process, children, steady }: Bound) {
  const { time } = process;
  const outputOf = (ctx: Context): unknown =>
    Array.from({ length: own.list }, (_, item) => (ctx.signal.indexes.at(-1) ?? 0) * 100 + index * 10 + item);
  const finish = (payload: unknown, ctx: Context): unknown => {
    const { indexes } = ctx.signal;
    const nth = (indexes.at(-1) ?? 0) + index;
    failFirst(own.fails === 9 ? (nth % 2 === 0 ? 99 : 0) : own.fails, process, ctx);
    if (own.sets) ctx.state.set(indexes.length === 0 ? `c${index}` : `c${index} ${indexes.join()}`, nth);
    if (own.emits && !isPoked) ctx.emit(index % 2 === 0 ? Poke : Fresh, 1);
    if (own.emits && isPoked && typeof payload === "number" && payload > 0) ctx.emit(Poke, payload - 1);
    if (own.interrupts && !steady && index % 2 === 1) ctx.interrupt(Hurried, index);
    else if (own.interrupts) ctx.interrupt(Approval, { draft: `c${index}` });
    return outputOf(ctx);
  };
  const prepare = async (ctx: Context): Promise<void> => {
    if (own.step) await stepOf(own, process, ctx);
    if (own.sleep) await ctx.sleep(own.delay);
    else if (own.delay > 0) await time.delay(own.delay, ctx);
    const child = children[own.child - 1];
    if (child !== undefined) {
      const wanted = Array.from({ length: own.children }, (_, n) =>
        ctx.child(child, n as never).catch(() => "it failed"),
      );
      await Promise.all(wanted);
    }
    if (own.asks) await ctx.ask(Approval, { draft: `c${index} inline` });
    if (own.reads) await ctx.instant(Draft, modelOf(process, steady));
    if (own.hangs) await time.delay(1_000, ctx);
  };
  const isAtOnce = !(own.step || own.sleep || own.asks || own.reads || own.hangs) && own.delay === 0 && own.child === 0;
  return (payload: never, ctx: Context): unknown => {
    if (!process.alive()) return time.delay(Number.MAX_SAFE_INTEGER);
    process.called(`run ${ctx.idempotencyKey}`);
    if (own.shows) ctx.putIntoStream({ index, attempt: ctx.attempt });
    if (own.emitsEarly) ctx.emit(index % 2 === 0 ? Fresh : Poke, 1);
    return isAtOnce ? finish(payload, ctx) : prepare(ctx).then(() => finish(payload, ctx));
  };
}

async function stepOf(own: Piece, { time, called }: Process, ctx: Context): Promise<void> {
  const value = await ctx.step("first", async ({ abortSignal, idempotencyKey }) => {
    called(`step ${idempotencyKey}`);
    await time.delay(own.delay, { abortSignal });
    return { own: own.delay };
  });
  if (value.own !== own.delay) throw new Error("a step has come to something else");
}

/** A model that writes piece by piece, and tells what that cost; the same each time, or in each process something else. */
function modelOf({ time, number }: Process, steady: boolean): ModelCall {
  const second = steady || number % 2 === 0 ? '"b"' : '"c","d"';
  return {
    model: "scripted",
    stream: ({ abortSignal }) => {
      async function* parts(): AsyncGenerator<ModelPart> {
        for (const delta of ['{"items":["a",', `${second}],"no`, 'te":"x"}']) {
          await time.delay(1, { abortSignal });
          yield { type: "text", delta };
        }
        yield { type: "finish", finishReason: "stop", usage: { inputTokens: 3, outputTokens: 4 }, costUsd: 0.5 };
      }
      return parts();
    },
  };
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
