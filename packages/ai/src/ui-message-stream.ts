import {
  type Entry,
  type Execution,
  type Gap,
  type ItemOf,
  type Position,
  type PullOptions,
  comparePositions,
  parsePosition,
  toReadableStream,
} from "@sluice/core";
import type { UIMessage, UIMessageChunk } from "ai";
import { MessageChunks, type MessageOptions } from "./message-chunks.ts";
import type { FieldData } from "./shown-fields.ts";

/** The data parts of a message that shows an execution. */
export type FlowDataParts<Item = unknown, State = unknown> = {
  field: FieldData;
  item: Item;
  state: State;
  gap: Gap;
};

/** A message that shows an execution, for `useChat` and `readUIMessageStream`. */
export type FlowMessage<Item = unknown, State = unknown> = UIMessage<unknown, FlowDataParts<Item, State>>;

/** How an execution is shown as a message. */
export interface UIMessageStreamOptions<Item = unknown>
  extends MessageOptions<Item>, Pick<PullOptions, "from" | "after" | "until" | "lag" | "timeout" | "cancelOnExit"> {
  /** Tell all of it in place of what the reader has of the message. @default false */
  readonly anew?: boolean;
}

/**
 * An execution as one message of the AI SDK's UI message stream: for `createUIMessageStreamResponse`,
 * `pipeUIMessageStreamToResponse` and `readUIMessageStream`.
 *
 * Texts, reasoning and tools of models are parts as the SDK's own; fields of replies, items and the state are data parts
 * (`FlowDataParts`). What turns out to be void is taken back: the message's one step begins anew, and all that is still
 * valid is told again. Nothing is read before the stream is, and a slow reader slows nobody; cancelling the stream leaves
 * the log. With `until: "waiting"` the message ends where the execution waits for people, too. Who comes late gets what is retained, from the beginning; with `after`, only what a message that has been shown
 * up to there is short of. An error is a chunk with a sentence, not an error of the stream.
 *
 * It keeps as much as the message holds.
 *
 * @throws SluiceError `position-invalid`
 * @see https://ai-sdk.dev/docs/ai-sdk-ui/stream-protocol
 * @see docs/decisions.md D-060, why there is one step
 */
export function toUIMessageStream<S>(
  execution: Execution<S>,
  options: UIMessageStreamOptions<ItemOf<S>> = {},
): ReadableStream<UIMessageChunk> {
  const { from, after, until, lag, timeout, cancelOnExit, anew = false, messageId = execution.id } = options;
  const given = after ?? from;
  const position = given === undefined ? undefined : parsePosition(given);
  const pulled: PullOptions = { until, lag, timeout, cancelOnExit };
  const isWhole = position === undefined && lag === "gap"; // what memory has dropped is read from the store, or told as a gap
  let entries: AsyncGenerator<Entry | Gap> = execution.events(isWhole ? { ...pulled, from: 1 } : pulled);
  const chunks = written();
  let last: Entry | Gap | undefined;
  const end = chunks.return.bind(chunks);
  // a generator that waits would hear of it with the next entry only
  chunks.return = async (value) => {
    await entries.return(undefined);
    return end(value);
  };
  return toReadableStream(chunks);

  async function* written(): AsyncGenerator<UIMessageChunk, void, undefined> {
    const message = new MessageChunks<ItemOf<S>>(options);
    yield { type: "start", messageId };
    try {
      if (position === undefined) yield { type: anew ? "reset-step" : "start-step" };
      else yield* resumed(message, position);
      for (let next = await entries.next(); next.done !== true; next = await entries.next()) {
        last = next.value;
        yield* told(message, last);
      }
      if (last?.type === "flow:waiting") yield* message.waiting();
    } catch (error) {
      yield { type: "error", errorText: message.errorText(error) };
    }
  }

  /** Follows, without a word, what the reader has been shown; then tells the first entry behind it. */
  async function* resumed(message: MessageChunks<ItemOf<S>>, wanted: Position): AsyncGenerator<UIMessageChunk> {
    let isFirst = true;
    for (let next = await entries.next(); next.done !== true; next = await entries.next()) {
      const entry = next.value;
      last = entry;
      const order = entry.type === "gap" ? 1 : comparePositions(entry, wanted);
      if (isFirst && order > 0 && entry.type !== "flow:start") {
        // something between may have been dropped: a reader that begins there tells so
        await entries.return(undefined);
        entries = execution.events({ ...pulled, from, after });
        return;
      }
      isFirst = false;
      if (entry.type !== "gap" && (order < 0 || (order === 0 && after !== undefined))) message.note(entry);
      else return yield* [...message.resumed(), ...told(message, entry)];
    }
  }
}

function told(message: MessageChunks<never>, entry: Entry | Gap): UIMessageChunk[] {
  return entry.type === "gap" ? [{ type: "data-gap", data: entry }] : message.note(entry);
}
