import { positionOf } from "../log/position.ts";
import type { Entry, EntryType } from "../machine/entry.ts";
import type { Gap, PullOptions } from "./pull.ts";

/** What is written as server-sent events. */
export interface SseSource {
  readonly events: (options?: PullOptions) => AsyncIterable<Entry | Gap>;
}

/** How a log is written as server-sent events. */
export interface SseOptions extends PullOptions {
  /** Only entries of these types. @default all */
  readonly types?: readonly EntryType[];
  /** Only those entries and gaps that this says yes to. @default all */
  readonly select?: (entry: Entry | Gap) => boolean;
}

/**
 * The log as server-sent events, one message an entry: `id:` is its position, which a client that reconnects sends back as
 * `Last-Event-ID` (give it as `after`); `event:` its type; `data:` the entry as JSON. It ends after the final entry.
 *
 * @throws SluiceError as `execution.events()` does
 * @see https://html.spec.whatwg.org/multipage/server-sent-events.html
 */
export function toSSE(execution: SseSource, options: SseOptions = {}): AsyncGenerator<string, void, undefined> {
  const { types, select, ...pulled } = options;
  const entries = execution.events(pulled)[Symbol.asyncIterator]();
  const messages = written({ [Symbol.asyncIterator]: () => entries }, { types, select });
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
  { types, select }: Pick<SseOptions, "types" | "select">,
): AsyncGenerator<string, void, undefined> {
  for await (const entry of entries) {
    if (select?.(entry) === false) continue;
    if (entry.type === "gap") yield message("gap", undefined, entry);
    else if (types === undefined || types.includes(entry.type)) yield message(entry.type, positionOf(entry), entry);
  }
}

/** JSON has no line breaks of its own, so one `data:` line holds it. */
function message(event: string, id: string | undefined, data: unknown): string {
  return `${id === undefined ? "" : `id: ${id}\n`}event: ${event}\ndata: ${jsonOf(data)}\n\n`;
}

/** What a chunk returns or emits may be anything: one value that JSON cannot hold must not end the stream for everybody. */
function jsonOf(data: unknown): string {
  try {
    return JSON.stringify(data);
  } catch {
    const above: unknown[] = [];
    return JSON.stringify(data, function (this: unknown, _key, value: unknown) {
      if (typeof value === "bigint") return String(value);
      if (typeof value !== "object" || value === null) return value;
      while (above.length > 0 && above.at(-1) !== this) above.pop();
      if (above.includes(value)) return "[circular]";
      above.push(value);
      return value;
    });
  }
}
