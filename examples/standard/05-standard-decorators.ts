// The same flow with standard (TC39) decorators: this folder has a tsconfig without experimentalDecorators.
import { type ContextOf, after, defineFlow, run, start } from "@sluice/core";
import { flow, on } from "@sluice/decorators";
import { z } from "zod";

const spec = defineFlow({ name: "hello", input: z.object({ name: z.string() }), result: z.string() });
type Ctx = ContextOf<typeof spec>;

@flow(spec)
class Hello {
  @on(start)
  greet(input: { name: string }, _ctx: Ctx) {
    return `Hello, ${input.name}`;
  }

  @on(after("greet"))
  shout(greeting: string) {
    return `${greeting.toUpperCase()}!`;
  }
}

console.log(await run(Hello, { name: "Ada" }).result);
