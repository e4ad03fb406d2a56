import { type SchedulerLike, asapScheduler } from "rxjs";
import type { Budget } from "../define/budget.ts";
import type { SpecOf } from "../define/payload.ts";
import type { ArgsOf, CreateOption, RunInput, Runnable } from "../define/runnable.ts";
import { EntryLog, type Retention } from "../log/entry-log.ts";
import { compile } from "../graph/compile.ts";
import { launch, validInput } from "../run/launch.ts";
import { refusalOf } from "../run/plain-data.ts";
import type { Shell } from "../run/shell.ts";
import { harmless, reportToConsole } from "../views/view.ts";
import { type StoreOptions, writerOf } from "./durability.ts";
import { type Execution, createExecution } from "./execution.ts";
import { randomId } from "./execution-id.ts";

/** How a flow is run. */
export interface RunOptions<C> extends CreateOption<C>, Partial<StoreOptions> {
  /** Cancels the execution when it fires. */
  readonly abortSignal?: AbortSignal;
  /** What models may spend in this execution and its children. @default no limit */
  readonly budget?: Budget;
  /** The execution's id. @default a random UUID */
  readonly id?: string;
  /** The clock, and where all work is scheduled; a virtual one in tests. @default RxJS' `asapScheduler` */
  readonly scheduler?: SchedulerLike;
  /** How much of the log is kept for late and slow readers. */
  readonly retention?: Retention;
  /** Hears what observers throw; they are detached. @default `console.error` */
  readonly onObserverError?: (error: unknown) => void;
}

/** The options, which are needed when the class's constructor needs arguments. */
export type RunArgs<C> = ArgsOf<C, RunOptions<C>>;

/**
 * Runs a flow. It starts on the scheduler's next tick: whoever subscribes synchronously misses nothing.
 *
 * @throws FlowDefinitionError when the flow has problems.
 * @throws SluiceError `flow-undefined`, or `input-invalid` when the input does not fit its schema; with a store
 * `not-serialisable` and `rx-not-durable`. Nothing is logged then.
 */
export function run<C extends Runnable>(
  flow: C,
  input: RunInput<C>,
  ...[options = {}]: RunArgs<C>
): Execution<SpecOf<C>> {
  const { scheduler = asapScheduler, abortSignal, retention, onObserverError = reportToConsole } = options;
  const { store, budget, create } = options;
  const id = options.id ?? randomId();
  const graph = compile(flow);
  const valid = validInput(flow, input);
  const refused = store && refusalOf(valid, graph.flow);
  if (refused !== undefined) throw refused;
  const log = new EntryLog(id, retention);
  const writer = store && writerOf({ ...options, store }, { executionId: id, graph, log, scheduler });
  const identity = { id, path: [graph.flow] };
  const shell = launch({ flow, input: valid, create, identity, log, scheduler, budget, writer });
  shell.onEnded((error) => log.close(error));
  if (abortSignal !== undefined) cancelWith(shell, abortSignal);
  scheduler.schedule(() => {
    shell.start();
    shell.drain();
  });
  return createExecution({ shell, scheduler, store, report: harmless(onObserverError) }) as Execution<SpecOf<C>>;
}

function cancelWith(shell: Shell, abortSignal: AbortSignal): void {
  const abort = (): void => shell.cancel(reasonOf(abortSignal));
  if (abortSignal.aborted) return abort();
  abortSignal.addEventListener("abort", abort, { once: true });
  shell.onEnded(() => abortSignal.removeEventListener("abort", abort));
}

function reasonOf({ reason }: AbortSignal): string {
  return reason instanceof Error ? reason.message : typeof reason === "string" ? reason : "aborted";
}
