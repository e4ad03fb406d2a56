import { SluiceError } from "../error/sluice-error.ts";
import type {
  Append,
  Checkpoint,
  PruneOptions,
  ReadRange,
  Refused,
  Store,
  StoreFilter,
  StoredAnswer,
  StoredExecution,
} from "./store.ts";

interface Kept {
  record: StoredExecution;
  readonly entries: string[];
  checkpoint: Checkpoint | undefined;
}

/** A store in memory: for tests, and for executions that are to outlive `release()` but not their process. It answers at once. */
export function memoryStore(): Store {
  const executions = new Map<string, Kept>();
  const graphs = new Map<string, string>();
  const answers = new Map<string, StoredAnswer[]>();

  const take = (
    { executionId, entries, founding, checkpoint, answered = [] }: Append,
    record: StoredExecution,
  ): void => {
    if (founding !== undefined) graphs.set(founding.graphHash, founding.graph);
    const kept = executions.get(executionId) ?? { record, entries: [], checkpoint: undefined };
    executions.set(executionId, kept);
    for (const text of entries) kept.entries.push(text);
    kept.record = record;
    if (checkpoint !== undefined) kept.checkpoint = checkpoint;
    const waiting = answers.get(executionId)?.filter(({ interrupt }) => !answered.includes(interrupt)) ?? [];
    if (waiting.length > 0) answers.set(executionId, waiting);
    else answers.delete(executionId);
  };

  return {
    append(appends) {
      const records = new Map<string, StoredExecution>();
      const refused: Refused[] = [];
      const taken: (readonly [Append, StoredExecution])[] = [];
      for (const append of appends) {
        const { executionId } = append;
        const stored = records.get(executionId) ?? executions.get(executionId)?.record;
        const because = refusal(append, stored);
        if (because === undefined) {
          const record = recordAfter(append, stored);
          records.set(executionId, record);
          taken.push([{ ...append }, record]); // what cannot be read throws here, while nothing is stored yet
        } else refused.push({ executionId, because, stored });
      }
      for (const [append, record] of taken) take(append, record);
      return refused;
    },
    read(executionId, { after = 0, upTo = Number.POSITIVE_INFINITY, limit }: ReadRange = {}) {
      const all = executions.get(executionId)?.entries.slice(after, upTo) ?? [];
      return limit === undefined ? all : all.slice(0, limit);
    },
    find: (executionId) => executions.get(executionId)?.record,
    checkpoint: (executionId) => executions.get(executionId)?.checkpoint,
    graph: (graphHash) => graphs.get(graphHash),
    list({ flow, status, after, limit = 100 }: StoreFilter = {}) {
      const all = [...executions.values()].map(({ record }) => record);
      const from = after === undefined ? 0 : all.findIndex(({ executionId }) => executionId === after) + 1;
      if (after !== undefined && from === 0) throw afterUnknown(after);
      return all
        .slice(from)
        .filter((one) => (flow === undefined || one.flow === flow) && (status?.includes(one.status) ?? true))
        .slice(0, limit);
    },
    claim(executionId) {
      const kept = executions.get(executionId);
      if (kept === undefined) return undefined;
      kept.record = { ...kept.record, epoch: kept.record.epoch + 1 };
      return kept.record;
    },
    putAnswer(answer) {
      const waiting = answers.get(answer.executionId) ?? [];
      const other = waiting.find(({ interrupt }) => interrupt === answer.interrupt);
      if (other !== undefined) return other.answer === answer.answer && other.requestId === answer.requestId;
      answers.set(answer.executionId, [...waiting, answer]);
      return true;
    },
    answers: (executionId) => answers.get(executionId) ?? [],
    prune({ olderThan, keep = 0 }: PruneOptions) {
      const ended = [...executions.values()]
        .map(({ record }) => record)
        .filter(({ status }) => status !== "running" && status !== "waiting")
        .reverse()
        .sort((a, b) => b.updatedAt - a.updatedAt)
        .slice(keep)
        .filter(({ updatedAt }) => updatedAt < olderThan);
      for (const { executionId } of ended) {
        executions.delete(executionId);
        answers.delete(executionId);
      }
      const used = new Set([...executions.values()].map(({ record }) => record.graphHash));
      for (const hash of graphs.keys()) if (!used.has(hash)) graphs.delete(hash);
      return ended.length;
    },
    close() {},
  };
}

function refusal(
  { epoch, first, founding }: Append,
  stored: StoredExecution | undefined,
): Refused["because"] | undefined {
  if (founding !== undefined) return stored === undefined ? undefined : "exists";
  if (stored?.epoch !== epoch) return "claimed";
  return stored.lastSeq + 1 === first ? undefined : "seq";
}

/** What is known of an execution after an append that is not refused. */
function recordAfter(
  { executionId, epoch, entries, status, at, founding }: Append,
  stored: StoredExecution | undefined,
): StoredExecution {
  const after = {
    status,
    lastSeq: (stored?.lastSeq ?? 0) + entries.length,
    updatedAt: entries.length > 0 || stored === undefined ? at : stored.updatedAt,
  };
  if (founding === undefined) return { ...(stored as StoredExecution), ...after }; // what follows nothing is refused
  const { graph: _, ...founded } = founding;
  return { executionId, ...founded, epoch, startedAt: at, ...after };
}

function afterUnknown(executionId: string): SluiceError {
  return new SluiceError("store-failed", {
    what: `The list cannot go on after the execution "${executionId}": it is not stored any more`,
    mend: "List from the beginning, or after another execution",
  });
}
