import type { Serving } from "../serving/serving.ts";
import { served } from "./served-sluice.ts";

/** An execution that has ended: all is read from its log, which holds 10,000 entries. */
export async function serving(): Promise<Serving> {
  let gate = Promise.withResolvers<void>();
  const { handler, listener, prepare } = served(() => gate.promise.then(() => true));
  return {
    name: "Sluice, from the log",
    listener,
    prepare: async (count, pace) => {
      gate = Promise.withResolvers();
      const path = await prepare(count, pace, false);
      const looked = new Request(`http://localhost${path.replace("/stream", "")}`);
      for (let status = ""; status !== "completed";) {
        await new Promise((resolve) => setTimeout(resolve, 1));
        ({ status } = (await (await handler(looked)).json()) as { status: string });
      }
      return path;
    },
    flow: () => gate.resolve(),
  };
}
