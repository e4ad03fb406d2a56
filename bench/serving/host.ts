// The process of one server: `host.ts served-sluice`. It does what its parent asks, until that leaves.
import { createServer } from "node:http";
import type { Answered, Asked, Serving } from "./serving.ts";

const { serving } = (await import(`../contestants/${process.argv[2]}.ts`)) as { serving: () => Promise<Serving> };
const { name, listener, prepare, flow } = await serving();
let clients = 0;
let isGathered: (() => void) | undefined;
const server = createServer((request, response) => {
  clients += 1;
  response.once("close", () => {
    clients -= 1;
    isGathered?.();
  });
  isGathered?.();
  return listener(request, response);
});
process.on("message", (asked: Asked) => void answer(asked).then((answered) => process.send?.(answered)));
process.on("disconnect", () => process.exit());
server.listen({ port: 0, host: "127.0.0.1", backlog: 4_096 }, () => {
  const { port } = server.address() as { readonly port: number };
  process.send?.({ name, port } satisfies Answered);
});

async function answer(asked: Asked): Promise<Answered> {
  switch (asked.ask) {
    case "prepare":
      return { path: await prepare(asked.count, asked.pace) };
    case "gather":
      while (clients !== asked.clients) await new Promise<void>((resolve) => (isGathered = resolve));
      await turns(10); // what a server does for a new client takes some
      return {};
    case "flow":
      flow();
      return {};
    case "memory":
      return memory();
    default:
      return asked satisfies never;
  }
}

async function memory(): Promise<Answered> {
  for (let collection = 0; collection < 3; collection += 1) {
    await turns(10);
    globalThis.gc?.();
  }
  const { heapUsed, external, rss } = process.memoryUsage();
  return { held: heapUsed + external, resident: rss };
}

async function turns(count: number): Promise<void> {
  for (let turn = 0; turn < count; turn += 1) await new Promise((resolve) => setImmediate(resolve));
}
