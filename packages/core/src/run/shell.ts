import type { SchedulerLike } from "rxjs";
import type { Amount } from "../define/budget.ts";
import type { FlowDefinition } from "../define/flow.ts";
import type { Spec } from "../define/spec.ts";
import type { SluiceError } from "../error/sluice-error.ts";
import type { Graph } from "../graph/graph.ts";
import type { EntryLog } from "../log/entry-log.ts";
import type { Entry, EntryDraft } from "../machine/entry.ts";
import { rootLane } from "../machine/lane.ts";
import type { Machine } from "../machine/machine.ts";
import { textOf } from "../store/entry-text.ts";
import type { Checkpoint } from "../store/store.ts";
import type { Writer } from "../store/writer.ts";
import type { Attempt } from "./attempt.ts";
import type { Below, Held } from "./below.ts";
import { CommandQueue } from "./command-queue.ts";
import type { Ending } from "./ending.ts";
import { flowDraft, itemDraft, signalDraft } from "./entry-draft.ts";
import { carryOut } from "./errands.ts";
import { Finale, type OnEnded } from "./finale.ts";
import type { Host } from "./host.ts";
import type { Identity } from "./identity.ts";
import { Keeper } from "./keeper.ts";
import type { Continuing } from "./known-flow.ts";
import { LiveChunks } from "./live-chunks.ts";
import { type LostChild, type Past, type PastData, machineOf } from "./past.ts";
import { People } from "./people.ts";
import { type Pipelines, pipelinesOf } from "./pipelines.ts";
import { Runner } from "./runner.ts";
import { Shown } from "./shown.ts";
import { Standstill } from "./standstill.ts";
import { stopReply } from "./stop-reply.ts";
import { Timers } from "./timers.ts";

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
  /** Takes its entries to the store; left out where they are not stored. */
  readonly writer?: Writer;
  /** What is stored of it, of one that goes on. */
  readonly past?: Past;
  /** Of a child: hears what it spends. */
  readonly onCost?: ((cost: Amount) => void) | undefined;
  /** Whether it waits for people, as far as the store knows. */
  readonly isWaiting?: boolean;
  /** Makes a child run again that nobody has asked for, where its flow is known. */
  readonly relaunch: (shell: Shell, attempt: Attempt, lost: LostChild) => Shell | undefined;
  /** How its children go on, of one that does. */
  readonly continuing?: Continuing | undefined;
  /** Runs a child of an attempt. */
  readonly child: (shell: Shell, ...call: Parameters<Host["child"]>) => Promise<unknown>;
}

/**
 * Carries out what the machine decides, and tells the machine what came of it: every fact is appended to the log first,
 * applied second, and shown third. Commands are carried out first in, first out, never inside a call of user code.
 */
export class Shell implements Host, Below {
  readonly machine: Machine;
  readonly log: EntryLog;
  readonly #parts: ShellParts;
  readonly queue: CommandQueue;
  readonly timers: Timers;
  readonly #live = new LiveChunks();
  readonly runner: Runner;
  /** Undefined when the flow has none. */
  readonly pipelines: Pipelines | undefined;
  readonly finale: Finale;
  #children: number;
  #completing = false;
  /** Whether it has gone on from what is stored of it. */
  #resumed = false;
  #final: Entry | undefined;
  streamStopped: boolean;
  readonly standstill: Standstill;
  /** Of one that is stored. */
  readonly keeper: Keeper | undefined;
  /** What has been shown of it, where that waits until it is stored. */
  readonly shown: Shown | undefined;
  /** Made with the first question. */
  #people: People | undefined;

  constructor(parts: ShellParts) {
    const { definition, graph, instance, scheduler, log } = parts;
    this.#parts = parts;
    this.log = log;
    const { writer, past } = parts;
    this.keeper = writer && new Keeper(this, writer, past);
    this.machine = machineOf(graph, past, { durable: writer !== undefined });
    past?.letGo();
    this.#children = past?.children ?? 0;
    this.streamStopped = past?.streamStopped ?? false;
    this.queue = new CommandQueue(
      (order) => carryOut(order, this),
      () => this.standstill.look(),
      this.keeper?.gate,
    );
    this.timers = new Timers(scheduler);
    const [machine, timers, chunks] = [this.machine, this.timers, definition.chunks];
    const drain = (): void => this.drain();
    const hold = (): void => this.queue.hold();
    const onLive = (error: SluiceError | undefined): void => this.#liveOver(error);
    this.runner = new Runner({ host: this, graph, chunks, instance, machine, timers, hold, drain, onLive });
    this.standstill = parts.standstill ?? new Standstill(this, parts.isWaiting);
    this.pipelines = pipelinesOf(machine.routes.pipelines, parts, {
      onYield: ({ id, label }, value) => this.signal(label, value, "pipeline", { pipeline: id }),
      onFailure: (error) => this.finale.fail(error),
      onEnd: () => this.#complete(),
    });
    this.finale = new Finale(this);
    if (parts.standstill === undefined && writer !== undefined) {
      writer.bind(this);
      if (!writer.isAhead) this.shown = new Shown(this.state, this.standstill.isOn ? "waiting" : "running");
    }
    this.#final = past?.final;
    if (past?.final !== undefined) this.finale.was(past.final);
  }

  get spec(): Spec {
    return this.#parts.definition.spec;
  }

  get graph(): Graph {
    return this.#parts.graph;
  }

  get id(): string {
    return this.#parts.identity.id;
  }

  get identity(): Identity {
    return this.#parts.identity;
  }

  get continuing(): Continuing | undefined {
    return this.#parts.continuing;
  }

  get scheduler(): SchedulerLike {
    return this.#parts.scheduler;
  }

  get state(): Readonly<Record<string, unknown>> {
    return this.machine.seq === 0 ? this.#parts.initial : this.machine.state;
  }

  /** The type of its final entry, as soon as it begins to end. */
  get ending(): Ending["end"] | undefined {
    return this.finale.ending?.end;
  }

  /** The flow's name, for errors. */
  get where(): string {
    return this.#parts.graph.flow;
  }

  /** How much is going on, in children too: for diagnosis. */
  get held(): Held {
    const { attempts, timers } = this.runner.held;
    return { timers: this.timers.size + timers, attempts };
  }

  get people(): People {
    return (this.#people ??= new People(this, this.runner, this.#parts.definition));
  }

  /** Whether all that is unfinished waits for answers. */
  get isWaiting(): boolean {
    if (this.finale.ending !== undefined || this.#live.areRunning || !this.queue.isEmpty) return false;
    return this.machine.isWaiting((id) => this.runner.waits(id));
  }

  /** Its final entry, as soon as that is stored or need not be. */
  get final(): Entry | undefined {
    const final = this.#final;
    return final !== undefined && this.#parts.writer?.isStored(final.seq) !== false ? final : undefined;
  }

  now(): number {
    return this.#parts.scheduler.now();
  }

  /** Starts the execution, or goes on with it from what is stored. Does nothing when that has been done. */
  start(): void {
    if (this.#parts.past !== undefined) return this.#resume(this.#parts.past);
    if (this.machine.seq > 0) return;
    const { graph, input, initial: state, identity } = this.#parts;
    const draft = flowDraft(graph, input, state);
    this.append(identity.parent === undefined ? draft : Object.assign(draft, { parent: identity.parent }));
    if (this.finale.ending === undefined) this.pipelines?.start();
  }

  #resume({ final }: Past): void {
    if (this.#resumed || final !== undefined) return;
    this.#resumed = true;
    if (this.#parts.standstill === undefined && !this.standstill.isOn) this.append({ type: "flow:resume" });
    this.runner.recall();
    const { cause } = this.machine.rollback;
    if (cause !== undefined) this.finale.goOn(cause);
    for (const command of this.machine.pending()) this.queue.push(command, this.log.lastSeq);
    this.standstill.asked(); // its questions are open already
  }

  /** Appends a fact, applies it, shows it. After the final entry, nothing. Commands wait until the caller has returned. @throws SluiceError `not-serialisable` for what cannot be stored */
  append(draft: EntryDraft, live = false, at = this.now(), path = this.identity.path): Entry | undefined {
    if (this.machine.ended || this.log.closed !== undefined) return undefined;
    if (!live) {
      this.keeper?.check(draft);
      this.standstill.before(draft.type, this.#parts.standstill === undefined);
    }
    const entry = this.log.append(draft, live, path, at);
    if (!live) {
      if (entry.type === "stream:stop") this.streamStopped = true;
      for (const command of this.machine.apply(entry)) this.queue.push(command, entry.seq);
      if (this.machine.ended) this.#final = entry;
      this.keeper?.take(entry);
    }
    this.log.deliver();
    return entry;
  }

  /** Calls back when all that has been appended is stored, with an error when it cannot be; at once where nothing is stored. */
  whenStored(act: (failure: SluiceError | undefined) => void): void {
    if (this.keeper === undefined) act(undefined);
    else this.keeper.whenStored(act);
  }

  whenSafe(act: (failure: SluiceError | undefined) => void): void {
    if (this.keeper === undefined) act(undefined);
    else this.keeper.whenSafe(act);
  }

  /** Its end may be told when it is stored; a child's to the chunk that runs it as chunks go on. */
  whenTold(act: (failure: SluiceError | undefined) => void): void {
    if (this.identity.parent === undefined) this.whenStored(act);
    else this.whenSafe(act);
  }

  /** Of a child: hears what it spends. */
  get onCost(): ShellParts["onCost"] {
    return this.#parts.onCost;
  }

  /** Makes a child run again that nobody has asked for, where its flow is known. */
  relaunch(attempt: Attempt, lost: LostChild): Shell | undefined {
    return this.#parts.relaunch(this, attempt, lost);
  }

  /** Entries up to a number are stored: who watches gets them. */
  stored(seq: number): void {
    this.log.show(seq, (entry) => this.shown?.take(entry));
    if (this.keeper?.writer.isAhead === true) this.append({ type: "state:persisted", uptoSeq: seq }, true);
  }

  /** What recovery begins with, as a store takes it. */
  makeCheckpoint(): Checkpoint {
    return { seq: this.log.lastSeq, text: textOf(this.checkpoint()) };
  }

  /** What recovery begins with. */
  checkpoint(): PastData {
    const final = this.#final;
    const { identity, streamStopped } = this;
    const spending = this.keeper?.spending ?? { spent: [], reached: [] };
    return {
      path: identity.path,
      ...(final === undefined && { machine: this.machine.snapshot() }),
      entries: final === undefined ? [] : [final],
      children: this.#children,
      streamStopped,
      spending,
      running: final === undefined ? this.runner.kin() : [],
    };
  }

  /** Why it has stopped without an end. */
  get halted(): SluiceError | undefined {
    return this.keeper?.writer.failure;
  }

  /** Stops here, without an entry: it goes on elsewhere, or not at all. All who wait or look are told. */
  halt(error: SluiceError): void {
    if (this.log.closed !== undefined) return;
    this.#parts.writer?.stop(error);
    this.log.close(error, true);
    this.finale.halt(error);
  }

  onTimer(timer: string, act: () => void): () => void {
    return this.timers.onFired(timer, act);
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
    this.runner.fail(attempt, error);
  }

  /** Ends the generation of a reply that an attempt follows from. */
  stop(attempt: Attempt, reply: string): void {
    const open = this.machine.openReply(attempt.activation, reply);
    stopReply(attempt, reply, open, open && this.runner.find(open.activationId));
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
    for (const activation of this.#live.begin(...started))
      this.queue.push({ type: "live", activation }, this.log.lastSeq);
  }

  /** Carries out what is queued. To be called where no user code is on the stack. */
  drain(): void {
    this.queue.drain();
  }

  /** Waits for events no longer. What is unfinished goes on; then the execution completes. */
  close(reason: string): void {
    if (!this.machine.open) return;
    this.start();
    this.append({ type: "flow:close", reason });
  }

  /** Completes the execution from a chunk, with its result; what else is running is ended. */
  end(attempt: Attempt): void {
    this.runner.complete(attempt, undefined);
    this.finale.complete();
  }

  /** Ends the execution from outside; with `rollback` what has completed is undone first. Without, it ends at once, also while it undoes. */
  cancel(reason: string, { rollback = false }: { readonly rollback?: boolean } = {}): void {
    this.start(); // a cancelled execution has its `flow:start`, too
    this.finale.cancel(reason, rollback);
  }

  /** Calls back once, after its final entry has been shown; at once when it has ended. */
  onEnded(callback: OnEnded): void {
    this.finale.onEnded(callback);
  }

  #liveOver(error: SluiceError | undefined): void {
    this.#live.end();
    if (error === undefined) this.#complete();
    else this.finale.fail(error);
  }

  /** Nothing is unfinished for the machine: completes the execution, as soon as pipelines and live chunks are done. */
  complete(): void {
    this.#completing = true;
    this.#complete();
  }

  #complete(): void {
    if (!this.#completing || !this.machine.quiet || this.#live.areRunning) return;
    if (this.pipelines?.finish() === false || !this.machine.quiet) return; // what they yield starts chunks again
    this.#completing = false;
    this.finale.complete();
  }
}
