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
import type { SluiceError } from "../error/sluice-error.ts";
import type { Graph } from "../graph/graph.ts";
import { type Routes, routesOf } from "../graph/routes.ts";
import { Agenda, progressOf } from "./agenda.ts";
import { arrivalOf } from "./arrival.ts";
import type { Activation, Command } from "./command.ts";
import type { Done } from "./done.ts";
import { type Entry, type EntryOf, type RollbackCause, causeOf, isFinalType } from "./entry.ts";
import { rootLane } from "./lane.ts";
import { Ledger } from "./ledger.ts";
import { type MachineSnapshot, checkSnapshot, concerns } from "./machine-snapshot.ts";
import { flowTimer, idleTimer, pendingCommands } from "./pending.ts";
import { type Questions, endOf } from "./questions.ts";
import type { KeptReply, OpenReply } from "./replies.ts";
import type { Rollback } from "./rollback.ts";
import { type StateData, foldState } from "./state-fold.ts";

const none: readonly never[] = [];

/** How a machine is used. */
export interface MachineOptions {
  /** Whether its entries are stored, so that any attempt can be cut off by a crash, and another follow. @default false */
  readonly durable?: boolean;
}

/**
 * Decides what an execution does, from its durable entries alone: routes signals, fills joins, counts lanes, and tells
 * when all is done. It has no clock, no promise and no randomness, and changes its own state in place.
 */
export class Machine {
  readonly #graph: Graph;
  readonly routes: Routes;
  readonly #ledger: Ledger;
  readonly #agenda: Agenda;

  constructor(graph: Graph, { durable = false }: MachineOptions = {}) {
    this.#graph = graph;
    this.routes = routesOf(graph);
    this.#agenda = new Agenda(progressOf(graph));
    this.#ledger = new Ledger(graph, this.#agenda, durable);
  }

  /**
   * The machine that a snapshot was taken of.
   *
   * @throws SluiceError `snapshot-invalid` when the graph's routing is another one.
   */
  static restore(graph: Graph, snapshot: MachineSnapshot, options?: MachineOptions): Machine {
    checkSnapshot(graph, snapshot);
    const machine = new Machine(graph, options);
    Object.assign(machine.#agenda.progress, snapshot.progress);
    if (snapshot.timers.length > 0) machine.#agenda.timers = new Map(snapshot.timers);
    machine.#ledger.restore(snapshot, (timer) => machine.#agenda.timers?.has(timer) === true);
    return machine;
  }

  snapshot(): MachineSnapshot {
    return {
      graphHash: this.#graph.hash,
      progress: { ...this.#agenda.progress },
      timers: [...(this.#agenda.timers ?? none)],
      ...this.#ledger.list(),
    };
  }

  /** The number of the last entry that was applied. */
  get seq(): number {
    return this.#agenda.progress.seq;
  }

  get state(): StateData {
    return this.#agenda.progress.state;
  }

  /** Unix milliseconds. */
  get startedAt(): number {
    return this.#agenda.progress.startedAt;
  }

  get ended(): boolean {
    return this.#agenda.progress.status === "ended";
  }

  /** Whether it has started, and neither failed nor ended. */
  get isRunning(): boolean {
    return this.#agenda.progress.status === "running";
  }

  /** How it is to end when its children have undone their work; undefined while it does not end so. */
  get ending(): RollbackCause | undefined {
    return this.#agenda.progress.ending;
  }

  /** Whether nothing is unfinished. */
  get quiet(): boolean {
    return this.isRunning && this.#ledger.lanes.quiet && !this.#agenda.progress.open;
  }

  /** Whether events from outside are waited for. */
  get open(): boolean {
    return this.#agenda.progress.open && this.#agenda.progress.status !== "ended";
  }

  /** The result so far: what was set last, else what a leaf returned last. */
  get result(): unknown {
    return this.#ledger.outcome.value;
  }

  /** The activations whose attempt has started and not ended. */
  get running(): readonly Activation[] {
    return [...this.#ledger.activations.all()].filter(({ running }) => running);
  }

  /** A reply that an earlier attempt has read to its end. */
  kept(replyId: string): KeptReply | undefined {
    return this.#ledger.kept(replyId);
  }

  /** What the attempts of unfinished activations have done, which a later one does not do again. */
  get done(): Pick<Done, "step" | "sleep" | "signals" | "hasShown"> {
    return this.#ledger.done;
  }

  /** What people have been asked. */
  get questions(): Pick<Questions, "get" | "end" | "raised"> {
    return this.#ledger.questions;
  }

  /** Whether all that is unfinished waits for answers. `waits` tells of a running chunk whether it does. */
  isWaiting(waits: (activationId: string) => boolean): boolean {
    return this.#ledger.isWaiting(waits);
  }

  /** The open reply with a name that an activation follows from; the nearest, where there are several. */
  openReply({ arrival: { claims } }: Activation, name: string): OpenReply | undefined {
    return claims === undefined ? undefined : this.#ledger.replies.among(claims, name);
  }

  /** How far undoing completed chunks has come. */
  get rollback(): Pick<Rollback, "cause" | "isNeeded" | "notUndone" | "left"> {
    return this.#ledger.rollback;
  }

  /** Whether an activation is not over. */
  holds({ over }: Activation): boolean {
    return this.isRunning && !over;
  }

  /** Whether another attempt follows when the present one fails with this error; the same for undoing what has completed. */
  mayRetry(activationId: string, { retryable }: SluiceError): boolean {
    if (!retryable) return false;
    return (
      (this.isRunning && this.#ledger.activations.mayRetry(activationId)) ||
      this.#ledger.rollback.mayRetry(activationId)
    );
  }

  /** The commands that are still to be carried out: what recovery does after a fold. */
  pending(): readonly Command[] {
    const { ending, status } = this.#agenda.progress;
    if (ending !== undefined && (status === "running" || status === "failing")) return [{ type: "end", cause: ending }];
    if (this.#agenda.progress.status === "failing" && this.#agenda.progress.failure !== undefined)
      return [{ type: "fail", error: this.#agenda.progress.failure }];
    if (this.#agenda.progress.status === "rolling-back")
      return [...this.#ledger.done.waits(), ...this.#ledger.rollback.pending(this.#agenda.timers ?? new Map())];
    if (!this.isRunning) return none;
    if (this.#agenda.progress.overdue) return [{ type: "timeout" }];
    if (this.quiet) return [{ type: "complete" }];
    const takingBack = this.#ledger.pending(this.#agenda.timers ?? new Map());
    const rest = pendingCommands(this.#graph, {
      activations: this.#ledger.activations.all(),
      timers: this.#agenda.timers ?? new Map(),
      isIdle: this.#agenda.progress.open && this.#ledger.lanes.quiet,
      deadlines: this.#ledger.joins.deadlines(this.routes.steps),
    });
    const closing: readonly Command[] = this.open && this.#agenda.progress.idled ? [{ type: "close" }] : none;
    return takingBack.length + closing.length === 0 ? rest : [...closing, ...takingBack, ...rest];
  }

  /** Takes one durable entry in and tells what is to be done because of it; live ones and children's are nothing to it. Costs O(listeners). */
  apply(entry: Entry): readonly Command[] {
    if (this.#agenda.progress.status === "ended" || !concerns(this.#agenda.progress, entry)) return none;
    this.#agenda.progress.seq = entry.seq;
    switch (entry.type) {
      case "flow:start":
        this.#start(entry);
        break;
      case "signal":
        this.#ledger.done.note(entry);
        this.#signal(entry);
        break;
      case "step:complete":
      case "stream:item":
      case "chunk:reset":
        this.#ledger.done.note(entry);
        return none;
      case "chunk:start":
        this.#ledger.activations.begin(entry.activationId, entry.attempt);
        break;
      case "chunk:skipped":
        this.#ledger.skip(entry.activationId);
        break;
      case "chunk:complete":
        this.#ledger.complete(entry);
        break;
      case "chunk:failed":
        this.#ledger.failed(entry);
        break;
      case "chunk:compensated":
        this.#agenda.commands.push(...this.#ledger.compensated(entry));
        break;
      case "field:complete":
      case "field:invalid":
        if (this.#ledger.isRead(entry)) this.#ledger.replies.field(entry);
        break;
      case "reply:complete":
        if (this.#ledger.isRead(entry)) this.#ledger.replies.complete(entry);
        break;
      case "reply:stopped":
        if (this.#ledger.isRead(entry)) this.#ledger.replies.stopped(entry);
        break;
      case "signal:retracted":
        this.#ledger.retractions.told();
        break;
      case "state:changed":
        this.#change(entry);
        break;
      case "interrupt:raised":
        this.#ledger.raised(entry);
        break;
      case "interrupt:answered":
        this.#ledger.answered("answered", entry.interrupt.id, entry.seq, endOf(entry));
        break;
      case "interrupt:expired":
        this.#ledger.answered("expired", entry.interrupt.id, entry.seq, { how: "expired" });
        break;
      case "flow:forked":
        if (entry.state !== undefined) this.#agenda.progress.state = entry.state as StateData;
        break;
      case "flow:close":
        this.#agenda.progress.open = false;
        break;
      case "flow:ending":
        this.#agenda.progress.ending = causeOf(entry);
        return none;
      case "flow:rollback":
        this.#agenda.progress.status = "rolling-back";
        this.#agenda.commands = [...this.#ledger.done.waits(), ...this.#ledger.rollback.begin(entry)];
        break;
      case "timer:set":
        this.#timerSet(entry.timer, entry.dueAt);
        break;
      case "timer:fired":
        this.#timerFired(entry.timer);
        break;
      default:
        if (!isFinalType(entry.type)) return none;
        this.#agenda.progress.status = "ended";
        this.#ledger.activations.clear();
        this.#ledger.done.clear();
        this.#agenda.timers?.clear();
        return none;
    }
    this.#settle();
    if (this.#agenda.commands.length === 0) return none;
    const commands = this.#agenda.commands;
    this.#agenda.commands = [];
    return commands;
  }

  #start(entry: EntryOf<any, "flow:start">): void {
    const { at: startedAt, executionId, path } = entry;
    Object.assign(this.#agenda.progress, {
      status: "running",
      startedAt,
      state: entry.state as StateData,
      executionId,
      path,
    });
    const { timeout } = this.#graph;
    if (timeout !== undefined) this.#agenda.commands.push({ type: "limit", timer: flowTimer, timeoutMs: timeout });
    this.#ledger.fire(this.routes.start, entry.input, rootLane, `e${entry.seq}`);
  }

  #signal({ event, payload, lane: from, id, pipeline }: EntryOf<unknown, "signal">): void {
    const lane = this.#ledger.lanes.near(from); // of what is undone the lane may be gone
    if (pipeline !== undefined) {
      const step = this.routes.steps.get(pipeline);
      if (step !== undefined && this.isRunning) this.#ledger.delivery.proceed(step, arrivalOf(payload, lane, id));
      return;
    }
    const listeners = this.routes.event(event);
    if (listeners.length === 0 || !this.routes.opensLane(event)) return this.#ledger.fire(listeners, payload, lane, id);
    const own = `${lane === rootLane ? "" : lane}/${id}`;
    const opened = this.#ledger.lanes.open(own, lane);
    this.#ledger.fire(listeners, payload, own, id);
    this.#ledger.lanes.close(opened);
  }

  #timerSet(timer: string, dueAt: number): void {
    const activation = this.#ledger.activations.get(timer);
    if (activation !== undefined) activation.retryIn = undefined;
    this.#ledger.rollback.timerSet(timer);
    // the join may have fired, or its lane ended, before its deadline was noted
    if (timer.startsWith("join ") && this.#ledger.joins.timed(timer) === undefined) return;
    this.#ledger.done.timerSet(timer);
    this.#agenda.set(timer, dueAt);
  }

  #timerFired(timer: string): void {
    if (this.#agenda.timers?.delete(timer) !== true) return;
    if (timer === flowTimer) {
      this.#agenda.progress.overdue = true;
      this.#agenda.commands.push({ type: "timeout" });
    }
    this.#ledger.done.timerFired(timer);
    if (timer === idleTimer && this.#agenda.progress.open && this.#ledger.lanes.quiet) {
      this.#agenda.progress.idled = true;
      this.#agenda.commands.push({ type: "close" });
    }
    this.#agenda.commands.push(...this.#ledger.rollback.timerFired(timer));
    this.#ledger.lapse(timer);
    const activation = this.#ledger.activations.get(timer);
    if (activation !== undefined) return this.#ledger.activations.again(activation);
    const expired = this.#ledger.delivery.expire(timer, (id) => this.routes.steps.get(id));
    if (expired === undefined) return;
    const { step, arrival, lane } = expired;
    this.#ledger.activations.expire(step, arrival, step.timeoutMs ?? 0);
    this.#ledger.lanes.leave(lane);
  }

  /** Says what follows when all has become quiet: the end, or, while the execution is open, its idle time. */
  #settle(): void {
    const isQuiet = this.isRunning && this.#ledger.lanes.quiet;
    const { idle } = this.#graph;
    if (isQuiet && !this.#agenda.progress.open) this.#agenda.commands.push({ type: "complete" });
    else if (isQuiet && !this.#agenda.progress.wasQuiet && idle !== undefined) {
      this.#agenda.commands.push({ type: "limit", timer: idleTimer, timeoutMs: idle });
    }
    this.#agenda.progress.wasQuiet = isQuiet;
  }

  #change({ diff, lane: from, seq }: EntryOf<any, "state:changed">): void {
    const lane = this.#ledger.lanes.near(from);
    const before = this.#agenda.progress.state;
    this.#agenda.progress.state = foldState(before, diff);
    for (const key of [...diff.added, ...diff.changed, ...diff.removed]) {
      this.#ledger.fire(
        this.routes.changed(key),
        { from: before[key], to: this.#agenda.progress.state[key] },
        lane,
        `e${seq}`,
      );
    }
  }
}
