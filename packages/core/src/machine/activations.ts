import type { Graph } from "../graph/graph.ts";
import { routesOf } from "../graph/routes.ts";
import type { Arrival } from "./arrival.ts";
import { backoff } from "./backoff.ts";
import type { Agenda } from "./agenda.ts";
import type { Activation } from "./command.ts";
import type { Target } from "./delivery.ts";
import type { EntryOf } from "./entry.ts";
import type { Lanes } from "./lane.ts";
import { waitingOf } from "./pending.ts";
import { type InvalidReply, noIssues, withIssue } from "./reply-issues.ts";
import { Slots } from "./slots.ts";

/** The activations of an execution as plain data. */
export interface ActivationsData {
  readonly count: number;
  readonly activations: readonly Activation[];
  /** By lane, the triggers with `once` that have started their chunk. */
  readonly spent: readonly (readonly [lane: string, triggers: readonly string[]])[];
}

const none: readonly never[] = [];

/** What has been triggered and is not over: it waits for a slot or a retry, or runs. */
export class Activations {
  readonly #graph: Graph;
  readonly #lanes: Lanes;
  readonly #agenda: Agenda;
  /** Undefined where nothing is limited: nothing is counted then. */
  readonly #slots: Slots | undefined;
  readonly #all = new Map<string, Activation>();
  /** By lane that is not done: the triggers with `once` that have started their chunk in it. */
  #spent: Map<string, Set<string>> | undefined;
  /** Those whose failure does not count yet. */
  #held: Set<Activation> | undefined;
  #count = 0;

  constructor(graph: Graph, lanes: Lanes, agenda: Agenda) {
    this.#graph = graph;
    this.#lanes = lanes;
    this.#agenda = agenda;
    this.#slots = routesOf(graph).isLimited ? new Slots(graph) : undefined;
  }

  get(id: string): Activation | undefined {
    return this.#all.get(id);
  }

  /** Those that have failed for good, which does not count yet, in that order. */
  held(): readonly Activation[] {
    if (this.#held === undefined) return none;
    return [...this.#held].toSorted((one, other) => (one.failure?.seq ?? 0) - (other.failure?.seq ?? 0));
  }

  /** In the order of triggering. */
  all(): IterableIterator<Activation> {
    return this.#all.values();
  }

  /** A trigger fires: its chunk starts at once, or when a slot is free. */
  add(target: Target, arrival: Arrival): void {
    if (this.isSpent(target, arrival.lane)) return;
    const activation = this.#make(target, arrival, undefined);
    this.again(activation);
  }

  /** Whether a trigger starts its chunk no more in a lane: it has, and does so once. */
  isSpent({ chunk, trigger, once }: Target, lane: string): boolean {
    return once && this.#spent?.get(lane)?.has(`${chunk}.${trigger}`) === true;
  }

  /** The time of a join is over: its chunk fails without a start. */
  expire(target: Target, arrival: Arrival, timeoutMs: number): void {
    if (this.isSpent(target, arrival.lane)) return;
    this.#agenda.add({ type: "expire", activation: this.#make(target, arrival, timeoutMs) });
  }

  begin(activationId: string, attempt: number): void {
    const activation = this.#all.get(activationId);
    if (activation === undefined) return;
    if (activation.running) activation.cutOff += 1; // one that has neither completed nor failed
    activation.running = true;
    activation.attempts = attempt;
    const { chunk, trigger, arrival } = activation;
    if (this.#graph.chunks[chunk]?.triggers[trigger]?.once !== true) return;
    this.#spend(arrival.lane, `${chunk}.${trigger}`);
    for (const one of this.#all.values()) {
      const isSame = one.chunk === chunk && one.trigger === trigger && one.arrival.lane === arrival.lane;
      if (isSame && one !== activation && !one.running && one.attempts === 0) this.end(one);
    }
  }

  /** Whether attempts are left. */
  mayRetry(id: string): boolean {
    const activation = this.#all.get(id);
    if (activation === undefined || activation.retracted) return false;
    return activation.attempts - activation.cutOff < (this.#graph.chunks[activation.chunk]?.retry?.attempts ?? 1);
  }

  /** An attempt has failed and another follows. A waiting retry holds no slot. */
  retry(activation: Activation, executionId: string, replies: readonly InvalidReply[] = []): void {
    const { id, attempts, cutOff, chunk } = activation;
    for (const { replyId, whole } of replies)
      activation.issues = withIssue(activation.issues, replyId, attempts, whole);
    const policy = this.#graph.chunks[chunk]?.retry;
    if (policy === undefined) return;
    activation.running = false;
    this.#yield(activation);
    const delayMs = backoff(policy, attempts - cutOff, `${executionId}/${id}`);
    activation.retryIn = delayMs;
    this.#agenda.add({ type: "retry", of: waitingOf(activation), delayMs });
  }

  /** Its turn has come, or its pause is over: it starts at once, or when a slot is free. */
  again(activation: Activation): void {
    if (this.#slots === undefined) activation.granted = true;
    else if (!this.#slots.enter(activation)) return;
    this.#agenda.add({ type: "start", activation });
  }

  /** It has failed for good, which does not count yet: it needs its slot no more, and still counts in its lane. */
  hold(activation: Activation, failure: EntryOf<unknown, "chunk:failed">): void {
    activation.failure = failure;
    activation.running = false;
    (this.#held ??= new Set()).add(activation);
    if (activation.granted) this.#yield(activation);
    else this.#slots?.forget(activation);
  }

  /** A trigger with `once` that has been taken back may start its chunk again. */
  unspend(chunk: number, trigger: number, lane: string): void {
    this.#spent?.get(lane)?.delete(`${chunk}.${trigger}`);
  }

  /** An activation is over: its lane counts one less. */
  end(activation: Activation): void {
    if (!this.#all.delete(activation.id)) return;
    activation.over = true;
    this.#held?.delete(activation);
    if (activation.granted) this.#yield(activation);
    else this.#slots?.forget(activation);
    this.#lanes.leave(activation.arrival.lane);
  }

  /** A lane is done: nothing starts in it any more. */
  forget(lane: string): void {
    this.#spent?.delete(lane);
  }

  clear(): void {
    this.#all.clear();
  }

  list(): ActivationsData {
    const activations = [...this.#all.values()].map((one) => ({ ...one }));
    return { count: this.#count, activations, spent: [...(this.#spent ?? [])].map(([lane, ids]) => [lane, [...ids]]) };
  }

  /** Takes over what was listed. `pauses` tells who waits for a timer, and needs no slot. */
  restore({ count, activations, spent }: ActivationsData, pauses: (activation: Activation) => boolean): void {
    this.#count = count;
    for (const one of activations) this.#all.set(one.id, { ...one });
    for (const one of this.#all.values()) if (one.failure !== undefined) (this.#held ??= new Set()).add(one);
    for (const [lane, triggers] of spent) for (const one of triggers) this.#spend(lane, one);
    this.#slots?.restore(
      [...this.#all.values()].filter((one) => one.expired === undefined && one.failure === undefined && !pauses(one)),
    );
  }

  #spend(lane: string, trigger: string): void {
    this.#spent ??= new Map();
    this.#spent.set(lane, (this.#spent.get(lane) ?? new Set()).add(trigger));
  }

  #make({ chunk, trigger, label }: Target, arrival: Arrival, expired: number | undefined): Activation {
    this.#count += 1;
    const activation: Activation = {
      id: `a${this.#count}`,
      order: this.#count,
      chunk,
      trigger,
      event: label,
      arrival,
      attempts: 0,
      cutOff: 0,
      running: false,
      granted: false,
      retryIn: undefined,
      heard: false,
      issues: noIssues,
      over: false,
      retracted: false,
      failure: undefined,
      expired,
    };
    this.#all.set(activation.id, activation);
    this.#lanes.enter(arrival.lane);
    return activation;
  }

  /** The activation needs its slot no more: whoever has waited for it the longest starts. */
  #yield(activation: Activation): void {
    if (this.#slots === undefined) return void (activation.granted = false);
    const next = this.#slots.leave(activation);
    if (next !== undefined) this.#agenda.add({ type: "start", activation: next });
  }
}
