import type { SchedulerLike } from "rxjs";
import type { FlowDefinition } from "../define/flow.ts";
import type { Spec } from "../define/spec.ts";
import type { SluiceError } from "../error/sluice-error.ts";
import type { Graph } from "../graph/graph.ts";
import type { EntryLog } from "../log/entry-log.ts";
import type { Entry, EntryDraft } from "../machine/entry.ts";
import { rootLane } from "../machine/lane.ts";
import { Machine } from "../machine/machine.ts";
import type { Attempt, Below, Held } from "./attempt.ts";
import { CommandQueue, type Order } from "./command-queue.ts";
import { type Ending, endError, endingWith, finalDraft } from "./ending.ts";
import { flowDraft, itemDraft, signalDraft } from "./entry-draft.ts";
import type { Host } from "./host.ts";
import type { Identity } from "./identity.ts";
import { LiveChunks } from "./live-chunks.ts";
import { People } from "./people.ts";
import { type Pipelines, pipelinesOf } from "./pipelines.ts";
import { Runner } from "./runner.ts";
import { Standstill } from "./standstill.ts";
import { stopReply } from "./stop-reply.ts";
import { Timers } from "./timers.ts";

type OnEnded = (error: SluiceError | undefined, result: unknown) => void;

/** What an execution is made of. */
export interface ShellParts {
  readonly identity: Identity;
  readonly definition: FlowDefinition;
  readonly graph: Graph;
  readonly instance: object | undefined;
  readonly input: unknown;
  /** The state that the execution starts with. */
  readonly initial: Readonly<Record<string, unknown>>;
  readonly log: EntryLog;
  readonly scheduler: SchedulerLike;
  /** Of a child: its root's. */
  readonly standstill?: Standstill;
  /** Runs a child of an attempt. */
  readonly child: (shell: Shell, ...call: Parameters<Host["child"]>) => Promise<unknown>;
}

/**
 * Carries out what the machine decides, and tells the machine what came of it: every fact is appended to the log first,
 * applied second, and shown third. Commands are carried out first in, first out, never inside a call of user code.
 */
export class Shell implements Host, Below {
  readonly machine: Machine;
  readonly spec: Spec;
  readonly log: EntryLog;
  readonly #parts: ShellParts;
  readonly #queue = new CommandQueue(
    (order) => this.#carryOut(order),
    () => this.standstill.look(),
  );
  readonly #timers: Timers;
  readonly #live = new LiveChunks();
  readonly #runner: Runner;
  /** Undefined when the flow has none. */
  readonly #pipelines: Pipelines | undefined;
  /** Those who wait for its end. */
  #awaiting: OnEnded[] = [];
  #children = 0;
  #completing = false;
  /** How it has ended: set when the final entry has been shown. */
  #ended: { readonly error: SluiceError | undefined; readonly result: unknown } | undefined;
  /** It ends: nothing starts any more but what undoes. */
  #ending: Ending | undefined;
  /** What has completed is being undone, here or in a child. */
  #undoing = false;
  streamStopped = false;
  readonly standstill: Standstill;
  /** Made with the first question. */
  #people: People | undefined;

  constructor(parts: ShellParts) {
    const { definition, graph, instance, scheduler, log } = parts;
    this.#parts = parts;
    this.spec = definition.spec;
    this.log = log;
    this.machine = new Machine(graph);
    this.#timers = new Timers(scheduler);
    const [machine, timers, chunks] = [this.machine, this.#timers, definition.chunks];
    const drain = (): void => this.drain();
    const hold = (): void => this.#queue.hold();
    const onLive = (error: SluiceError | undefined): void => this.#liveOver(error);
    this.#runner = new Runner({ host: this, graph, chunks, instance, machine, timers, hold, drain, onLive });
    this.standstill = parts.standstill ?? new Standstill(this);
    this.#pipelines = pipelinesOf(machine.routes.pipelines, parts, {
      onYield: ({ id, label }, value) => this.signal(label, value, "pipeline", { pipeline: id }),
      onFailure: (error) => this.#fail(error),
      onEnd: () => this.#complete(),
    });
  }

  get id(): string {
    return this.#parts.identity.id;
  }

  get identity(): Identity {
    return this.#parts.identity;
  }

  get scheduler(): SchedulerLike {
    return this.#parts.scheduler;
  }

  get state(): Readonly<Record<string, unknown>> {
    return this.machine.seq === 0 ? this.#parts.initial : this.machine.state;
  }

  /** The type of its final entry, as soon as it begins to end. */
  get ending(): Ending["end"] | undefined {
    return this.#ending?.end;
  }

  /** The flow's name, for errors. */
  get where(): string {
    return this.#parts.graph.flow;
  }

  /** How much is going on, in children too: for diagnosis. */
  get held(): Held {
    const { attempts, timers } = this.#runner.held;
    return { timers: this.#timers.size + timers, attempts };
  }

  get people(): People {
    return (this.#people ??= new People(this, this.#runner, this.#parts.definition));
  }

  /** Whether all that is unfinished waits for answers. */
  get isWaiting(): boolean {
    return (
      this.#ending === undefined && !this.#live.areRunning && this.machine.isWaiting((id) => this.#runner.waits(id))
    );
  }

  now(): number {
    return this.#parts.scheduler.now();
  }

  /** Starts the execution, if it has not started. */
  start(): void {
    if (this.machine.seq > 0) return;
    const { graph, input, initial: state, identity } = this.#parts;
    const draft = flowDraft(graph, input, state);
    this.append(identity.parent === undefined ? draft : Object.assign(draft, { parent: identity.parent }));
    if (this.#ending === undefined) this.#pipelines?.start();
  }

  /** Appends a fact, applies it, shows it. After the final entry, nothing. Commands wait until the caller has returned. */
  append(draft: EntryDraft, live = false, at = this.now()): Entry | undefined {
    if (this.machine.ended) return undefined;
    if (!live) this.standstill.before(draft.type, this.#parts.standstill === undefined);
    const entry = this.log.append(draft, live, this.identity.path, at);
    if (!live) {
      if (entry.type === "stream:stop") this.streamStopped = true;
      for (const command of this.machine.apply(entry)) this.#queue.push(command);
    }
    this.log.deliver();
    return entry;
  }

  whenStored(act: () => void): void {
    act();
  }

  onTimer(timer: string, act: () => void): () => void {
    return this.#timers.onFired(timer, act);
  }

  /** Appends a signal of a chunk. @returns its id */
  emit(attempt: Attempt, event: string, payload: unknown): string {
    const id = `s${this.log.nextSeq}`;
    this.append(signalDraft(id, event, payload, attempt));
    return id;
  }

  /** Appends a signal that comes from no chunk. @returns its id */
  signal(event: string, payload: unknown, cause: string, from: { readonly pipeline?: string } = {}): string {
    const id = `s${this.log.nextSeq}`;
    this.append({ type: "signal", lane: rootLane, id, event, payload, cause, ...from });
    return id;
  }

  /** Appends an item of the runtime stream. */
  putItem(attempt: Attempt, item: unknown): void {
    attempt.shown = true;
    const draft = itemDraft(attempt, item);
    this.append(this.identity.unbridged === true ? Object.assign(draft, { unbridged: true }) : draft, attempt.live);
  }

  keyOf({ activation, undoes }: Attempt): string {
    return [this.id, ...this.identity.path.slice(1), activation.id, ...(undoes ? ["undo"] : [])].join("/");
  }

  fail(attempt: Attempt, error: SluiceError): void {
    this.#runner.fail(attempt, error);
  }

  /** Ends the generation of a reply that an attempt follows from. */
  stop(attempt: Attempt, reply: string): void {
    const open = this.machine.openReply(attempt.activation, reply);
    stopReply(attempt, reply, open, open && this.#runner.find(open.activationId));
  }

  child(...call: Parameters<Host["child"]>): Promise<unknown> {
    return this.#parts.child(this, ...call);
  }

  /** A path for a child. */
  childPath(flow: string): readonly string[] {
    this.#children += 1;
    return [...this.identity.path, `${flow}#${this.#children}`];
  }

  startLive(...started: Parameters<LiveChunks["begin"]>): void {
    for (const activation of this.#live.begin(...started)) this.#queue.push({ type: "live", activation });
  }

  /** Carries out what is queued. To be called where no user code is on the stack. */
  drain(): void {
    this.#queue.drain();
  }

  /** Waits for events no longer. What is unfinished goes on; then the execution completes. */
  close(reason: string): void {
    if (!this.machine.open) return;
    this.start();
    this.append({ type: "flow:close", reason });
  }

  /** Completes the execution from a chunk, with its result; what else is running is ended. */
  end(attempt: Attempt): void {
    this.#runner.complete(attempt, undefined);
    this.#finish();
  }

  /** Ends the execution from outside; with `rollback` what has completed is undone first. Without, it ends at once, also while it undoes. */
  cancel(reason: string, { rollback = false }: { readonly rollback?: boolean } = {}): void {
    this.start(); // a cancelled execution has its `flow:start`, too
    if (this.#ending === undefined) return this.#end("cancelled", { end: "flow:cancelled", reason }, rollback);
    if (rollback || !this.#undoing || this.machine.ended) return;
    this.#ending = { end: "flow:cancelled", reason };
    this.#runner.stopBelow(reason, false);
    this.#runner.stop("cancelled")();
    this.#final();
  }

  /** Calls back once, after its final entry has been shown; at once when it has ended. */
  onEnded(callback: OnEnded): void {
    if (this.#ended === undefined) this.#awaiting.push(callback);
    else callback(this.#ended.error, this.#ended.result);
  }

  /** Whether nothing is to come of an order any more: the execution has failed or ends, and it is not about an undoing. */
  #isOver({ type }: Order): boolean {
    if (type === "fail" || type === "live") return this.#ending !== undefined;
    if (this.#ending === undefined) return !this.machine.isRunning;
    return this.machine.ended || this.machine.rollback.cause === undefined;
  }

  #carryOut(order: Order): void {
    if (this.#isOver(order)) return;
    switch (order.type) {
      case "start":
        if (this.machine.holds(order.activation)) this.#runner.start(order.activation);
        break;
      case "expire":
        this.#runner.expire(order.activation);
        break;
      case "live":
        this.#runner.start(order.activation);
        break;
      case "undo":
        this.#runner.undo(order.undo);
        break;
      case "retry":
        this.#runner.wait(order.of, order.delayMs);
        break;
      case "limit":
        this.append({ type: "timer:set", timer: order.timer, dueAt: this.now() + order.timeoutMs });
        break;
      case "wait":
        this.#timers.set(order.timer, order.dueAt - this.now(), () => {
          this.append({ type: "timer:fired", timer: order.timer });
          this.drain();
        });
        break;
      case "unset":
        this.#timers.cancel(order.timer);
        break;
      case "pipe":
        this.#pipelines?.give(order.step, order.payload);
        break;
      case "raise":
      case "lapse":
        this.people.carryOut(order);
        break;
      case "close":
        this.close("idle");
        break;
      case "timeout":
        this.#end("the execution took too long", { end: "flow:timeout", elapsedMs: this.#elapsed() }, true);
        break;
      case "complete":
        this.#completing = true;
        this.#complete();
        break;
      case "fail":
        this.#fail(order.error);
        break;
      case "retract":
        if (!order.told) this.append({ type: "signal:retracted", ids: order.ids, activations: order.activations });
        for (const activation of order.running) this.#runner.retract(activation);
        break;
      case "rolled-back":
        this.#final();
        break;
      default:
        order satisfies never;
    }
  }

  #liveOver(error: SluiceError | undefined): void {
    this.#live.end();
    if (error === undefined) this.#complete();
    else this.#fail(error);
  }

  /** Completes the execution if all is done, the pipelines and live chunks too. */
  #complete(): void {
    if (!this.#completing || !this.machine.quiet || this.#live.areRunning) return;
    if (this.#pipelines?.finish() === false || !this.machine.quiet) return; // what they yield starts chunks again
    this.#completing = false;
    this.#finish();
  }

  #finish(): void {
    const ending = endingWith(this.spec, this.machine.result, this.where);
    if (ending.end === "flow:failed") return this.#fail(ending.error);
    this.#end("the execution has completed", ending, false);
  }

  #fail(error: SluiceError): void {
    this.#end("another chunk has failed", { end: "flow:failed", error }, true);
  }

  #elapsed(): number {
    return this.now() - this.machine.startedAt;
  }

  /** Ends what is running; what has completed is undone, with `rollback`; then comes the final entry. */
  #end(why: string, ending: Ending, rollback: boolean): void {
    if (this.machine.ended || this.#ending !== undefined) return; // an observer of what is ended here may ask for another end
    this.#ending = ending;
    this.#timers.clear();
    this.#pipelines?.stop();
    const below = this.#runner.stopBelow(why, rollback);
    if (below.length === 0) return this.#stopped(why, ending, rollback);
    this.#undoing = true;
    let left = below.length;
    for (const child of below) {
      child.onEnded(() => {
        left -= 1;
        if (left === 0 && this.#ending === ending) this.#stopped(why, ending, rollback);
      });
    }
  }

  /** Nothing runs below. */
  #stopped(why: string, ending: Ending, rollback: boolean): void {
    const isUndone = ending.end !== "flow:completed" && rollback && this.machine.rollback.isNeeded;
    const tell = this.#runner.stop(why, { butUndoing: isUndone });
    if (isUndone) {
      this.#undoing = true;
      this.#queue.clear(); // what was to be done before is not to be taken for an undoing
      this.append({ type: "flow:rollback", ...ending });
      tell();
    } else this.#final(tell);
  }

  /** Appends the one final entry, then aborts, then settles: nothing follows a final entry. */
  #final(tell: () => void = () => {}): void {
    const ending = this.#ending;
    if (ending === undefined || this.machine.ended) return tell(); // an observer of what is ended has ended it
    const { graph } = this.#parts;
    const { machine, state } = this;
    this.#timers.clear();
    const draft = finalDraft(ending, { graph, rollback: machine.rollback, state, durationMs: this.#elapsed() });
    this.append(draft);
    tell();
    const end = { error: endError(draft, this.where), result: "result" in ending ? ending.result : undefined };
    this.#ended = end;
    const awaiting = this.#awaiting;
    this.#awaiting = [];
    for (const callback of awaiting) callback(end.error, end.result);
  }
}
