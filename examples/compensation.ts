// What has completed is undone, the last first, when the execution fails; or when it is cancelled with `rollback`.
import { type ContextOf, type Execution, type Undo, after, defineFlow, run, start } from "@sluice/core";
import { chunk, flow, on } from "@sluice/decorators";
import { z } from "zod";

const Order = z.object({ id: z.string(), sum: z.number(), shop: z.enum(["open", "closed", "slow"]) });
type Order = z.infer<typeof Order>;
const spec = defineFlow({ name: "purchase", input: Order, stream: z.string() });
type Ctx = ContextOf<typeof spec>;

@flow(spec)
class Purchase {
  @chunk({ compensate: "refund" })
  @on(start)
  charge(order: Order, ctx: Ctx) {
    ctx.putIntoStream(`${order.sum} euros are charged`);
    return { payment: `payment-${order.id}`, order };
  }

  refund({ input, output }: Undo<Order, { payment: string }>) {
    console.log(`  ${input.sum} euros go back (${output.payment})`);
  }

  @chunk({ compensate: "release", retry: { attempts: 2, delay: 10 } })
  @on(after("charge"))
  reserve({ order }: { order: Order }, ctx: Ctx) {
    ctx.putIntoStream(`order ${order.id} is reserved`);
    return order;
  }

  release({ output }: Undo<{ order: Order }, Order>) {
    console.log(`  order ${output.id} is reserved no longer`);
  }

  @on(after("reserve"))
  async confirm({ shop }: Order, ctx: Ctx) {
    if (shop === "closed") throw new Error("the shop is closed");
    if (shop === "slow") await new Promise((_, reject) => ctx.abortSignal.addEventListener("abort", reject));
    ctx.putIntoStream("the shop has confirmed");
  }
}

/** Prints what is undone, and how it ends. */
function watch(execution: Execution): Execution {
  execution.stream$.subscribe({ next: (line) => console.log(`  ${line}`), error: () => {} });
  execution.on("flow:rollback", ({ end }) => console.log(`  flow:rollback, for it is to end as ${end}`));
  execution.on("chunk:compensated", (entry) => console.log(`  chunk:compensated ${entry.chunk}`));
  for (const type of ["flow:completed", "flow:failed", "flow:cancelled"] as const)
    execution.on(type, () => console.log(`  ${type}`));
  return execution;
}

console.log("An order that fails");
const failing = watch(run(Purchase, { id: "1", sum: 20, shop: "closed" }));
console.log(await failing.result.catch(String));

console.log("\nAn order that is cancelled with a rollback");
const cancelled = watch(run(Purchase, { id: "2", sum: 30, shop: "slow" }));
cancelled.on("chunk:start", (entry) => {
  if (entry.chunk === "confirm") cancelled.cancel("the customer has left", { rollback: true });
});
console.log(await cancelled.result.catch(String));

console.log("\nAn order that goes well");
await watch(run(Purchase, { id: "3", sum: 40, shop: "open" })).result;
