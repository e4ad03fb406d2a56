import { type AGUIEvent, EventType, type Message, type ReasoningMessage } from "@ag-ui/core";
import type { UIMessageChunk } from "ai";

/** An item of the runtime stream, as an activity. */
export interface AgUiActivity {
  readonly activityType: string;
  readonly content: Record<string, unknown>;
}

/** What is shown of an execution as messages: texts and reasoning, calls of tools, items. As large as they are. */
export class AgUiMessages {
  readonly #prefix: string;
  readonly #messages = new Map<string, Message>();
  /** What has begun in this run and has not ended, with how that is told. */
  readonly #open = new Map<string, readonly AGUIEvent[]>();

  /** @param prefix what ids begin with, so that they are the thread's only ones */
  constructor(prefix: string) {
    this.#prefix = prefix;
  }

  /** What a chunk of a UI message makes of them. */
  note(chunk: UIMessageChunk): AGUIEvent[] {
    switch (chunk.type) {
      case "text-start":
      case "reasoning-start":
        return this.#begin(chunk.type === "text-start" ? "text" : "reasoning", this.#idOf(chunk));
      case "text-delta":
      case "reasoning-delta":
        return this.#write(chunk.type === "text-delta" ? "text" : "reasoning", this.#idOf(chunk), chunk.delta);
      case "text-end":
      case "reasoning-end":
        return this.#close(`${chunk.type === "text-end" ? "text" : "reasoning"} ${this.#idOf(chunk)}`);
      case "tool-input-start":
        return this.#call(this.#callOf(chunk), chunk.toolName);
      case "tool-input-delta":
        return this.#argue(this.#callOf(chunk), chunk.inputTextDelta);
      case "tool-input-available":
      case "tool-input-error":
        return [
          ...this.#argued(chunk),
          ...(chunk.type === "tool-input-error" ? this.#result(chunk, chunk.errorText) : []),
        ];
      case "tool-output-available":
        return chunk.preliminary === true
          ? [progress(this.#callOf(chunk), chunk.output)]
          : this.#result(chunk, chunk.output);
      case "tool-output-error":
        return this.#result(chunk, chunk.errorText);
      case "data-item":
        return this.#act(`${this.#prefix}item:${(chunk as { readonly id?: string }).id}`, chunk.data as AgUiActivity);
      default:
        return [];
    }
  }

  /** A new run begins, to whose client nothing has begun. */
  beginRun(): void {
    this.#open.clear();
  }

  /** Ends what has begun. */
  endAll(): AGUIEvent[] {
    return [...this.#open.keys()].flatMap((key) => this.#close(key));
  }

  /** These take the place of what was shown: it is void in part. @param history the thread's messages before them */
  replace(before: AgUiMessages, history: readonly Message[]): AGUIEvent[] {
    const ended: AGUIEvent[] = [];
    for (const [key, end] of before.#open) if (!this.#open.has(key)) ended.push(...end);
    for (const key of this.#open.keys()) if (!before.#open.has(key)) this.#open.delete(key);
    const gone = [...before.#messages.values()].filter(({ id }) => !this.#messages.has(id));
    const own = [...this.#messages.values()].filter(({ role }) => role !== "activity");
    const at = history.findIndex(({ id }) => id.startsWith(this.#prefix));
    const others = history.filter(({ id, role }) => !id.startsWith(this.#prefix) && role !== "activity");
    const kept = [...others.slice(0, at < 0 ? others.length : at), ...own, ...(at < 0 ? [] : others.slice(at))];
    // a snapshot without reasoning, or without activities, leaves a client those that it has
    const reasoning = kept.some(({ role }) => role === "reasoning") ? [] : gone.flatMap(emptied);
    const snapshot: AGUIEvent = {
      type: EventType.MESSAGES_SNAPSHOT,
      messages: structuredClone([...kept, ...reasoning]),
    };
    return [...ended, ...gone.flatMap(withdrawn), snapshot];
  }

  #begin(kind: "text" | "reasoning", id: string): AGUIEvent[] {
    if (!this.#messages.has(id)) {
      this.#messages.set(
        id,
        kind === "text" ? { id, role: "assistant", content: "" } : { id, role: "reasoning", content: "" },
      );
    }
    if (kind === "text") {
      this.#open.set(`text ${id}`, [{ type: EventType.TEXT_MESSAGE_END, messageId: id }]);
      return [{ type: EventType.TEXT_MESSAGE_START, messageId: id, role: "assistant" }];
    }
    this.#open.set(`reasoning ${id}`, [
      { type: EventType.REASONING_MESSAGE_END, messageId: id },
      { type: EventType.REASONING_END, messageId: id },
    ]);
    return [
      { type: EventType.REASONING_START, messageId: id },
      { type: EventType.REASONING_MESSAGE_START, messageId: id, role: "reasoning" },
    ];
  }

  #write(kind: "text" | "reasoning", id: string, text: string): AGUIEvent[] {
    const begun = this.#open.has(`${kind} ${id}`) ? [] : this.#begin(kind, id);
    const message = this.#messages.get(id) as { content: string };
    message.content += text;
    const type = kind === "text" ? EventType.TEXT_MESSAGE_CONTENT : EventType.REASONING_MESSAGE_CONTENT;
    return [...begun, { type, messageId: id, delta: text }];
  }

  #close(key: string): AGUIEvent[] {
    const end = this.#open.get(key) ?? [];
    this.#open.delete(key);
    return [...end];
  }

  #call(toolCallId: string, name: string): AGUIEvent[] {
    const id = messageOf(toolCallId);
    const call = { id: toolCallId, type: "function" as const, function: { name, arguments: "" } };
    if (!this.#messages.has(id)) this.#messages.set(id, { id, role: "assistant", toolCalls: [call] });
    this.#open.set(`tool ${toolCallId}`, [{ type: EventType.TOOL_CALL_END, toolCallId }]);
    return [{ type: EventType.TOOL_CALL_START, toolCallId, toolCallName: name, parentMessageId: id }];
  }

  #argue(toolCallId: string, text: string): AGUIEvent[] {
    const known = this.#calls(toolCallId);
    const begun = this.#open.has(`tool ${toolCallId}`) ? [] : this.#call(toolCallId, known?.name ?? "");
    const call = this.#calls(toolCallId);
    if (call !== undefined) call.arguments += text;
    return [...begun, { type: EventType.TOOL_CALL_ARGS, toolCallId, delta: text }];
  }

  /** The input is whole: it is told where it was not told piece by piece. */
  #argued(chunk: { readonly toolCallId: string; readonly toolName: string; readonly input: unknown }): AGUIEvent[] {
    const toolCallId = this.#callOf(chunk);
    const isWritten = (this.#calls(toolCallId)?.arguments ?? "") !== "";
    const begun = this.#open.has(`tool ${toolCallId}`) || isWritten ? [] : this.#call(toolCallId, chunk.toolName);
    const told = isWritten ? [] : this.#argue(toolCallId, textOf(chunk.input));
    return [...begun, ...told, ...this.#close(`tool ${toolCallId}`)];
  }

  #result(chunk: { readonly toolCallId: string }, output: unknown): AGUIEvent[] {
    const toolCallId = this.#callOf(chunk);
    const id = `${toolCallId}:result`;
    const content = textOf(output);
    this.#messages.set(id, { id, role: "tool", toolCallId, content });
    const ended = this.#close(`tool ${toolCallId}`);
    return [...ended, { type: EventType.TOOL_CALL_RESULT, messageId: id, toolCallId, content, role: "tool" }];
  }

  #act(id: string, { activityType, content }: AgUiActivity): AGUIEvent[] {
    this.#messages.set(id, { id, role: "activity", activityType, content });
    return [{ type: EventType.ACTIVITY_SNAPSHOT, messageId: id, activityType, content }];
  }

  #calls(toolCallId: string): { name: string; arguments: string } | undefined {
    const message = this.#messages.get(messageOf(toolCallId));
    return message?.role === "assistant" ? message.toolCalls?.[0]?.function : undefined;
  }

  /** A call's text and its reasoning are two messages. */
  #idOf({ type, id }: { readonly type: string; readonly id: string }): string {
    return `${this.#prefix}${id}${type.startsWith("reasoning") ? ":reasoning" : ""}`;
  }

  #callOf({ toolCallId }: { readonly toolCallId: string }): string {
    return `${this.#prefix}${toolCallId}`;
  }
}

/** Each call has a message of its own. */
function messageOf(toolCallId: string): string {
  return `${toolCallId}:call`;
}

function emptied(message: Message): ReasoningMessage[] {
  return message.role === "reasoning" ? [{ ...message, content: "" }] : [];
}

function withdrawn({ id, role }: Message): AGUIEvent[] {
  if (role !== "activity") return [];
  return [{ type: EventType.ACTIVITY_SNAPSHOT, messageId: id, activityType: "withdrawn", content: {} }];
}

function progress(toolCallId: string, data: unknown): AGUIEvent {
  return { type: EventType.CUSTOM, name: "tool:progress", value: { toolCallId, data } };
}

function textOf(value: unknown): string {
  return typeof value === "string" ? value : JSON.stringify(value ?? null);
}
