// A model's tokens are recorded once, with their timings; a test plays them as often as it likes, in no time.
import { type ContextOf, type Field, defineFlow, start } from "@sluice/core";
import { flow, on } from "@sluice/decorators";
import { replay, virtualTime } from "@sluice/testing";
import { z } from "zod";
import { Triage } from "./support/triage.ts";

// made with: npx ts-node scripts/record-tickets.ts
const recording = new URL("./recordings/02-coffee-maker.json", import.meta.url).pathname;

const spec = defineFlow({ name: "recorded", input: z.string(), stream: z.string() });
type Ctx = ContextOf<typeof spec>;

await virtualTime(async ({ execute, now }) => {
  @flow(spec)
  class Recorded {
    @on(start)
    read(file: string, ctx: Ctx) {
      return ctx.instant(Triage, replay(file));
    }

    @on(Triage.field("category"))
    route(category: Field<typeof Triage, "category">, ctx: Ctx) {
      ctx.putIntoStream(`after ${now()} ms the category is complete: ${category}`);
    }

    @on(Triage.field("steps[*]"))
    plan(step: string, ctx: Ctx) {
      ctx.putIntoStream(`after ${now()} ms ${ctx.signal.path}: ${step}`);
    }
  }
  const execution = execute(Recorded, recording);
  execution.stream$.subscribe((line) => console.log(line));
  await execution.result;
  console.log(`the model took ${now()} ms, this replay none of them`);
});
