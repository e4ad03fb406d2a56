// Records the toy model for the benchmark of early work: npx ts-node scripts/record-reviews.ts
// It writes each review twice, as fast as it goes and slowed to the pace of a hosted model. Its schema fixes what the
// toy cannot be told: the verdict, how many steps there are, and four texts for each to choose from.
import { ask } from "@sluice/ai";
import { defineFlow, flow, instant, run, start } from "@sluice/core";
import { record } from "@sluice/testing";
import { z } from "zod";
import { recordingOf, type Pace, paces, sizes, verdicts } from "../bench/early/recordings.ts";
import { tinyModel } from "../examples/tiny-model/index.ts";

const prompt = "My invoice was charged twice.";
const steps = ["check the order number", "confirm by email", "refund the difference", "send a corrected invoice"];
const models = { "own-pace": tinyModel(), "80-per-second": tinyModel({ tokensPerSecond: 80 }) };

async function write(pace: Pace, verdict: (typeof verdicts)[number], size: number, file?: string): Promise<void> {
  const Review = instant(
    "review",
    z.object({ verdict: z.literal(verdict), steps: z.array(z.enum(steps)).length(size), summary: z.string() }),
  );
  const asked = ask(models[pace], { prompt, temperature: 0 });
  const source = file === undefined ? asked : record(asked, file);
  const reading = flow(defineFlow({ name: "record", input: z.null() })).chunk("read", start, (_input, ctx) =>
    ctx.instant(Review, source),
  );
  const startedAt = performance.now();
  await run(reading, null).result;
  console.log(file ?? "warm-up", `${Math.round(performance.now() - startedAt)} ms`);
}

await write("own-pace", "accept", 12); // loads the weights
for (const pace of paces) {
  for (const verdict of verdicts) {
    for (const size of sizes) await write(pace, verdict, size, recordingOf(pace, verdict, size));
  }
}
