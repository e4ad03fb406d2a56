import type { Entry, FieldIssue } from "@sluice/core";
import type { UIMessageChunk } from "ai";
import { attemptId } from "./attempt-id.ts";
import type { Author } from "./authors.ts";
import { plain } from "./plain.ts";
import type { ShownParts } from "./shown-parts.ts";

/** One value of a reply, as a `data-field` part holds it. */
export type FieldData = {
  /** The reply's name. */
  readonly reply: string;
  /** Tells replies of the same name apart. */
  readonly replyId: string;
  /** Where in the reply, such as `items[3].name`; empty for the whole. */
  readonly path: string;
} & (
  | { readonly state: "writing"; readonly value: string }
  | { readonly state: "complete"; readonly value: unknown }
  /** It does not fit its schema; `value` is what the model wrote. */
  | { readonly state: "invalid"; readonly value: unknown; readonly issues: readonly FieldIssue[] }
);

/** How a field is shown: as a `data-field` part, a string as text of the message, or not at all. */
export type FieldShow = "data" | "text" | "none";

/** A field, for whoever chooses how it is shown. */
export interface ShownField {
  readonly reply: string;
  readonly path: string;
}

type FieldEntry = Extract<Entry, { readonly type: "field:delta" | "field:complete" | "field:invalid" }>;

/**
 * A string that grows is told again as a whole, a data part having no deltas: only when it has grown by this part of its
 * length. So all tellings of it are at most nine times as long as the string.
 */
const GROWTH = 1 / 8;

/** A string that is being written. */
interface Writing {
  readonly by: Author;
  text: string;
  /** How much of it has been told. */
  told: number;
}

/** The fields of replies, as parts of a message. */
export class ShownFields {
  readonly #parts: ShownParts;
  readonly #show: (field: ShownField) => FieldShow;
  /** The strings that are being written, and how much of each has been told. */
  readonly #writing = new Map<string, Writing>();

  constructor(parts: ShownParts, show: (field: ShownField) => FieldShow = () => "data") {
    this.#parts = parts;
    this.#show = show;
  }

  /** Whether an entry is told here. */
  static knows(entry: Entry): entry is FieldEntry {
    return entry.type === "field:delta" || entry.type === "field:complete" || entry.type === "field:invalid";
  }

  note(entry: FieldEntry, by: Author): UIMessageChunk[] {
    const show = this.#show({ reply: entry.reply, path: entry.field });
    if (show === "none") return [];
    const id = idOf(entry);
    if (show === "text" && (entry.type === "field:delta" || this.#isText(entry))) return this.#text(id, entry, by);
    return this.#data(id, entry, by);
  }

  /** Forgets what is void. */
  forgetVoid(): void {
    for (const [id, { by }] of this.#writing) if (by.isVoid) this.#writing.delete(id);
  }

  #isText(entry: FieldEntry): boolean {
    return entry.type === "field:complete" && typeof entry.value === "string";
  }

  #text(id: string, entry: FieldEntry, by: Author): UIMessageChunk[] {
    const textId = `${attemptId(entry)}.${entry.replyId}:${entry.field}`;
    if (entry.type === "field:delta") {
      this.#writing.set(id, { by, text: "", told: 0 });
      return this.#parts.write("text", textId, entry.delta, by);
    }
    const isTold = this.#writing.delete(id);
    const whole =
      !isTold && entry.type === "field:complete" ? this.#parts.write("text", textId, String(entry.value), by) : [];
    return [...whole, ...this.#parts.end("text", textId)];
  }

  #data(id: string, entry: FieldEntry, by: Author): UIMessageChunk[] {
    const place = { reply: entry.reply, replyId: entry.replyId, path: entry.field };
    const tell = (data: FieldData): UIMessageChunk[] => this.#parts.tell({ type: "data-field", id, data }, by, id);
    if (entry.type === "field:delta") {
      const written = this.#writing.get(id) ?? { by, text: "", told: 0 };
      written.text += entry.delta;
      this.#writing.set(id, written);
      const { text, told } = written;
      if (text.length - told < told * GROWTH) return [];
      written.told = text.length;
      return tell({ ...place, state: "writing", value: text });
    }
    this.#writing.delete(id);
    if (entry.type === "field:complete") return tell({ ...place, state: "complete", value: plain(entry.value) });
    return tell({ ...place, state: "invalid", value: plain(entry.raw), issues: entry.issues });
  }
}

/** The same for each telling of a field, in each attempt. */
function idOf({ path, replyId, field }: FieldEntry): string {
  return [...path.slice(1), `${replyId}:${field}`].join("/");
}
