// What a client of the AI SDK makes of the stream: chunks held against the SDK's own schema, messages by its own reader.
import { type FlowMessage, type UIMessageStreamOptions, toUIMessageStream } from "@sluice/ai";
import type { Execution, ItemOf } from "@sluice/core";
import { type UIMessageChunk, asSchema, readUIMessageStream, uiMessageChunkSchema } from "ai";
import { convertArrayToReadableStream } from "ai/test";
import { expect } from "vitest";

/** All chunks; each fits the schema with which the SDK's clients read them. */
export async function chunksOf<S>(execution: Execution<S>, options?: UIMessageStreamOptions<ItemOf<S>>) {
  return read(toUIMessageStream(execution, options));
}

/** All chunks of a stream, held against the schema, after a way through JSON. */
export async function read(stream: ReadableStream<UIMessageChunk>): Promise<UIMessageChunk[]> {
  const { validate } = asSchema(uiMessageChunkSchema);
  const chunks: UIMessageChunk[] = [];
  for await (const chunk of stream) {
    const wired: unknown = JSON.parse(JSON.stringify(chunk));
    expect(wired).toEqual(chunk);
    expect(await validate?.(wired)).toMatchObject({ success: true });
    chunks.push(chunk);
  }
  return chunks;
}

/** The messages that a client shows, one after the other, and what errors it hears of. */
export async function shownBy(chunks: readonly UIMessageChunk[], message?: FlowMessage) {
  const errors: string[] = [];
  const messages: FlowMessage[] = [];
  const stream = convertArrayToReadableStream([...chunks]);
  const onError = (error: unknown): void => void errors.push((error as Error).message);
  const shown = readUIMessageStream<FlowMessage>({
    stream,
    onError,
    ...(message && { message: structuredClone(message) }),
  });
  for await (const one of shown) messages.push(structuredClone(one));
  return { errors, messages, last: messages.at(-1) ?? message };
}

/** The parts of a message in short. */
export function partsOf(message: FlowMessage | undefined): unknown[] {
  return (message?.parts ?? []).flatMap((part): unknown[] => {
    switch (part.type) {
      case "step-start":
        return [];
      case "text":
      case "reasoning":
        return [`${part.type}${part.state === "done" ? "" : "…"} ${part.text}`];
      case "data-field":
        return [`${part.data.reply}.${part.data.path} ${part.data.state} ${JSON.stringify(part.data.value)}`];
      case "data-item":
      case "data-state":
      case "data-gap":
        return [`${part.type.slice(5)} ${JSON.stringify(part.data)}`];
      default:
        return [part];
    }
  });
}
