// Everything can be told to end: an attempt by its time, an execution by its own, or by whoever runs it.
import { setTimeout as wait } from "node:timers/promises";
import {
  type ContextOf,
  type Execution,
  type Failure,
  type SluiceError,
  defineFlow,
  failed,
  run,
  start,
} from "@sluice/core";
import { chunk, flow, on } from "@sluice/decorators";
import { z } from "zod";

const spec = defineFlow({ name: "download", input: z.number(), stream: z.string(), result: z.string(), timeout: 300 });
type Ctx = ContextOf<typeof spec>;

@flow(spec)
class Download {
  @chunk({ timeout: 50 })
  @on(start, { when: (seconds: number) => seconds < 1 })
  async mirror(seconds: number, ctx: Ctx) {
    await wait(seconds * 1_000, undefined, { signal: ctx.abortSignal }); // fetch and most clients take it, too
    return `from the mirror in ${seconds} s`;
  }

  @on(failed("mirror"))
  instead({ error }: Failure<"mirror", number>) {
    return `from elsewhere, because ${error.message}`;
  }

  @on(start, { when: (seconds: number) => seconds >= 1 })
  async slow(_seconds: number, ctx: Ctx) {
    ctx.abortSignal.addEventListener("abort", () => console.log("  the abort signal has fired"));
    ctx.putIntoStream("half of it is there");
    await new Promise(() => {}); // ignores the signal: the attempt ends all the same
    return "never";
  }
}

/** How an execution has ended, in two words. */
const endOf = (execution: Execution): Promise<string> =>
  execution.result.then(String, (error: SluiceError) => `${execution.status}, ${error.code}`);

console.log("A chunk in time, and one that is not");
console.log(`  ${await endOf(run(Download, 0.01))}`);
console.log(`  ${await endOf(run(Download, 0.9))}`);

console.log("A flow whose time is over");
console.log(`  ${await endOf(run(Download, 60))}`);

console.log("A user who leaves");
const left = run(Download, 60);
left.on("stream:item", () => left.cancel("the user has left"));
left.on("flow:cancelled", ({ reason }) => console.log(`  because ${reason}`));
console.log(`  ${await endOf(left)}`);

console.log("A request that is aborted");
const request = new AbortController();
const served = run(Download, 60, { abortSignal: request.signal });
served.on("stream:item", () => request.abort());
console.log(`  ${await endOf(served)}`);

console.log("A block that is left");
const lent = run(Download, 60);
{
  await using execution = lent;
  for await (const item of execution.stream()) {
    console.log(`  ${item}`);
    break;
  }
}
console.log(`  ${await endOf(lent)}`);
