import {
  type Entry,
  type Execution,
  type Gap,
  type Position,
  comparePositions,
  isFinal,
  parsePosition,
  positionOf,
  toJson,
} from "@sluice/core";
import { asyncScheduler } from "rxjs";
import type { Action } from "../request/action.ts";
import { expireAt } from "../request/expiry.ts";
import { takeAnswer, takeCancel, takeEvent } from "../hosting/intake.ts";
import { jsonObject } from "../request/json-body.ts";
import { Refusal, problemOf } from "../request/problem.ts";
import type { Served } from "../routes/served.ts";
import { snapshotOf } from "../stream/snapshot.ts";
import type { Wanted } from "../stream/wanted.ts";
import type { Watch } from "../access/watch.ts";

/** One end of a WebSocket. */
interface Socket {
  send(text: string): void;
  close(code?: number, reason?: string): void;
}

/** What its request has leave to. */
interface LeaveTo {
  /** To watch: asked for when the socket is open. @throws Refusal 429 */
  readonly watch: () => Watch;
  /** To do something, for each message. @throws Refusal 403, 429 and others */
  readonly allowed: (action: Action) => Promise<Execution>;
}

type Message = Readonly<Record<string, unknown>>;

/** Messages that may wait to be carried out. */
const mostWaiting = 100;

/**
 * One client on a WebSocket: sends it the log, never more than `window` entries ahead of what it has acknowledged, and
 * carries out what it asks for, one after the other, each allowed by itself.
 *
 * @see https://websockets.spec.whatwg.org/ for the codes of a close
 */
export class SocketSession {
  readonly #execution: Execution;
  readonly #wanted: Wanted & { readonly window: number };
  readonly #served: Served;
  readonly #leaveTo: LeaveTo;
  #watch: Watch | undefined;
  #socket: Socket | undefined;
  #entries: AsyncGenerator<Entry | Gap> | undefined;
  /** Where the entries stand that are not acknowledged. */
  readonly #ahead: Position[] = [];
  /** Goes on sending, where it waits for an acknowledgement. */
  #proceed: (() => void) | undefined;
  #unexpire: (() => void) | undefined;
  /** What is asked for, in order. */
  #asked: Promise<void> = Promise.resolve();
  #waiting = 0;

  constructor(execution: Execution, wanted: Wanted & { readonly window: number }, served: Served, leaveTo: LeaveTo) {
    this.#execution = execution;
    this.#wanted = wanted;
    this.#served = served;
    this.#leaveTo = leaveTo;
  }

  /** Begins to send. */
  open(socket: Socket): void {
    this.#socket = socket;
    try {
      this.#begin(this.#leaveTo.watch());
    } catch (error) {
      this.#fail(error);
    }
  }

  #begin(watch: Watch): void {
    this.#watch = watch;
    const { after, from = "1", snapshot } = this.#wanted;
    const begin = snapshot ? this.#execution.position : after;
    this.#entries = this.#execution.events({ lag: "gap", ...(begin === undefined ? { from } : { after: begin }) });
    if (snapshot) this.#tell({ type: "snapshot", ...snapshotOf(this.#execution) });
    const { scheduler = asyncScheduler } = this.#served.stream;
    const { closing, until } = watch;
    closing.addEventListener("abort", this.#away, { once: true });
    if (until !== undefined) {
      this.#unexpire = expireAt(until, () => this.#end(1008, "the token's time is over"), scheduler);
    }
    this.#served.streams.silence.begin(this.#beat);
    this.#send(this.#entries).catch((error: unknown) => this.#fail(error));
  }

  /** Takes a message in. */
  receive(data: unknown): void {
    if (this.#socket === undefined) return; // it was closed: what is still on its way is not heard
    const { maxBytes = 1_048_576 } = this.#served.body;
    if (typeof data !== "string") return this.#end(1003, "messages are texts");
    if (data.length > maxBytes) return this.#end(1009, `messages have at most ${maxBytes} bytes`);
    let id: unknown;
    try {
      const message = jsonObject(data, this.#served.body);
      ({ id } = message);
      if (message["type"] === "ack") return this.#acknowledge(parsePosition(String(message["position"])));
      if (this.#waiting >= mostWaiting) return this.#end(1008, "too many messages at once");
      this.#waiting += 1;
      this.#asked = this.#asked.then(() => this.#carryOut(message));
    } catch (error) {
      this.#refuse(id, error);
    }
  }

  /** Nobody is there any more. */
  leave(): void {
    this.#socket = undefined;
    this.#watch?.closing.removeEventListener("abort", this.#away);
    this.#watch?.end();
    this.#served.streams.silence.end(this.#beat);
    this.#unexpire?.();
    this.#proceed?.();
    void this.#entries?.return(undefined);
  }

  readonly #away = (): void => this.#end(1001, "the server closes");

  async #send(entries: AsyncIterable<Entry | Gap>): Promise<void> {
    const { select, window } = this.#wanted;
    for await (const entry of entries) {
      if (entry.type === "gap") this.#tell({ type: "gap", from: entry.from, to: entry.to });
      else if (select?.(entry) !== false) {
        if (this.#ahead.length >= window) await new Promise<void>((resolve) => (this.#proceed = resolve));
        if (this.#socket === undefined) return;
        this.#ahead.push({ seq: entry.seq, live: entry.live });
        this.#tell({ type: "entry", position: positionOf(entry), entry });
        if (isFinal(entry)) break;
      }
    }
    await this.#asked;
    this.#end(1000, "all is said");
  }

  async #carryOut(message: Message): Promise<void> {
    const { id } = message;
    try {
      const done = await this.#act(message);
      this.#tell({ type: "done", ...(id !== undefined && { id }), ...done });
    } catch (error) {
      this.#refuse(id, error);
    } finally {
      this.#waiting -= 1;
    }
  }

  #refuse(id: unknown, error: unknown): void {
    const problem = problemOf(error);
    if (problem === undefined) this.#served.onError(error);
    const told = problem ?? { status: 500, code: "server-failed", title: "The server has failed" };
    this.#tell({ type: "refused", ...(id !== undefined && { id }), problem: told });
  }

  /** @returns what is to be told of it */
  async #act(message: Message): Promise<object> {
    switch (message["type"]) {
      case "emit":
        return { signal: await takeEvent(await this.#leaveTo.allowed("emit"), String(message["event"]), message) };
      case "answer":
        return this.#answer(await this.#leaveTo.allowed("answer"), message);
      case "cancel":
        await takeCancel(await this.#leaveTo.allowed("cancel"), message);
        return {};
      default: {
        const title = "The message is none of ack, emit, answer, cancel";
        throw new Refusal({ status: 400, code: "message-unknown", title, mend: "Set its `type`" });
      }
    }
  }

  async #answer(execution: Execution, message: Message): Promise<object> {
    await takeAnswer(this.#served.hosted, execution, String(message["interrupt"]), message);
    return {};
  }

  #acknowledge(position: Position): void {
    const kept = this.#ahead.findIndex((one) => comparePositions(one, position) > 0);
    this.#ahead.splice(0, kept < 0 ? this.#ahead.length : kept);
    if (this.#ahead.length < this.#wanted.window) this.#proceed?.();
  }

  readonly #beat = (): void => this.#tell({ type: "alive" });

  #tell(message: object): void {
    if (this.#socket === undefined) return;
    this.#socket.send(toJson(message));
    this.#served.streams.silence.begin(this.#beat);
  }

  #fail(error: unknown): void {
    const problem = problemOf(error);
    if (problem === undefined) this.#served.onError(error);
    this.#end(problem?.status === 429 ? 1013 : 1011, problem?.code ?? "server-failed");
  }

  #end(code: number, reason: string): void {
    this.#socket?.close(code, reason);
    this.leave();
  }
}
