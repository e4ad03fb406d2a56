// A join waits for several triggers: all of them, the first, the latest of each, or enough of them.
import { type ContextOf, type Failure, type Payload, after, defineFlow, event, failed, run } from "@sluice/core";
import { all, any, latest, quorum, race } from "@sluice/core";
import { flow, on } from "@sluice/decorators";
import { z } from "zod";

const Order = z.object({ id: z.string() });
const Paid = event("paid", z.object({ order: Order, sum: z.number() }));
const Packed = event("packed", z.object({ order: Order, box: z.string() }));
const Question = event("question", z.string(), { lane: true }); // joins of one question never mix with another's
const Price = event("price", z.number());
const Rate = event("rate", z.number());

const spec = defineFlow({
  name: "joins",
  input: z.undefined(),
  stream: z.string(),
  accepts: [Paid, Packed, Question, Price, Rate],
  keepOpen: true,
});
type Ctx = ContextOf<typeof spec>;

@flow(spec)
class Joins {
  @on(any(Paid, Packed))
  note({ order }: Payload<typeof Paid> | Payload<typeof Packed>, ctx: Ctx) {
    ctx.putIntoStream(`any      ${order.id} is ${ctx.signal.event}`);
  }

  @on(all(Paid, Packed), { by: "order.id", timeout: 200 })
  ship([{ order, sum }, { box }]: [Payload<typeof Paid>, Payload<typeof Packed>], ctx: Ctx) {
    ctx.putIntoStream(`all      ${order.id}: ${sum} euros, ${box}`);
  }

  @on(failed("ship"))
  remind({ input }: Failure<"ship">, ctx: Ctx) {
    ctx.putIntoStream(`timeout  of all that was to come there is only ${JSON.stringify(input)}`);
  }

  @on(latest(Price, Rate))
  convert([price, rate]: [number, number], ctx: Ctx) {
    ctx.putIntoStream(`latest   ${price} × ${rate} = ${price * rate}`);
  }

  @on(Question) optimist(question: string) {
    return `${question} Yes`;
  }
  @on(Question) pessimist(question: string) {
    return `${question} No`;
  }
  @on(Question) realist(question: string) {
    return `${question} It depends`;
  }

  @on(race(after("optimist"), after("pessimist")))
  first(answer: string, ctx: Ctx) {
    ctx.putIntoStream(`race     ${answer}`);
  }

  @on(quorum(2, after("realist"), after("pessimist"), after("optimist")))
  enough({ fired, values }: { fired: string[]; values: string[] }, ctx: Ctx) {
    ctx.putIntoStream(`quorum   ${values.join(" / ")} (${fired.length} of 3)`);
  }
}

const execution = run(Joins, undefined);
execution.stream$.subscribe((line) => console.log(line));

execution.emit(Paid, { order: { id: "A" }, sum: 20 });
execution.emit(Paid, { order: { id: "B" }, sum: 30 });
execution.emit(Packed, { order: { id: "B" }, box: "a small box" });
for (const price of [10, 20]) execution.emit(Price, price);
for (const rate of [2, 3]) execution.emit(Rate, rate);
execution.emit(Question, "Is it late?");
execution.emit(Question, "Is it far?");
execution.close(); // nothing more comes from outside: what is unfinished goes on
await execution.result;
