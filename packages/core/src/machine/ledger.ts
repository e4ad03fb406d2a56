import type { QuestionMoment } from "../define/trigger-plan.ts";
import type { Failure } from "../define/trigger.ts";
import type { Graph } from "../graph/graph.ts";
import { type Listener, type Routes, routesOf } from "../graph/routes.ts";
import type { SluiceError } from "../error/sluice-error.ts";
import { Activations } from "./activations.ts";
import type { Agenda } from "./agenda.ts";
import { type Arrival, arrivalOf } from "./arrival.ts";
import { type Claims, unionOf } from "./claims.ts";
import type { Activation, Command } from "./command.ts";
import { Delivery } from "./delivery.ts";
import { Done, ownerOf } from "./done.ts";
import type { Asked, EntryOf, OfChunk } from "./entry.ts";
import { type Fan, gatheredOf } from "./fan.ts";
import { Joins } from "./joins.ts";
import { type LaneListener, Lanes, rootLane } from "./lane.ts";
import type { MachineSnapshot } from "./machine-snapshot.ts";
import { Outcome } from "./outcome.ts";
import { type QuestionEnd, Questions, expiredError, timerOfQuestion } from "./questions.ts";
import { type KeptReply, Replies } from "./replies.ts";
import { Retractions } from "./retractions.ts";
import { Rollback } from "./rollback.ts";

const none: readonly never[] = [];

/** What a ledger adds to a snapshot. */
export type LedgerData = Omit<MachineSnapshot, "graphHash" | "progress" | "timers">;

/** What is under way in an execution, and what follows when a chunk ends. Most of its parts are made when they are needed. */
export class Ledger implements LaneListener {
  readonly lanes: Lanes;
  readonly joins = new Joins();
  readonly activations: Activations;
  readonly rollback: Rollback;
  readonly done: Done;
  readonly outcome = new Outcome();
  readonly #graph: Graph;
  readonly #routes: Routes;
  readonly #agenda: Agenda;
  #delivery: Delivery | undefined;
  #replies: Replies | undefined;
  #retractions: Retractions | undefined;
  #questions: Questions | undefined;

  constructor(graph: Graph, agenda: Agenda, durable: boolean) {
    this.#graph = graph;
    this.#routes = routesOf(graph);
    this.#agenda = agenda;
    this.lanes = new Lanes(this);
    this.activations = new Activations(graph, this.lanes, agenda);
    this.rollback = new Rollback(graph);
    this.done = new Done(graph, this, agenda, durable);
  }

  list(): LedgerData {
    return {
      activations: this.activations.list(),
      lanes: this.lanes.list(),
      joins: this.joins.list(),
      rollback: this.rollback.list(),
      outcome: this.outcome.list(),
      ...this.done.list(),
      ...(this.#replies !== undefined && { replies: this.#replies.list() }),
      ...(this.#retractions !== undefined && { retractions: this.#retractions.list() }),
      ...(this.#questions !== undefined && { questions: this.#questions.list() }),
    };
  }

  /** Takes over what was listed. `isSet` tells which timers are. */
  restore(data: LedgerData, isSet: (timer: string) => boolean): void {
    this.lanes.restore(data.lanes);
    this.joins.restore(data.joins);
    this.rollback.restore(data.rollback);
    this.outcome.restore(data.outcome);
    this.done.restore(data);
    if (data.replies !== undefined) this.replies.restore(data.replies);
    if (data.retractions !== undefined) this.retractions.restore(data.retractions);
    if (data.questions !== undefined) this.questions.restore(data.questions);
    this.activations.restore(data.activations, ({ id, retryIn }) => retryIn !== undefined || isSet(id));
  }

  /** A reply that has been read to its end. */
  kept(replyId: string): KeptReply | undefined {
    return this.#replies?.kept(replyId);
  }

  /** What is still to be done because of what was taken back. */
  pending(timers: ReadonlyMap<string, number>): readonly Command[] {
    const asked = this.#questions === undefined ? none : this.#askedAgain(this.#questions);
    if (this.#retractions === undefined) return asked;
    return [...this.#retractions.pending(), ...this.rollback.pending(timers), ...asked];
  }

  /** What people are still to be asked, and what is to expire. */
  #askedAgain(questions: Questions): readonly Command[] {
    const unasked = questions.unasked((claims) => this.isOpen(claims));
    return [
      ...questions.late().map(({ id }): Command => ({ type: "lapse", id })),
      ...unasked.map((question): Command => ({ type: "raise", question })),
    ];
  }

  /** What people are asked, made with the first question. */
  get questions(): Questions {
    this.#questions ??= new Questions();
    return this.#questions;
  }

  /** Whether all that is unfinished waits for answers. `waits` tells of a running chunk whether it does. */
  isWaiting(waits: (activationId: string) => boolean): boolean {
    if (!this.#agenda.isRunning || this.#retractions?.areLeft === true) return false;
    let areAny = this.#questions?.areOpen === true;
    for (const { id, running } of this.activations.all()) {
      if (!running || !waits(id)) return false;
      areAny = true;
    }
    return areAny;
  }

  /** A question has been asked. */
  raised(entry: EntryOf<unknown, "interrupt:raised">): void {
    const { interrupt, inline = false, dueAt, chunk, activationId, attempt, lane } = entry;
    const origin = { chunk, activationId, attempt, lane };
    const question = inline
      ? this.questions.add({ ...interrupt, origin, inline, claims: undefined })
      : this.questions.get(interrupt.id);
    if (question === undefined) return;
    question.raised = true;
    if (dueAt !== undefined) this.#agenda.set(timerOfQuestion(interrupt.id), dueAt);
  }

  /** A question is over: what listens to that starts, in the lane that asked. */
  answered(moment: QuestionMoment, id: string, seq: number, end: QuestionEnd): void {
    const question = this.questions.close(id, end);
    if (question === undefined) return;
    this.#agenda.unset(timerOfQuestion(id));
    if (question.inline) return;
    const { origin, name, payload } = question;
    const listeners = this.#routes.question(moment, name);
    if (this.#agenda.isRunning) {
      const said = end.how === "answered" ? end.answer : payload;
      this.deliver(listeners, { ...this.#arrival(said, origin.lane, `e${seq}`), interrupt: id });
      if (end.how === "expired" && listeners.length === 0) this.fail(expiredError(question, this.#graph.flow));
    }
    this.lanes.leave(origin.lane);
  }

  /** A timer has fired: the time of a question is over, if it was one's. */
  lapse(timer: string): void {
    const question = this.#questions?.timed(timer);
    if (question === undefined) return;
    question.late = true;
    this.#agenda.add({ type: "lapse", id: question.id });
  }

  /** What is taken back, made when something is. */
  get retractions(): Retractions {
    this.#retractions ??= new Retractions({
      steps: this.#routes.steps,
      activations: this.activations,
      lanes: this.lanes,
      joins: this.joins,
      rollback: this.rollback,
      replies: () => this.replies,
      delivery: () => this.delivery,
      command: (command) => this.#agenda.add(command),
      end: (activation) => this.end(activation),
      forget: (goes) => {
        this.outcome.takeBack(goes);
        for (const lane of this.#questions?.takeBack(goes) ?? none) this.lanes.leave(lane);
      },
      over: (reply, scope) => this.#over(reply, scope),
      proceed: (next) => {
        if (next.type === "field") this.replies.deliver(next);
        else if (this.#agenda.isRunning) this.deliver(this.#routes.failed(next.chunk), next.arrival);
      },
    });
    return this.#retractions;
  }

  /** Something that comes from no reply starts what listens to it. */
  fire(listeners: readonly Listener[], payload: unknown, lane: string, id: string, claims?: Claims): void {
    if (listeners.length === 0 || !this.#agenda.isRunning) return;
    const arrival = this.#arrival(payload, lane, id);
    this.deliver(listeners, claims === undefined ? arrival : { ...arrival, claims });
  }

  /** A signal starts what listens to it. */
  deliver(listeners: readonly Listener[], arrival: Arrival, name = arrival.id): void {
    if (listeners.some(({ up }) => up !== undefined)) return this.delivery.deliver(listeners, arrival, name);
    for (const listener of listeners) this.activations.add(listener, arrival);
  }

  /** The replies that are read. */
  get replies(): Replies {
    this.#replies ??= new Replies({
      routes: this.#routes,
      lanes: this.lanes,
      activations: this.activations,
      deliver: (listeners, arrival) => this.#agenda.isRunning && this.deliver(listeners, arrival),
      takeBack: (claims, of, next) => this.#agenda.isRunning && this.retractions.takeBack(claims, { ...of, next }),
      over: (reply, scope) => this.#over(reply, scope),
    });
    return this.#replies;
  }

  /** Whether a reply is read by an activation that goes on. */
  isRead({ activationId }: { readonly activationId: string }): boolean {
    return this.#agenda.isRunning && this.activations.get(activationId)?.retracted === false;
  }

  /** Nothing more comes from a reply: what follows from it and is still there is a fact, if no other reply is open above it. */
  #over(reply: string, scope: string): void {
    const isOpen = (claims: Claims): boolean => this.isOpen(claims);
    this.retractions.forget(scope);
    this.lanes.confirm(reply);
    this.joins.confirm(isOpen, this.#routes.steps);
    this.retractions.confirm(isOpen);
    this.outcome.confirm(isOpen);
    for (const question of this.#questions?.confirmed(isOpen) ?? none) this.#agenda.add({ type: "raise", question });
    const refused = this.outcome.failure(isOpen);
    if (refused !== undefined) this.fail(refused);
    for (const activation of this.activations.held()) {
      const { failure, arrival } = activation;
      if (failure !== undefined && !(arrival.claims !== undefined && isOpen(arrival.claims)))
        this.#failedForGood(activation, failure);
    }
  }

  /** What the things that follow from an arrival can be taken back with. */
  #claimsOf({ claims }: Arrival): Claims | undefined {
    return claims !== undefined && this.isOpen(claims) ? claims : undefined;
  }

  /** Whether one of these can still be taken back. */
  isOpen(claims: Claims): boolean {
    return this.#replies?.isOpen(claims) === true;
  }

  /** Brings signals through operators. */
  get delivery(): Delivery {
    this.#delivery ??= new Delivery(this.lanes, this.joins, {
      isSpent: (target, lane) => this.activations.isSpent(target, lane),
      activate: (target, arrival) => this.activations.add(target, arrival),
      pipe: ({ id }, payload) => this.#agenda.add({ type: "pipe", step: id, payload }),
      wait: (timer, timeoutMs) => this.#agenda.add({ type: "limit", timer, timeoutMs }),
      unwait: (timer) => this.#agenda.unset(timer),
      refuse: (error, arrival) => {
        const claims = this.#claimsOf(arrival);
        if (claims === undefined) this.fail(error);
        else this.outcome.refuse(error, claims);
      },
    });
    return this.#delivery;
  }

  #arrival(payload: unknown, lane: string, id: string): Arrival {
    return arrivalOf(payload, lane, id, this.lanes.indexesOf(lane));
  }

  /** What was gathered is not all that there is: it is taken back. */
  outdated(gathered: string, { lane }: Fan): void {
    this.retractions.takeBack([gathered], { lane, replies: none });
  }

  /** All lanes of a fan-out are done: those who gather its chunks hear what these returned. */
  gather(fan: Fan): string | undefined {
    if (!this.#agenda.isRunning) return undefined;
    const id = `e${this.#agenda.progress.seq}`;
    const own = `${id}:${fan.id}`;
    let gathered: string | undefined;
    for (const { of, listeners } of fan.sources.flatMap((source) => this.#routes.gathered(source))) {
      if (listeners.length === 0) continue;
      const { present, claims: ofValues } = gatheredOf(fan, of);
      const [indexes, payload] = [present.map(([index]) => index), present.map(([, value]) => value)];
      const above = unionOf([fan.claims, ofValues]);
      const isOpen = above !== undefined && this.isOpen(above);
      if (isOpen) gathered = own;
      const claims = isOpen ? [...above, own] : undefined;
      this.deliver(listeners, { ...arrivalOf(payload, fan.lane, id), indexes, claims }, `${id}:${of}`);
    }
    return gathered;
  }

  /** A chunk has completed. */
  complete(entry: EntryOf<unknown, "chunk:complete">): void {
    const activation = this.activations.get(entry.activationId);
    const chunk = activation && this.#graph.chunks[activation.chunk];
    if (activation === undefined || chunk === undefined) return;
    const { id, arrival } = activation;
    const { lane, payload: input } = arrival;
    const { output } = entry;
    const { retracted: due } = activation;
    const claims = this.#claimsOf(arrival);
    if (chunk.compensated === true)
      this.rollback.keep({ activationId: id, chunk: activation.chunk, lane, input, output, claims, due });
    if (due) return this.#ended(activation, chunk.compensated === true);
    if ("result" in entry) this.outcome.set(entry.result, claims);
    if (chunk.leaf && !activation.heard && lane === rootLane && output !== undefined)
      this.outcome.leave(output, claims);
    if (chunk.fan !== undefined) this.lanes.keep(lane, activation.chunk, output, claims);
    if (claims !== undefined) this.retractions.completed(activation, claims);
    this.fire(this.#routes.after(chunk.name), output, lane, `e${entry.seq}`, claims);
    for (const asked of entry.interrupts ?? none) this.#ask(asked, entry, claims);
    this.end(activation);
  }

  /** A question counts in the lane that asks it until it is over. */
  #ask(asked: Asked, { chunk, activationId, attempt, lane }: OfChunk, claims: Claims | undefined): void {
    const origin = { chunk, activationId, attempt, lane };
    const question = this.questions.add({ ...asked, origin, inline: false, claims });
    this.lanes.enter(lane);
    if (claims === undefined) this.#agenda.add({ type: "raise", question });
  }

  /** An attempt of a chunk has failed. */
  failed(entry: EntryOf<unknown, "chunk:failed">): void {
    const activation = this.activations.get(entry.activationId);
    if (activation === undefined) return;
    if (activation.retracted) return this.#ended(activation, false);
    if (entry.willRetry) this.#withdraw(activation.id);
    if (entry.willRetry) return this.activations.retry(activation, this.#agenda.progress.executionId, entry.replies);
    const isAborted = entry.error.code === "chunk-aborted";
    if (isAborted || this.#claimsOf(activation.arrival) === undefined) return this.#failedForGood(activation, entry);
    this.activations.hold(activation, entry);
    this.done.forget(activation.id);
    this.#replies?.breakOff(activation.id);
  }

  /** A chunk has failed for good. */
  #failedForGood(activation: Activation, { error, seq }: EntryOf<unknown, "chunk:failed">): void {
    const { arrival, attempts } = activation;
    const chunk = this.#graph.chunks[activation.chunk]?.name ?? "";
    const isAborted = error.code === "chunk-aborted";
    const handlers = arrival.answers || isAborted ? none : this.#routes.failed(chunk);
    const isTakenBack = this.#replies?.breakOff(activation.id) === true || activation.failure !== undefined;
    if (handlers.length > 0 && this.#agenda.isRunning) {
      const failure: Failure = { chunk, error, input: arrival.payload, attempts };
      const answer = { ...this.#arrival(failure, arrival.lane, `e${seq}`), answers: true };
      if (isTakenBack && this.retractions.areLeft) this.retractions.postpone(chunk, answer);
      else this.deliver(handlers, answer);
    }
    this.end(activation);
    if (handlers.length === 0 && !isAborted) this.fail(error);
  }

  /** A guard has said no. */
  skip(activationId: string): void {
    const activation = this.activations.get(activationId);
    if (activation?.retracted === true) this.#ended(activation, false);
    else this.end(activation);
  }

  /** What was taken back runs no more. */
  #ended(activation: Activation, undoing: boolean): void {
    this.end(activation);
    this.retractions.ended(activation.id, undoing);
  }

  /** An attempt to undo a completed chunk is over. @returns what follows in a rollback */
  compensated(entry: EntryOf<unknown, "chunk:compensated">): readonly Command[] {
    this.rollback.compensated(entry);
    if (!entry.willRetry) this.done.forget(ownerOf(entry.activationId, true));
    if (this.rollback.cause !== undefined) return this.rollback.next();
    if (entry.willRetry) this.#retractions?.advance();
    else this.#retractions?.undone(entry.activationId);
    return none;
  }

  /** A lane is done for good. */
  forgotten(lane: string): void {
    this.joins.forget(lane);
    this.activations.forget(lane);
  }

  /** The execution fails: what does not run will not. */
  fail(error: SluiceError): void {
    const { progress } = this.#agenda;
    if (!this.#agenda.isRunning) return;
    progress.status = "failing";
    progress.failure = error;
    for (const one of this.activations.all()) if (!one.running) this.end(one);
    this.#agenda.commands = [{ type: "fail", error }];
  }

  /** An activation is over: what it opened is closed, and its lane counts one less. */
  end(activation: Activation | undefined): void {
    if (activation === undefined) return;
    this.#replies?.breakOff(activation.id);
    this.#withdraw(activation.id);
    this.done.forget(activation.id);
    this.#agenda.unset(activation.id);
    this.activations.end(activation);
  }

  /** An attempt is over, and what it has asked inline. */
  #withdraw(activationId: string): void {
    for (const { id } of this.#questions?.withdraw(activationId) ?? none) this.#agenda.unset(timerOfQuestion(id));
  }
}
