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

  const take = (append: Append): void => {
    const { executionId, epoch, entries, status, at, founding, checkpoint, answered = [] } = append;
    if (founding !== undefined) {
      const { graph, ...rest } = founding;
      graphs.set(founding.graphHash, graph);
      const record = { executionId, ...rest, status, epoch, lastSeq: 0, startedAt: at, updatedAt: at };
      executions.set(executionId, { record, entries: [], checkpoint: undefined });
    }
    const kept = executions.get(executionId);
    if (kept === undefined) return;
    kept.entries.push(...entries);
    kept.record = { ...kept.record, status, lastSeq: kept.entries.length, updatedAt: at };
    if (checkpoint !== undefined) kept.checkpoint = checkpoint;
    const waiting = answers.get(executionId)?.filter(({ interrupt }) => !answered.includes(interrupt)) ?? [];
    if (waiting.length > 0) answers.set(executionId, waiting);
    else answers.delete(executionId);
  };

  return {
    append(appends) {
      const refused = appends.flatMap((append) => refusal(append, executions.get(append.executionId)?.record));
      const not = new Set(refused.map(({ executionId }) => executionId));
      for (const append of appends) if (!not.has(append.executionId)) take(append);
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
        .sort((a, b) => b.updatedAt - a.updatedAt)
        .slice(keep)
        .filter(({ updatedAt }) => updatedAt < olderThan);
      for (const { executionId } of ended) {
        executions.delete(executionId);
        answers.delete(executionId);
      }
      return ended.length;
    },
    close() {},
  };
}

function refusal({ executionId, epoch, first, founding }: Append, stored: StoredExecution | undefined): Refused[] {
  if (founding !== undefined) return stored === undefined ? [] : [{ executionId, because: "exists", stored }];
  if (stored?.epoch !== epoch) return [{ executionId, because: "claimed", stored }];
  return stored.lastSeq + 1 === first ? [] : [{ executionId, because: "seq", stored }];
}
