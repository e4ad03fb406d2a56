/*
 * The machine's invariants. The tests cite them by number; numbers that are missing belong to what is not built yet.
 *
 *  1. Same entries, same state, same commands; no user code is called.
 *  2. An activation counts in its lane from its creation to its end; a lane counts in its parent while it is not done.
 *  3. A lane is done when its count is zero and its sources are closed; a done lane never opens again.
 *  4. `gather` fires at that very entry, in the lane above, once per fan-out.
 *  5. Joins look at one lane, or one key, or one reply.
 *  8. Effects are either at once and facts, or with completion.
 *  9. `seq` numbers durable entries only; live entries and live chunks never reach the machine.
 * 10. After a final entry there is no entry and no command.
 */
import { SluiceError } from "../error/sluice-error.ts";
import type { Failure } from "../define/trigger.ts";
import type { Graph } from "../graph/graph.ts";
import { type Listener, type Routes, routesOf } from "../graph/routes.ts";
import { Activations } from "./activations.ts";
import { type Arrival, arrivalOf } from "./arrival.ts";
import type { Activation, Command } from "./command.ts";
import { Delivery } from "./delivery.ts";
import { type Entry, type EntryOf, isFinalType } from "./entry.ts";
import { Joins } from "./joins.ts";
import { type Fan, Lanes, presentIn, rootLane } from "./lane.ts";
import { type MachineSnapshot, type Progress, checkSnapshot, concerns, progressOf } from "./machine-snapshot.ts";
import { flowTimer, idleTimer, pendingCommands } from "./pending.ts";
import { Replies } from "./replies.ts";
import { Rollback } from "./rollback.ts";
import { type StateData, foldState } from "./state-fold.ts";

const none: readonly never[] = [];

/**
 * Decides what an execution does, from its durable entries alone: routes signals, fills joins, counts lanes, and tells
 * when all is done. It has no clock, no promise and no randomness, and changes its own state in place.
 */
export class Machine {
  readonly #graph: Graph;
  readonly routes: Routes;
  readonly #lanes: Lanes;
  readonly #joins = new Joins();
  /** Made when a signal first goes through an operator. */
  #delivery: Delivery | undefined;
  readonly #activations: Activations;
  readonly #rollback: Rollback;
  /** Made when a field of a reply is first heard. */
  #replies: Replies | undefined;
  readonly #progress: Progress;
  /** When each timer that is set is due; made with the first. */
  #timers: Map<string, number> | undefined;
  #commands: Command[] = [];

  constructor(graph: Graph) {
    this.#graph = graph;
    this.routes = routesOf(graph);
    this.#progress = progressOf(graph);
    this.#lanes = new Lanes((done) => ("sources" in done ? this.#gather(done) : this.#forget(done.id)));
    this.#activations = new Activations(graph, this.#lanes, (one) => this.#command(one));
    this.#rollback = new Rollback(graph);
  }

  /**
   * The machine that a snapshot was taken of.
   *
   * @throws SluiceError `snapshot-invalid` when the graph's routing is another one.
   */
  static restore(graph: Graph, snapshot: MachineSnapshot): Machine {
    checkSnapshot(graph, snapshot);
    const machine = new Machine(graph);
    Object.assign(machine.#progress, snapshot.progress);
    if (snapshot.timers.length > 0) machine.#timers = new Map(snapshot.timers);
    machine.#lanes.restore(snapshot.lanes);
    machine.#joins.restore(snapshot.joins);
    machine.#rollback.restore(snapshot.rollback);
    if (snapshot.replies.length > 0) machine.#read.restore(snapshot.replies);
    machine.#activations.restore(
      snapshot.activations,
      ({ id, retryIn }) => retryIn !== undefined || machine.#timers?.has(id) === true,
    );
    return machine;
  }

  snapshot(): MachineSnapshot {
    return {
      graphHash: this.#graph.hash,
      progress: { ...this.#progress },
      timers: [...(this.#timers ?? none)],
      activations: this.#activations.list(),
      lanes: this.#lanes.list(),
      joins: this.#joins.list(),
      rollback: this.#rollback.list(),
      replies: this.#replies?.list() ?? [],
    };
  }

  /** The number of the last entry that was applied. */
  get seq(): number {
    return this.#progress.seq;
  }

  get state(): StateData {
    return this.#progress.state;
  }

  /** Unix milliseconds. */
  get startedAt(): number {
    return this.#progress.startedAt;
  }

  get ended(): boolean {
    return this.#progress.status === "ended";
  }

  /** Whether it has started, and neither failed nor ended. */
  get isRunning(): boolean {
    return this.#progress.status === "running";
  }

  /** Whether nothing is unfinished. */
  get quiet(): boolean {
    return this.isRunning && this.#lanes.quiet && !this.#progress.open;
  }

  /** Whether events from outside are waited for. */
  get open(): boolean {
    return this.#progress.open && this.#progress.status !== "ended";
  }

  /** The result so far: what was set last, else what a leaf returned last. */
  get result(): unknown {
    return (this.#progress.result ?? this.#progress.leaf)?.value;
  }

  /** How far undoing completed chunks has come. */
  get rollback(): Pick<Rollback, "cause" | "isNeeded" | "notUndone" | "left"> {
    return this.#rollback;
  }

  /** Whether an activation is not over. */
  holds({ over }: Activation): boolean {
    return this.isRunning && !over;
  }

  /** Whether another attempt follows when the present one fails with this error. What triggered chunks is not read again. */
  mayRetry(activationId: string, { retryable }: SluiceError): boolean {
    if (!retryable) return false;
    if (this.#progress.status === "rolling-back") return this.#rollback.mayRetry(activationId);
    return this.isRunning && this.#activations.mayRetry(activationId);
  }

  /** The commands that are still to be carried out: what recovery does after a fold. */
  pending(): readonly Command[] {
    if (this.#progress.status === "failing" && this.#progress.failure !== undefined)
      return [{ type: "fail", error: this.#progress.failure }];
    if (this.#progress.status === "rolling-back") return this.#rollback.pending(this.#timers ?? new Map());
    if (!this.isRunning) return none;
    if (this.quiet) return [{ type: "complete" }];
    return pendingCommands(this.#graph, {
      activations: this.#activations.all(),
      timers: this.#timers ?? new Map(),
      isIdle: this.#progress.open && this.#lanes.quiet,
      deadlines: this.#joins.deadlines(this.routes.steps),
    });
  }

  /** Takes one durable entry in and tells what is to be done because of it; live ones and children's are nothing to it. Costs O(listeners). */
  apply(entry: Entry): readonly Command[] {
    if (this.#progress.status === "ended" || !concerns(this.#progress, entry)) return none;
    this.#progress.seq = entry.seq;
    switch (entry.type) {
      case "flow:start":
        this.#start(entry);
        break;
      case "signal":
        this.#signal(entry);
        break;
      case "chunk:start":
        this.#activations.begin(entry.activationId, entry.attempt);
        break;
      case "chunk:skipped":
        this.#end(this.#activations.get(entry.activationId));
        break;
      case "chunk:complete":
        this.#complete(entry);
        break;
      case "chunk:failed":
        this.#fail(entry);
        break;
      case "chunk:compensated":
        if (this.#rollback.cause !== undefined) this.#commands.push(this.#rollback.compensated(entry));
        break;
      case "field:complete":
      case "field:invalid":
        if (this.isRunning) this.#read.field(entry);
        break;
      case "reply:complete":
        if (this.isRunning) this.#read.complete(entry);
        break;
      case "state:changed":
        this.#change(entry);
        break;
      case "flow:close":
        this.#progress.open = false;
        break;
      case "flow:rollback":
        this.#progress.status = "rolling-back";
        this.#commands = [this.#rollback.begin(entry)];
        break;
      case "timer:set":
        this.#timerSet(entry.timer, entry.dueAt);
        break;
      case "timer:fired":
        this.#timerFired(entry.timer);
        break;
      default:
        if (!isFinalType(entry.type)) return none;
        this.#progress.status = "ended";
        this.#activations.clear();
        this.#timers?.clear();
        return none;
    }
    this.#settle();
    if (this.#commands.length === 0) return none;
    const commands = this.#commands;
    this.#commands = [];
    return commands;
  }

  #start(entry: EntryOf<any, "flow:start">): void {
    const { at: startedAt, executionId, path } = entry;
    Object.assign(this.#progress, { status: "running", startedAt, state: entry.state as StateData, executionId, path });
    const { timeout } = this.#graph;
    if (timeout !== undefined) this.#commands.push({ type: "limit", timer: flowTimer, timeoutMs: timeout });
    this.#fire(this.routes.start, entry.input, rootLane, `e${entry.seq}`);
  }

  #signal({ event, payload, lane, id, pipeline }: EntryOf<unknown, "signal">): void {
    if (pipeline !== undefined) {
      const step = this.routes.steps.get(pipeline);
      if (step !== undefined && this.isRunning) this.#operators.proceed(step, arrivalOf(payload, lane, id));
      return;
    }
    const listeners = this.routes.event(event);
    if (listeners.length === 0 || !this.routes.opensLane(event)) return this.#fire(listeners, payload, lane, id);
    const own = `${lane === rootLane ? "" : lane}/${id}`;
    const opened = this.#lanes.open(own, lane);
    this.#fire(listeners, payload, own, id);
    this.#lanes.close(opened);
  }

  #fire(listeners: readonly Listener[], payload: unknown, lane: string, id: string): void {
    if (listeners.length === 0 || !this.isRunning) return;
    this.#deliver(listeners, this.#arrival(payload, lane, id));
  }

  #deliver(listeners: readonly Listener[], arrival: Arrival, name = arrival.id): void {
    if (listeners.some(({ up }) => up !== undefined)) return this.#operators.deliver(listeners, arrival, name);
    for (const listener of listeners) this.#activations.add(listener, arrival);
  }

  get #read(): Replies {
    this.#replies ??= new Replies({
      routes: this.routes,
      lanes: this.#lanes,
      joins: this.#joins,
      activations: this.#activations,
      deliver: (listeners, arrival) => this.#deliver(listeners, arrival),
    });
    return this.#replies;
  }

  get #operators(): Delivery {
    this.#delivery ??= new Delivery(this.#lanes, this.#joins, {
      isSpent: (target, lane) => this.#activations.isSpent(target, lane),
      activate: (target, arrival) => this.#activations.add(target, arrival),
      pipe: ({ id }, payload) => this.#command({ type: "pipe", step: id, payload }),
      wait: (timer, timeoutMs) => this.#command({ type: "limit", timer, timeoutMs }),
      unwait: (timer) => this.#timers?.delete(timer) === true && this.#command({ type: "unset", timer }),
      refuse: (error) => this.#failFlow(error),
    });
    return this.#delivery;
  }

  #command(command: Command): void {
    if (this.isRunning && this.#commands.length > 0) this.#commands.push(command);
    else if (this.isRunning) this.#commands = [command]; // a list that grows from nothing gets room for 17
  }

  #arrival(payload: unknown, lane: string, id: string): Arrival {
    return arrivalOf(payload, lane, id, this.#lanes.indexesOf(lane));
  }

  /** All lanes of a fan-out are done: those who gather its chunks hear what these returned. */
  #gather({ sources, lane, values }: Fan): void {
    if (!this.isRunning) return;
    for (const { of, listeners } of sources.flatMap((source) => this.routes.gathered(source))) {
      const present = presentIn(values.get(of) ?? []);
      const [indexes, payload] = [present.map(([index]) => index), present.map(([, value]) => value)];
      const id = `e${this.#progress.seq}`;
      this.#deliver(listeners, { ...arrivalOf(payload, lane, id), indexes }, `${id}:${of}`);
    }
  }

  #timerSet(timer: string, dueAt: number): void {
    const activation = this.#activations.get(timer);
    if (activation !== undefined) activation.retryIn = undefined;
    this.#rollback.timerSet(timer);
    // the join may have fired, or its lane ended, before its deadline was noted
    if (timer.startsWith("join ") && this.#joins.timed(timer) === undefined) return;
    (this.#timers ??= new Map()).set(timer, dueAt);
    this.#commands.push({ type: "wait", timer, dueAt });
  }

  #timerFired(timer: string): void {
    if (this.#timers?.delete(timer) !== true) return;
    if (timer === flowTimer) this.#commands.push({ type: "timeout" });
    if (timer === idleTimer && this.#progress.open && this.#lanes.quiet) this.#commands.push({ type: "close" });
    this.#commands.push(...this.#rollback.timerFired(timer));
    const activation = this.#activations.get(timer);
    if (activation !== undefined) return this.#activations.again(activation);
    const expired = this.#operators.expire(timer, (id) => this.routes.steps.get(id));
    if (expired === undefined) return;
    const { step, arrival, lane } = expired;
    this.#activations.expire(step, arrival, step.timeoutMs ?? 0);
    this.#lanes.leave(lane);
  }

  /** Says what follows when all has become quiet: the end, or, while the execution is open, its idle time. */
  #settle(): void {
    const isQuiet = this.isRunning && this.#lanes.quiet;
    const { idle } = this.#graph;
    if (isQuiet && !this.#progress.open) this.#commands.push({ type: "complete" });
    else if (isQuiet && !this.#progress.wasQuiet && idle !== undefined) {
      this.#commands.push({ type: "limit", timer: idleTimer, timeoutMs: idle });
    }
    this.#progress.wasQuiet = isQuiet;
  }

  #change({ diff, lane, seq }: EntryOf<any, "state:changed">): void {
    const before = this.#progress.state;
    this.#progress.state = foldState(before, diff);
    for (const key of [...diff.added, ...diff.changed, ...diff.removed]) {
      this.#fire(this.routes.changed(key), { from: before[key], to: this.#progress.state[key] }, lane, `e${seq}`);
    }
  }

  #complete(entry: EntryOf<unknown, "chunk:complete">): void {
    const activation = this.#activations.get(entry.activationId);
    const chunk = activation && this.#graph.chunks[activation.chunk];
    if (activation === undefined || chunk === undefined) return;
    const { id, arrival } = activation;
    const { lane, payload: input } = arrival;
    const { output } = entry;
    if ("result" in entry) this.#progress.result = { value: entry.result };
    if (chunk.leaf && !activation.heard && lane === rootLane && output !== undefined)
      this.#progress.leaf = { value: output };
    if (chunk.fan !== undefined) this.#lanes.keep(lane, activation.chunk, output);
    if (chunk.compensated === true) {
      this.#rollback.keep({ activationId: id, chunk: activation.chunk, lane, input, output });
    }
    this.#fire(this.routes.after(chunk.name), output, lane, `e${entry.seq}`);
    this.#end(activation);
  }

  #fail({ activationId, error, willRetry, replies, seq }: EntryOf<unknown, "chunk:failed">): void {
    const activation = this.#activations.get(activationId);
    const chunk = activation && this.#graph.chunks[activation.chunk];
    if (activation === undefined || chunk === undefined) return;
    if (willRetry) return this.#activations.retry(activation, this.#progress.executionId, replies);
    const { arrival, attempts } = activation;
    const handlers = arrival.answers || error.code === "chunk-aborted" ? [] : this.routes.failed(chunk.name);
    if (handlers.length > 0 && this.isRunning) {
      const failure: Failure = { chunk: chunk.name, error, input: arrival.payload, attempts };
      this.#deliver(handlers, { ...this.#arrival(failure, arrival.lane, `e${seq}`), answers: true });
    }
    this.#end(activation);
    if (handlers.length === 0 && error.code !== "chunk-aborted") this.#failFlow(error);
  }

  #failFlow(error: SluiceError): void {
    if (!this.isRunning) return;
    this.#progress.status = "failing";
    this.#progress.failure = error;
    for (const one of this.#activations.all()) if (!one.running) this.#end(one);
    this.#commands = [{ type: "fail", error }];
  }

  #forget(lane: string): void {
    this.#joins.forget(lane);
    this.#activations.forget(lane);
  }

  /** An activation is over: what it opened is closed, and its lane counts one less. */
  #end(activation: Activation | undefined): void {
    if (activation === undefined) return;
    this.#replies?.breakOff(activation.id);
    this.#timers?.delete(activation.id);
    this.#activations.end(activation);
  }
}
