import { SluiceError } from "../error/sluice-error.ts";
import type { Graph } from "../graph/graph.ts";
import type { ActivationsData } from "./activations.ts";
import type { Progress } from "./agenda.ts";
import type { DoneData } from "./done.ts";
import type { Entry } from "./entry.ts";
import type { JoinData } from "./join-way.ts";
import type { FanData } from "./fan.ts";
import type { Lane } from "./lane.ts";
import type { OutcomeData } from "./outcome.ts";
import type { QuestionsData } from "./questions.ts";
import type { RepliesData } from "./replies.ts";
import type { RetractionsData } from "./retractions.ts";
import type { RollbackData } from "./rollback.ts";

/** Whether an entry is one of this execution: not live, nor a child's. */
export function concerns({ path }: Progress, { live, path: other }: Entry): boolean {
  if (live > 0) return false;
  if (other === path || path.length === 0) return true;
  return other.length === path.length && other.every((name, index) => name === path[index]);
}

/** All of a machine, as plain JSON (as far as payloads, state and results are). */
export interface MachineSnapshot extends DoneData {
  readonly graphHash: string;
  readonly progress: Readonly<Progress>;
  readonly timers: readonly (readonly [timer: string, dueAt: number])[];
  readonly activations: ActivationsData;
  readonly lanes: { readonly lanes: Lane[]; readonly fans: FanData[] };
  readonly joins: readonly JoinData[];
  readonly rollback: RollbackData;
  readonly outcome: OutcomeData;
  /** Left out where no reply has been heard. */
  readonly replies?: RepliesData;
  readonly retractions?: RetractionsData;
  /** Left out where nobody has been asked anything. */
  readonly questions?: QuestionsData;
}

/** @throws SluiceError `snapshot-invalid` when a snapshot is of a graph with another routing */
export function checkSnapshot(graph: Graph, { graphHash }: MachineSnapshot): void {
  if (graphHash === graph.hash) return;
  throw new SluiceError("snapshot-invalid", {
    what: `The snapshot is of a graph with the hash ${graphHash}, this graph's is ${graph.hash}`,
    where: graph.flow,
    mend: "Restore it with the flow that it was taken of",
  });
}
