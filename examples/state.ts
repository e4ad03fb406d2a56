// State is the recoverable data of one execution: typed, validated, changed in atomic steps that the log tells.
import { type Change, type ContextOf, changed, defineFlow, event, run, start } from "@sluice/core";
import { chunk, flow, on } from "@sluice/decorators";
import { z } from "zod";

const Add = event("add", z.object({ item: z.string(), price: z.number() }));
const spec = defineFlow({
  name: "basket",
  input: z.array(Add.schema),
  state: z.object({
    items: z.array(z.string()).default([]),
    total: z.number().default(0),
    voucher: z.string().optional(),
  }),
  result: z.string(),
});
type Ctx = ContextOf<typeof spec>;

@flow(spec)
class Basket {
  @chunk({ emits: [Add] })
  @on(start)
  begin(items: z.infer<typeof Add.schema>[], ctx: Ctx) {
    for (const item of items) ctx.emit(Add, item);
  }

  @on(Add)
  add({ item, price }: z.infer<typeof Add.schema>, ctx: Ctx) {
    ctx.state.update((draft) => {
      draft.items.push(item);
      draft.total += price;
    });
  }

  @on(changed("total"), { when: ({ from, to }: Change<number>) => from < 50 && to >= 50 })
  reward({ from, to }: Change<number>, ctx: Ctx) {
    console.log(`total went from ${from} to ${to}: a voucher`);
    ctx.state.set("voucher", "FIVE-OFF");
    ctx.setResult(`${ctx.state.get("items").join(", ")}: ${to} euros`);
  }

  @on(changed("voucher"))
  refuse(_change: Change<string | undefined>, ctx: Ctx) {
    try {
      ctx.state.set("items", [new Map() as unknown as string]);
    } catch (error) {
      console.log(`refused, and nothing is changed: ${(error as Error).message}`);
    }
  }
}

const execution = run(Basket, [
  { item: "tea", price: 4 },
  { item: "lamp", price: 50 },
]);
execution.on("state:changed", ({ chunk: name, diff, patches }) => {
  console.log(`${name}: ${JSON.stringify(diff)}`);
  console.log(`  ${patches.map(({ op, path, value }) => `${op} ${path} ${JSON.stringify(value)}`).join(", ")}`);
});
execution.state$.subscribe((state) => console.log(`state ${JSON.stringify(state)}`));
console.log(await execution.result);
