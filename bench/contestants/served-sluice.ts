import { getRequestListener } from "@hono/node-server";
import { z } from "zod";
import { defineFlow, flow, start } from "../../packages/core/src/index.ts";
import { createHandler } from "../../packages/server/src/index.ts";
import { itemOf, itemSchema } from "../serving/entries.ts";
import { type Pace, type Serving, atPace } from "../serving/serving.ts";
import { sluice } from "./sluice.ts";

const pace = z.union([z.object({ perTurn: z.number() }), z.object({ everyMs: z.number() })]);
const input = z.object({ count: z.number(), pace, waits: z.boolean() });

/** An execution that is watched while it runs. */
export async function serving(): Promise<Serving> {
  const { listener, prepare, flow } = served();
  return { name: sluice, listener, prepare: (count, pace) => prepare(count, pace, true), flow };
}

/** The handler, of executions that wait to be let go, or run at once. */
export function served(mayWatch: () => Promise<boolean> = async () => true) {
  let gate = Promise.withResolvers<void>();
  const spec = defineFlow({ name: "text", input, stream: itemSchema });
  const text = flow(spec).chunk("write", start, async ({ count, pace, waits }, ctx) => {
    if (waits) await gate.promise;
    await atPace(count, pace, (index) => ctx.putIntoStream(itemOf(index)));
  });
  const handler = createHandler({
    flows: [text],
    authorize: (_, action) => (action === "stream" ? mayWatch() : true),
    keepEnded: 2,
  });
  const prepare = async (count: number, pace: Pace, waits: boolean): Promise<string> => {
    gate = Promise.withResolvers();
    const started = await handler(
      new Request("http://localhost/flows/text/executions", {
        method: "POST",
        headers: { "content-type": "application/json" },
        body: JSON.stringify({ input: { count, pace, waits } }),
      }),
    );
    const { executionId } = (await started.json()) as { executionId: string };
    return `/executions/${executionId}/stream`;
  };
  return { handler, listener: getRequestListener(handler), prepare, flow: () => gate.resolve() };
}
