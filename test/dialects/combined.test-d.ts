// Checked by the compiler, in both dialects (this folder is in two tsconfigs): triggers made of others, compensation,
// children. Each @ts-expect-error holds one mistake.
import {
  type Change,
  type ContextOf,
  type Failure,
  type Field,
  type KindOf,
  type Payload,
  type PayloadIn,
  type Trigger,
  type Undo,
  after,
  all,
  any,
  changed,
  defineFlow,
  each,
  event,
  failed,
  flow as builder,
  gather,
  instant,
  latest,
  quorum,
  race,
  run,
  rx,
  start,
} from "@sluice/core";
import { chunk, flow, on } from "@sluice/decorators";
import { type Observable, bufferTime, map, pairwise } from "rxjs";
import { z } from "zod";

type Equal<A, B> = (<T>() => T extends A ? 1 : 2) extends <T>() => T extends B ? 1 : 2 ? true : false;
const holds = <_Proofs extends true[]>(): void => {};

const Tick = event("tick", z.object({ n: z.number() }));
const Word = event("word", z.string());
const Batch = event("batch", z.array(z.string()));
const Pair = event("pair", z.tuple([z.string(), z.number()]));
const Loose = event("loose", z.any());
const Plan = instant(
  "plan",
  z.object({
    title: z.string(),
    steps: z.array(z.string()),
    parts: z.array(z.object({ name: z.string(), words: z.array(z.string()) })),
  }),
);
const spec = defineFlow({
  name: "combined",
  input: z.object({ items: z.array(z.object({ id: z.string(), at: z.string().transform((text) => new Date(text)) })) }),
  state: z.object({ tags: z.array(z.string()).default([]), n: z.number().default(0) }),
  stream: z.string(),
  result: z.number(),
});
type Ctx = ContextOf<typeof spec>;
type Items = { id: string; at: Date }[];

@flow(spec)
class Right {
  @on(start) items({ items }: { items: Items }, _ctx: Ctx) {
    return items;
  }
  @on(each(after("items"))) async item(item: { id: string; at: Date }, ctx: Ctx) {
    holds<[Equal<typeof ctx.signal.indexes, readonly number[]>]>();
    return item.at.getTime();
  }
  @on(gather("item")) times(times: number[]) {
    return times;
  }
  @on(each(gather("item"))) time(_time: number) {}
  @on(each(Batch)) text(_text: string) {}
  @on(each(Pair)) either(_part: string | number) {}
  @on(each(Loose)) loose(_anything: Date) {}
  @on(each(Plan.field("steps"))) step(_step: string) {}
  @on(each(Plan.field("parts[*].words"))) word(word: string) {
    return word.length;
  }
  @on(gather("word")) words(_lengths: number[]) {}
  @on(gather("word")) readonlyWords(_lengths: readonly number[]) {}
  @on(each(all(Tick, Word))) part(_part: { n: number } | string) {}

  @on(all(Tick, Word)) both([{ n }, word]: [{ n: number }, string]) {
    return word.repeat(n);
  }
  @on(all(after("items"), failed("item"), Plan.field("title"))) three([items, { input }, title]: [
    Items,
    Failure<"item", Items[number]>,
    Field<typeof Plan, "title">,
  ]) {
    return [items.length, input.id, title] as const;
  }
  @on(after("three")) tuple([_n, _id, _title]: readonly [number, string, string]) {}
  @on(all(Tick, any(Word, after("times"))), { when: ([{ n }]: [{ n: number }, unknown]) => n > 1 }) nested(
    _pair: [Payload<typeof Tick>, string | number[]],
  ) {}
  @on(all(Tick, Word), { when: ([{ n }, word]) => word.length > n, timeout: 5 }) guarded(_pair: unknown) {}
  @on(all(Tick, after("tock")), { by: "n" }) keyed([{ n }, tock]: [{ n: number }, { n: number; at: { id: string } }]) {
    return n + tock.n;
  }
  @on(quorum(1, after("tock"), after("tock")), { by: "at.id" }) deeper(_votes: unknown) {}
  @on(start) tock(_input: unknown) {
    return { n: 1, at: { id: "x" } };
  }
  @on(latest(Word, changed("n"))) newest([_word, { from, to }]: [string, Change<number>], _ctx: Ctx) {
    return to - from;
  }
  @on(any(Word, after("newest"))) one(_payload: string | number) {}
  @on(race(Word, after("newest"))) first(_payload: string | number) {}
  @on(quorum(2, Word, after("newest"), gather("item"))) enough({
    fired,
    values,
  }: {
    readonly fired: string[];
    readonly values: (string | number | number[])[];
  }) {
    return fired.length + values.length;
  }

  @on(rx(Tick, (tick$, scheduler) => tick$.pipe(bufferTime(100, scheduler)))) window(_ticks: { n: number }[]) {}
  @on(rx(Word, (word$) => word$.pipe(pairwise()))) steps(_pair: [string, string]) {}
  @on(each(rx(Tick, (tick$) => tick$.pipe(bufferTime(100))))) tick(_tick: { n: number }) {}
  // what only the class knows is said where the pipeline begins
  @on(rx(after("newest"), (n$: Observable<number>) => n$.pipe(map(String)))) texts(_text: string) {}

  @chunk({ compensate: "giveBack" })
  @on(Word)
  async take(word: string) {
    return { word };
  }
  giveBack({ input, output }: Undo<string, { word: string }>, _ctx: Ctx) {
    holds<[Equal<typeof input, string>, Equal<typeof output, { word: string }>]>();
  }
  @chunk({ compensate: "anything" }) @on(Tick) count(_tick: { n: number }) {}
  anything(_undo: Undo) {}
  @chunk({ compensate: "nothing" }) @on(Word) quiet(_word: string) {}
  nothing() {}

  @on(changed("tags")) tagged({ from, to }: Change<string[]>, ctx: Ctx) {
    ctx.state.update((draft) => void draft.tags.push("x"));
    return to.length - from.length;
  }

  // a flow that runs itself, without annotation of what it returns
  @on(Word) async again(_word: string, ctx: Ctx) {
    const inner = await ctx.child(Right, { items: [{ id: "1", at: "now" }] });
    holds<[Equal<typeof inner, number>]>();
    return inner + 1;
  }
  @on(after("again")) afterAgain(_n: number) {}
}

// not only accepted: exactly these
type PayloadOf<T extends Trigger> = PayloadIn<KindOf<T>, Right, typeof spec>;
const exact = {
  each: each(after("items")),
  gather: gather("item"),
  all: all(Tick, after("items"), changed("n")),
  any: any(Word, after("newest")),
  race: race(Word, after("newest")),
  latest: latest(gather("item"), Word),
  quorum: quorum(2, Word, after("newest")),
  rx: rx(Word, (word$) => word$.pipe(pairwise())),
  changed: changed("tags"),
};
holds<
  [
    Equal<PayloadOf<typeof exact.each>, Items[number]>,
    Equal<PayloadOf<typeof exact.gather>, number[]>,
    Equal<PayloadOf<typeof exact.all>, [{ n: number }, Items, Change<number>]>,
    Equal<PayloadOf<typeof exact.any>, string | number>,
    Equal<PayloadOf<typeof exact.race>, string | number>,
    Equal<PayloadOf<typeof exact.latest>, [number[], string]>,
    Equal<PayloadOf<typeof exact.quorum>, { readonly fired: string[]; readonly values: (string | number)[] }>,
    Equal<PayloadOf<typeof exact.rx>, [string, string]>,
    Equal<PayloadOf<typeof exact.changed>, Change<string[]>>,
  ]
>();

class Wrong {
  // @ts-expect-error the items are texts
  @on(each(Batch)) itemType(_n: number) {}
  // @ts-expect-error the payload is no array
  @on(each(Tick)) noArray(_tick: unknown) {}
  // @ts-expect-error a text is no array
  @on(each(Word)) text(_letter: string) {}
  // @ts-expect-error the payload is no array, as only the class knows
  @on(each(after("number"))) noArrayHere(_n: unknown) {}
  // @ts-expect-error a problem inside each
  @on(each(after("nobody"))) inEach(_item: unknown) {}
  // @ts-expect-error there is no chunk "nobody"
  @on(gather("nobody")) gathered(_all: unknown) {}
  // @ts-expect-error "field" is no method
  @on(gather("field")) gatheredField(_all: unknown) {}
  // @ts-expect-error what "number" returned are numbers
  @on(gather("number")) gatheredType(_all: string[]) {}
  // @ts-expect-error gather gives a list
  @on(gather("number")) gatheredOne(_one: number) {}
  // @ts-expect-error the second place is a text
  @on(all(Tick, Word)) place(_pair: [{ n: number }, number]) {}
  // @ts-expect-error the places are the other way round
  @on(all(Tick, Word)) order(_pair: [string, { n: number }]) {}
  // @ts-expect-error there is no third place
  @on(all(Tick, Word)) length(_three: [{ n: number }, string, string]) {}
  // @ts-expect-error the second place is a number, as the class knows
  @on(latest(Tick, after("number"))) latestPlace(_pair: [{ n: number }, string]) {}
  // @ts-expect-error a problem inside all
  @on(all(Tick, after("nobody"))) inAll(_pair: unknown) {}
  // @ts-expect-error a problem inside latest
  @on(latest(Tick, gather("nobody"))) inLatest(_pair: unknown) {}
  // @ts-expect-error a problem inside quorum
  @on(quorum(1, Tick, each(Word))) inQuorum(_some: unknown) {}
  // @ts-expect-error a member of the union is missing
  @on(race(Tick, Word)) member(_one: string) {}
  // @ts-expect-error all takes two triggers or more
  @on(all(Tick)) alone(_one: unknown) {}
  // @ts-expect-error quorum's number comes first
  @on(quorum(Tick, Word)) number2(_some: unknown) {}
  // @ts-expect-error quorum gives what fired and the values
  @on(quorum(1, Tick, Word)) some(_some: [{ n: number }, string]) {}
  // @ts-expect-error the values are texts or objects
  @on(quorum(1, Tick, Word)) values(_some: { values: number[] }) {}
  // @ts-expect-error the guard takes another tuple
  @on(all(Tick, Word), { when: ([n]: [number, string]) => n > 1 }) guard(_pair: unknown) {}
  // @ts-expect-error words have no `n`
  @on(all(Tick, Word), { by: "n" }) byLacking(_pair: unknown) {}
  // @ts-expect-error `n` has nothing below it
  @on(all(Tick, Tick), { by: "n.m" }) byTooDeep(_pair: unknown) {}
  // @ts-expect-error `by` is a path
  @on(all(Tick, Word), { by: ({ n }: { n: number }) => n }) by(_pair: unknown) {}
  // @ts-expect-error the pipeline gives lists
  @on(rx(Tick, (tick$) => tick$.pipe(bufferTime(100)))) piped(_tick: { n: number }) {}
  // @ts-expect-error the pipeline does not take the payload
  @on(rx(after("number"), (text$: Observable<string>) => text$)) pipeline(_text: string) {}
  // @ts-expect-error a tick has no such property
  @on(rx(Tick, (tick$) => tick$.pipe(map(({ m }) => m)))) inPipeline(_m: unknown) {}
  // @ts-expect-error what comes out of a pipeline is no array
  @on(each(rx(Word, (word$) => word$))) eachPiped(_word: unknown) {}
  // @ts-expect-error the state has no key "m"
  @on(all(Tick, changed("m"))) inJoin(_pair: unknown, _ctx: Ctx) {}

  // @ts-expect-error there is no method "undo"
  @chunk({ compensate: "undo" }) @on(Word) unknownUndo(_word: string) {}
  // @ts-expect-error "field" is no method
  @chunk({ compensate: "field" }) @on(Word) fieldUndo(_word: string) {}
  // @ts-expect-error the chunk gets a text
  @chunk({ compensate: "undoInput" }) @on(Word) wrongInput(word: string) {
    return word.length;
  }
  undoInput(_undo: Undo<number, number>) {}
  // @ts-expect-error the chunk gives a number
  @chunk({ compensate: "undoOutput" }) @on(Word) async wrongOutput(word: string) {
    return word.length;
  }
  undoOutput(_undo: Undo<string, string>) {}

  readonly field = 1;
  number() {
    return 1;
  }
}
void Wrong;

const leaf = defineFlow({ name: "leaf", input: z.object({ at: z.string().transform(Number) }), result: z.string() });
@flow(leaf)
class Leaf {
  constructor(readonly client: { get(id: number): string }) {}
  @on(start) get({ at }: { at: number }, _ctx: ContextOf<typeof leaf>) {
    return this.client.get(at);
  }
}
const built = builder(defineFlow({ name: "built", input: z.number(), result: z.boolean() })).chunk(
  "a",
  start,
  (n) => n > 1,
);
const create = (): Leaf => new Leaf({ get: String });

@flow(spec)
class Parents {
  @on(start) async all(_input: unknown, ctx: Ctx) {
    holds<
      [
        Equal<ReturnType<typeof one>, Promise<string>>,
        Equal<ReturnType<typeof two>, Promise<boolean>>,
        Equal<ReturnType<typeof three>, Promise<number>>,
      ]
    >();
    const one = () => ctx.child(Leaf, { at: "1" }, { create, bridge: false });
    const two = () => ctx.child(built, 1);
    const three = () => ctx.child(Right, { items: [] });
    // @ts-expect-error the input's `at` is a text
    await ctx.child(Leaf, { at: 1 }, { create });
    // @ts-expect-error the constructor needs arguments, so `create` is needed
    await ctx.child(Leaf, { at: "1" });
    // @ts-expect-error also where there are other options
    await ctx.child(Leaf, { at: "1" }, { bridge: true });
    // @ts-expect-error `create` makes another class
    await ctx.child(Leaf, { at: "1" }, { create: () => new Date() });
    // @ts-expect-error a child has no abort signal of its own
    await ctx.child(built, 1, { abortSignal: ctx.abortSignal });
    // @ts-expect-error the builder's flow takes a number
    await ctx.child(built, "1");
    // @ts-expect-error the class is no flow: none of its methods takes ctx
    await ctx.child(class None {}, {});
    // @ts-expect-error the child's result is a text
    const n: number = await ctx.child(Leaf, { at: "1" }, { create });
    return n;
  }
}
void Parents;

@flow(spec)
class Stepping {
  @on(start) async all(_input: unknown, { step, sleep }: Ctx) {
    holds<
      [
        Equal<ReturnType<typeof one>, Promise<{ receipt: string }>>,
        Equal<ReturnType<typeof two>, Promise<number>>,
        Equal<ReturnType<typeof three>, Promise<void>>,
        Equal<ReturnType<typeof sleep>, Promise<void>>,
      ]
    >();
    const one = () => step("charge", async ({ idempotencyKey }) => ({ receipt: idempotencyKey.toUpperCase() }));
    const two = () => step("count", ({ abortSignal }) => Number(abortSignal.aborted));
    const three = () => step("nothing", () => {});
    // @ts-expect-error a step has a name
    await step(() => 1);
    // @ts-expect-error its work gets no ctx
    await step("more", ({ emit }) => emit);
    // @ts-expect-error milliseconds are a number
    await sleep("1 day");
    return (await one()).receipt.length + (await two());
  }
}
void Stepping;

// two flows that run each other
const ping = defineFlow({ name: "ping", input: z.number(), result: z.number() });
const pong = defineFlow({ name: "pong", input: z.string(), result: z.string() });
@flow(ping)
class Ping {
  @on(start) async go(n: number, ctx: ContextOf<typeof ping>) {
    return n === 0 ? 0 : Number(await ctx.child(Pong, String(n - 1)));
  }
}
@flow(pong)
class Pong {
  @on(start) async go(text: string, ctx: ContextOf<typeof pong>) {
    return String(await ctx.child(Ping, Number(text)));
  }
}
holds<[Equal<ReturnType<Ping["go"]>, Promise<number>>, Equal<ReturnType<Pong["go"]>, Promise<string>>]>();

/** The builder knows the same. */
export function builders(): void {
  run(Right, { items: [] }).cancel("enough", { rollback: true });
  const flowOfItems = builder(spec)
    .chunk("items", start, ({ items }) => items)
    .chunk("item", each(after("items")), ({ at }) => at.getTime())
    .chunk("times", gather("item"), (times) => times.reduce((sum, time) => sum + time, 0), {
      compensate: ({ input, output }) => holds<[Equal<typeof input, number[]>, Equal<typeof output, number>]>(),
    })
    .chunk("both", all(after("times"), Word), ([n, word]) => word.repeat(n), { joinTimeout: 5, by: "id" })
    .chunk("some", quorum(1, Word, after("times")), ({ values }) => values.map((value) => value.toString()));
  // @ts-expect-error there is no chunk "itme"
  flowOfItems.chunk("wrong", gather("itme"), () => {});
  // @ts-expect-error a number is no array
  flowOfItems.chunk("wrong", each(after("times")), () => {});
}
