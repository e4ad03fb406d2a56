import { EventSource } from "eventsource";
import { now } from "./entries.ts";
import type { ServerProcess } from "./server-process.ts";

/** What is watched. */
interface Watching {
  readonly count: number;
  readonly everyMs: number;
  /** Clients that are there already. */
  readonly others: number;
}

/** Milliseconds from each item to the handler that hears of it; without those of the first tenth. */
export async function delaysOf(
  server: ServerProcess,
  { count, everyMs, others }: Watching,
): Promise<readonly number[]> {
  const { path } = await server.ask({ ask: "prepare", count, pace: { everyMs } });
  const delays: number[] = [];
  const over = Promise.withResolvers<void>();
  const source = new EventSource(`http://127.0.0.1:${server.port}${path}`);
  source.addEventListener("stream:item", ({ data }) => {
    const heardAt = now();
    const { item } = JSON.parse(data) as { item: { at: number } };
    delays.push(heardAt - item.at);
    if (delays.length === count) over.resolve();
  });
  await server.ask({ ask: "gather", clients: others + 1 });
  await server.ask({ ask: "flow" });
  await over.promise;
  source.close();
  await server.ask({ ask: "gather", clients: others });
  return delays.slice(Math.floor(count / 10));
}
