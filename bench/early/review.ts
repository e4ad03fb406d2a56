import { z } from "zod";
import { instant } from "../../packages/core/src/index.ts";

/** What the model writes, in this order. */
export const reviewSchema = z.object({
  verdict: z.enum(["accept", "reject"]),
  steps: z.array(z.string()),
  summary: z.string(),
});

export const Review = instant("review", reviewSchema);
