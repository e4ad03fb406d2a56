import { Output, streamText } from "ai";
import { limited } from "./limited.ts";
import { languageModel } from "./language-model.ts";
import { reviewSchema } from "./review.ts";
import type { Way } from "./way.ts";

/** One step asks the model, the next one looks up what it wrote: so work the steps of LangGraph and Mastra. */
export const afterTheReply: Way = {
  name: "after the reply",
  run: async ({ model, lookUp, atOnce }) => {
    const { output } = streamText({
      model: languageModel(model),
      prompt: "review",
      output: Output.object({ schema: reviewSchema }),
    });
    const { verdict, steps } = await output;
    return verdict === "reject" ? undefined : Promise.all(steps.map(limited(atOnce, lookUp)));
  },
};
