import type { Spec } from "../define/spec.ts";
import type { SluiceError } from "../error/sluice-error.ts";
import type { Graph } from "../graph/graph.ts";
import type { Entry, EntryDraft, FinalEntry, RollbackCause } from "../machine/entry.ts";
import type { Machine } from "../machine/machine.ts";
import type { CommandQueue } from "./command-queue.ts";
import { type Ending, endError, endingWith, finalDraft } from "./ending.ts";
import type { Keeper } from "./keeper.ts";
import type { Pipelines } from "./pipelines.ts";
import type { Runner } from "./runner.ts";
import type { Timers } from "./timers.ts";

/** Hears of the end of an execution: what it failed with, or its result. */
export type OnEnded = (error: SluiceError | undefined, result: unknown) => void;

/** The execution that ends. */
export interface Stage {
  readonly where: string;
  readonly state: Readonly<Record<string, unknown>>;
  readonly spec: Spec;
  readonly graph: Graph;
  readonly machine: Machine;
  readonly timers: Timers;
  readonly runner: Runner;
  readonly queue: CommandQueue;
  /** Undefined when the flow has none. */
  readonly pipelines: Pipelines | undefined;
  /** Of one that is stored. */
  readonly keeper: Keeper | undefined;
  readonly now: () => number;
  readonly append: (draft: EntryDraft) => Entry | undefined;
  /** Calls back when its end may be told; with an error when it cannot be stored. */
  readonly whenTold: (act: (failure: SluiceError | undefined) => void) => void;
}

/** The end of one execution: what runs is ended, what has completed is undone where it must be, then comes the one final entry. */
export class Finale {
  readonly #stage: Stage;
  /** Those who wait for it. */
  #awaiting: OnEnded[] = [];
  /** How it has ended: set when the final entry has been shown. */
  #ended: { readonly error: SluiceError | undefined; readonly result: unknown } | undefined;
  /** It ends: nothing starts any more but what undoes. */
  #ending: Ending | undefined;
  /** What has completed is being undone, here or in a child. */
  #undoing = false;
  constructor(stage: Stage) {
    this.#stage = stage;
  }

  /** How it ends, as soon as it begins to. */
  get ending(): Ending | undefined {
    return this.#ending;
  }

  /** Calls back once, after the final entry has been shown; at once when it has. */
  onEnded(callback: OnEnded): void {
    if (this.#ended === undefined) this.#awaiting.push(callback);
    else callback(this.#ended.error, this.#ended.result);
  }

  /** All is done: the execution completes, unless its result is wrong. */
  complete(): void {
    const stage = this.#stage;
    const { spec, machine } = stage;
    const ending = endingWith(spec, machine.result, stage.where);
    const refused = ending.end === "flow:completed" ? stage.keeper?.refusal(ending.result, stage.where) : undefined;
    if (refused !== undefined) return this.fail(refused);
    if (ending.end === "flow:failed") return this.fail(ending.error);
    this.#begin("the execution has completed", ending, false);
  }

  fail(error: SluiceError): void {
    this.#begin("another chunk has failed", { end: "flow:failed", error }, true);
  }

  timeout(): void {
    this.#begin("the execution took too long", { end: "flow:timeout", elapsedMs: this.#elapsed() }, true);
  }

  /** Without `rollback` it ends at once, also while it undoes. */
  cancel(reason: string, rollback: boolean): void {
    const { machine, runner } = this.#stage;
    if (this.#ending === undefined) return this.#begin("cancelled", { end: "flow:cancelled", reason }, rollback);
    if (rollback || !this.#undoing || machine.ended) return;
    this.#ending = { end: "flow:cancelled", reason };
    runner.stopBelow(reason, false);
    runner.stop("cancelled")();
    this.finish();
  }

  /** Ends as it was about to when a crash cut it short: children were undoing their work. */
  end(cause: RollbackCause): void {
    this.#begin("its execution ends", cause, true);
  }

  /** Goes on with an undoing that a crash has cut short. */
  goOn(cause: Ending): void {
    this.#ending = cause;
    this.#undoing = true;
  }

  /** It has ended before: the log tells how. */
  was(final: FinalEntry): void {
    const result = final.type === "flow:completed" ? final.result : undefined;
    this.#ended = { error: endError(final, this.#stage.where), result };
  }

  /** The execution goes on elsewhere, or not at all: what runs here stops, without an entry. The log must be closed before. */
  halt(error: SluiceError): void {
    const { timers, queue, runner, pipelines } = this.#stage;
    timers.clear();
    queue.clear();
    pipelines?.stop();
    runner.stop(error.what)();
    this.#over(error, undefined);
  }

  /** Appends the one final entry, then aborts, then settles: nothing follows a final entry. */
  finish(tell: () => void = () => {}): void {
    const ending = this.#ending;
    const stage = this.#stage;
    const { machine, graph, timers } = stage;
    if (ending === undefined || machine.ended) return tell(); // an observer of what is ended has ended it
    timers.clear();
    const { state } = stage;
    const draft = finalDraft(ending, { graph, rollback: machine.rollback, state, durationMs: this.#elapsed() });
    stage.append(draft);
    tell();
    const error = endError(draft, stage.where);
    const result = "result" in ending ? ending.result : undefined;
    stage.whenTold((failure) => this.#over(failure ?? error, result));
  }

  #over(error: SluiceError | undefined, result: unknown): void {
    if (this.#ended !== undefined) return;
    this.#ended = { error, result };
    const awaiting = this.#awaiting;
    this.#awaiting = [];
    for (const callback of awaiting) callback(error, result);
  }

  #elapsed(): number {
    return this.#stage.now() - this.#stage.machine.startedAt;
  }

  /** Ends what is running; what has completed is undone, with `rollback`; then comes the final entry. */
  #begin(why: string, ending: Ending, rollback: boolean): void {
    const { machine, timers, runner, pipelines } = this.#stage;
    if (machine.ended || this.#ending !== undefined) return; // an observer of what is ended here may ask for another end
    this.#ending = ending;
    timers.clear();
    pipelines?.stop();
    const below = runner.stopBelow(why, rollback);
    if (below.length === 0) return this.#stopped(why, ending, rollback);
    this.#undoing = true;
    // with what the children have just told: so that a crash while they undo leaves a trace of why
    if (ending.end !== "flow:completed" && machine.ending === undefined)
      this.#stage.append({ type: "flow:ending", ...ending });
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
    const stage = this.#stage;
    const { machine, runner, queue } = stage;
    const isUndone = ending.end !== "flow:completed" && rollback && machine.rollback.isNeeded;
    const tell = runner.stop(why, { butUndoing: isUndone });
    if (isUndone) {
      this.#undoing = true;
      queue.clear(); // what was to be done before is not to be taken for an undoing
      stage.append({ type: "flow:rollback", ...ending });
      tell();
    } else this.finish(tell);
  }
}
