// Checked by the compiler, in both dialects (this folder is in two tsconfigs): each @ts-expect-error holds one mistake.
import {
  type ContextOf,
  type Context,
  type Change,
  type Failure,
  type Field,
  type FieldIssue,
  type Invalid,
  type Opened,
  type Payload,
  after,
  any,
  changed,
  failed,
  defineFlow,
  event,
  flow as builder,
  instant,
  interrupt,
  run,
  start,
} from "@sluice/core";
import { chunk, flow, on } from "@sluice/decorators";
import { z } from "zod";

type Equal<A, B> = (<T>() => T extends A ? 1 : 2) extends <T>() => T extends B ? 1 : 2 ? true : false;
const holds = <T extends true>(..._proof: T[]): void => {};

const Escalated = event("escalated", z.object({ reason: z.string() }));
const Dated = event("dated", z.object({ at: z.string().transform((text) => new Date(text)) }));
const Approval = interrupt("approval", {
  ask: z.object({ draft: z.string() }),
  answer: z.object({ approved: z.boolean() }),
  expires: 1_000,
});
const Triage = instant(
  "triage",
  z.object({
    category: z.enum(["billing", "shipping"]),
    urgency: z.enum(["low", "high"]),
    summary: z.string(),
    steps: z.array(z.string()),
    at: z.string().transform((text) => new Date(text)),
    scores: z.record(z.string(), z.object({ n: z.number() })),
    tree: z.object({
      get kids() {
        return z.array(z.object({ name: z.string() }));
      },
    }),
    pair: z.tuple([z.string(), z.number()]),
    "a.b": z.number(),
  }),
);
const spec = defineFlow({
  name: "support",
  input: z.object({ id: z.string(), at: z.string().transform((text) => new Date(text)) }),
  state: z.object({ customer: z.string().optional(), n: z.number().default(0) }),
  stream: z.object({ type: z.literal("text"), text: z.string() }),
  result: z.object({ reply: z.string() }),
  accepts: [Escalated],
});
type Ctx = ContextOf<typeof spec>;
const other = defineFlow({ name: "other", input: z.string() });

@flow(spec)
class Right {
  constructor(readonly crm: { find(id: string): Promise<string> }) {}

  @chunk({ emits: [Escalated] })
  @on(start)
  async read(input: { id: string; at: Date }, ctx: Ctx) {
    holds<Equal<typeof ctx.abortSignal, AbortSignal>>();
    ctx.putIntoStream({ type: "text", text: input.id });
    // @ts-expect-error the stream schema has no such item
    ctx.putIntoStream({ type: "image" });
    // @ts-expect-error the result is an object
    ctx.setResult("x");
    // @ts-expect-error the payload of the event is an object with a reason
    ctx.emit(Escalated, { why: "x" });
    ctx.emit(Dated, { at: "2026-01-01" });
    // @ts-expect-error emit takes what the schema reads, not what it gives
    ctx.emit(Dated, { at: new Date() });
    ctx.state.set("customer", await this.crm.find(input.id));
    // @ts-expect-error the state has no such key
    ctx.state.set("custmer", "x");
    // @ts-expect-error the state's n is a number
    ctx.state.update((draft) => void (draft.n = "x"));
    return ctx.instant(Triage, ["{}"]);
  }
  @on(after("read"))
  whole(triage: Payload<typeof Triage.done>) {
    holds<Equal<(typeof triage)["at"], Date>>();
    return 7;
  }
  @on(after("whole")) next(_n: number) {}
  @on(Dated) dated(payload: { at: Date }) {
    return payload;
  }
  @on(Triage.field("category")) lookUp(_category: "billing" | "shipping", _ctx: Ctx) {}
  @on(Triage.field("steps[*]")) step(_step: string) {}
  @on(Triage.field("scores.*.n")) score(_n: number) {}
  @on(Triage.field("scores.bob")) bob(_score: { n: number }) {}
  @on(Triage.field("tree.kids[*].name")) kid(_name: string) {}
  @on(Triage.field("pair[1]")) second(_n: number) {}
  @on(Triage.field('["a.b"]')) dotted(_n: number) {}
  @on(Triage.field("at")) date(_at: Date) {}
  @on(Triage.invalid("steps[*]")) mend({ path, indexes, issues, raw }: Invalid, _ctx: Ctx) {
    holds<Equal<typeof issues, readonly FieldIssue[]>>();
    holds<Equal<typeof raw, unknown>>();
    return [path, ...indexes];
  }
  @on(any(Triage.field("category"), Triage.invalid("category"))) tried(_either: "billing" | "shipping" | Invalid) {}
  @on(Triage.delta("summary")) show(_text: string, _ctx: Ctx) {}
  @on(Triage.opened("steps[*]")) opened(_at: Opened) {}
  @on(Triage.field("urgency"), { when: (urgency) => urgency === "high" }) page(_urgency: "low" | "high") {}
  @on(any(Escalated, after("whole"))) either(_payload: { reason: string } | number) {}
  @on(Escalated) none() {}
  @on(Escalated) wide(_payload: unknown) {}
  @on(Escalated) shared(_payload: { reason: string }, _ctx: Context) {}
  @chunk({ retry: { attempts: 2, when: (error) => error instanceof TypeError }, timeout: 5, concurrency: 2 })
  @on(failed("whole"))
  answer({ input, attempts }: Failure<"whole", z.output<(typeof Triage)["schema"]>>) {
    return input.steps.length + attempts;
  }
  @on(changed("n")) counted({ from, to }: Change<number>, ctx: Ctx) {
    ctx.end({ reply: String(to - from) });
    // @ts-expect-error the result is an object
    ctx.end("x");
  }
  @on(failed()) any({ chunk: name }: Failure) {
    return name;
  }
}

class Wrong {
  // @ts-expect-error wrong payload
  @on(Escalated) payload(_payload: { reason: number }) {}
  // @ts-expect-error wants more than the event has
  @on(Escalated) more(_payload: { reason: string; level: number }) {}
  // @ts-expect-error there is no chunk "paeg"
  @on(after("paeg")) method(_payload: unknown) {}
  // @ts-expect-error not a method
  @on(after("field")) notMethod(_payload: unknown) {}
  // @ts-expect-error returns a number
  @on(after("number")) returned(_text: string) {}
  // @ts-expect-error the state has no key "m"
  @on(changed("m")) key(_change: Change<number>, _ctx: Ctx) {}
  // @ts-expect-error n is a number
  @on(changed("n")) keyType(_change: Change<string>, _ctx: Ctx) {}
  // @ts-expect-error there is no chunk "nobody"
  @on(failed("nobody")) failure(_failure: unknown) {}
  // @ts-expect-error the input of the failed chunk is an object
  @on(failed("payload")) failedInput(_failure: Failure<"payload", string>) {}
  // @ts-expect-error the input is an object
  @on(start) input(_input: string, _ctx: Ctx) {}
  // @ts-expect-error the input's `at` is transformed to a Date
  @on(start) transformed(_input: { id: string; at: string }) {}
  // @ts-expect-error no such path
  @on(Triage.field("categry")) path(_value: unknown) {}
  // @ts-expect-error no such deeper path
  @on(Triage.field("tree.kids[*].nam")) deeper(_value: unknown) {}
  // @ts-expect-error a path through text
  @on(Triage.field("summary.length")) through(_value: unknown) {}
  // @ts-expect-error arrays take [*], not .*
  @on(Triage.field("steps.*")) star(_value: unknown) {}
  // @ts-expect-error wrong field type
  @on(Triage.field("category")) fieldType(_category: number) {}
  // @ts-expect-error an enum is not text: it has no deltas
  @on(Triage.delta("urgency")) enumDelta(_text: string) {}
  // @ts-expect-error an array is not text
  @on(Triage.delta("steps")) arrayDelta(_text: string) {}
  // @ts-expect-error no such path to be invalid
  @on(Triage.invalid("stps[*]")) invalidPath(_invalid: Invalid) {}
  // @ts-expect-error what is invalid is no step
  @on(Triage.invalid("steps[*]")) invalidType(_step: string) {}
  @on(Approval.answered) approved(_answer: { approved: boolean }, ctx: Ctx) {
    ctx.interrupt(Approval, { draft: "x" });
    // @ts-expect-error a draft is a text
    ctx.interrupt(Approval, { draft: 7 });
  }
  @on(Approval.expired) tooLate(_asked: { draft: string }) {}
  // @ts-expect-error an answer has no draft
  @on(Approval.answered) answerType(_answer: { draft: string }) {}
  // @ts-expect-error opened has a path and indexes
  @on(Triage.opened("steps[*]")) openedType(_at: string) {}
  // @ts-expect-error there is no such urgency
  @on(Triage.field("urgency"), { when: (urgency) => urgency === "hgih" }) guard(_urgency: string) {}
  // @ts-expect-error the guard takes text, the payload is a number
  @on(after("number"), { when: (text: string) => text === "" }) guardType(_n: number) {}
  // @ts-expect-error a member of the union is missing
  @on(any(Escalated, after("number"))) union(_payload: { reason: string }) {}
  // @ts-expect-error a problem inside any
  @on(any(Escalated, after("nobody"))) inside(_payload: unknown) {}
  // @ts-expect-error a chunk takes a payload and ctx, and no more
  @on(Escalated) three(_payload: unknown, _ctx: Ctx, _more: number) {}
  // @ts-expect-error the second parameter is ctx
  @on(Escalated) second(_payload: unknown, _text: string) {}
  // @ts-expect-error a chunk is a public method of an instance
  @on(Escalated) static still(_payload: unknown) {}
  // @ts-expect-error @chunk, too
  @chunk() static stillChunk(_payload: unknown) {}
  // @ts-expect-error options are checked
  @chunk({ retries: 2 }) option(_payload: unknown) {}

  readonly field = 1;
  number() {
    return 1;
  }
}
void Wrong;

// @ts-expect-error the ctx of another flow
@flow(other)
class Alien {
  @on(Escalated) hear(_payload: unknown, _ctx: Ctx) {}
}
void Alien;

// @ts-expect-error the flow of this class is not known
@flow(spec)
class Unknown {
  @on(Escalated) hear(_payload: unknown) {}
}
void Unknown;

export function outside(crm: { find(id: string): Promise<string> }): void {
  const execution = run(Right, { id: "1", at: "now" }, { create: () => new Right(crm) });
  holds<Equal<typeof execution.result, Promise<{ reply: string }>>>();
  // @ts-expect-error the constructor needs arguments, so `create` is needed
  run(Right, { id: "1", at: "now" }, {});
  // @ts-expect-error the input needs `at`
  run(Right, { id: "1" }, { create: () => new Right(crm) });
  execution.stream$.subscribe(({ text }) => text.length);
  // @ts-expect-error items have no `image`
  execution.stream$.subscribe(({ image }) => image);
  execution.state$.subscribe(({ n }) => n.toFixed());
  execution.emit(Escalated, { reason: "vip" });
  // @ts-expect-error the flow does not accept it
  execution.emit(Dated, { at: "2026" });
  execution.on("chunk:failed", (entry) => entry.error.code);
  // @ts-expect-error there is no such entry
  execution.on("chunk:broken", () => {});
  execution.on("flow:completed", (entry) => entry.result.reply);
  execution.field$(Triage, "summary").subscribe((signal) => signal.type === "complete" && signal.value.length);
  // @ts-expect-error no such path
  execution.field$(Triage, "sumary");
  execution.events$.subscribe((entry) => entry.type === "stream:item" && entry.item.text);
  const steps: Field<typeof Triage, "steps[*]"> = "x";
  void steps;

  builder(spec)
    .chunk("a", start, (input) => input.at.getTime())
    .chunk("b", after("a"), (n) => n.toFixed(), { when: (n) => n > 1 })
    .chunk("c", any(after("b"), Escalated), (payload, ctx) => ctx.state.get("n") + JSON.stringify(payload).length);
  // @ts-expect-error there is no chunk "z"
  builder(spec).chunk("a", after("z"), () => 1);
  const one = builder(spec).chunk("a", start, () => 1);
  // @ts-expect-error there is a chunk "a" already
  one.chunk("a", start, () => 2);
}
