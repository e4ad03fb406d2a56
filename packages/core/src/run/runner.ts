import type { ChunkDefinition } from "../define/flow.ts";
import type { Context } from "../define/context.ts";
import { SluiceError, located, messageOf } from "../error/sluice-error.ts";
import type { Graph } from "../graph/graph.ts";
import { arrivalOf } from "../machine/arrival.ts";
import { type Activation, type Undoing, type Waiting, passing } from "../machine/command.ts";
import type { Machine } from "../machine/machine.ts";
import { aborted } from "./abort.ts";
import { Attempt } from "./attempt.ts";
import type { Below, Held } from "./below.ts";
import { ChunkContext } from "./chunk-context.ts";
import { completeDraft, startDraft } from "./entry-draft.ts";
import type { Host } from "./host.ts";
import { guardAnswer, isThenable, retryVerdict } from "./policy.ts";
import type { PastData } from "./past.ts";
import { Running } from "./running.ts";
import type { Timers } from "./timers.ts";

/** What a runner works with. */
export interface RunnerParts {
  readonly host: Host;
  readonly graph: Graph;
  readonly chunks: readonly ChunkDefinition[];
  readonly instance: object | undefined;
  readonly machine: Machine;
  readonly timers: Timers;
  /** An attempt ends by itself: what follows waits until it is drained. */
  readonly hold: () => void;
  readonly drain: () => void;
  /** A live chunk is over; `error` when it failed. The machine knows nothing of them. */
  readonly onLive: (error: SluiceError | undefined) => void;
}

/** Calls the chunks: an attempt from its guard to its end, and the undoing of what has completed. */
export class Runner {
  readonly #parts: RunnerParts;
  readonly #running = new Running();
  /** Attempts that a crash has ended, by activation, until the next one starts. */
  #lost: Map<string, Attempt> | undefined;

  constructor(parts: RunnerParts) {
    this.#parts = parts;
  }

  /** What runs, with all that runs below it. */
  get held(): Held {
    const held = { attempts: this.#running.size, timers: 0 };
    for (const child of this.#running.list().flatMap((attempt) => attempt.below)) {
      held.attempts += child.held.attempts;
      held.timers += child.held.timers;
    }
    return held;
  }

  /** Starts the next attempt of an activation, if its guard lets it. */
  start(activation: Activation): void {
    const { host, graph, chunks } = this.#parts;
    const chunk = graph.chunks[activation.chunk];
    const definition = chunks[activation.chunk];
    if (chunk === undefined || definition === undefined) return;
    const attempt = new Attempt(graph.flow, chunk, activation);
    if (this.#lost !== undefined) this.#replaceLost(attempt);
    const { when } = definition.triggers[activation.trigger]?.options ?? {};
    // asked once: an attempt that follows another is one of a chunk that was let in
    if (when !== undefined && activation.attempts === 0) {
      const answer = guardAnswer(when, attempt);
      if (answer instanceof SluiceError) return this.#failed(attempt, answer);
      if (!answer) {
        host.append({ type: "chunk:skipped", ...attempt.origin(), trigger: activation.event }, attempt.live);
        return this.#forget(attempt, undefined);
      }
      if (!this.#parts.machine.isRunning) return; // the guard itself has ended the execution
    }
    this.#running.add(attempt);
    attempt.startedAt = host.append(startDraft(attempt), attempt.live)?.at ?? 0;
    if (attempt.ended) return; // whoever saw it start has ended the execution
    this.#call(attempt, definition.run, activation.arrival.payload);
  }

  /** The time of an activation's join is over: its chunk has failed without a start. */
  expire(activation: Activation): void {
    const { host, graph } = this.#parts;
    const chunk = graph.chunks[activation.chunk];
    if (chunk === undefined || !this.#parts.machine.holds(activation)) return;
    const attempt = new Attempt(graph.flow, chunk, activation);
    const error = new SluiceError("join-timeout", {
      what: `${activation.event} had not all it waits for after ${activation.expired} ms`,
      where: attempt.where,
      mend: `Raise the \`timeout\` of its trigger, or answer with failed("${chunk.name}")`,
      retryable: false,
    });
    host.append({ type: "chunk:failed", ...attempt.origin(), attempt: 0, error, willRetry: false });
  }

  /** The wait before the next attempt of an activation, or of an undoing, begins. */
  wait({ timer, chunk, lane, attempt, activationId }: Waiting, delayMs: number): void {
    const { host, graph } = this.#parts;
    const name = graph.chunks[chunk]?.name ?? "";
    host.append({ type: "chunk:retry", chunk: name, activationId, attempt, lane, delayMs });
    host.append({ type: "timer:set", timer, dueAt: host.now() + delayMs });
  }

  /** Undoes a completed chunk, if that is not under way. */
  undo(undoing: Undoing): void {
    if (this.#running.list().some(({ undoes, activation: { id } }) => undoes && id === undoing.activationId)) return;
    const { host, graph, chunks } = this.#parts;
    const chunk = graph.chunks[undoing.chunk];
    const run = chunks[undoing.chunk]?.compensate?.run;
    if (chunk === undefined || run === undefined) return;
    const undo = { input: undoing.input, output: undoing.output };
    const { activationId: id, attempts } = undoing;
    const arrival = arrivalOf(undo, undoing.lane, id);
    const activation = passing({ id, chunk: undoing.chunk, trigger: 0, event: "compensate", arrival }, attempts);
    const attempt = new Attempt(graph.flow, chunk, activation, true);
    host.keeper?.find(attempt);
    this.#running.add(attempt);
    attempt.startedAt = host.now();
    this.#call(attempt, run as ChunkDefinition["run"], undo);
  }

  /** Attempts that ran when their process ended are taken for running until their next one starts: so they end as others do. */
  recall(): void {
    const { graph, machine, host } = this.#parts;
    for (const activation of machine.running) {
      const chunk = graph.chunks[activation.chunk];
      if (chunk === undefined) continue;
      const attempt = new Attempt(graph.flow, chunk, activation, false, activation.attempts);
      host.keeper?.find(attempt);
      this.#running.add(attempt);
      (this.#lost ??= new Map()).set(activation.id, attempt);
    }
  }

  /** The attempts that run, and their children. Nobody knows of an undoing or of a live chunk that it has begun. */
  kin(): PastData["running"] {
    const known = this.#running.list().filter(({ live }) => !live);
    return known.map((attempt) => {
      const { activation, undoes, kin } = attempt;
      return [activation.id, undoes ? undefined : attempt.origin(), kin?.list() ?? []];
    });
  }

  /** The attempt that a crash has ended is over: this one goes on with its children. */
  #replaceLost(attempt: Attempt): void {
    const { id } = attempt.activation;
    const lost = this.#lost?.get(id);
    if (lost === undefined) return;
    this.#running.remove(lost);
    this.#lost?.delete(id);
    const { host, machine } = this.#parts;
    host.keeper?.handOver(lost, attempt);
    if (!machine.done.hasShown(lost.owner)) return;
    host.append({ type: "chunk:reset", ...lost.origin(), discardedAttempt: lost.number });
  }

  /** An attempt has completed. */
  complete(attempt: Attempt, output: unknown): void {
    if (attempt.ended) return;
    if (attempt.undoes) return this.#undone(attempt, undefined);
    const refused = this.#parts.host.keeper?.refusal(output, attempt.where);
    if (refused !== undefined) return this.#failed(attempt, refused);
    if (!this.#close(attempt, "its chunk has completed")) return;
    const { result, interrupts, live } = attempt;
    const { host } = this.#parts;
    const at = host.now();
    const draft = completeDraft(attempt, output, at - attempt.startedAt);
    if (result !== undefined) Object.assign(draft, { result: result.value });
    if (interrupts !== undefined) Object.assign(draft, { interrupts });
    host.append(draft, live, at);
    this.#forget(attempt, undefined);
  }

  /** The time of an attempt stands still. */
  pause(attempt: Attempt): void {
    if (attempt.chunk.timeout === undefined || attempt.left !== undefined || attempt.ended) return;
    attempt.left = attempt.dueAt - this.#parts.host.now();
    this.#parts.timers.cancel(attempt.timer);
  }

  /** The time of an attempt goes on, when nothing that it has asked is open any more. */
  proceed(attempt: Attempt): void {
    const { left } = attempt;
    if (left === undefined || attempt.ended || attempt.below.some(({ asks }) => asks === true)) return;
    attempt.left = undefined;
    this.#bound(attempt, left);
  }

  /** Whether an activation that runs only waits for answers. */
  waits(activationId: string): boolean {
    const below = this.find(activationId)?.below ?? [];
    return below.length > 0 && below.every(({ isWaiting }) => isWaiting === true);
  }

  /** What runs below the attempts. */
  get below(): readonly Below[] {
    return this.#running.list().flatMap((attempt) => attempt.below);
  }

  /** The attempt of an activation that runs. */
  find(activationId: string): Attempt | undefined {
    return this.#running.list().find(({ activation, undoes }) => activation.id === activationId && !undoes);
  }

  /** Ends what an activation does, which has been taken back: first what runs below it, which undoes its work. */
  retract(activation: Activation): void {
    const why = "what it followed from has been taken back";
    const { host } = this.#parts;
    const attempt = this.find(activation.id);
    if (attempt === undefined) return;
    let left = 1;
    const end = (): void => {
      left -= 1;
      if (left > 0 || attempt.ended || !this.#close(attempt, why)) return;
      host.append({ type: "chunk:failed", ...attempt.origin(), error: aborted(attempt.where, why), willRetry: false });
    };
    for (const child of attempt.endBelow(why, true)) {
      left += 1;
      child.onEnded(end);
    }
    end();
  }

  /** Ends an attempt with an error, at once, whatever its code does. To be called where no user code is on the stack. */
  fail(attempt: Attempt, error: SluiceError): void {
    this.#parts.hold();
    this.#failed(attempt, error);
    this.#parts.drain();
  }

  /** Ends all attempts from outside, in the log and for their ctx. @returns tells their abort signals */
  stop(why: string, { butUndoing = false } = {}): () => void {
    const running = this.#running.list().filter(({ undoes }) => !(undoes && butUndoing));
    for (const attempt of running) {
      this.#running.remove(attempt);
      attempt.ended = true;
      const error = aborted(attempt.where, why);
      if (attempt.undoes) this.#parts.host.append(this.#compensatedDraft(attempt, error, false));
      else
        this.#parts.host.append({ type: "chunk:failed", ...attempt.origin(), error, willRetry: false }, attempt.live);
    }
    return () => {
      for (const attempt of running) attempt.end(why);
    };
  }

  /** Ends what runs below the attempts. @returns those that still undo their work, with `rollback` */
  stopBelow(why: string, rollback: boolean) {
    return this.#running.list().flatMap((attempt) => attempt.endBelow(why, rollback));
  }

  #call(attempt: Attempt, run: ChunkDefinition["run"], payload: unknown): void {
    const { host, instance, hold, drain } = this.#parts;
    const ctx = new ChunkContext(host, attempt) as unknown as Context; // `~spec` lives in the types only
    if (attempt.chunk.timeout !== undefined) this.#bound(attempt, attempt.chunk.timeout);
    let output: unknown;
    try {
      output = run(instance, payload, ctx);
    } catch (error) {
      return this.#failed(attempt, chunkError(attempt, error));
    }
    if (!isThenable(output)) return this.complete(attempt, output);
    output.then(
      (value) => {
        hold();
        this.complete(attempt, value);
        drain();
      },
      (error: unknown) => {
        hold();
        this.#failed(attempt, chunkError(attempt, error));
        drain();
      },
    );
  }

  /** The attempt ends when its time is over, whatever its code does. */
  #bound(attempt: Attempt, timeoutMs: number): void {
    attempt.dueAt = this.#parts.host.now() + timeoutMs;
    this.#parts.timers.set(attempt.timer, timeoutMs, () => {
      const what = `The chunk "${attempt.chunk.name}" took longer than ${attempt.chunk.timeout} ms`;
      const mend = "Raise its `timeout`, or make it faster";
      this.#failed(attempt, new SluiceError("chunk-timeout", { what, where: attempt.where, mend }));
      this.#parts.drain();
    });
  }

  #failed(attempt: Attempt, error: SluiceError): void {
    if (attempt.ended) return;
    if (attempt.undoes) return this.#undone(attempt, error);
    if (!this.#close(attempt, "its chunk has failed")) return;
    const { host, machine, chunks } = this.#parts;
    const { activation, live } = attempt;
    const verdict = retryVerdict(chunks[activation.chunk]?.options.retry?.when, attempt, error);
    const willRetry = !live && machine.mayRetry(activation.id, verdict);
    const told = attempt.replies && { replies: attempt.replies };
    host.append({ type: "chunk:failed", ...attempt.origin(), error: verdict, willRetry, ...told }, live);
    if (willRetry && attempt.shown) {
      host.append({ type: "chunk:reset", ...attempt.origin(), discardedAttempt: attempt.number });
    }
    this.#forget(attempt, verdict);
  }

  #undone(attempt: Attempt, error: SluiceError | undefined): void {
    if (!this.#close(attempt, "its compensation is over")) return;
    const { host, machine, chunks } = this.#parts;
    const { activation } = attempt;
    const verdict = error && retryVerdict(chunks[activation.chunk]?.options.retry?.when, attempt, error);
    const willRetry = verdict !== undefined && machine.mayRetry(activation.id, verdict);
    host.append(this.#compensatedDraft(attempt, verdict, willRetry));
  }

  #compensatedDraft(attempt: Attempt, error: SluiceError | undefined, willRetry: boolean) {
    const durationMs = this.#parts.host.now() - attempt.startedAt;
    return {
      type: "chunk:compensated" as const,
      ...attempt.origin(),
      ...(error !== undefined && { error }),
      willRetry,
      durationMs,
    };
  }

  /** @returns whether it is this that ends the attempt: whoever sees its children end may end the execution */
  #close(attempt: Attempt, why: string): boolean {
    attempt.endBelow(why);
    if (attempt.ended) return false;
    if (attempt.chunk.timeout !== undefined) this.#parts.timers.cancel(attempt.timer);
    this.#running.remove(attempt);
    attempt.end(why);
    return true;
  }

  #forget(attempt: Attempt, error: SluiceError | undefined): void {
    if (attempt.live) this.#parts.onLive(error);
  }
}

/** What an attempt failed with. That another one was ended, whose work it shared, is a failure of this one. */
function chunkError({ where, chunk, undoes }: Attempt, error: unknown): SluiceError {
  if (error instanceof SluiceError && error.code !== "chunk-aborted") return located(error, where);
  const retryable = (error as { retryable?: unknown } | null | undefined)?.retryable !== false;
  return new SluiceError("chunk-failed", {
    what: `The ${undoes ? "compensation of the " : ""}chunk "${chunk.name}" failed: ${messageOf(error)}`,
    where,
    cause: error,
    retryable,
  });
}
