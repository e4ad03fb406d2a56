// A server that counts: each client by itself, by what it asks for, and told how it stands.
import { type ContextOf, defineFlow, memoryStore, start } from "@sluice/core";
import { flow, on } from "@sluice/decorators";
import { createHandler } from "@sluice/server";
import { RateLimiterMemory } from "rate-limiter-flexible";
import { z } from "zod";

const spec = defineFlow({ name: "echo", input: z.string(), result: z.string() });

@flow(spec)
class Echo {
  @on(start)
  say(text: string, ctx: ContextOf<typeof spec>) {
    ctx.setResult(text);
  }
}

const limits = {
  client: ({ headers }: Request) => headers.get("authorization") ?? "nobody", // who has the same key shares its limits
  requests: {
    start: new RateLimiterMemory({ points: 2, duration: 60 }), // executions begun in a minute
    any: new RateLimiterMemory({ points: 600, duration: 60 }), // everything else
  },
  streams: 10, // open at a time; a browser that comes again may be counted twice for a moment
};
const handler = createHandler({ flows: [Echo], store: memoryStore(), development: true, limits });

for (const key of ["ann", "ann", "ann", "bo"]) {
  const headers = { "content-type": "application/json", authorization: key };
  const request = new Request("http://localhost/flows/echo/executions", {
    method: "POST",
    headers,
    body: '{"input":"hi"}',
  });
  const { status, headers: told } = await handler(request);
  console.log(`${key}: ${status}, left ${/r=(\d+)/.exec(told.get("ratelimit") ?? "")?.[1]}`);
}
await handler.close();
