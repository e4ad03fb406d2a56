import { z } from "zod";
import { defineFlow, flow, gather, start } from "../../packages/core/src/index.ts";
import { Review } from "./review.ts";
import type { Way } from "./way.ts";

const spec = defineFlow({ name: "reviewing", input: z.null(), result: z.array(z.string()).optional() });

/** Sluice: each step is a trigger, and so is the verdict. */
export const onFields: Way = {
  name: "Sluice, on fields",
  run: ({ model, lookUp, atOnce, time }) => {
    const reviewing = flow(spec)
      .chunk("read", start, (_input, ctx) => ctx.instant(Review, model, { stoppable: true }))
      .chunk("decide", Review.field("verdict"), (verdict, ctx) => {
        if (verdict === "reject") ctx.stop(Review);
      })
      .chunk(
        "look",
        Review.field("steps[*]"),
        lookUp,
        atOnce === Number.POSITIVE_INFINITY ? {} : { concurrency: atOnce },
      )
      .chunk("end", gather("look"), (found, ctx) => ctx.setResult(found));
    return time.execute(reviewing, null).result;
  },
};
