// A chunk that fails is tried again; one that has failed for good is answered for.
import { type ContextOf, type Failure, defineFlow, failed, run, start } from "@sluice/core";
import { chunk, flow, on } from "@sluice/decorators";
import { z } from "zod";

const spec = defineFlow({ name: "weather", input: z.string(), result: z.string(), timeout: 2_000 });
type Ctx = ContextOf<typeof spec>;

@flow(spec)
class Weather {
  @chunk({ retry: { attempts: 3, delay: 50 }, timeout: 500 })
  @on(start)
  async ask(city: string, ctx: Ctx) {
    if (city === "Atlantis") throw Object.assign(new Error("there is no such city"), { retryable: false });
    if (ctx.attempt < 3) throw new Error("the service is busy");
    return `${city}: sunny, said at attempt ${ctx.attempt}`;
  }

  @on(failed("ask"))
  guess({ input, error, attempts }: Failure<"ask", string>) {
    return `${input}: nobody knows, after ${attempts} attempt (${error.message})`;
  }
}

for (const city of ["Oslo", "Atlantis"]) {
  const execution = run(Weather, city);
  execution.on("chunk:retry", ({ attempt, delayMs }) =>
    console.log(`attempt ${attempt} failed, waiting ${delayMs} ms`),
  );
  console.log(await execution.result);
}
