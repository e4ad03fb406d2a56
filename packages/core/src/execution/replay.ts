import type { SpecOf } from "../define/payload.ts";
import type { Runnable } from "../define/runnable.ts";
import type { ItemOf, ResultOf, StateOf } from "../define/spec.ts";
import { SluiceError } from "../error/sluice-error.ts";
import { compile } from "../graph/compile.ts";
import type { Graph } from "../graph/graph.ts";
import { type Entry, type ExecutionStatus, type OpenQuestion, isOwn, isShown, statusOf } from "../machine/entry.ts";
import { machineOf, Past } from "../run/past.ts";
import type { Store, StoredExecution } from "../store/store.ts";
import { isChanged } from "./changed-graph.ts";
import { readLog, recordOf, storedGraph } from "./stored-log.ts";

/** How a past moment is rebuilt. */
export interface ReplayOptions {
  readonly store: Store;
  /** Number of the last entry of the moment. @default the last that is stored */
  readonly upTo?: number;
  /** Rebuild it though the flow has been wired differently since. @default false */
  readonly acceptChanges?: boolean;
}

/** Where an activation stood. */
export interface Standpoint {
  readonly chunk: string;
  readonly activationId: string;
  readonly lane: string;
  /** Attempts that had begun. */
  readonly attempts: number;
  /** `running`; `waiting`: for a free slot, or for its next attempt. */
  readonly is: "running" | "waiting";
}

/** An execution as it was at a moment. */
export interface Replay<S = any> {
  readonly executionId: string;
  /** Number of the last entry of the moment, and its time in Unix milliseconds. */
  readonly seq: number;
  readonly at: number;
  readonly status: ExecutionStatus;
  readonly state: StateOf<S>;
  /** Left out unless it had completed. */
  readonly result?: ResultOf<S>;
  /** The runtime stream up to there. */
  readonly items: readonly ItemOf<S>[];
  /** The log up to there. */
  readonly entries: readonly Entry<S>[];
  /** What was under way, in its own flow. */
  readonly position: readonly Standpoint[];
  /** The questions of its own chunks that were open. */
  readonly interrupts: readonly OpenQuestion[];
}

/**
 * Rebuilds any moment of a stored execution from its log. No user code is called, nothing is claimed or stored.
 *
 * @throws SluiceError `execution-unknown`, `position-invalid`, `graph-changed`, `flow-unknown`, `log-corrupt`, `store-failed`
 */
export async function replay<C extends Runnable>(
  flow: C,
  executionId: string,
  options: ReplayOptions,
): Promise<Replay<SpecOf<C>>> {
  const record = await recordOf(options.store, executionId);
  const graph = compile(flow);
  await isChanged(record, graph, options);
  return (await rebuilt(record, graph, options)) as Replay<SpecOf<C>>; // as it was validated when it was changed
}

/**
 * Rebuilds any moment of a stored execution without its flow: with the graph that was stored. For tools that look at
 * executions and do not have their code.
 *
 * @throws SluiceError `execution-unknown`, `position-invalid`, `log-corrupt`, `store-failed`
 */
export async function replayStored(
  executionId: string,
  options: Omit<ReplayOptions, "acceptChanges">,
): Promise<Replay> {
  const record = await recordOf(options.store, executionId);
  return rebuilt(record, await storedGraph(options.store, record), options);
}

async function rebuilt(
  record: StoredExecution,
  graph: Graph,
  { store, upTo }: Pick<ReplayOptions, "store" | "upTo">,
): Promise<Replay> {
  const { executionId } = record;
  const seq = momentOf(record, upTo ?? record.lastSeq);
  const entries = await readLog(store, record, { upTo: seq });
  const past = new Past([graph.flow]);
  for (const entry of entries) past.take(entry);
  const machine = machineOf(graph, past, { durable: true });
  const { activations } = machine.snapshot().activations;
  const { final } = past;
  return {
    executionId,
    seq,
    at: entries.at(-1)?.at ?? record.startedAt,
    status: entries.reduce<ExecutionStatus>((status, entry) => statusOf(entry) ?? status, "running"),
    state: machine.state,
    ...(final?.type === "flow:completed" && { result: final.result }),
    items: entries.flatMap((entry) => (isShown(entry) ? [entry.item] : [])),
    entries,
    position: activations.map(({ id, chunk, arrival, attempts, running }) => ({
      chunk: graph.chunks[chunk]?.name ?? "",
      activationId: id,
      lane: arrival.lane,
      attempts,
      is: running ? "running" : "waiting",
    })),
    interrupts: machine.isRunning
      ? machine.questions
          .raised()
          .map(({ id, name, payload, origin }) => ({ id, name, payload, path: past.path, chunk: origin.chunk }))
      : [],
  };
}

/** A moment that is stored. @throws SluiceError `position-invalid` */
export function momentOf({ executionId, lastSeq }: StoredExecution, seq: number): number {
  if (Number.isInteger(seq) && seq >= 1 && seq <= lastSeq) return seq;
  throw new SluiceError("position-invalid", {
    what: `The execution "${executionId}" has no entry ${seq}: its entries are 1 to ${lastSeq}`,
    mend: "Give the number of one of them",
  });
}

/** The own entries of an execution. */
export function ownEntries({ entries }: Pick<Replay, "entries">): readonly Entry[] {
  return entries.filter(isOwn);
}
