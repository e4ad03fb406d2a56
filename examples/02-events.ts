// Chunks emit business events, which trigger more chunks. A loop is an event that is emitted again.
import { type ContextOf, type Payload, defineFlow, event, run, start } from "@sluice/core";
import { chunk, flow, on } from "@sluice/decorators";
import { z } from "zod";

const Guess = event("guess", z.object({ low: z.number(), high: z.number() }));
const Found = event("found", z.number());

const spec = defineFlow({ name: "guessing", input: z.number().int().min(1).max(100), result: z.string() });
type Ctx = ContextOf<typeof spec>;

@flow(spec)
class Guessing {
  #secret = 0;
  #guesses = 0;

  @chunk({ emits: [Guess] })
  @on(start)
  begin(secret: number, ctx: Ctx) {
    this.#secret = secret;
    ctx.emit(Guess, { low: 1, high: 100 });
  }

  @chunk({ emits: [Guess, Found] })
  @on(Guess)
  guess({ low, high }: Payload<typeof Guess>, ctx: Ctx) {
    this.#guesses += 1;
    const middle = Math.floor((low + high) / 2);
    if (middle === this.#secret) ctx.emit(Found, middle);
    else if (middle < this.#secret) ctx.emit(Guess, { low: middle + 1, high });
    else ctx.emit(Guess, { low, high: middle - 1 });
  }

  @on(Found)
  tell(secret: number, ctx: Ctx) {
    ctx.setResult(`It is ${secret}, found in ${this.#guesses} guesses`);
  }
}

console.log(await run(Guessing, 73).result);
