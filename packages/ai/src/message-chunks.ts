import { type Entry, type EntryOf, type FinalEntry, SluiceError, isFinal, messageOf, positionOf } from "@sluice/core";
import type { FinishReason, UIMessageChunk } from "ai";
import { attemptId } from "./attempt-id.ts";
import { type Author, Authors } from "./authors.ts";
import { plain } from "./plain.ts";
import { withoutSecrets } from "./secret.ts";
import { type FieldShow, type ShownField, ShownFields } from "./shown-fields.ts";
import { ShownParts } from "./shown-parts.ts";
import { type QuestionShow, type ShownQuestion, ShownQuestions } from "./shown-questions.ts";
import { ShownTools } from "./shown-tools.ts";

/** An item of the runtime stream, with where it comes from. */
export type ItemEntry = Extract<Entry, { readonly type: "stream:item" }>;

/** What a message shows of an execution. */
export interface MessageOptions<Item = unknown> {
  /** The id of the message. @default the execution's id */
  readonly messageId?: string;
  /** What an item of the runtime stream is shown as; undefined leaves it out. @default a `data-item` part */
  readonly item?: (item: Item, entry: ItemEntry) => UIMessageChunk | undefined;
  /** How a field of a reply is shown. @default "data" */
  readonly field?: (field: ShownField) => FieldShow;
  /** How a question to people is shown. @default "tool" */
  readonly question?: (question: ShownQuestion) => QuestionShow;
  /** What is shown of the state after each change; undefined leaves it out. @default all of it */
  readonly state?: (state: unknown) => unknown;
  /** Whether the reasoning of models is shown. @default true */
  readonly reasoning?: boolean;
  /** What a reader is told of an error. @default what happened, without keys */
  readonly onError?: (error: unknown) => string;
  /** Metadata to be merged into the message's after an entry; undefined for none. */
  readonly messageMetadata?: (entry: Entry) => unknown;
}

/** The reasons of a model that are those of the message: it was cut, whatever the flow made of it. */
const CUT: ReadonlySet<string> = new Set<FinishReason>(["length", "content-filter"]);

/** Makes the chunks of one message of the entries of a log, in their order. */
export class MessageChunks<Item = unknown> {
  readonly #options: MessageOptions<Item>;
  readonly #authors = new Authors();
  readonly #parts = new ShownParts();
  readonly #fields: ShownFields;
  readonly #tools: ShownTools;
  readonly #questions: ShownQuestions;
  /** The calls of models whose tokens are text. */
  readonly #texts = new Set<string>();
  #state: Record<string, unknown> | undefined;
  #finishReason: FinishReason = "stop";

  constructor(options: MessageOptions<Item> = {}) {
    this.#options = options;
    this.#fields = new ShownFields(this.#parts, options.field);
    this.#tools = new ShownTools(this.#parts);
    this.#questions = new ShownQuestions(this.#parts, options.question);
  }

  /** What an entry makes of the message. */
  note(entry: Entry): UIMessageChunk[] {
    const metadata = this.#options.messageMetadata?.(entry);
    if (isFinal(entry)) return this.#end(entry, metadata);
    const chunks = this.#authors.note(entry) ? this.#forget() : this.#show(entry);
    return metadata === undefined ? chunks : [...chunks, { type: "message-metadata", messageMetadata: metadata }];
  }

  /** What a reader who comes now, with what has been told so far, has to be told. */
  resumed(): UIMessageChunk[] {
    const isWriting = this.#parts.isWriting || this.#tools.isWriting;
    return isWriting ? this.#parts.again() : []; // a text that was begun cannot be gone on with
  }

  /** What a reader is told who goes while the execution waits for people. */
  waiting(): UIMessageChunk[] {
    return [...this.#parts.endAll(), { type: "finish-step" }, { type: "finish", finishReason: "tool-calls" }];
  }

  /** What a reader is told of an error. */
  errorText(error: unknown): string {
    return (this.#options.onError ?? defaultErrorText)(error);
  }

  #forget(): UIMessageChunk[] {
    this.#tools.forgetVoid();
    this.#fields.forgetVoid();
    this.#questions.forgetVoid();
    return this.#parts.forgetVoid() ? this.#parts.again() : [];
  }

  #show(entry: Entry): UIMessageChunk[] {
    if (ShownFields.knows(entry)) return this.#fields.note(entry, this.#authors.reading(entry));
    if (ShownTools.knows(entry)) return this.#tools.note(entry, this.#authors.of(entry));
    if (ShownQuestions.knows(entry)) return this.#questions.note(entry, this.#authors.of(entry));
    switch (entry.type) {
      case "flow:start":
        if (entry.path.length === 1) this.#state = entry.state as Record<string, unknown>;
        return [];
      case "model:start":
        if (entry.replyId === undefined) this.#texts.add(callOf(entry));
        return [];
      case "model:token":
        if (!this.#texts.has(callOf(entry))) return [];
        return this.#parts.write("text", callOf(entry), entry.delta, this.#authors.of(entry));
      case "model:reasoning":
        if (this.#options.reasoning === false) return [];
        return this.#parts.write("reasoning", callOf(entry), entry.delta, this.#authors.of(entry));
      case "model:finish":
        if (CUT.has(entry.finishReason)) this.#finishReason = entry.finishReason as FinishReason;
        return this.#endCall(callOf(entry));
      case "chunk:complete":
      case "chunk:failed":
        // a call whose model has failed has no end of its own
        return [...this.#parts.endAll(`${attemptId(entry)}.`), ...this.#tools.over(entry)];
      case "stream:item":
        return entry.unbridged === true ? [] : this.#item(entry, this.#authors.of(entry));
      case "state:changed":
        return entry.path.length === 1 ? this.#change(entry) : [];
      default:
        return [];
    }
  }

  #item(entry: ItemEntry, by: Author): UIMessageChunk[] {
    const { item = shownItem } = this.#options;
    const chunk = item(entry.item as Item, entry); // items are what the flow's schema puts out
    if (chunk === undefined) return [];
    return this.#parts.tell(chunk, by);
  }

  #change({ diff, path }: EntryOf<any, "state:changed">): UIMessageChunk[] {
    if (this.#state === undefined) return []; // its beginning has been dropped: half of it would be wrong
    const kept = Object.entries(this.#state).filter(([key]) => !diff.removed.includes(key));
    this.#state = { ...Object.fromEntries(kept), ...diff.values };
    const { state = (all: unknown) => all } = this.#options;
    const data = state(this.#state);
    if (data === undefined) return [];
    const id = path.join("/");
    return this.#parts.tell({ type: "data-state", id, data }, undefined, `state ${id}`);
  }

  #endCall(call: string): UIMessageChunk[] {
    this.#texts.delete(call);
    return [...this.#parts.end("reasoning", call), ...this.#parts.end("text", call)];
  }

  #end(entry: FinalEntry, metadata: unknown): UIMessageChunk[] {
    const ended = [...this.#parts.endAll(), ...this.#tools.endAll(), ...this.#questions.endAll()];
    const messageMetadata = metadata === undefined ? {} : { messageMetadata: metadata };
    const finish = (finishReason: FinishReason): UIMessageChunk[] => [
      { type: "finish-step" },
      { type: "finish", finishReason, ...messageMetadata },
    ];
    switch (entry.type) {
      case "flow:completed":
        return [...ended, ...finish(this.#finishReason)];
      case "flow:cancelled":
        return [...ended, { type: "abort", reason: withoutSecrets(entry.reason) }];
      case "flow:failed":
        return [...ended, { type: "error", errorText: this.errorText(entry.error) }, ...finish("error")];
      case "flow:timeout": {
        const what = `The execution took longer than its time: ${entry.elapsedMs} ms`;
        const error = new SluiceError("execution-timeout", { what });
        return [...ended, { type: "error", errorText: this.errorText(error) }, ...finish("error")];
      }
      default:
        return entry satisfies never;
    }
  }
}

function shownItem(item: unknown, entry: ItemEntry): UIMessageChunk {
  return { type: "data-item", id: positionOf(entry), data: plain(item) };
}

function defaultErrorText(error: unknown): string {
  return withoutSecrets(error instanceof SluiceError ? error.what : messageOf(error));
}

function callOf(
  entry: Extract<Entry, { readonly type: "model:start" | "model:token" | "model:reasoning" | "model:finish" }>,
): string {
  return `${attemptId(entry)}.${entry.call}`;
}
