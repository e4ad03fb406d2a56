import type { SchedulerLike } from "rxjs";
import { SluiceError } from "../error/sluice-error.ts";
import type { Graph } from "../graph/graph.ts";
import { routesOf } from "../graph/routes.ts";
import type { EntryLog } from "../log/entry-log.ts";
import type { ExecutionStatus } from "../machine/entry.ts";
import { journalOf } from "../store/journal.ts";
import type { Store } from "../store/store.ts";
import { type Durability, Writer } from "../store/writer.ts";

/** How an execution is stored. */
export interface StoreOptions {
  /** Where its entries go. */
  readonly store: Store;
  /**
   * When they are stored. `sync`: no chunk starts, and nobody sees anything, before what led to it is stored. `async`:
   * chunks start at once, and only what leaves the process waits: views, the result. `exit`: when the execution waits, ends
   * or is released.
   *
   * @default "sync"
   */
  readonly durability?: Durability;
  /** After how many entries a checkpoint is stored, with which recovery begins; rarer where checkpoints are large. @default 2_000 */
  readonly checkpointEvery?: number;
}

/** What is stored of an execution so far. */
interface Standing {
  readonly epoch: number;
  readonly stored: number;
  readonly status: ExecutionStatus;
}

/** A new execution. */
interface New {
  readonly executionId: string;
  readonly graph: Graph;
  readonly log: EntryLog;
  readonly scheduler: SchedulerLike;
  /** Of one that is stored already. */
  readonly standing?: Standing;
}

/**
 * What writes an execution's entries to a store.
 *
 * @throws SluiceError `rx-not-durable`
 */
export function writerOf(
  { store, durability = "sync", checkpointEvery = 2_000 }: StoreOptions,
  { executionId, graph, log, scheduler, standing = begun }: New,
): Writer {
  if (routesOf(graph).pipelines.length > 0) throw notDurable(graph.flow);
  if (durability !== "exit") log.hold();
  const founding =
    standing === begun ? { flow: graph.flow, graphHash: graph.hash, graph: graphText(graph) } : undefined;
  const journal = journalOf(store, scheduler);
  return new Writer({ journal, durability, executionId, founding, checkpointEvery, ...standing });
}

/** Of one that is not stored yet. */
const begun: Standing = { epoch: 1, stored: 0, status: "running" };

const texts = new WeakMap<Graph, string>();

/** A graph as JSON. */
export function graphText(graph: Graph): string {
  const text = texts.get(graph) ?? JSON.stringify(graph);
  texts.set(graph, text);
  return text;
}

function notDurable(flow: string): SluiceError {
  return new SluiceError("rx-not-durable", {
    what: "The flow has RxJS pipelines, whose state cannot be stored",
    where: flow,
    mend: "Run it without a store, or replace rx(…) by chunks and timeouts",
    retryable: false,
  });
}
