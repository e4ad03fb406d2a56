/*
 * The machine's invariants. The tests cite them by number.
 *
 *  1. Same entries, same state, same commands; no user code is called.
 *  2. An activation counts in its lane from its creation to its end; a lane counts in its parent while it is not done.
 *  3. A lane is done when its count is zero and its sources are closed; a done lane never opens again.
 *     One that can be taken back is kept until it is confirmed, and begins again when something comes into it.
 *  4. `gather` fires at that very entry, in the lane above, once per fan-out; once more when what was gathered is taken back.
 *  5. Joins look at one lane, or one key, or one reply.
 *  6. An activation is provisional while any reply among its causes through returns is open; what is confirmed is never
 *     taken back.
 *  7. Retraction: remove activations, give joins back their firm inputs, undo, then deliver the new value.
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
import { type Claims, unionOf } from "./claims.ts";
import { type Entry, type EntryOf, isFinalType } from "./entry.ts";
import { type Fan, gatheredOf } from "./fan.ts";
import { Joins } from "./joins.ts";
import { Lanes, rootLane } from "./lane.ts";
import { type MachineSnapshot, type Progress, checkSnapshot, concerns, progressOf } from "./machine-snapshot.ts";
import { flowTimer, idleTimer, pendingCommands } from "./pending.ts";
import { Outcome } from "./outcome.ts";
import { Replies } from "./replies.ts";
import { Retractions } from "./retractions.ts";
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
  readonly #outcome = new Outcome();
  /** Both made when a reply is first heard. */
  #replies: Replies | undefined;
  #retractions: Retractions | undefined;
  readonly #progress: Progress;
  /** When each timer that is set is due; made with the first. */
  #timers: Map<string, number> | undefined;
  #commands: Command[] = [];

  constructor(graph: Graph) {
    this.#graph = graph;
    this.routes = routesOf(graph);
    this.#progress = progressOf(graph);
    this.#lanes = new Lanes({
      forgotten: (lane) => this.#forget(lane),
      gather: (fan) => this.#gather(fan),
      outdated: (gathered, { lane }) => this.#takingBack.takeBack([gathered], { lane }),
      isOpen: (claims) => this.#replies?.isOpen(claims) === true,
    });
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
    machine.#outcome.restore(snapshot.outcome);
    if (snapshot.replies !== undefined) machine.#read.restore(snapshot.replies);
    if (snapshot.retractions !== undefined) machine.#takingBack.restore(snapshot.retractions);
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
      outcome: this.#outcome.list(),
      ...(this.#replies !== undefined && { replies: this.#replies.list() }),
      ...(this.#retractions !== undefined && { retractions: this.#retractions.list() }),
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
    return this.#outcome.value;
  }

  /** The value of a reply that an earlier attempt has read to its end. */
  kept(replyId: string): { readonly value: unknown } | undefined {
    return this.#replies?.kept(replyId);
  }

  /** The open replies with a name that an activation follows from. */
  repliesAmong({ arrival: { claims } }: Activation, name: string): readonly string[] {
    return claims === undefined ? none : (this.#replies?.among(claims, name) ?? none);
  }

  /** How far undoing completed chunks has come. */
  get rollback(): Pick<Rollback, "cause" | "isNeeded" | "notUndone" | "left"> {
    return this.#rollback;
  }

  /** Whether an activation is not over. */
  holds({ over }: Activation): boolean {
    return this.isRunning && !over;
  }

  /** Whether another attempt follows when the present one fails with this error; the same for undoing what has completed. */
  mayRetry(activationId: string, { retryable }: SluiceError): boolean {
    if (!retryable) return false;
    return (this.isRunning && this.#activations.mayRetry(activationId)) || this.#rollback.mayRetry(activationId);
  }

  /** The commands that are still to be carried out: what recovery does after a fold. */
  pending(): readonly Command[] {
    if (this.#progress.status === "failing" && this.#progress.failure !== undefined)
      return [{ type: "fail", error: this.#progress.failure }];
    if (this.#progress.status === "rolling-back") return this.#rollback.pending(this.#timers ?? new Map());
    if (!this.isRunning) return none;
    if (this.quiet) return [{ type: "complete" }];
    const retractions = this.#retractions?.pending() ?? none;
    const undoing = this.#rollback.pending(this.#timers ?? new Map());
    const rest = pendingCommands(this.#graph, {
      activations: this.#activations.all(),
      timers: this.#timers ?? new Map(),
      isIdle: this.#progress.open && this.#lanes.quiet,
      deadlines: this.#joins.deadlines(this.routes.steps),
    });
    return retractions.length === 0 && undoing.length === 0 ? rest : [...retractions, ...undoing, ...rest];
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
        this.#skip(this.#activations.get(entry.activationId));
        break;
      case "chunk:complete":
        this.#complete(entry);
        break;
      case "chunk:failed":
        this.#fail(entry);
        break;
      case "chunk:compensated":
        this.#compensated(entry);
        break;
      case "field:complete":
        if (this.#isRead(entry)) this.#read.field(entry);
        break;
      case "reply:complete":
        if (this.#isRead(entry)) this.#read.complete(entry);
        break;
      case "reply:stopped":
        if (this.#isRead(entry)) this.#read.stopped(entry);
        break;
      case "signal:retracted":
        this.#retractions?.told();
        break;
      case "state:changed":
        this.#change(entry);
        break;
      case "flow:close":
        this.#progress.open = false;
        break;
      case "flow:rollback":
        this.#progress.status = "rolling-back";
        this.#commands = [...this.#rollback.begin(entry, (timer) => this.#timers?.has(timer) === true)];
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

  #fire(listeners: readonly Listener[], payload: unknown, lane: string, id: string, claims?: Claims): void {
    if (listeners.length === 0 || !this.isRunning) return;
    const arrival = this.#arrival(payload, lane, id);
    this.#deliver(listeners, claims === undefined ? arrival : { ...arrival, claims });
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
      deliver: (listeners, arrival) => this.isRunning && this.#deliver(listeners, arrival),
      takeBack: (claims, { id, lane }, next) =>
        this.isRunning && this.#takingBack.takeBack(claims, { lane, reply: id, next }),
      over: (reply, scope) => this.#over(reply, scope),
    });
    return this.#replies;
  }

  get #takingBack(): Retractions {
    this.#retractions ??= new Retractions({
      steps: this.routes.steps,
      activations: this.#activations,
      lanes: this.#lanes,
      joins: this.#joins,
      rollback: this.#rollback,
      replies: () => this.#read,
      delivery: () => this.#operators,
      command: (command) => this.#command(command),
      end: (activation) => this.#end(activation),
      forget: (goes) => this.#outcome.takeBack(goes),
      over: (reply, scope) => this.#over(reply, scope),
      proceed: (next) => {
        if (next.type === "field") this.#read.deliver(next.entry);
        else if (this.isRunning) this.#deliver(this.routes.failed(next.chunk), next.arrival);
      },
    });
    return this.#retractions;
  }

  /** Whether a reply is read by an activation that goes on. */
  #isRead({ activationId }: { readonly activationId: string }): boolean {
    return this.isRunning && this.#activations.get(activationId)?.retracted === false;
  }

  /** Nothing more comes from a reply: what follows from it and is still there is a fact, if no other reply is open above it. */
  #over(reply: string, scope: string): void {
    const isOpen = (claims: Claims): boolean => this.#replies?.isOpen(claims) === true;
    this.#takingBack.forget(scope);
    this.#lanes.confirm(reply);
    this.#joins.confirm(isOpen, this.routes.steps);
    this.#takingBack.confirm(isOpen);
    for (const activation of this.#activations.held()) {
      const { failure, arrival } = activation;
      if (failure !== undefined && !(arrival.claims !== undefined && isOpen(arrival.claims)))
        this.#failed(activation, failure);
    }
  }

  /** What the things that follow from an arrival can be taken back with. */
  #claimsOf({ claims }: Arrival): Claims | undefined {
    return claims !== undefined && this.#replies?.isOpen(claims) === true ? claims : undefined;
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
  #gather(fan: Fan): string | undefined {
    if (!this.isRunning) return undefined;
    const id = `e${this.#progress.seq}`;
    const own = `${id}:${fan.id}`;
    let gathered: string | undefined;
    for (const { of, listeners } of fan.sources.flatMap((source) => this.routes.gathered(source))) {
      if (listeners.length === 0) continue;
      const { present, claims: ofValues } = gatheredOf(fan, of);
      const [indexes, payload] = [present.map(([index]) => index), present.map(([, value]) => value)];
      const above = unionOf([fan.claims, ofValues]);
      const isOpen = above !== undefined && this.#replies?.isOpen(above) === true;
      if (isOpen) gathered = own;
      const claims = isOpen ? [...above, own] : undefined;
      this.#deliver(listeners, { ...arrivalOf(payload, fan.lane, id), indexes, claims }, `${id}:${of}`);
    }
    return gathered;
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
    const claims = this.#claimsOf(arrival);
    const undoing = { activationId: id, chunk: activation.chunk, lane, input, output, claims };
    if (activation.retracted) {
      if (chunk.compensated === true) this.#rollback.keep({ ...undoing, due: true });
      return this.#ended(activation, chunk.compensated === true);
    }
    if ("result" in entry) this.#outcome.set(entry.result, claims);
    if (chunk.leaf && !activation.heard && lane === rootLane && output !== undefined)
      this.#outcome.leave(output, claims);
    if (chunk.fan !== undefined) this.#lanes.keep(lane, activation.chunk, output, claims);
    if (chunk.compensated === true) this.#rollback.keep({ ...undoing, due: false });
    if (claims !== undefined) this.#takingBack.completed(activation, claims);
    this.#fire(this.routes.after(chunk.name), output, lane, `e${entry.seq}`, claims);
    this.#end(activation);
  }

  #fail(entry: EntryOf<unknown, "chunk:failed">): void {
    const activation = this.#activations.get(entry.activationId);
    if (activation === undefined) return;
    if (activation.retracted) return this.#ended(activation, false);
    if (entry.willRetry) return this.#activations.retry(activation, this.#progress.executionId);
    const isAborted = entry.error.code === "chunk-aborted";
    if (isAborted || this.#claimsOf(activation.arrival) === undefined) return this.#failed(activation, entry);
    this.#activations.hold(activation, entry);
    this.#replies?.breakOff(activation.id);
  }

  /** A chunk has failed for good. */
  #failed(activation: Activation, { error, seq }: EntryOf<unknown, "chunk:failed">): void {
    const { arrival, attempts } = activation;
    const chunk = this.#graph.chunks[activation.chunk]?.name ?? "";
    const isAborted = error.code === "chunk-aborted";
    const handlers = arrival.answers || isAborted ? none : this.routes.failed(chunk);
    const isTakenBack = this.#replies?.breakOff(activation.id) === true;
    if (handlers.length > 0 && this.isRunning) {
      const failure: Failure = { chunk, error, input: arrival.payload, attempts };
      const answer = { ...this.#arrival(failure, arrival.lane, `e${seq}`), answers: true };
      if (isTakenBack) this.#takingBack.postpone(chunk, answer);
      else this.#deliver(handlers, answer);
    }
    this.#end(activation);
    if (handlers.length === 0 && !isAborted) this.#failFlow(error);
  }

  #skip(activation: Activation | undefined): void {
    if (activation?.retracted === true) this.#ended(activation, false);
    else this.#end(activation);
  }

  /** What was taken back runs no more. */
  #ended(activation: Activation, undoing: boolean): void {
    this.#end(activation);
    this.#takingBack.ended(activation.id, undoing);
  }

  #compensated(entry: EntryOf<unknown, "chunk:compensated">): void {
    this.#rollback.compensated(entry);
    if (this.#rollback.cause !== undefined) this.#commands.push(...this.#rollback.next());
    else if (entry.willRetry) this.#retractions?.advance();
    else this.#retractions?.undone(entry.activationId);
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
    if (this.#timers?.delete(activation.id) === true) this.#command({ type: "unset", timer: activation.id });
    this.#activations.end(activation);
  }
}
