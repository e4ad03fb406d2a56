import type { SchedulerLike } from "rxjs";
import type { FlowDefinition } from "../define/flow.ts";
import type { Spec } from "../define/spec.ts";
import type { Context } from "../define/context.ts";
import { SluiceError, located, messageOf } from "../error/sluice-error.ts";
import { validate } from "../schema/validate.ts";
import type { Graph } from "../graph/graph.ts";
import type { FieldListener, Routes } from "../graph/routes.ts";
import type { EntryLog } from "../log/entry-log.ts";
import type { Activation, Command } from "../machine/command.ts";
import type { Entry, EntryDraft, OfChunk } from "../machine/entry.ts";
import { rootLane } from "../machine/lane.ts";
import { Machine } from "../machine/machine.ts";
import { aborted } from "./abort.ts";
import { Attempt } from "./attempt.ts";
import { ChunkContext } from "./chunk-context.ts";
import { CommandQueue } from "./command-queue.ts";
import type { FieldPlace, Host } from "./host.ts";
import { completeDraft, signalDraft, startDraft } from "./entry-draft.ts";
import { endError } from "./end-error.ts";
import { guardAnswer, isThenable, retryVerdict } from "./policy.ts";
import { Timers } from "./timers.ts";

/** What an execution is made of. */
export interface ShellParts {
  readonly id: string;
  readonly definition: FlowDefinition;
  readonly graph: Graph;
  readonly instance: object | undefined;
  readonly input: unknown;
  /** The state that the execution starts with. */
  readonly initial: Readonly<Record<string, unknown>>;
  readonly log: EntryLog;
  readonly scheduler: SchedulerLike;
  /** Called once, right after the final entry has reached every reader. */
  readonly onEnd: (error: SluiceError | undefined, result: unknown) => void;
}

/**
 * Carries out what the machine decides, and tells the machine what came of it: every fact is appended to the log first,
 * applied second, and shown third. Commands are carried out first in, first out, never inside a call of user code.
 */
export class Shell implements Host {
  readonly id: string;
  readonly spec: Spec;
  readonly machine: Machine;
  readonly log: EntryLog;
  readonly #graph: Graph;
  readonly #definition: FlowDefinition;
  readonly #instance: object | undefined;
  readonly #input: unknown;
  readonly #initial: Readonly<Record<string, unknown>>;
  readonly #scheduler: SchedulerLike;
  readonly #onEnd: ShellParts["onEnd"];
  readonly #queue: CommandQueue;
  readonly #timers: Timers;
  readonly #attempts = new Map<string, Attempt>();
  #liveStarts = 0;
  #liveCount = 0;
  #completing = false;
  #ending = false;
  streamStopped = false;

  constructor({ id, definition, graph, instance, input, initial, log, scheduler, onEnd }: ShellParts) {
    this.id = id;
    this.spec = definition.spec;
    this.machine = new Machine(graph);
    this.log = log;
    this.#graph = graph;
    this.#definition = definition;
    this.#instance = instance;
    this.#input = input;
    this.#initial = initial;
    this.#scheduler = scheduler;
    this.#onEnd = onEnd;
    this.#timers = new Timers(scheduler);
    this.#queue = new CommandQueue((command) => this.#carryOut(command));
  }

  get routes(): Routes {
    return this.machine.routes;
  }

  get state(): Readonly<Record<string, unknown>> {
    return this.machine.seq === 0 ? this.#initial : this.machine.state;
  }

  /** The flow's name, for errors. */
  get where(): string {
    return this.#graph.flow;
  }

  /** How much is going on, for diagnosis. */
  get held(): { readonly timers: number; readonly attempts: number } {
    return { timers: this.#timers.size, attempts: this.#attempts.size };
  }

  now(): number {
    return this.#scheduler.now();
  }

  /** Starts the execution, if it has not started. */
  start(): void {
    if (this.machine.seq > 0) return;
    const { flow, hash } = this.#graph;
    this.append({ type: "flow:start", flow, graphHash: hash, input: this.#input, state: this.#initial });
  }

  /** Appends a fact, applies it, shows it. After the final entry, nothing. Commands wait until the caller has returned. */
  append(draft: EntryDraft, live = false): Entry | undefined {
    if (this.machine.ended) return undefined;
    const entry = this.log.append(draft, live);
    if (!live) {
      if (entry.type === "stream:stop") this.streamStopped = true;
      for (const command of this.machine.apply(entry)) this.#queue.push(command);
    }
    this.log.deliver();
    return entry;
  }

  /** Appends a signal. @returns its id */
  signal(event: string, payload: unknown, cause: string, origin?: OfChunk): string {
    const id = `s${this.log.nextSeq}`;
    if (origin === undefined) this.append({ type: "signal", lane: rootLane, id, event, payload, cause });
    else this.append(signalDraft(id, event, payload, cause, origin));
    return id;
  }

  /** Queues the live chunks that listen to a piece or a beginning. They never reach the machine. */
  startLive(
    attempt: Attempt,
    listeners: readonly FieldListener[],
    payload: unknown,
    { path, indexes }: FieldPlace,
  ): void {
    for (const { chunk, trigger, label } of listeners) {
      this.#liveStarts += 1;
      const { lane } = attempt.activation;
      const signal = { id: attempt.activation.id, event: label, path, indexes };
      const id = `l${this.#liveStarts}`;
      this.#liveCount += 1;
      const activation = {
        id,
        chunk,
        trigger,
        input: payload,
        lane,
        signal,
        attempts: 0,
        order: this.#liveStarts,
        running: false,
        granted: true,
        retryIn: undefined,
        answers: false,
        heard: false,
      };
      this.#queue.push({ type: "live", activation });
    }
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
    this.#completed(attempt, undefined);
    this.#finish();
  }

  /** Ends the execution from outside. */
  cancel(reason: string): void {
    this.start(); // a cancelled execution has its `flow:start`, too
    this.#end(reason, (ended) => ({ type: "flow:cancelled", ...ended, reason }));
  }

  #carryOut(command: Command | { readonly type: "live"; readonly activation: Activation }): void {
    switch (command.type) {
      case "start":
        if (this.machine.mayStart(command.activation)) this.#try(command.activation);
        break;
      case "live":
        if (!this.machine.ended) this.#try(command.activation);
        break;
      case "retry":
        this.#wait(command.activation, command.delayMs);
        break;
      case "limit":
        this.append({ type: "timer:set", timer: command.timer, dueAt: this.now() + command.timeoutMs });
        break;
      case "wait":
        this.#timers.set(command.timer, command.dueAt - this.now(), () => this.#fire(command.timer));
        break;
      case "close":
        this.close("idle");
        break;
      case "timeout":
        this.#timeout();
        break;
      case "complete":
        this.#completing = true;
        this.#complete();
        break;
      case "fail":
        this.#fail(command.error);
        break;
      default:
        command satisfies never;
    }
  }

  /** The wait of a retry begins. */
  #wait({ id, chunk, lane, attempts }: Activation, delayMs: number): void {
    const name = this.#graph.chunks[chunk]?.name ?? "";
    this.append({ type: "chunk:retry", chunk: name, activationId: id, attempt: attempts, lane, delayMs });
    this.append({ type: "timer:set", timer: id, dueAt: this.now() + delayMs });
  }

  #fire(timer: string): void {
    this.append({ type: "timer:fired", timer });
    this.drain();
  }

  #try(activation: Activation): void {
    const chunk = this.#graph.chunks[activation.chunk];
    const definition = this.#definition.chunks[activation.chunk];
    if (chunk === undefined || definition === undefined) return;
    const attempt = new Attempt(this.#graph.flow, chunk, activation);
    const trigger = activation.signal.event;
    const { when } = definition.triggers[activation.trigger]?.options ?? {};
    if (when !== undefined) {
      const answer = guardAnswer(when, attempt);
      if (answer instanceof SluiceError) return this.#failed(attempt, answer);
      if (!answer) {
        this.append({ type: "chunk:skipped", ...attempt.origin(), trigger }, attempt.live);
        return this.#forget(attempt);
      }
    }
    this.#attempts.set(activation.id, attempt);
    attempt.startedAt = this.append(startDraft(attempt), attempt.live)?.at ?? 0;
    if (attempt.ended) return; // whoever saw it start has ended the execution
    const ctx = new ChunkContext(this, attempt) as unknown as Context; // `~spec` lives in the types only
    if (chunk.timeout !== undefined) this.#bound(attempt, chunk.timeout);
    let output: unknown;
    try {
      output = definition.run(this.#instance, activation.input, ctx);
    } catch (error) {
      return this.#failed(attempt, this.#chunkError(attempt, error));
    }
    if (!isThenable(output)) return this.#completed(attempt, output);
    output.then(
      (value) => this.#settle(() => this.#completed(attempt, value)),
      (error: unknown) => this.#settle(() => this.#failed(attempt, this.#chunkError(attempt, error))),
    );
  }

  /** The attempt ends when its time is over, whatever its code does. */
  #bound(attempt: Attempt, timeoutMs: number): void {
    this.#timers.set(attempt.timer, timeoutMs, () => {
      const what = `The chunk "${attempt.chunk.name}" took longer than ${timeoutMs} ms`;
      const mend = "Raise its `timeout`, or make it faster";
      this.#settle(() => this.#failed(attempt, new SluiceError("chunk-timeout", { what, where: attempt.where, mend })));
    });
  }

  #settle(work: () => void): void {
    work();
    this.drain();
  }

  #completed(attempt: Attempt, output: unknown): void {
    if (attempt.ended) return;
    this.#close(attempt, "its chunk has completed");
    const { result, live } = attempt;
    const draft = completeDraft(attempt, output, this.now() - attempt.startedAt);
    this.append(result === undefined ? draft : Object.assign(draft, { result: result.value }), live);
    this.#forget(attempt);
  }

  #failed(attempt: Attempt, error: SluiceError): void {
    if (attempt.ended) return;
    this.#close(attempt, "its chunk has failed");
    const { activation, live } = attempt;
    const verdict = retryVerdict(this.#definition.chunks[activation.chunk]?.options.retry?.when, attempt, error);
    const willRetry = !live && this.machine.mayRetry(activation.id, verdict);
    this.append({ type: "chunk:failed", ...attempt.origin(), error: verdict, willRetry }, live);
    if (willRetry && attempt.shown) {
      this.append({ type: "chunk:reset", ...attempt.origin(), discardedAttempt: attempt.number });
    }
    this.#forget(attempt);
    if (live) this.#fail(verdict); // the machine knows nothing of live chunks
  }

  #close(attempt: Attempt, why: string): void {
    if (attempt.chunk.timeout !== undefined) this.#timers.cancel(attempt.timer);
    this.#attempts.delete(attempt.activation.id);
    attempt.end(why);
  }

  #forget(attempt: Attempt): void {
    if (!attempt.live) return;
    this.#liveCount -= 1;
    this.#complete();
  }

  #chunkError({ where, chunk }: Attempt, error: unknown): SluiceError {
    if (error instanceof SluiceError) return located(error, where);
    const retryable = (error as { retryable?: unknown } | null | undefined)?.retryable !== false;
    return new SluiceError("chunk-failed", {
      what: `The chunk "${chunk.name}" failed: ${messageOf(error)}`,
      where,
      cause: error,
      retryable,
    });
  }

  /** Completes the execution if all is done, the live chunks too. */
  #complete(): void {
    if (!this.#completing || !this.machine.quiet || this.#liveCount > 0) return;
    this.#completing = false;
    this.#finish();
  }

  #finish(): void {
    let result = this.machine.result;
    if (this.spec.result !== undefined) {
      try {
        result = validate(this.spec.result, result, {
          code: "result-invalid",
          what: "The result",
          where: this.where,
          mend: "Call ctx.setResult, or return from the last chunk what the flow's `result` schema says",
        });
      } catch (error) {
        return this.#fail(error as SluiceError); // validate throws nothing else
      }
    }
    this.#end("the execution has completed", (ended) => ({ type: "flow:completed", ...ended, result }));
  }

  #timeout(): void {
    const elapsedMs = this.now() - this.machine.startedAt;
    this.#end("the execution took too long", (ended) => ({ type: "flow:timeout", ...ended, elapsedMs }));
  }

  #fail(error: SluiceError): void {
    this.#end("another chunk has failed", (ended) => ({ type: "flow:failed", ...ended, error }));
  }

  /** Ends what is running, appends the one final entry, then aborts, then settles: nothing follows a final entry. */
  #end(
    why: string,
    final: (ended: { readonly state: Readonly<Record<string, unknown>>; readonly durationMs: number }) => EntryDraft,
  ): void {
    if (this.machine.ended || this.#ending) return; // an observer of what is aborted here may ask for another end
    this.#ending = true;
    this.#timers.clear();
    const running = [...this.#attempts.values()];
    this.#attempts.clear();
    for (const attempt of running) {
      attempt.ended = true;
      const error = aborted(attempt.where, why);
      this.append({ type: "chunk:failed", ...attempt.origin(), error, willRetry: false }, attempt.live);
    }
    const draft = final({ state: this.state, durationMs: this.now() - this.machine.startedAt });
    this.append(draft);
    for (const attempt of running) attempt.end(why);
    const error = endError(draft, this.where);
    this.log.close(error);
    this.#onEnd(error, draft.type === "flow:completed" ? draft.result : undefined);
  }
}
