import { load } from "@sluice/core";
import { asyncScheduler } from "rxjs";
import { Complaint, exitCodes, misused } from "../complaint.ts";
import { chosenFlow, readFlowFile } from "../flows/flow-file.ts";
import { type PlaceOptions, chosenServer } from "../place/chosen-place.ts";
import { storePlace } from "../place/store-place.ts";
import { paint } from "../terminal/paint.ts";
import { openStore } from "./attended-run.ts";
import { createOf } from "./run.ts";

/** How an execution is cancelled. */
export interface CancelCommandOptions extends PlaceOptions {
  readonly reason?: string;
  /** Undo first what has completed and can be undone. */
  readonly rollback?: boolean;
  /** The flow, where the file exports several. */
  readonly flow?: string;
  readonly json?: boolean;
}

/**
 * Cancels an execution: on a server, or, with the file of its flow, in a store.
 *
 * @returns the exit code
 */
export async function cancelCommand(
  executionId: string,
  file: string | undefined,
  options: CancelCommandOptions,
): Promise<number> {
  const { reason = "cancelled from the command line", rollback = false, json = false, store, server } = options;
  const how = { reason, rollback };
  const status =
    store === undefined
      ? await chosenServer(server).cancel(executionId, how)
      : await cancelStored(executionId, file, store, { ...options, ...how });
  console.log(json ? JSON.stringify({ executionId, status }) : `${paint.warn("■")} ${executionId} is ${status}`);
  return exitCodes.ok;
}

type How = CancelCommandOptions & { readonly reason: string; readonly rollback: boolean };

async function cancelStored(executionId: string, file: string | undefined, path: string, how: How): Promise<string> {
  if (file === undefined) {
    throw misused(
      "In a store an execution is cancelled by its flow, which undoes what must be undone",
      `Give its file: sluice cancel ${executionId} flow.ts --store ${path}`,
    );
  }
  await storePlace(path).close(); // one that is not there is not made
  const { flow: name, reason, rollback } = how;
  const flow = chosenFlow(await readFlowFile(file), name);
  const store = openStore(path);
  try {
    // on this scheduler what was unfinished does not start before it is cancelled
    const execution = await load(flow.flow, executionId, { store, scheduler: asyncScheduler, ...createOf(flow) });
    if (execution.status !== "running" && execution.status !== "waiting") {
      throw new Complaint({ what: `The execution is ${execution.status} already`, where: executionId });
    }
    execution.cancel(reason, { rollback });
    await execution.result.catch(() => {}); // that it is cancelled is what was wanted
    return execution.status;
  } finally {
    await store.close();
  }
}
