import { type Entry, sseMessage } from "@sluice/core";

/** Messages that are kept at most, and how long one may be that is kept: 4 MB together. */
const mostKept = 512;
const longestKept = 4_096;

/** The messages of one execution. The latest are kept, so that they are written once for all who watch it at a time. */
export class Messages {
  readonly #kept: ({ readonly seq: number; readonly live: number; readonly text: string } | undefined)[] = [];

  /** What stands at a position of a log stays as it is. */
  of(entry: Entry): string {
    const { seq, live } = entry;
    const place = (seq + live) % mostKept;
    const kept = this.#kept[place];
    if (kept !== undefined && kept.seq === seq && kept.live === live) return kept.text;
    const text = sseMessage(entry);
    if (text.length <= longestKept) this.#kept[place] = { seq, live, text };
    return text;
  }
}
