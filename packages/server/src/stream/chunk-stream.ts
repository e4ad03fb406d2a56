import { toJson } from "@sluice/core";
import { asyncScheduler } from "rxjs";
import { type StreamOptions, sseHeaders } from "./event-stream.ts";
import { expireAt } from "../request/expiry.ts";
import type { Watch } from "../access/watch.ts";
import { within } from "../request/within.ts";

/** How values are written to a client. */
export interface ChunkStreamOptions extends StreamOptions {
  readonly headers?: Readonly<Record<string, string>>;
  /** The first so many are passed over: the client has had them. @default 0 */
  readonly skip?: number;
  /** What is written behind the last value. */
  readonly end?: (last: unknown) => string;
  /** Hears that the client has left before the end. */
  readonly onLeave?: () => void;
}

/** In place of a value: the execution was taken over, or its store has failed. Its server knows; the client comes again. */
const brokenOff: ReadableStreamReadResult<unknown> = { done: true, value: undefined };
const encoder = new TextEncoder();

/**
 * Values as server-sent events without ids, one message each. Nothing is read before the client reads; one that leaves lets
 * the values go. Where the server closes, or the time of a token is over, the stream ends without its `end`.
 */
export function chunkStream(
  values: ReadableStream<unknown>,
  { closing, until, end: ended }: Watch,
  { headers, skip = 0, end = () => "", onLeave, heartbeatMs = 15_000, scheduler = asyncScheduler }: ChunkStreamOptions,
): Response {
  const reader = values.getReader();
  let isCut = false;
  const leave = (): void => {
    isCut = true;
    reader.cancel().catch(() => {}); // it has failed: that is read, too
  };
  const unexpire = until === undefined ? undefined : expireAt(until, leave, scheduler);
  const over = (): void => {
    closing.removeEventListener("abort", leave);
    unexpire?.();
    ended();
  };
  let next: Promise<ReadableStreamReadResult<unknown>> | undefined;
  let last: unknown;
  let passed = 0;
  const write = (controller: ReadableStreamDefaultController<Uint8Array>, value: unknown): void => {
    try {
      controller.enqueue(encoder.encode(`data: ${toJson(value)}\n\n`));
    } catch (error) {
      over(); // a value that cannot be written, by its own toJSON
      leave();
      throw error;
    }
  };
  const body = new ReadableStream<Uint8Array>(
    {
      start() {
        if (closing.aborted) leave();
        else closing.addEventListener("abort", leave, { once: true });
      },
      async pull(controller) {
        for (;;) {
          next ??= reader.read();
          const read = await within(next, heartbeatMs, scheduler).catch(() => brokenOff);
          if (read === undefined) return controller.enqueue(encoder.encode(": still here\n\n"));
          next = undefined;
          if (read.done) {
            over();
            if (!isCut && read !== brokenOff) controller.enqueue(encoder.encode(end(last)));
            return controller.close();
          }
          last = read.value;
          passed += 1;
          if (passed > skip) return write(controller, last);
        }
      },
      async cancel() {
        over();
        onLeave?.();
        await reader.cancel();
      },
    },
    { highWaterMark: 0 },
  );
  return new Response(body, { headers: { ...sseHeaders, ...headers } });
}
