import { positionOf } from "../log/position.ts";
import type { Entry, EntryType } from "../machine/entry.ts";
import { toJson } from "./json.ts";
import type { Gap, PullOptions } from "./pull.ts";

/** What is written as server-sent events. */
export interface SseSource {
  readonly events: (options?: PullOptions) => AsyncIterable<Entry | Gap>;
}

/** How a log is written as server-sent events. */
export interface SseOptions extends PullOptions {
  /** Only entries of these types. @default all */
  readonly types?: readonly EntryType[];
}

/**
 * The log as server-sent events, one message an entry: `id:` is its position, which a client that reconnects sends back as
 * `Last-Event-ID` (give it as `after`); `event:` its type; `data:` the entry as JSON. It ends after the final entry.
 *
 * @throws SluiceError as `execution.events()` does
 * @see https://html.spec.whatwg.org/multipage/server-sent-events.html
 */
export function toSSE(execution: SseSource, options: SseOptions = {}): AsyncGenerator<string, void, undefined> {
  const { types, ...pulled } = options;
  const entries = execution.events(pulled)[Symbol.asyncIterator]();
  const messages = written({ [Symbol.asyncIterator]: () => entries }, types);
  const end = messages.return.bind(messages);
  // a generator that waits would hear of it with the next entry only
  messages.return = async (value) => {
    await entries.return?.();
    return end(value);
  };
  return messages;
}

async function* written(
  entries: AsyncIterable<Entry | Gap>,
  types: SseOptions["types"],
): AsyncGenerator<string, void, undefined> {
  for await (const entry of entries) {
    if (entry.type === "gap" || types === undefined || types.includes(entry.type)) yield sseMessage(entry);
  }
}

/** One message, as `toSSE` writes it. A gap has no id: who comes again behind it is told of it again. */
export function sseMessage(entry: Entry | Gap): string {
  const id = entry.type === "gap" ? "" : `id: ${positionOf(entry)}\n`;
  return `${id}event: ${entry.type}\ndata: ${toJson(entry)}\n\n`; // JSON has no line breaks of its own: one line holds it
}
