// Time is the trade of RxJS: windows, pauses, rates. rx(…) puts a pipeline of yours between a trigger and its chunk.
import { setTimeout as wait } from "node:timers/promises";
import { type ContextOf, defineFlow, event, run, rx } from "@sluice/core";
import { flow, on } from "@sluice/decorators";
import { bufferTime, debounceTime, map, pairwise } from "rxjs";
import { z } from "zod";

const Tick = event("tick", z.number());
const Typed = event("typed", z.string());
const spec = defineFlow({
  name: "windows",
  input: z.undefined(),
  stream: z.string(),
  accepts: [Tick, Typed],
  keepOpen: true,
});
type Ctx = ContextOf<typeof spec>;

@flow(spec)
class Windows {
  // the scheduler is the execution's clock: with it, tests of this flow need not wait
  @on(rx(Tick, (tick$, scheduler) => tick$.pipe(bufferTime(100, scheduler))), { when: (ticks) => ticks.length > 0 })
  sum(ticks: number[], ctx: Ctx) {
    ctx.putIntoStream(`in one window: ${ticks.join(" + ")} = ${ticks.reduce((sum, tick) => sum + tick, 0)}`);
  }

  @on(rx(Typed, (text$, scheduler) => text$.pipe(debounceTime(50, scheduler))))
  search(text: string, ctx: Ctx) {
    ctx.putIntoStream(`a pause in typing: search for "${text}"`);
  }

  @on(
    rx(Tick, (tick$) =>
      tick$.pipe(
        pairwise(),
        map(([before, now]) => now - before),
      ),
    ),
    { when: (step) => step > 1 },
  )
  jump(step: number, ctx: Ctx) {
    ctx.putIntoStream(`a jump of ${step}`);
  }
}

const execution = run(Windows, undefined);
execution.stream$.subscribe((line) => console.log(line));

for (const tick of [1, 2, 3]) execution.emit(Tick, tick);
for (const text of ["s", "sl", "slu"]) execution.emit(Typed, text);
await wait(150);
for (const tick of [10, 20]) execution.emit(Tick, tick);
for (const text of ["slui", "sluic", "sluice"]) execution.emit(Typed, text);
execution.close(); // the pipelines give out what they still hold
await execution.result;
