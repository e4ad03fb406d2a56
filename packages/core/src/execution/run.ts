import { type SchedulerLike, asapScheduler } from "rxjs";
import { definitionOf } from "../define/flow.ts";
import type { FlowClass, NoSpec, SpecOf } from "../define/payload.ts";
import type { SchemaAt } from "../define/spec.ts";
import { validate } from "../schema/validate.ts";
import { compile } from "../graph/compile.ts";
import { EntryLog, type Retention } from "../log/entry-log.ts";
import type { z } from "zod";
import { type Execution, createExecution } from "./execution.ts";
import { Shell } from "../run/shell.ts";
import { initialState } from "../run/state-store.ts";

/** How a flow is run. */
export interface RunOptions<C> {
  /** Makes the object that the chunks run on: one for each execution. @default `new Flow()` */
  readonly create?: () => C extends abstract new (...args: any) => infer T ? T : never;
  /** Cancels the execution when it fires. */
  readonly abortSignal?: AbortSignal;
  /** The execution's id. @default a random UUID */
  readonly id?: string;
  /** The clock, and where all work is scheduled; a virtual one in tests. @default RxJS' `asapScheduler` */
  readonly scheduler?: SchedulerLike;
  /** How much of the log is kept for late and slow readers. */
  readonly retention?: Retention;
  /** Hears what observers throw; they are detached. @default `console.error` */
  readonly onObserverError?: (error: unknown) => void;
}

export type RunInput<C> = [SpecOf<C>] extends [never] ? NoSpec : z.input<SchemaAt<SpecOf<C>, "input">>;
type NeedsCreate<C> = C extends abstract new (...args: infer A) => unknown ? ([] extends A ? false : true) : false;
/** The options, which are needed when the class's constructor needs arguments. */
export type RunArgs<C> =
  NeedsCreate<C> extends true
    ? [options: RunOptions<C> & Required<Pick<RunOptions<C>, "create">>]
    : [options?: RunOptions<C>];

/**
 * Runs a flow. It starts on the scheduler's next tick: whoever subscribes synchronously misses nothing.
 *
 * @throws FlowDefinitionError when the flow has problems.
 * @throws SluiceError `flow-undefined`, or `input-invalid` when the input does not fit its schema; nothing is logged then.
 */
export function run<C extends FlowClass | { readonly "~flow": unknown }>(
  flow: C,
  input: RunInput<C>,
  ...[options = {}]: RunArgs<C>
): Execution<SpecOf<C>> {
  const graph = compile(flow);
  const definition = definitionOf(flow);
  const { spec } = definition;
  const valid = validate(spec.input, input, {
    code: "input-invalid",
    what: `The input of the flow "${spec.name}"`,
    where: spec.name,
    mend: "Give run() what the flow's `input` schema says",
  });
  const { scheduler = asapScheduler, abortSignal, retention, onObserverError: report = reportToConsole } = options;
  const id = options.id ?? randomId();
  const log = new EntryLog(id, spec.name, () => scheduler.now(), retention);
  const { promise, resolve, reject } = Promise.withResolvers<unknown>();
  promise.catch(() => {}); // a result that nobody reads is never an unhandled rejection
  const instance = (options.create ?? definition.create)?.();
  const forget = new AbortController();
  const shell = new Shell({
    id,
    definition,
    graph,
    instance,
    input: valid,
    initial: initialState(spec.state, spec.name),
    log,
    scheduler,
    onEnd: (error, result) => {
      forget.abort();
      if (error === undefined) resolve(result);
      else reject(error);
    },
  });
  const execution = createExecution({ shell, log, scheduler, accepts: graph.accepts, result: promise, report });
  const abort = (): void => execution.cancel(reasonOf(abortSignal));
  if (abortSignal?.aborted === true) abort();
  else abortSignal?.addEventListener("abort", abort, { once: true, signal: forget.signal });
  scheduler.schedule(() => {
    shell.start();
    shell.drain();
  });
  return execution as Execution<SpecOf<C>>;
}

/** A UUID of version 4. Browsers have `crypto.randomUUID` only on pages that came over HTTPS or from the same machine. */
function randomId(): string {
  const bytes = crypto.getRandomValues(new Uint8Array(16));
  const digits = Array.from(bytes, (byte) => byte.toString(16).padStart(2, "0")).join("");
  const variant = "89ab"[(bytes[8] ?? 0) % 4];
  return digits.replace(/^(.{8})(.{4}).(.{3}).(.{3})(.{12})$/, `$1-$2-4$3-${variant}$4-$5`);
}

function reasonOf(abortSignal: AbortSignal | undefined): string {
  const reason: unknown = abortSignal?.reason;
  return reason instanceof Error ? reason.message : typeof reason === "string" ? reason : "aborted";
}

function reportToConsole(error: unknown): void {
  console.error("An observer of an execution threw and was detached:", error);
}
