// A field says that the rest is not needed: the generation is stopped, and what is complete counts.
import { type ContextOf, type Field, type ModelCall, defineFlow, gather, instant, start } from "@sluice/core";
import { flow, on } from "@sluice/decorators";
import { type ScriptedReply, scriptedModel, virtualTime } from "@sluice/testing";
import { z } from "zod";

const Review = instant(
  "review",
  z.object({
    remarks: z.array(z.string()),
    verdict: z.enum(["accept", "reject"]),
    letter: z.string(),
  }),
);
const spec = defineFlow({ name: "reviewing", input: z.string(), stream: z.string(), result: z.string() });
type Ctx = ContextOf<typeof spec>;

@flow(spec)
class Reviewing {
  readonly #model: ModelCall;

  constructor(model: ModelCall) {
    this.#model = model;
  }

  @on(start)
  async read(_claim: string, ctx: Ctx) {
    const review = await ctx.instant(Review, this.#model, { stoppable: true });
    if (review.stopped) ctx.setResult(`stopped, with ${JSON.stringify(review.value)}`);
    else ctx.setResult(`complete: ${review.value.letter}`);
  }

  @on(Review.field("verdict"))
  decide(verdict: Field<typeof Review, "verdict">, ctx: Ctx) {
    ctx.putIntoStream(`the verdict: ${verdict}`);
    if (verdict === "reject") ctx.stop(Review); // nobody sends a letter that was rejected
  }

  @on(Review.field("remarks[*]"))
  file(remark: Field<typeof Review, "remarks[*]">) {
    return `"${remark}"`;
  }

  @on(gather("file"))
  filed(remarks: string[], ctx: Ctx) {
    ctx.putIntoStream(`filed: ${remarks.join(", ")}`);
  }
}

// A script in virtual time; like a recording, it knows how many tokens were still to come.
const usage = { outputTokens: 14 };
const opening = ['{"', 'remarks":', '["', "no", " receipt", '"]'];
const rest = [',"letter":"', "Dear", " Ben,", " the", " new", " lamp", ' comes."}'];
const reviewed = (verdict: string): ScriptedReply => [
  ...[...opening, `,"verdict":"${verdict}"`, ...rest].map((text) => ({ afterMs: 20, text })),
  { finish: "stop", usage },
];

for (const verdict of ["accept", "reject"]) {
  await virtualTime(async ({ execute, delay, now }) => {
    const model = scriptedModel([reviewed(verdict)], { delay });
    const execution = execute(Reviewing, "My lamp is broken", { create: () => new Reviewing(model) });
    execution.stream$.subscribe((line) => console.log(`  after ${now()} ms ${line}`));
    execution.on("reply:stopped", ({ reason, tokensSaved }) =>
      console.log(`  after ${now()} ms the reply is ${reason}: ${tokensSaved} of ${usage.outputTokens} tokens saved`),
    );
    console.log(await execution.result);
  });
}
