import { type SchedulerLike, asapScheduler } from "rxjs";
import type { Budget } from "../define/budget.ts";
import type { SpecOf } from "../define/payload.ts";
import type { CreateOption, Runnable } from "../define/runnable.ts";
import { definitionOf } from "../define/flow.ts";
import { SluiceError, messageOf } from "../error/sluice-error.ts";
import { compile } from "../graph/compile.ts";
import type { Graph } from "../graph/graph.ts";
import { EntryLog, type Retention } from "../log/entry-log.ts";
import type { Flows, KnownFlow } from "../run/known-flow.ts";
import { childChanged, launch } from "../run/launch.ts";
import { type Past, machineOf } from "../run/past.ts";
import type { StoredExecution } from "../store/store.ts";
import { harmless, reportToConsole } from "../views/view.ts";
import { isChanged } from "./changed-graph.ts";
import { type StoreOptions, writerOf } from "./durability.ts";
import { type Execution, createExecution } from "./execution.ts";
import { Letters } from "./letters.ts";
import { given, readPast, recordOf } from "./stored-log.ts";

/** A flow, or one whose objects are made in another way than by `new Flow()`. */
export type KnownFlows = readonly (Runnable | KnownFlow)[];

/** How stored executions go on. */
export interface ContinueOptions extends StoreOptions {
  /** What models may spend in an execution and its children, with what has been spent already. @default no limit */
  readonly budget?: Budget;
  /** Go on though the flow has been wired differently since: what is stored is read as far as it fits. @default false */
  readonly acceptChanges?: boolean;
  /** The flows of children: needed where a child is to be undone whose chunk has failed. @default none */
  readonly flows?: KnownFlows;
  /** The clock, and where all work is scheduled; a virtual one in tests. @default RxJS' `asapScheduler` */
  readonly scheduler?: SchedulerLike;
  /** How much of the log is kept for late and slow readers. */
  readonly retention?: Retention;
  /** Hears what observers throw, and which stored answers could not be taken. @default `console.error` */
  readonly onObserverError?: (error: unknown) => void;
}

/** How a stored execution goes on. */
export interface LoadOptions<C> extends ContinueOptions, CreateOption<C> {}

/**
 * Goes on with a stored execution: takes it over, folds its log without calling anybody, and starts on the scheduler's
 * next tick what had started and not completed. Of one that has ended it gives the views and the result.
 *
 * @throws SluiceError `execution-unknown`, `graph-changed` with the differences, `flow-unknown`, `create-failed`, `log-corrupt`,
 * `store-failed`; the execution stays as it is then
 */
export async function load<C extends Runnable>(
  flow: C,
  executionId: string,
  options: LoadOptions<C>,
): Promise<Execution<SpecOf<C>>> {
  const record = await recordOf(options.store, executionId);
  const known = { flow, create: options.create };
  return (await goOn(record, known, options)) as Execution<SpecOf<C>>;
}

/** What `recover` has found. */
export interface Recovered {
  /** Those that go on. */
  readonly executions: readonly Execution[];
  /** Those that could not, and why: they stay as they are. */
  readonly refused: readonly { readonly executionId: string; readonly error: SluiceError }[];
}

/** How executions are recovered. */
export interface RecoverOptions extends ContinueOptions {
  /** Whether those that wait for people are brought back, too: answers can be given then, and questions expire. @default true */
  readonly waiting?: boolean;
}

/**
 * Goes on with all stored executions of these flows that have not ended: what a process does when it starts. They are taken
 * over from whoever had them.
 *
 * @throws SluiceError `store-failed` when the store cannot list them
 */
export async function recover(flows: KnownFlows, options: RecoverOptions): Promise<Recovered> {
  const { store, waiting = true } = options;
  const known = knownFlows([...(options.flows ?? []), ...flows]);
  const names = knownFlows(flows);
  const status = waiting ? (["running", "waiting"] as const) : (["running"] as const);
  const executions: Execution[] = [];
  const refused: Recovered["refused"][number][] = [];
  for (let after: string | undefined; ;) {
    const page = await given(() => store.list({ status, limit: 500, ...(after !== undefined && { after }) }));
    for (const record of page) {
      const flow = names.get(record.flow);
      if (flow === undefined) continue;
      try {
        executions.push(await goOn(record, flow, options, known));
      } catch (error) {
        if (!(error instanceof SluiceError)) throw error;
        refused.push({ executionId: record.executionId, error });
      }
    }
    after = page.at(-1)?.executionId;
    if (after === undefined) return { executions, refused };
  }
}

/** Flows by name. */
export function knownFlows(flows: KnownFlows): Flows {
  return new Map(
    flows.map((one) => {
      const known = typeof one === "object" && "flow" in one ? (one as KnownFlow) : { flow: one as Runnable };
      return [compile(known.flow).flow, known] as const;
    }),
  );
}

/** Goes on with a stored execution. @throws as `load` */
export async function goOn(
  record: StoredExecution,
  { flow, create }: KnownFlow,
  options: ContinueOptions,
  flows = knownFlows([...(options.flows ?? []), flow]),
): Promise<Execution> {
  const { store, scheduler = asapScheduler, onObserverError = reportToConsole, budget } = options;
  const { executionId } = record;
  const graph = compile(flow);
  const { acceptChanges = false } = options;
  const fromStart = (await isChanged(record, graph, options)) || acceptChanges; // a child may have changed, too
  let read = await readPast(store, record, { fromStart });
  checkChildren(graph, read.past, flows, acceptChanges);
  const instance = instanceOf(flow, create); // before it is taken from whoever has it
  const claimed = isEnded(record) ? record : ((await given(() => store.claim(executionId))) ?? record);
  const isOver = isEnded(claimed);
  if (claimed.lastSeq !== record.lastSeq) read = await readPast(store, claimed, { fromStart }); // its owner has gone on meanwhile
  const { past, entries, after } = read;
  const answers = isOver ? [] : await given(() => store.answers(executionId));
  const log = new EntryLog(executionId, options.retention);
  log.takeOver(entries, after);
  const { epoch, lastSeq: stored, status } = claimed;
  const standing = { epoch, stored, status };
  const writer = isOver ? undefined : writerOf(options, { executionId, graph, log, scheduler, standing });
  const identity = { id: executionId, path: [graph.flow] };
  const isWaiting = status === "waiting" && !past.areRunning; // what runs asks again
  const shell = launch({
    flow,
    input: undefined,
    create: instance && (() => instance),
    identity,
    log,
    scheduler,
    budget,
    writer,
    past,
    isWaiting,
    continuing: { flows, acceptChanges },
  });
  const report = harmless(onObserverError);
  shell.onEnded((error) => log.close(error));
  if (!isOver) {
    const letters = new Letters(shell, answers, report);
    scheduler.schedule(() => {
      shell.start();
      letters.deliver();
      shell.drain();
    });
  }
  return createExecution({ shell, scheduler, report, store });
}

function isEnded({ status }: StoredExecution): boolean {
  return status !== "running" && status !== "waiting";
}

/** @throws SluiceError `create-failed` */
function instanceOf(flow: Runnable, create: KnownFlow["create"]): object | undefined {
  const { create: byItself, spec } = definitionOf(flow);
  try {
    return (create ?? byItself)?.();
  } catch (cause) {
    throw new SluiceError("create-failed", {
      what: `The instance of the flow "${spec.name}" could not be made: ${messageOf(cause)}`,
      where: spec.name,
      mend: "Give `create`, which makes it with what its constructor needs",
      cause,
    });
  }
}

/** Children that are to be undone need their flows, and those that go on must be wired as they were. @throws SluiceError `flow-unknown`, `graph-changed` */
function checkChildren(graph: Graph, past: Past, flows: Flows, acceptChanges: boolean): void {
  const { unfinished } = past;
  for (const { flow, graphHash } of unfinished) {
    const known = flows.get(flow);
    if (known === undefined || acceptChanges || compile(known.flow).hash === graphHash) continue;
    throw childChanged(flow, graph.flow);
  }
  const unknown = unfinished.find(({ flow }) => !flows.has(flow));
  if (unknown === undefined) return;
  const machine = machineOf(graph, past);
  if (machine.isRunning && machine.ending === undefined) return;
  throw new SluiceError("flow-unknown", {
    what: `The execution has failed, and a child of the flow "${unknown.flow}" is to be undone`,
    where: graph.flow,
    mend: "Give that flow, too: in `flows`",
  });
}
