import { type Execution, comparePositions, parsePosition, toSSE } from "@sluice/core";
import { type SchedulerLike, type Subscription, asyncScheduler } from "rxjs";
import { isEnded } from "./hosted.ts";
import type { Wanted } from "./wanted.ts";

/** How streams are written. */
export interface StreamOptions {
  /** A comment is sent when nothing else was for so long, so that nobody between takes the connection for dead. @default 15_000 */
  readonly heartbeatMs?: number;
  /** How long a client waits before it connects again. @default 1_000 */
  readonly retryMs?: number;
  /** The clock of heartbeats. @default RxJS' `asyncScheduler` */
  readonly scheduler?: SchedulerLike;
}

const encoder = new TextEncoder();
/** What an answer says that is a stream of events. */
export const sseHeaders = {
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
  closing: AbortSignal,
): Response {
  const had = after === undefined ? undefined : parsePosition(after);
  const isPast = had !== undefined && comparePositions(had, parsePosition(execution.position)) >= 0;
  if (isPast && isEnded(execution)) return new Response(null, { status: 204 });
  const begin = snapshot ? execution.position : after;
  const messages = toSSE(execution, {
    lag: "gap",
    ...(select !== undefined && { select }),
    ...(begin === undefined ? { from } : { after: begin }),
  });
  const first = `retry: ${retryMs}\n\n${snapshot ? snapshotOf(execution) : ""}`;
  let next: Promise<IteratorResult<string, void>> | undefined;
  const leave = (): void => void messages.return();
  const body = new ReadableStream<Uint8Array>(
    {
      start(controller) {
        controller.enqueue(encoder.encode(first));
        closing.addEventListener("abort", leave, { once: true });
      },
      async pull(controller) {
        next ??= messages.next();
        const message = await orHeartbeat(next, heartbeatMs, scheduler);
        if (message === undefined) return controller.enqueue(encoder.encode(": still here\n\n"));
        next = undefined;
        if (message.done !== true) return controller.enqueue(encoder.encode(message.value));
        closing.removeEventListener("abort", leave);
        controller.close();
      },
      async cancel() {
        closing.removeEventListener("abort", leave);
        await messages.return();
      },
    },
    { highWaterMark: 1 },
  );
  return new Response(body, { headers: sseHeaders });
}

/** A stream that ends at once, while the server closes: EventSource comes again after an end, and never after an error's status. */
export function endedStream({ retryMs = 1_000 }: StreamOptions): Response {
  return new Response(`retry: ${retryMs}\n\n`, { headers: sseHeaders });
}

/** What comes next; undefined when nothing has come for a while. */
export function orHeartbeat<T>(
  next: Promise<T>,
  afterMs: number,
  scheduler: SchedulerLike = asyncScheduler,
): Promise<T | undefined> {
  return new Promise((resolve, reject) => {
    const timer: Subscription = scheduler.schedule(() => resolve(undefined), afterMs);
    next.then(
      (value) => {
        timer.unsubscribe();
        resolve(value);
      },
      (error: unknown) => {
        timer.unsubscribe();
        reject(error);
      },
    );
  });
}

function snapshotOf({ id, status, state, interrupts, position }: Execution): string {
  const data = JSON.stringify({ executionId: id, status, state, interrupts, position });
  return `id: ${position}\nevent: snapshot\ndata: ${data}\n\n`;
}
