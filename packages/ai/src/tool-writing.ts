import type { ModelPart } from "@sluice/core";
import type { TextStreamPart, ToolSet } from "ai";

/** Follows the inputs of tools that a model writes. */
export class ToolWriting {
  /** The tools of the calls that are being written, by the id of the call. */
  readonly #open = new Map<string, string>();
  readonly #ended = new Set<string>();

  /** What a part of the SDK's stream says of them. */
  *note(part: TextStreamPart<ToolSet>): Generator<ModelPart> {
    switch (part.type) {
      case "tool-input-start":
        this.#open.set(part.id, part.toolName);
        return;
      case "tool-input-delta": {
        const tool = this.#open.get(part.id);
        if (tool !== undefined && part.delta !== "") {
          yield { type: "tool-input", toolCallId: part.id, tool, delta: part.delta };
        }
        return;
      }
      case "tool-input-end":
        return yield* this.#end(part.id);
      case "tool-call": {
        const { toolCallId, toolName: tool, input } = part;
        if (!this.#open.has(toolCallId) && !this.#ended.has(toolCallId)) {
          this.#open.set(toolCallId, tool); // a provider that writes a call in one piece
          yield { type: "tool-input", toolCallId, tool, delta: JSON.stringify(input ?? null) };
        }
        yield* this.#end(toolCallId);
        this.#ended.delete(toolCallId); // some models count their calls anew each time
      }
    }
  }

  *#end(toolCallId: string): Generator<ModelPart> {
    const tool = this.#open.get(toolCallId);
    if (tool === undefined) return;
    this.#open.delete(toolCallId);
    this.#ended.add(toolCallId);
    yield { type: "tool-input-end", toolCallId, tool };
  }
}
