import { createChannel, createSession } from "better-sse";
import { entriesOf, renewed } from "../serving/entries.ts";
import { type Pace, type Serving, atPace } from "../serving/serving.ts";

/** Entries that are there, broadcast to a channel at the pace of the execution; who does not read is not waited for. */
export async function serving(): Promise<Serving> {
  const channels = [createChannel()];
  let entries: Awaited<ReturnType<typeof entriesOf>> = [];
  let pace: Pace = { perTurn: 1 };
  return {
    name: "better-sse",
    listener: async (request, response) => {
      const session = await createSession(request, response, { keepAlive: null, retry: 1_000 });
      channels[Number(request.url?.slice(1))]?.register(session);
    },
    prepare: async (count, given) => {
      pace = given;
      entries = await entriesOf(count);
      return `/${channels.push(createChannel()) - 1}`;
    },
    flow: () => {
      const channel = channels.at(-1);
      void atPace(entries.length, pace, (index) => {
        const entry = entries[index];
        if (entry === undefined) return;
        const now = "everyMs" in pace ? renewed(entry, index) : entry;
        channel?.broadcast(now, now.type, { eventId: String(now.seq) });
      });
    },
  };
}
