import { getRequestListener } from "@hono/node-server";
import { Hono } from "hono";
import { streamSSE } from "hono/streaming";
import { entriesOf, renewed } from "../serving/entries.ts";
import type { Pace, Serving } from "../serving/serving.ts";

interface Prepared {
  readonly entries: Awaited<ReturnType<typeof entriesOf>>;
  readonly pace: Pace;
  readonly gate: PromiseWithResolvers<void>;
}

/** Entries that are there, each written when the one before is. */
export async function serving(): Promise<Serving> {
  const prepared: Prepared[] = [];
  const app = new Hono();
  app.get("/:index", (context) =>
    streamSSE(context, async (stream) => {
      const { entries, pace, gate } = prepared[Number(context.req.param("index"))] as Prepared;
      await stream.write("retry: 1000\n\n");
      await gate.promise;
      for (const [index, entry] of entries.entries()) {
        if ("everyMs" in pace) await stream.sleep(pace.everyMs);
        const now = "everyMs" in pace ? renewed(entry, index) : entry;
        await stream.writeSSE({ id: String(entry.seq), event: entry.type, data: JSON.stringify(now) });
      }
    }),
  );
  return {
    name: "Hono's streamSSE",
    listener: getRequestListener(app.fetch),
    prepare: async (count, pace) => {
      prepared.push({ entries: await entriesOf(count), pace, gate: Promise.withResolvers() });
      return `/${prepared.length - 1}`;
    },
    flow: () => prepared.at(-1)?.gate.resolve(),
  };
}
