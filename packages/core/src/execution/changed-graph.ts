import { SluiceError } from "../error/sluice-error.ts";
import type { Graph } from "../graph/graph.ts";
import { diffGraphs } from "../graph/graph-diff.ts";
import type { Store, StoredExecution } from "../store/store.ts";
import { given } from "./stored-log.ts";

/**
 * Whether the flow has been wired differently since.
 *
 * @throws SluiceError `flow-unknown`, or `graph-changed` unless that is accepted
 */
export async function isChanged(
  { executionId, flow, graphHash }: StoredExecution,
  graph: Graph,
  { store, acceptChanges = false }: { readonly store: Store; readonly acceptChanges?: boolean },
): Promise<boolean> {
  if (flow !== graph.flow) {
    throw new SluiceError("flow-unknown", {
      what: `The execution "${executionId}" is of the flow "${flow}"`,
      where: graph.flow,
      mend: `Load it with that flow`,
    });
  }
  if (graphHash === graph.hash) return false;
  if (acceptChanges) return true;
  const stored = await given(() => store.graph(graphHash));
  const differences = stored === undefined ? ["what it was is not stored"] : diffGraphs(JSON.parse(stored), graph);
  throw new SluiceError("graph-changed", {
    what: `The execution "${executionId}" was run by a flow that was wired differently: ${differences.join("; ")}`,
    where: graph.flow,
    mend: "Finish it with the old code, or accept the change with `acceptChanges: true`",
  });
}
