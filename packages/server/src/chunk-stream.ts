import { toJson } from "@sluice/core";
import { asyncScheduler } from "rxjs";
import { type StreamOptions, sseHeaders } from "./event-stream.ts";
import { expireAt } from "./expiry.ts";
import type { Watch } from "./watch.ts";
import { within } from "./within.ts";

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

const encoder = new TextEncoder();

/**
 * Values as server-sent events without ids, one message each. Nothing is read before the client reads; one that leaves lets
 * the values go. Where the server closes, or the leave to watch is over, the stream ends without its `end`.
 */
export function chunkStream(
  values: ReadableStream<unknown>,
  watch: Watch,
  { headers, skip = 0, end = () => "", onLeave, heartbeatMs = 15_000, scheduler = asyncScheduler }: ChunkStreamOptions,
): Response {
  const { closing, until } = watch;
  const reader = values.getReader();
  let isCut = false;
  const cut = (): void => {
    isCut = true;
    reader.cancel().catch(() => {}); // it has ended, or failed: that is read, too
  };
  closing.addEventListener("abort", cut, { once: true });
  const unexpire = until === undefined ? undefined : expireAt(until, cut, scheduler);
  const over = (): void => {
    closing.removeEventListener("abort", cut);
    unexpire?.();
    watch.end();
  };
  if (closing.aborted) cut();
  let next: Promise<ReadableStreamReadResult<unknown>> | undefined;
  let last: unknown;
  let passed = 0;
  /** What is to be written next; undefined at the end. */
  const written = async (): Promise<string | undefined> => {
    for (;;) {
      next ??= reader.read();
      const read = await within(next, heartbeatMs, scheduler);
      if (read === undefined) return ": still here\n\n";
      next = undefined;
      if (read.done) return undefined;
      last = read.value;
      passed += 1;
      if (passed > skip) return `data: ${toJson(last)}\n\n`;
    }
  };
  const body = new ReadableStream<Uint8Array>(
    {
      async pull(controller) {
        try {
          const text = await written();
          if (text !== undefined) return controller.enqueue(encoder.encode(text));
          if (!isCut) controller.enqueue(encoder.encode(end(last)));
        } catch {
          // the execution was taken over, or its store has failed: its server knows, and the client comes again
        }
        controller.close();
        over();
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
