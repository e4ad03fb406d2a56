import type { ModelPart } from "@sluice/core";
import type { Tool, ToolExecutionEndEvent, ToolExecutionStartEvent, ToolSet } from "ai";
import { calledBy } from "./caller.ts";
import { plain } from "./plain.ts";

/** What is told of tools, and what they are told. */
export interface ToldToolsOptions {
  readonly tell: (part: ModelPart) => void;
  readonly idempotencyKey: string | undefined;
  /** What an error says, without keys. */
  readonly sentence: (error: unknown) => string;
}

/** The parts of the SDK's stream that can end a call of a tool. */
type Ending = { readonly toolCallId: string; readonly toolName: string } & (
  | { readonly type: "tool-result"; readonly output: unknown }
  | { readonly type: "tool-error"; readonly error: unknown }
);

/** Tools whose calls are told while they run. */
export class ToldTools {
  readonly #options: ToldToolsOptions;
  readonly #running = new Set<string>();
  readonly #told = new Set<string>();

  constructor(options: ToldToolsOptions) {
    this.#options = options;
  }

  /** The same tools; while they run they know their caller, and what they yield before their result is told. */
  watched<TOOLS extends ToolSet>(tools: TOOLS): TOOLS {
    const entries = Object.entries(tools).map(([name, tool]) => [name, this.#watch(name, tool)]);
    return Object.fromEntries(entries) as TOOLS; // each is what it was, with another `execute`
  }

  readonly onStart = ({ toolCall }: ToolExecutionStartEvent): void => {
    this.#running.add(toolCall.toolCallId);
    this.#options.tell(this.begun(toolCall));
  };

  readonly onEnd = ({ toolOutput }: ToolExecutionEndEvent): void => {
    this.#running.delete(toolOutput.toolCallId);
    this.#options.tell(this.ended(toolOutput));
  };

  /** What is told when a call begins. */
  begun({ toolCallId, toolName, input }: { toolCallId: string; toolName: string; input: unknown }): ModelPart {
    this.#told.add(toolCallId);
    return { type: "tool-call", toolCallId, tool: toolName, args: plain(input) };
  }

  /** What is told when it has ended. */
  ended(ending: Ending): ModelPart {
    const { toolCallId, toolName: tool } = ending;
    if (ending.type === "tool-result") {
      return { type: "tool-result", toolCallId, tool, success: true, output: plain(ending.output) };
    }
    const error = this.#options.sentence(ending.error);
    return { type: "tool-result", toolCallId, tool, success: false, error };
  }

  /** Whether a call has been told of. */
  knows(toolCallId: string): boolean {
    return this.#told.has(toolCallId);
  }

  #watch(name: string, tool: Tool): Tool {
    const { execute } = tool;
    if (execute === undefined) return tool;
    const watched: NonNullable<Tool["execute"]> = (input, options) => {
      const { toolCallId } = options;
      const progress = (data: unknown): void => {
        if (!this.#running.has(toolCallId)) return;
        this.#options.tell({ type: "tool-progress", toolCallId, tool: name, data: plain(data) });
      };
      const { idempotencyKey } = this.#options;
      const output: unknown = execute.call(tool, input, calledBy(options, { idempotencyKey, progress }));
      return isAsyncIterable(output) ? relayed(output, progress) : output;
    };
    return { ...tool, execute: watched } as Tool;
  }
}

async function* relayed(outputs: AsyncIterable<unknown>, progress: (data: unknown) => void): AsyncGenerator<unknown> {
  for await (const output of outputs) {
    progress(output);
    yield output;
  }
}

function isAsyncIterable(value: unknown): value is AsyncIterable<unknown> {
  return typeof value === "object" && value !== null && Symbol.asyncIterator in value;
}
