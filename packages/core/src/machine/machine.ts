/*
 * The machine's invariants. The tests cite them by number; numbers that are missing belong to what is not built yet.
 *
 *  1. Same entries, same state, same commands; no user code is called.
 *  2. An activation counts in its lane from its creation to its end; a lane counts in its parent while it is not done.
 *  3. A lane is done when its count is zero and its sources are closed; a done lane never opens again.
 *  9. `seq` numbers durable entries only; live entries and live chunks never reach the machine.
 * 10. After a final entry there is no entry and no command.
 */
import { SluiceError } from "../error/sluice-error.ts";
import type { Failure } from "../define/trigger.ts";
import type { Graph, GraphRetry } from "../graph/graph.ts";
import { type Listener, type Routes, routesOf } from "../graph/routes.ts";
import type { Activation, Command } from "./command.ts";
import type { Entry, EntryOf } from "./entry.ts";
import { backoff } from "./backoff.ts";
import { Lanes, rootLane } from "./lane.ts";
import type { MachineSnapshot, MachineStatus } from "./machine-snapshot.ts";
import { type Firing, answering, plainly } from "./firing.ts";
import { flowTimer, idleTimer, pendingCommands } from "./pending.ts";
import { ReplyLanes } from "./reply-lanes.ts";
import { Slots } from "./slots.ts";
import { type StateData, foldState } from "./state-fold.ts";

const none: readonly Command[] = [];

/**
 * Decides what an execution does, from its durable entries alone: routes signals, counts lanes, and tells when all is
 * done. It has no clock, no promise and no randomness, and changes its own state in place.
 */
export class Machine {
  readonly #graph: Graph;
  readonly routes: Routes;
  #seq = 0;
  #status: MachineStatus = "idle";
  #startedAt = 0;
  #state: StateData = {};
  #activationCount = 0;
  #activations = new Map<string, Activation>();
  #lanes = new Lanes();
  #slots: Slots;
  #executionId = "";
  /** Whether events from outside are waited for when all is quiet. */
  #open = false;
  #wasQuiet = false;
  /** When each timer that is set is due. */
  #timers = new Map<string, number>();
  #replies = new ReplyLanes(this.#lanes);
  #result: { readonly value: unknown } | undefined;
  #leaf: { readonly value: unknown } | undefined;
  #failure: SluiceError | undefined;
  #commands: Command[] = [];

  constructor(graph: Graph) {
    this.#graph = graph;
    this.routes = routesOf(graph);
    this.#slots = new Slots(graph);
    this.#open = graph.keepOpen === true;
  }

  /**
   * The machine that a snapshot was taken of.
   *
   * @throws SluiceError `snapshot-invalid` when the graph's routing is another one.
   */
  static restore(graph: Graph, snapshot: MachineSnapshot): Machine {
    if (snapshot.graphHash !== graph.hash) {
      throw new SluiceError("snapshot-invalid", {
        what: `The snapshot is of a graph with the hash ${snapshot.graphHash}, this graph's is ${graph.hash}`,
        where: graph.flow,
        mend: "Restore it with the flow that it was taken of",
      });
    }
    const machine = new Machine(graph);
    machine.#seq = snapshot.seq;
    machine.#status = snapshot.status;
    machine.#startedAt = snapshot.startedAt;
    machine.#state = snapshot.state;
    machine.#activationCount = snapshot.activationCount;
    machine.#activations = new Map(snapshot.activations.map((one) => [one.id, { ...one }]));
    machine.#lanes = new Lanes(snapshot.lanes);
    machine.#replies = new ReplyLanes(machine.#lanes, snapshot.replies);
    machine.#result = snapshot.result;
    machine.#leaf = snapshot.leaf;
    machine.#failure = snapshot.failure;
    machine.#executionId = snapshot.executionId;
    machine.#open = snapshot.open;
    machine.#wasQuiet = snapshot.wasQuiet;
    machine.#timers = new Map(snapshot.timers);
    machine.#slots.restore([...machine.#activations.values()].filter((one) => !machine.#pauses(one)));
    return machine;
  }

  snapshot(): MachineSnapshot {
    return {
      graphHash: this.#graph.hash,
      seq: this.#seq,
      status: this.#status,
      startedAt: this.#startedAt,
      state: this.#state,
      activationCount: this.#activationCount,
      activations: [...this.#activations.values()].map((one) => ({ ...one })),
      lanes: this.#lanes.list(),
      replies: this.#replies.list(),
      result: this.#result,
      leaf: this.#leaf,
      failure: this.#failure,
      executionId: this.#executionId,
      open: this.#open,
      wasQuiet: this.#wasQuiet,
      timers: [...this.#timers],
    };
  }

  /** The number of the last entry that was applied. */
  get seq(): number {
    return this.#seq;
  }

  get state(): StateData {
    return this.#state;
  }

  /** When the execution started, in Unix milliseconds. */
  get startedAt(): number {
    return this.#startedAt;
  }

  get ended(): boolean {
    return this.#status === "ended";
  }

  /** Whether nothing is unfinished. */
  get quiet(): boolean {
    return this.#status === "running" && this.#lanes.quiet && !this.#open;
  }

  /** Whether events from outside are waited for. */
  get open(): boolean {
    return this.#open && this.#status !== "ended";
  }

  /** The result so far: what was set last, else what a leaf returned last. */
  get result(): unknown {
    return (this.#result ?? this.#leaf)?.value;
  }

  /** Whether an activation still waits for its start. */
  mayStart(activation: Activation): boolean {
    const { granted, running, id } = activation;
    return this.#status === "running" && granted && !running && this.#activations.has(id);
  }

  /** Whether another attempt follows when the present one fails with this error. What triggered chunks is not read again. */
  mayRetry(activationId: string, { retryable }: SluiceError): boolean {
    const activation = this.#activations.get(activationId);
    if (activation === undefined || this.#status !== "running" || !retryable || activation.heard) return false;
    return activation.attempts < (this.#graph.chunks[activation.chunk]?.retry?.attempts ?? 1);
  }

  /** The commands that are still to be carried out: what recovery does after a fold. */
  pending(): readonly Command[] {
    if (this.#status === "failing" && this.#failure !== undefined) return [{ type: "fail", error: this.#failure }];
    if (this.#status !== "running") return none;
    if (this.quiet) return [{ type: "complete" }];
    const isIdle = this.#open && this.#lanes.quiet;
    return pendingCommands(this.#graph, { activations: this.#activations.values(), timers: this.#timers, isIdle });
  }

  /** Whether an activation waits for its next attempt: it needs no slot then. */
  #pauses({ id, retryIn }: Activation): boolean {
    return retryIn !== undefined || this.#timers.has(id);
  }

  /** Takes one durable entry in and tells what is to be done because of it. Costs O(listeners) of that entry. */
  apply(entry: Entry): readonly Command[] {
    if (this.#status === "ended") return none;
    this.#seq = entry.seq;
    switch (entry.type) {
      case "flow:start":
        this.#status = "running";
        this.#startedAt = entry.at;
        this.#state = entry.state as StateData;
        this.#executionId = entry.executionId;
        if (this.#graph.timeout !== undefined) {
          this.#commands.push({ type: "limit", timer: flowTimer, timeoutMs: this.#graph.timeout });
        }
        this.#fire(this.routes.start, entry.input, rootLane, `e${entry.seq}`);
        break;
      case "signal":
        this.#fire(this.routes.event(entry.event), entry.payload, entry.lane, entry.id);
        break;
      case "chunk:start":
        this.#begin(entry);
        break;
      case "chunk:skipped":
        this.#end(entry.activationId);
        break;
      case "chunk:complete":
        this.#complete(entry);
        break;
      case "chunk:failed":
        this.#fail(entry);
        break;
      case "field:complete":
        this.#field(entry);
        break;
      case "reply:complete":
        this.#reply(entry);
        break;
      case "state:changed":
        this.#change(entry);
        break;
      case "flow:close":
        this.#open = false;
        break;
      case "timer:set":
        this.#timerSet(entry.timer, entry.dueAt);
        break;
      case "timer:fired":
        this.#timerFired(entry.timer);
        break;
      case "flow:completed":
      case "flow:failed":
      case "flow:timeout":
      case "flow:cancelled":
        this.#status = "ended";
        this.#activations.clear();
        this.#timers.clear();
        this.#commands = [];
        return none;
      default:
        return none;
    }
    this.#settle();
    if (this.#commands.length === 0) return none;
    const commands = this.#commands;
    this.#commands = [];
    return commands;
  }

  #fire(
    listeners: readonly Listener[],
    input: unknown,
    lane: string,
    id: string,
    { path, indexes, answers }: Firing = plainly,
  ): void {
    if (this.#status !== "running") return;
    for (const { chunk, trigger, label } of listeners) {
      this.#activationCount += 1;
      const activation: Activation = {
        id: `a${this.#activationCount}`,
        order: this.#activationCount,
        chunk,
        trigger,
        input,
        lane,
        signal: { id, event: label, path, indexes },
        attempts: 0,
        running: false,
        granted: false,
        retryIn: undefined,
        answers,
        heard: false,
      };
      this.#activations.set(activation.id, activation);
      this.#lanes.enter(lane);
      this.#ask(activation);
    }
  }

  /** The activation wants to start: at once, or when a slot is free. */
  #ask(activation: Activation): void {
    if (this.#slots.enter(activation)) this.#commands.push({ type: "start", activation });
  }

  /** The activation needs its slot no more: whoever has waited for it the longest starts. */
  #yield(activation: Activation): void {
    const next = this.#slots.leave(activation);
    if (next !== undefined && this.#status === "running") this.#commands.push({ type: "start", activation: next });
  }

  #timerSet(timer: string, dueAt: number): void {
    this.#timers.set(timer, dueAt);
    const activation = this.#activations.get(timer);
    if (activation !== undefined) activation.retryIn = undefined;
    this.#commands.push({ type: "wait", timer, dueAt });
  }

  #timerFired(timer: string): void {
    this.#timers.delete(timer);
    if (timer === flowTimer) this.#commands.push({ type: "timeout" });
    if (timer === idleTimer && this.#open && this.#lanes.quiet) this.#commands.push({ type: "close" });
    const activation = this.#activations.get(timer);
    if (activation !== undefined) this.#ask(activation);
  }

  /** Says what follows when all has become quiet: the end, or, while the execution is open, its idle time. */
  #settle(): void {
    const isQuiet = this.#status === "running" && this.#lanes.quiet;
    const { idle } = this.#graph;
    if (isQuiet && !this.#open) this.#commands.push({ type: "complete" });
    else if (isQuiet && !this.#wasQuiet && idle !== undefined) {
      this.#commands.push({ type: "limit", timer: idleTimer, timeoutMs: idle });
    }
    this.#wasQuiet = isQuiet;
  }

  #begin({ activationId, attempt }: EntryOf<unknown, "chunk:start">): void {
    const activation = this.#activations.get(activationId);
    if (activation === undefined) return;
    activation.running = true;
    activation.attempts = attempt;
  }

  #change({ diff, lane, seq }: EntryOf<any, "state:changed">): void {
    const before = this.#state;
    this.#state = foldState(before, diff);
    for (const key of [...diff.added, ...diff.changed, ...diff.removed]) {
      this.#fire(this.routes.changed(key), { from: before[key], to: this.#state[key] }, lane, `e${seq}`);
    }
  }

  #complete(entry: EntryOf<unknown, "chunk:complete">): void {
    const activation = this.#activations.get(entry.activationId);
    const chunk = activation && this.#graph.chunks[activation.chunk];
    if (activation === undefined || chunk === undefined) return;
    if ("result" in entry) this.#result = { value: entry.result };
    if (chunk.leaf && !activation.heard && activation.lane === rootLane && entry.output !== undefined) {
      this.#leaf = { value: entry.output };
    }
    this.#fire(this.routes.after(chunk.name), entry.output, activation.lane, `e${entry.seq}`);
    this.#end(activation.id);
  }

  #fail({ activationId, error, willRetry, seq }: EntryOf<unknown, "chunk:failed">): void {
    const activation = this.#activations.get(activationId);
    const chunk = activation && this.#graph.chunks[activation.chunk];
    if (activation === undefined || chunk === undefined) return;
    if (willRetry && chunk.retry !== undefined) return this.#retry(activation, chunk.retry);
    const handlers = activation.answers || error.code === "chunk-aborted" ? [] : this.routes.failed(chunk.name);
    const failure: Failure = { chunk: chunk.name, error, input: activation.input, attempts: activation.attempts };
    this.#fire(handlers, failure, activation.lane, `e${seq}`, answering);
    this.#end(activationId);
    if (handlers.length > 0 || error.code === "chunk-aborted" || this.#status !== "running") return;
    this.#status = "failing";
    this.#failure = error;
    for (const one of this.#activations.values()) if (!one.running) this.#end(one.id);
    this.#commands = [{ type: "fail", error }];
  }

  /** A waiting retry holds no slot. */
  #retry(activation: Activation, retry: GraphRetry): void {
    const { id, attempts } = activation;
    activation.running = false;
    this.#yield(activation);
    const delayMs = backoff(retry, attempts, `${this.#executionId}/${id}`);
    activation.retryIn = delayMs;
    this.#commands.push({ type: "retry", activation, delayMs });
  }

  #field(entry: EntryOf<unknown, "field:complete">): void {
    const listeners = this.routes.field(entry.reply, entry.field);
    for (const listener of listeners) {
      const lane = this.#replies.laneOf(entry, listener);
      this.#fire([listener], entry.value, lane, `e${entry.seq}`, {
        path: entry.field,
        indexes: entry.indexes,
        answers: false,
      });
    }
    this.#hear(entry.activationId, listeners.length);
  }

  #reply(entry: EntryOf<unknown, "reply:complete">): void {
    const listeners = this.routes.done(entry.reply);
    this.#fire(listeners, entry.value, entry.lane, `e${entry.seq}`);
    this.#hear(entry.activationId, listeners.length);
    this.#replies.close(entry.activationId, entry.replyId);
  }

  #hear(activationId: string, listeners: number): void {
    const activation = this.#activations.get(activationId);
    if (activation !== undefined && listeners > 0) activation.heard = true;
  }

  /** An activation is over: what it opened is closed, and its lane counts one less. */
  #end(activationId: string): void {
    const activation = this.#activations.get(activationId);
    if (activation === undefined) return;
    this.#activations.delete(activationId);
    this.#replies.closeAll(activationId);
    this.#timers.delete(activationId);
    if (activation.granted) this.#yield(activation);
    else this.#slots.forget(activation);
    this.#lanes.leave(activation.lane);
  }
}
