// From the log of an execution: how it stood at any moment, and what would have come of it with other code, state or input.
import {
  type ContextOf,
  after,
  defineFlow,
  diff,
  each,
  fork,
  gather,
  memoryStore,
  replay,
  run,
  start,
} from "@sluice/core";
import { flow, on } from "@sluice/decorators";
import { z } from "zod";

const spec = defineFlow({
  name: "offer",
  input: z.array(z.string()),
  state: z.object({ discount: z.number().default(10), sum: z.number().default(0) }),
  stream: z.string(),
  result: z.number(),
});
type Ctx = ContextOf<typeof spec>;

const prices: Readonly<Record<string, number>> = { lamp: 50, desk: 200, chair: 90 };

@flow(spec)
class Offer {
  @on(start)
  list(products: string[], _ctx: Ctx) {
    return products;
  }

  @on(each(after("list")))
  price(product: string, ctx: Ctx) {
    console.log(`  ${product} is looked up`); // dear: not to be done again
    const euros = prices[product] ?? 0;
    ctx.putIntoStream(`${product}: ${euros} euros`);
    return euros;
  }

  @on(gather("price"))
  add(euros: number[], ctx: Ctx) {
    const sum = euros.reduce((one, other) => one + other, 0);
    ctx.state.set("sum", sum);
    return sum;
  }

  @on(after("add"))
  total(sum: number, { state }: Ctx) {
    return sum - state.get("discount"); // in euros, where percent were meant
  }
}

@flow(spec)
class Mended extends Offer {
  override total(sum: number, { state }: Ctx) {
    return (sum * (100 - state.get("discount"))) / 100;
  }
}

const store = memoryStore();
console.log("An offer for a lamp and a desk");
console.log(await run(Offer, ["lamp", "desk"], { store, id: "offer-1" }).result);

console.log("\nIts moments");
const { entries } = await replay(Offer, "offer-1", { store });
for (const { seq } of entries) {
  const { state, items, position } = await replay(Offer, "offer-1", { store, upTo: seq });
  const running = position.filter(({ is }) => is === "running").map(({ chunk }) => chunk);
  const moment = `${String(seq).padStart(2)}  ${entries[seq - 1]?.type} ${running.join()}`;
  console.log(`${moment.padEnd(26)} sum ${state.sum}, ${items.length} items`);
}

const at = entries.find((entry) => entry.type === "chunk:complete" && entry.chunk === "add")?.seq ?? 1;
console.log(`\nFrom entry ${at} on`);
const mended = await fork(Mended, "offer-1", { store, at, id: "offer-2" });
console.log("with other code:", await mended.result);
const generous = await fork(Mended, "offer-1", { store, at, id: "offer-3", state: { discount: 20 } });
console.log("with another state, too:", await generous.result);

console.log("\nFrom the start, with another input");
const larger = await fork(Mended, "offer-1", { store, at: 1, id: "offer-4", input: ["lamp", "desk", "chair"] });
console.log(await larger.result);

console.log("\nWhat the mend has changed");
const [one, other] = [await replay(Offer, "offer-1", { store }), await replay(Mended, "offer-2", { store })];
console.dir(diff(one, other), { depth: null });
