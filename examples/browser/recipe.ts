// A flow as it is anywhere else: nothing in it knows that it runs in a page. `npm run browser` serves it.
import {
  type ContextOf,
  type Field,
  type Payload,
  type TokenSource,
  defineFlow,
  event,
  instant,
  start,
} from "@sluice/core";
import { chunk, flow, on } from "@sluice/decorators";
import { z } from "zod";

const Dish = instant(
  "dish",
  z.object({
    title: z.string(),
    ingredients: z.array(z.object({ name: z.string(), grams: z.number().positive() })).min(1),
  }),
);
const Weighed = event("weighed", z.object({ name: z.string(), grams: z.number() }));

const spec = defineFlow({
  name: "recipe",
  input: z.object({ guests: z.number().int().positive() }),
  state: z.object({ grams: z.number().default(0) }),
  stream: z.string(),
  result: z.string(),
});
type Ctx = ContextOf<typeof spec>;

/** What writes the reply: a model that the page asks, or one that runs in it. */
export type Writer = (abortSignal: AbortSignal) => TokenSource;

/** A shopping list, ingredient by ingredient, while the recipe is still being written. */
@flow(spec)
export class Recipe {
  readonly #write: Writer;
  #guests = 1;

  constructor(write: Writer) {
    this.#write = write;
  }

  @on(start)
  read({ guests }: { guests: number }, ctx: Ctx) {
    this.#guests = guests;
    return ctx.instant(Dish, this.#write(ctx.abortSignal));
  }

  @on(Dish.field("title"))
  announce(title: string, ctx: Ctx) {
    ctx.putIntoStream(`For ${title} you need:`);
  }

  @chunk({ emits: [Weighed] })
  @on(Dish.field("ingredients[*]"))
  weigh({ name, grams }: Field<typeof Dish, "ingredients[*]">, ctx: Ctx) {
    ctx.emit(Weighed, { name, grams: grams * this.#guests });
  }

  @on(Weighed)
  list({ name, grams }: Payload<typeof Weighed>, ctx: Ctx) {
    ctx.state.update((draft) => void (draft.grams += grams));
    ctx.putIntoStream(`${grams} g of ${name}`);
  }

  @on(Dish.done)
  sum({ title }: Payload<typeof Dish.done>, ctx: Ctx) {
    ctx.setResult(`${title} for ${this.#guests}: ${ctx.state.get("grams")} g`);
  }
}
