import { type AGUIEvent, EventType, type Interrupt as AgUiInterrupt, type Message, type TokenUsage } from "@ag-ui/core";
import {
  type Entry,
  type EntryOf,
  type FinalEntry,
  type Interrupt,
  type OpenQuestion,
  SluiceError,
  isFinal,
} from "@sluice/core";
import type { UIMessageChunk } from "ai";
import { z } from "zod";
import { type AgUiActivity, AgUiMessages } from "./ag-ui-messages.ts";
import { AgUiState, type AgUiStateOptions } from "./ag-ui-state.ts";
import { AgUiSteps } from "./ag-ui-steps.ts";
import { type ItemEntry, MessageChunks, type MessageOptions } from "./message-chunks.ts";
import { plain } from "./plain.ts";

/** What a run of AG-UI shows of an execution. */
export interface AgUiRunOptions<Item = unknown>
  extends AgUiStateOptions, Pick<MessageOptions<Item>, "field" | "reasoning" | "onError"> {
  /** The thread's id. @default the execution's */
  readonly threadId?: string;
  /** The run's id: what waits for people goes on in another run. @default the execution's */
  readonly runId?: string;
  /** What the thread has before this run. It is told again where something is void: a client drops what it is not told. @default none */
  readonly messages?: readonly Message[];
  /** What an item of the runtime stream is shown as; undefined leaves it out. @default an activity of the type `item` */
  readonly item?: (item: Item, entry: ItemEntry) => AgUiActivity | undefined;
  /** The flow's questions: clients are told what their answers look like. */
  readonly questions?: readonly Interrupt[];
}

/** Makes the events of one run of the entries of a log, in their order. */
export class AgUiRun<Item = unknown> {
  readonly #options: AgUiRunOptions<Item>;
  readonly #executionId: string;
  readonly #chunks: MessageChunks<Item>;
  readonly #state: AgUiState;
  readonly #steps = new AgUiSteps();
  #messages: AgUiMessages;
  /** Until when questions can be answered, by their ids. */
  readonly #due = new Map<string, number>();
  readonly #usage = new Map<string, TokenUsage>();

  constructor(executionId: string, options: AgUiRunOptions<Item>) {
    this.#executionId = executionId;
    this.#options = options;
    const { field, reasoning, onError, item = activityOf } = options;
    this.#chunks = new MessageChunks<Item>({
      ...(field && { field }),
      ...(reasoning !== undefined && { reasoning }),
      ...(onError && { onError }),
      question: () => "none",
      state: () => undefined,
      item: (one, entry) => {
        const data = item(one, entry);
        return data && { type: "data-item", id: `${entry.seq}.${entry.live}`, data };
      },
    });
    this.#state = new AgUiState(options);
    this.#messages = new AgUiMessages(this.#prefix);
  }

  /** The first event of a run. */
  started(): AGUIEvent {
    const metadata = { executionId: this.#executionId };
    return { type: EventType.RUN_STARTED, ...this.#ids, protocolVersion: "1.0", metadata };
  }

  /** What an entry makes of the run. */
  note(entry: Entry): AGUIEvent[] {
    if (entry.type === "interrupt:raised" && entry.dueAt !== undefined) this.#due.set(entry.interrupt.id, entry.dueAt);
    if (entry.type === "model:finish") this.#count(entry);
    const chunks = this.#chunks.note(entry);
    const told = chunks[0]?.type === "reset-step" ? this.#retell(chunks) : chunks.flatMap((chunk) => this.#tell(chunk));
    const events = [...this.#state.note(entry), ...told, ...this.#steps.note(entry)];
    return isFinal(entry) ? [...events, ...this.end(entry)] : events;
  }

  /** The execution has ended, or waits for people; what it has waited for earlier is no end. */
  end(entry: FinalEntry | EntryOf<unknown, "flow:waiting">): AGUIEvent[] {
    return [...this.#messages.endAll(), ...this.#steps.endAll(), this.#ended(entry)];
  }

  /** A client begins here that has had the runs before. @returns what it begins with */
  resumed(): AGUIEvent[] {
    this.#messages.beginRun();
    this.#steps.beginRun();
    this.#usage.clear();
    return [this.#state.snapshot()];
  }

  /** The run cannot be followed any more. */
  failed(error: unknown): AGUIEvent[] {
    const code = error instanceof SluiceError ? { code: error.code } : {};
    return [{ type: EventType.RUN_ERROR, message: this.#chunks.errorText(error), ...code }];
  }

  get #prefix(): string {
    return `${this.#executionId}:`;
  }

  get #ids() {
    const { threadId = this.#executionId, runId = this.#executionId } = this.#options;
    return { threadId, runId };
  }

  #tell(chunk: UIMessageChunk): AGUIEvent[] {
    return chunk.type === "data-field" ? this.#state.field(chunk as never) : this.#messages.note(chunk);
  }

  #retell([, ...chunks]: readonly UIMessageChunk[]): AGUIEvent[] {
    const before = this.#messages;
    this.#messages = new AgUiMessages(this.#prefix);
    for (const chunk of chunks) this.#messages.note(chunk);
    return [...this.#messages.replace(before, this.#options.messages ?? []), ...this.#state.retell(chunks)];
  }

  #ended(entry: FinalEntry | EntryOf<unknown, "flow:waiting">): AGUIEvent {
    const usage = this.#usage.size === 0 ? {} : { usage: [...this.#usage.values()] };
    if (!isFinal(entry)) {
      const interrupts = entry.interrupts.map((question) => this.#interrupt(question));
      return { type: EventType.RUN_FINISHED, ...this.#ids, outcome: { type: "interrupt", interrupts }, ...usage };
    }
    switch (entry.type) {
      case "flow:completed": {
        const result = plain(entry.result);
        return {
          type: EventType.RUN_FINISHED,
          ...this.#ids,
          ...(result !== null && { result }),
          outcome: { type: "success" },
          ...usage,
        };
      }
      case "flow:cancelled":
        return { type: EventType.RUN_FINISHED, ...this.#ids, outcome: { type: "cancelled" }, ...usage };
      case "flow:failed":
        return {
          type: EventType.RUN_ERROR,
          message: this.#chunks.errorText(entry.error),
          code: entry.error.code,
          ...usage,
        };
      case "flow:timeout": {
        const message = `The execution took longer than its time: ${entry.elapsedMs} ms`;
        return { type: EventType.RUN_ERROR, message, code: "execution-timeout", ...usage };
      }
      default:
        return entry satisfies never;
    }
  }

  #interrupt({ id, name, payload, chunk }: OpenQuestion): AgUiInterrupt {
    const definition = this.#options.questions?.find((one) => one.name === name);
    const dueAt = this.#due.get(id);
    return {
      id: `${this.#prefix}${id}`,
      reason: name,
      ...(typeof payload === "string" && { message: payload }),
      ...(definition && { responseSchema: z.toJSONSchema(definition.answer, { io: "input", unrepresentable: "any" }) }),
      ...(dueAt !== undefined && { expiresAt: new Date(dueAt).toISOString() }),
      metadata: { name, chunk, payload: plain(payload) },
    };
  }

  /** What models use in this run is told for each. */
  #count({ model, usage }: EntryOf<unknown, "model:finish">): void {
    const sum: Record<string, unknown> = { ...(this.#usage.get(model) ?? { model }) };
    for (const [key, count] of Object.entries(usage))
      if (typeof count === "number") sum[key] = Number(sum[key] ?? 0) + count;
    this.#usage.set(model, sum as TokenUsage);
  }
}

function activityOf(item: unknown): AgUiActivity {
  const content = plain(item);
  const isObject = typeof content === "object" && content !== null && !Array.isArray(content);
  return { activityType: "item", content: isObject ? (content as Record<string, unknown>) : { value: content } };
}
