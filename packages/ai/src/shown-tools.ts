import type { Entry } from "@sluice/core";
import type { UIMessageChunk } from "ai";
import { attemptId } from "./attempt-id.ts";
import type { Author } from "./authors.ts";
import type { ShownParts } from "./shown-parts.ts";

type ToolEntry = Extract<Entry, { readonly type: "tool:call_start" | "tool:progress" | "tool:call_finish" }>;

/** A call that has not ended. */
interface OpenCall {
  readonly id: string;
  readonly input: UIMessageChunk;
  readonly by: Author;
}

/** The calls of tools, as parts of a message. */
export class ShownTools {
  readonly #parts: ShownParts;
  readonly #open = new Map<string, OpenCall>();
  /** How often each id has been given: some models count their calls anew each time. */
  readonly #given = new Map<string, number>();

  constructor(parts: ShownParts) {
    this.#parts = parts;
  }

  /** Whether an entry is told here. */
  static knows(entry: Entry): entry is ToolEntry {
    return entry.type === "tool:call_start" || entry.type === "tool:progress" || entry.type === "tool:call_finish";
  }

  note(entry: ToolEntry, by: Author): UIMessageChunk[] {
    const key = `${attemptId(entry)} ${entry.toolCallId}`;
    if (entry.type === "tool:call_start") {
      const call = this.#begin(entry, entry.args, by);
      this.#open.set(key, call);
      return this.#parts.tell(call.input, by, call.id);
    }
    const call = this.#open.get(key);
    if (call === undefined) {
      // its beginning has been dropped from the log, and with it what it was called with
      const begun = this.#begin(entry, null, by);
      this.#open.set(key, begun);
      return [...this.#parts.tell(begun.input, by, begun.id), ...this.note(entry, by)];
    }
    const more = outcomeOf(call.id, entry);
    if (entry.type === "tool:call_finish") this.#open.delete(key);
    return this.#parts.tellMore(more, call.input, by, call.id);
  }

  /** An attempt is over, and with it the calls that have not ended. */
  over(entry: Extract<Entry, { readonly type: "chunk:complete" | "chunk:failed" }>): UIMessageChunk[] {
    const begins = `${attemptId(entry)} `;
    return this.#endAll((key) => key.startsWith(begins));
  }

  /** Forgets the calls that are void. */
  forgetVoid(): void {
    for (const [key, { by }] of this.#open) if (by.isVoid) this.#open.delete(key);
  }

  /** Ends what is still open. */
  endAll(): UIMessageChunk[] {
    return this.#endAll(() => true);
  }

  #endAll(which: (key: string) => boolean): UIMessageChunk[] {
    return [...this.#open].flatMap(([key, { id, input, by }]) => {
      if (!which(key)) return [];
      this.#open.delete(key);
      const error: UIMessageChunk = { type: "tool-output-error", toolCallId: id, errorText: "The call was ended" };
      return this.#parts.tellMore(error, input, by, id);
    });
  }

  #begin({ toolCallId, tool: toolName }: ToolEntry, input: unknown, by: Author): OpenCall {
    const times = (this.#given.get(toolCallId) ?? 0) + 1;
    this.#given.set(toolCallId, times);
    const id = times === 1 ? toolCallId : `${toolCallId}~${times}`;
    return { id, by, input: { type: "tool-input-available", toolCallId: id, toolName, input } };
  }
}

function outcomeOf(
  toolCallId: string,
  entry: Exclude<ToolEntry, { readonly type: "tool:call_start" }>,
): UIMessageChunk {
  if (entry.type === "tool:progress") {
    return { type: "tool-output-available", toolCallId, output: entry.data, preliminary: true };
  }
  if (entry.success) return { type: "tool-output-available", toolCallId, output: entry.output ?? null };
  return { type: "tool-output-error", toolCallId, errorText: entry.error ?? "The tool failed" };
}
