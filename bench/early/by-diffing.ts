import { Output, streamText } from "ai";
import { limited } from "./limited.ts";
import { languageModel } from "./language-model.ts";
import { reviewSchema } from "./review.ts";
import type { Way } from "./way.ts";

/**
 * The AI SDK's `partialOutputStream`, and a diff by hand: the last step of a partial output may still be growing, so a step
 * is complete when another one follows, or the field behind the list. A partial verdict may be the beginning of another
 * word; of these two, none is.
 */
export const byDiffing: Way = {
  name: "AI SDK, diffing by hand",
  run: async ({ model, lookUp, atOnce }) => {
    const abort = new AbortController();
    const review = streamText({
      model: languageModel(model),
      prompt: "review",
      output: Output.object({ schema: reviewSchema }),
      abortSignal: abort.signal,
    });
    const look = limited(atOnce, lookUp);
    const found: Promise<string>[] = [];
    for await (const { verdict, steps = [], summary } of review.partialOutputStream) {
      if (verdict === "reject") {
        abort.abort();
        return undefined;
      }
      const complete = summary === undefined ? steps.slice(0, -1) : steps;
      for (const step of complete.slice(found.length)) if (step !== undefined) found.push(look(step));
    }
    const { steps } = await review.output;
    for (const step of steps.slice(found.length)) found.push(look(step));
    return Promise.all(found);
  },
};
