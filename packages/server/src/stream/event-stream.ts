import { type Execution, comparePositions, parsePosition, toJson } from "@sluice/core";
import { type SchedulerLike, asyncScheduler } from "rxjs";
import { isEnded } from "../hosting/hosted.ts";
import { LiveSource, restOf } from "./live-source.ts";
import { Messages } from "./messages.ts";
import { Silence } from "./silence.ts";
import { snapshotOf } from "./snapshot.ts";
import type { Wanted } from "./wanted.ts";
import type { Watch } from "../access/watch.ts";

/** How streams are written. */
export interface StreamOptions {
  /** A comment is sent when nothing else was for so long, so that nobody between takes the connection for dead. @default 15_000 */
  readonly heartbeatMs?: number;
  /** How long a client waits before it connects again. @default 1_000 */
  readonly retryMs?: number;
  /** The clock of heartbeats. @default the handler's */
  readonly scheduler?: SchedulerLike;
}

/** What an answer says that is a stream of events. */
export const sseHeaders = {
  "content-type": "text/event-stream; charset=utf-8",
  "cache-control": "no-cache, no-transform",
  "x-accel-buffering": "no",
};

/** The open streams of a server, and what they share. */
export class EventStreams {
  readonly #retryMs: number;
  /** Who has heard nothing for a while is told that somebody is there. */
  readonly silence: Silence;
  readonly #scheduler: SchedulerLike;
  readonly #open = new Set<LiveSource>();
  /** Of executions that are watched. */
  readonly #messages = new WeakMap<Execution, WeakRef<Messages>>();

  /** @param closing ends all of them: EventSource comes again */
  constructor(options: StreamOptions, closing: AbortSignal) {
    const { heartbeatMs = 15_000, retryMs = 1_000, scheduler = asyncScheduler } = options;
    this.#retryMs = retryMs;
    this.silence = new Silence(heartbeatMs, scheduler);
    this.#scheduler = scheduler;
    closing.addEventListener("abort", () => {
      for (const source of this.#open) source.leave();
    });
  }

  /**
   * The log of an execution as server-sent events. A client that comes again with the last id that it has had misses nothing
   * and gets nothing twice; one that has had everything gets 204, which ends its attempts. What a client does not read waits
   * in the log; what is on its way to it is a batch of about 64 KB, or one larger entry.
   *
   * @see https://html.spec.whatwg.org/multipage/server-sent-events.html
   */
  of(execution: Execution, { after, from, snapshot, select = () => true }: Wanted, watch: Watch): Response {
    const had = after === undefined ? undefined : parsePosition(after);
    const isPast = had !== undefined && comparePositions(had, parsePosition(execution.position)) >= 0;
    if (isPast && isEnded(execution)) {
      watch.end();
      return new Response(null, { status: 204 });
    }
    const source = new LiveSource({
      execution,
      begin: snapshot ? { after: execution.position } : after === undefined ? { from: from ?? 1 } : { after },
      wants: select,
      messages: this.#messagesOf(execution),
      silence: this.silence,
      open: this.#open,
      watch,
      retryMs: this.#retryMs,
      scheduler: this.#scheduler,
    });
    const body = new ReadableStream(source, { highWaterMark: 0 });
    source.give(`${restOf(this.#retryMs)}${snapshot ? snapshotMessage(execution) : ""}`);
    return new Response(body, { headers: sseHeaders });
  }

  #messagesOf(execution: Execution): Messages {
    const messages = this.#messages.get(execution)?.deref() ?? new Messages();
    this.#messages.set(execution, new WeakRef(messages));
    return messages;
  }
}

/** A stream that ends at once, while the server closes: EventSource comes again after an end, and never after an error's status. */
export function endedStream({ retryMs = 1_000 }: StreamOptions): Response {
  return new Response(restOf(retryMs), { headers: sseHeaders });
}

/** What a stream begins with, for who asks for its headers only. */
export function emptyStream(): Response {
  return new Response(null, { headers: sseHeaders });
}

function snapshotMessage(execution: Execution): string {
  return `id: ${execution.position}\nevent: snapshot\ndata: ${toJson(snapshotOf(execution))}\n\n`;
}
