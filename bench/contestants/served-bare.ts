import type { ServerResponse } from "node:http";
import { sseMessage } from "../../packages/core/src/index.ts";
import { entriesOf, renewed } from "../serving/entries.ts";
import { type Pace, type Serving, atPace } from "../serving/serving.ts";

/** The name of what nothing can beat by much. */
export const bare = "bare node:http";

const headers = { "content-type": "text/event-stream; charset=utf-8", "cache-control": "no-cache, no-transform" };
const first = Buffer.from("retry: 1000\n\n");

/** A loop that writes the bytes that Sluice sends, a write a message, made beforehand; who does not read is waited for. */
export async function serving(): Promise<Serving> {
  const watching = new Map<string, Set<ServerResponse>>();
  let entries: Awaited<ReturnType<typeof entriesOf>> = [];
  let messages: readonly Buffer[] = [];
  let pace: Pace = { perTurn: 1 };
  let path = "/0";
  return {
    name: bare,
    listener: ({ url = "" }, response) => {
      response.writeHead(200, headers);
      response.write(first);
      watching.get(url)?.add(response);
      response.once("close", () => watching.get(url)?.delete(response));
    },
    prepare: async (count, given) => {
      entries = await entriesOf(count);
      messages = entries.map((entry) => Buffer.from(sseMessage(entry)));
      pace = given;
      path = `/${Number(path.slice(1)) + 1}`;
      watching.set(path, new Set());
      return path;
    },
    flow: () => {
      const responses = watching.get(path) ?? [];
      if ("perTurn" in pace) for (const response of responses) write(response, messages, 0);
      else
        void atPace(entries.length, pace, (index) => {
          const entry = entries[index];
          if (entry !== undefined) for (const response of responses) response.write(sseMessage(renewed(entry, index)));
        });
    },
  };
}

function write(response: ServerResponse, messages: readonly Buffer[], from: number): void {
  for (let next = from; next < messages.length; next += 1) {
    if (!response.write(messages[next])) {
      response.once("drain", () => write(response, messages, next + 1));
      return;
    }
  }
}
