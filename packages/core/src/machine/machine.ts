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
import type { Graph } from "../graph/graph.ts";
import { type FieldListener, type Listener, Routes, lanePaths } from "../graph/routes.ts";
import type { Activation, Command } from "./command.ts";
import type { Entry, EntryOf } from "./entry.ts";
import { type Lane, Lanes, rootLane } from "./lane.ts";

type Status = "idle" | "running" | "failing" | "ended";
type State = Readonly<Record<string, unknown>>;

/** All of a machine, as plain JSON (as far as payloads, state and results are). */
export interface MachineSnapshot {
  readonly graphHash: string;
  readonly seq: number;
  readonly status: Status;
  readonly startedAt: number;
  readonly state: State;
  readonly activationCount: number;
  readonly activations: readonly Activation[];
  readonly lanes: readonly Lane[];
  readonly replies: readonly (readonly [string, readonly string[]])[];
  readonly result: { readonly value: unknown } | undefined;
  readonly leaf: { readonly value: unknown } | undefined;
  readonly failure: SluiceError | undefined;
}

const none: readonly Command[] = [];

/**
 * Decides what an execution does, from its durable entries alone: routes signals, counts lanes, and tells when all is
 * done. It has no clock, no promise and no randomness, and changes its own state in place.
 */
export class Machine {
  readonly #graph: Graph;
  readonly routes: Routes;
  #seq = 0;
  #status: Status = "idle";
  #startedAt = 0;
  #state: State = {};
  #activationCount = 0;
  #activations = new Map<string, Activation>();
  #lanes = new Lanes();
  /** The lanes that each open reply has opened, by `activation reply`. */
  #replies = new Map<string, Set<string>>();
  #result: { readonly value: unknown } | undefined;
  #leaf: { readonly value: unknown } | undefined;
  #failure: SluiceError | undefined;
  #commands: Command[] = [];

  constructor(graph: Graph) {
    this.#graph = graph;
    this.routes = new Routes(graph);
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
    machine.#replies = new Map(snapshot.replies.map(([key, lanes]) => [key, new Set(lanes)]));
    machine.#result = snapshot.result;
    machine.#leaf = snapshot.leaf;
    machine.#failure = snapshot.failure;
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
      replies: [...this.#replies].map(([key, lanes]) => [key, [...lanes]] as const),
      result: this.#result,
      leaf: this.#leaf,
      failure: this.#failure,
    };
  }

  /** The number of the last entry that was applied. */
  get seq(): number {
    return this.#seq;
  }

  get state(): State {
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
    return this.#status === "running" && this.#lanes.quiet;
  }

  /** The result so far: what was set last, else what a leaf returned last. */
  get result(): unknown {
    return (this.#result ?? this.#leaf)?.value;
  }

  /** Whether an activation still waits for its start. */
  mayStart(activation: Activation): boolean {
    return this.#status === "running" && !activation.running && this.#activations.has(activation.id);
  }

  /** The commands that are still to be carried out: what recovery does after a fold. */
  pending(): readonly Command[] {
    if (this.#status === "failing" && this.#failure !== undefined) return [{ type: "fail", error: this.#failure }];
    if (this.#status !== "running") return none;
    if (this.#lanes.quiet) return [{ type: "complete" }];
    return [...this.#activations.values()].map((activation) => ({ type: "start", activation }));
  }

  /** Takes one durable entry in and tells what is to be done because of it. Costs O(listeners) of that entry. */
  apply(entry: Entry): readonly Command[] {
    if (this.#status === "ended") return none;
    this.#seq = entry.seq;
    switch (entry.type) {
      case "flow:start":
        this.#status = "running";
        this.#startedAt = entry.at;
        this.#state = entry.state as State;
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
        this.#state = changed(this.#state, entry.diff);
        break;
      case "flow:completed":
      case "flow:failed":
      case "flow:cancelled":
        this.#status = "ended";
        this.#activations.clear();
        this.#commands = [];
        return none;
      default:
        return none;
    }
    if (this.quiet) this.#commands.push({ type: "complete" });
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
    path = "",
    indexes = noIndexes,
  ): void {
    if (this.#status !== "running") return;
    for (const { chunk, trigger, label } of listeners) {
      this.#activationCount += 1;
      const activation: Activation = {
        id: `a${this.#activationCount}`,
        chunk,
        trigger,
        input,
        lane,
        signal: { id, event: label, path, indexes },
        attempts: 0,
        running: false,
        heard: false,
      };
      this.#activations.set(activation.id, activation);
      this.#lanes.enter(lane);
      this.#commands.push({ type: "start", activation });
    }
  }

  #begin({ activationId, attempt }: EntryOf<unknown, "chunk:start">): void {
    const activation = this.#activations.get(activationId);
    if (activation === undefined) return;
    activation.running = true;
    activation.attempts = attempt;
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

  #fail({ activationId, error, willRetry }: EntryOf<unknown, "chunk:failed">): void {
    if (willRetry) return;
    this.#end(activationId);
    if (error.code === "chunk-aborted" || this.#status !== "running") return;
    this.#status = "failing";
    this.#failure = error;
    for (const activation of this.#activations.values()) if (!activation.running) this.#end(activation.id);
    this.#commands = [{ type: "fail", error }];
  }

  #field(entry: EntryOf<unknown, "field:complete">): void {
    const listeners = this.routes.field(entry.reply, entry.field);
    for (const listener of listeners) {
      const lane = this.#laneOf(entry, listener);
      this.#fire([listener], entry.value, lane, `e${entry.seq}`, entry.field, entry.indexes);
    }
    this.#hear(entry.activationId, listeners.length);
  }

  #reply(entry: EntryOf<unknown, "reply:complete">): void {
    const listeners = this.routes.done(entry.reply);
    this.#fire(listeners, entry.value, entry.lane, `e${entry.seq}`);
    this.#hear(entry.activationId, listeners.length);
    this.#closeReply(`${entry.activationId} ${entry.replyId}`);
  }

  /** The lane of a field: a fan-out belongs to the reply, so all who listen to item i share its lane. */
  #laneOf(
    { activationId, replyId, field, lane }: EntryOf<unknown, "field:complete">,
    { fansOut }: FieldListener,
  ): string {
    let below = lane;
    for (const path of lanePaths(field, fansOut)) {
      const id = `${lane === rootLane ? "" : lane}/${replyId}:${path}`;
      this.#lanes.ensure(id, below);
      const key = `${activationId} ${replyId}`;
      const opened = this.#replies.get(key);
      if (opened === undefined) this.#replies.set(key, new Set([id]));
      else opened.add(id);
      below = id;
    }
    return below;
  }

  #closeReply(key: string): void {
    const lanes = this.#replies.get(key);
    if (lanes === undefined) return;
    this.#replies.delete(key);
    for (const lane of lanes) this.#lanes.close(lane);
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
    for (const key of this.#replies.keys()) if (key.startsWith(`${activationId} `)) this.#closeReply(key);
    this.#lanes.leave(activation.lane);
  }
}

const noIndexes: readonly number[] = [];

function changed(state: State, { removed, values }: EntryOf<any, "state:changed">["diff"]): State {
  const next: Record<string, unknown> = { ...state, ...values };
  for (const key of removed) delete next[key];
  return next;
}
