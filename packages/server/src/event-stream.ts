import { type Entry, type Execution, comparePositions, parsePosition, positionOf, toSSE } from "@sluice/core";
import { type SchedulerLike, asyncScheduler } from "rxjs";
import { isEnded } from "./hosted.ts";
import type { Wanted } from "./wanted.ts";
import type { Watch } from "./watch.ts";
import { within } from "./within.ts";

/** How streams are written. */
export interface StreamOptions {
  /** A comment is sent when nothing else was for so long, so that nobody between takes the connection for dead. @default 15_000 */
  readonly heartbeatMs?: number;
  /** How long a client waits before it connects again. @default 1_000 */
  readonly retryMs?: number;
  /** The clock of heartbeats. @default the handler's */
  readonly scheduler?: SchedulerLike;
}

/** In place of a message: the execution was taken over, or its store has failed. Its server knows; the client comes again. */
const brokenOff: IteratorResult<string, void> = { done: true, value: undefined };
const encoder = new TextEncoder();
const sseHeaders = {
  "content-type": "text/event-stream; charset=utf-8",
  "cache-control": "no-cache, no-transform",
  "x-accel-buffering": "no",
};

/**
 * The log of an execution as server-sent events. A client that comes again with the last id that it has had misses nothing
 * and gets nothing twice; one that has had everything gets 204, which ends its attempts. What a client does not read waits
 * in the log, not here.
 *
 * @see https://html.spec.whatwg.org/multipage/server-sent-events.html
 */
export function eventStream(
  execution: Execution,
  { after, from = "1", snapshot, select }: Wanted,
  { heartbeatMs = 15_000, retryMs = 1_000, scheduler = asyncScheduler }: StreamOptions,
  { closing, until = Infinity, end }: Watch,
): Response {
  const had = after === undefined ? undefined : parsePosition(after);
  const isPast = had !== undefined && comparePositions(had, parsePosition(execution.position)) >= 0;
  if (isPast && isEnded(execution)) {
    end();
    return new Response(null, { status: 204 });
  }
  const begin = snapshot ? execution.position : after;
  let last: Entry | undefined;
  const messages = toSSE(execution, {
    lag: "gap",
    select: (entry) => {
      if (entry.type !== "gap") last = entry;
      return select?.(entry) !== false;
    },
    ...(begin === undefined ? { from } : { after: begin }),
  });
  const first = `retry: ${retryMs}\n\n${snapshot ? snapshotOf(execution) : ""}`;
  let next: Promise<IteratorResult<string, void>> | undefined;
  const leave = (): void => void messages.return();
  const ended = (): void => {
    closing.removeEventListener("abort", leave);
    end();
  };
  const body = new ReadableStream<Uint8Array>(
    {
      start(controller) {
        controller.enqueue(encoder.encode(first));
        closing.addEventListener("abort", leave, { once: true });
      },
      async pull(controller) {
        next ??= messages.next();
        const leftMs = until - scheduler.now();
        if (leftMs <= 0) await messages.return();
        const message = await within(next, Math.min(heartbeatMs, leftMs), scheduler).catch(() => brokenOff);
        if (message === undefined) return controller.enqueue(encoder.encode(": still here\n\n"));
        next = undefined;
        if (message.done !== true) return controller.enqueue(encoder.encode(message.value));
        ended();
        if (closing.aborted || leftMs <= 0 || message === brokenOff)
          controller.enqueue(encoder.encode(restOf(retryMs, last === undefined ? begin : positionOf(last))));
        controller.close();
      },
      async cancel() {
        ended();
        await messages.return();
      },
    },
    { highWaterMark: 1 },
  );
  return new Response(body, { headers: sseHeaders });
}

/** A stream that ends at once, while the server closes: EventSource comes again after an end, and never after an error's status. */
export function endedStream({ retryMs = 1_000 }: StreamOptions): Response {
  return new Response(restOf(retryMs, undefined), { headers: sseHeaders });
}

/** What a stream begins with, for who asks for its headers only. */
export function emptyStream(): Response {
  return new Response(null, { headers: sseHeaders });
}

/** Tells who is to come again when, and behind which entry: also of those that were not for him. */
function restOf(retryMs: number, last: string | undefined): string {
  return `retry: ${retryMs}\n${last === undefined ? "" : `id: ${last}\n`}\n`;
}

function snapshotOf({ id, status, state, interrupts, position }: Execution): string {
  const data = JSON.stringify({ executionId: id, status, state, interrupts, position });
  return `id: ${position}\nevent: snapshot\ndata: ${data}\n\n`;
}
