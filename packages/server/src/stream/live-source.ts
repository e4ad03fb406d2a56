import { type Entry, type Execution, type Gap, type PullOptions, positionOf, sseMessage } from "@sluice/core";
import type { SchedulerLike } from "rxjs";
import { expireAt } from "../request/expiry.ts";
import type { Messages } from "./messages.ts";
import type { Silence } from "./silence.ts";
import type { Watch } from "../access/watch.ts";

/** What a client is given, and of what. */
export interface LiveOptions {
  readonly execution: Execution;
  /** Where the client begins. */
  readonly begin: Pick<PullOptions, "from" | "after">;
  /** Gaps are always told. */
  readonly wants: (entry: Entry) => boolean;
  readonly messages: Messages;
  readonly silence: Silence;
  /** Those that are being read. */
  readonly open: Set<LiveSource>;
  readonly watch: Watch;
  /** How long a client waits before it comes again, where the stream ends before the execution. */
  readonly retryMs: number;
  readonly scheduler: SchedulerLike;
}

const encoder = new TextEncoder();
const heartbeat = ": still here\n\n";

/**
 * The log of an execution as the source of a web stream, which asks for more when what it was given has been read: all that
 * there is then, up to 64 KB by the measure of retention, or one larger entry. When there is nothing for a while, a comment.
 */
export class LiveSource implements UnderlyingDefaultSource<Uint8Array> {
  readonly #options: LiveOptions;
  readonly #batches: AsyncGenerator<readonly (Entry | Gap)[], void>;
  readonly #beat = (): void => {
    if (this.#answer !== undefined) this.give(heartbeat); // who does not read needs none
  };
  #controller: ReadableStreamDefaultController<Uint8Array> | undefined;
  /** Tells the stream that it has been given what it has asked for. */
  #answer: (() => void) | undefined;
  /** Where the last entry stands that was read, also of those that were not for this client. */
  #last: string | undefined;
  /** Takes back that it ends when what its client has leave by runs out. */
  #unexpire: (() => void) | undefined;
  #isReading = false;
  #isLeaving = false;
  #isOver = false;

  constructor(options: LiveOptions) {
    const { execution, begin } = options;
    this.#options = options;
    this.#last = begin.after === undefined ? undefined : `${begin.after}`;
    this.#batches = execution.eventBatches({ lag: "gap", ...begin });
  }

  start(controller: ReadableStreamDefaultController<Uint8Array>): void {
    const { scheduler, watch } = this.#options;
    this.#controller = controller;
    if (watch.until === undefined) return;
    this.#unexpire = expireAt(watch.until, () => this.leave(), scheduler);
  }

  pull(): Promise<void> {
    const { open, watch, silence } = this.#options;
    open.add(this); // not before: who asks for the head only never reads
    if (watch.closing.aborted) this.leave();
    if (!this.#isReading) void this.#read(); // a comment may have come in between
    silence.begin(this.#beat);
    return new Promise((resolve) => (this.#answer = resolve));
  }

  async cancel(): Promise<void> {
    this.#end();
    await this.#batches.return();
  }

  /** Ends the stream as soon as what was given has been read. */
  leave(): void {
    this.#isLeaving = true;
    void this.#batches.return();
  }

  give(text: string): void {
    this.#controller?.enqueue(encoder.encode(text));
    this.#answer?.();
    this.#answer = undefined;
  }

  /** Gives one batch. */
  async #read(): Promise<void> {
    this.#isReading = true;
    try {
      for (let text = ""; text === "";) {
        const { done, value } = await this.#batches.next();
        if (this.#isOver) return;
        if (done === true) {
          this.#close();
          return;
        }
        text = this.#textOf(value);
        if (text === "") continue;
        this.#isReading = false;
        this.give(text);
      }
    } catch {
      // the execution was taken over, or its store has failed: its server knows, and the client comes again
      this.#isLeaving = true;
      this.#close();
    }
  }

  #close(): void {
    this.#end();
    if (this.#isLeaving) this.give(restOf(this.#options.retryMs, this.#last));
    this.#controller?.close();
  }

  #textOf(batch: readonly (Entry | Gap)[]): string {
    const { wants, messages } = this.#options;
    let text = "";
    for (const entry of batch) {
      if (entry.type === "gap") text += sseMessage(entry);
      else if (wants(entry)) text += messages.of(entry);
    }
    const last = batch.at(-1);
    if (last !== undefined && last.type !== "gap") this.#last = positionOf(last);
    return text;
  }

  #end(): void {
    this.#isOver = true;
    this.#options.silence.end(this.#beat);
    this.#options.open.delete(this);
    this.#unexpire?.();
    this.#options.watch.end();
  }
}

/** Tells who is to come again when, and behind which entry. */
export function restOf(retryMs: number, last?: string): string {
  return `retry: ${retryMs}\n${last === undefined ? "" : `id: ${last}\n`}\n`;
}
