import type { Entry } from "@sluice/core";
import type { UIMessageChunk } from "ai";
import { attemptId } from "./attempt-id.ts";
import type { Author } from "./authors.ts";
import type { ShownParts } from "./shown-parts.ts";

type Of<K extends Entry["type"]> = Extract<Entry, { readonly type: K }>;
type ToolEntry = Of<"tool:input" | "tool:call_start" | "tool:progress" | "tool:call_finish">;
type Ended = Of<"chunk:complete" | "chunk:failed">;

/** A call that has not ended. */
interface OpenCall {
  readonly id: string;
  readonly tool: string;
  readonly by: Author;
  /** The call of the model that writes it. */
  readonly call: number | undefined;
  /** Its input, as far as it is written; undefined before. */
  text: string | undefined;
  /** How its input is told; undefined while it is being written. */
  input: UIMessageChunk | undefined;
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
    return entry.type.startsWith("tool:");
  }

  note(entry: ToolEntry, by: Author): UIMessageChunk[] {
    const key = `${attemptId(entry)} ${entry.toolCallId}`;
    const known = this.#open.get(key);
    const isOther = entry.type === "tool:input" && known !== undefined && known.call !== entry.call;
    const before = isOther ? this.#end(known, true) : []; // nothing runs for it
    const call = isOther || known === undefined ? this.#begin(entry, by) : known;
    this.#open.set(key, call);
    if (entry.type === "tool:input") return [...before, ...this.#write(call, entry.delta)];
    if (entry.type === "tool:call_start") return this.#call(call, entry.args);
    const begun = call.input === undefined ? this.#call(call, null) : []; // its beginning has been dropped from the log
    if (entry.type === "tool:call_finish") this.#open.delete(key);
    return [...begun, ...this.#more(call, outcomeOf(call.id, entry))];
  }

  /** An attempt is over, and with it the calls that have not ended. */
  over(entry: Ended): UIMessageChunk[] {
    const begins = `${attemptId(entry)} `;
    return this.#endAll((key) => key.startsWith(begins), entry.type === "chunk:complete");
  }

  /** Forgets the calls that are void. */
  forgetVoid(): void {
    for (const [key, { by }] of this.#open) if (by.isVoid) this.#open.delete(key);
  }

  /** Ends what is still open. */
  endAll(): UIMessageChunk[] {
    return this.#endAll(() => true, false);
  }

  /** Whether an input is being written. */
  get isWriting(): boolean {
    return [...this.#open.values()].some(({ input }) => input === undefined);
  }

  #write(call: OpenCall, delta: string): UIMessageChunk[] {
    const { id, tool, by } = call;
    const isFirst = call.text === undefined;
    call.text = `${call.text ?? ""}${delta}`;
    const begin: UIMessageChunk = { type: "tool-input-start", toolCallId: id, toolName: tool };
    const written = (inputTextDelta: string): UIMessageChunk => ({
      type: "tool-input-delta",
      toolCallId: id,
      inputTextDelta,
    });
    const more = this.#parts.tellMore(written(delta), [begin, written(call.text)], by, id);
    return isFirst && more.length > 0 ? [begin, ...more] : more;
  }

  #call(call: OpenCall, input: unknown): UIMessageChunk[] {
    const { id: toolCallId, tool: toolName, by } = call;
    call.input = { type: "tool-input-available", toolCallId, toolName, input };
    return this.#parts.tell(call.input, by, toolCallId);
  }

  #more({ id, input, by }: OpenCall, chunk: UIMessageChunk): UIMessageChunk[] {
    return this.#parts.tellMore(chunk, input === undefined ? [chunk] : [input, chunk], by, id);
  }

  #endAll(which: (key: string) => boolean, isWell: boolean): UIMessageChunk[] {
    return [...this.#open].flatMap(([key, call]) => {
      if (!which(key)) return [];
      this.#open.delete(key);
      return this.#end(call, isWell);
    });
  }

  /** @param isWell whether a call that nothing runs for is no failure: its model has decided, and that is all */
  #end(call: OpenCall, isWell: boolean): UIMessageChunk[] {
    const { id: toolCallId, tool: toolName, text = "", input } = call;
    if (input !== undefined) return this.#more(call, { type: "tool-output-error", toolCallId, errorText: ENDED });
    const written = isWell ? parsed(text) : undefined;
    if (written !== undefined) return this.#call(call, written);
    return this.#more(call, { type: "tool-input-error", toolCallId, toolName, input: text, errorText: ENDED });
  }

  #begin(entry: ToolEntry, by: Author): OpenCall {
    const { toolCallId, tool } = entry;
    const call = entry.type === "tool:input" ? entry.call : undefined;
    const times = (this.#given.get(toolCallId) ?? 0) + 1;
    this.#given.set(toolCallId, times);
    const id = times === 1 ? toolCallId : `${toolCallId}~${times}`;
    return { id, tool, by, call, text: undefined, input: undefined };
  }
}

const ENDED = "The call was ended";

/** Undefined where it is not whole. */
function parsed(text: string): unknown {
  try {
    return JSON.parse(text) as unknown;
  } catch {
    return undefined; // the generation was ended before the input was
  }
}

function outcomeOf(toolCallId: string, entry: Of<"tool:progress" | "tool:call_finish">): UIMessageChunk {
  if (entry.type === "tool:progress") {
    return { type: "tool-output-available", toolCallId, output: entry.data, preliminary: true };
  }
  if (entry.success) return { type: "tool-output-available", toolCallId, output: entry.output ?? null };
  return { type: "tool-output-error", toolCallId, errorText: entry.error ?? "The tool failed" };
}
