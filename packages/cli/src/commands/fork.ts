import { type Entry, type Execution, type Store, fork, isFinal, storedEntries } from "@sluice/core";
import { misused } from "../complaint.ts";
import { chosenFlow, readFlowFile } from "../flows/flow-file.ts";
import { givenValue } from "../flows/given-value.ts";
import { paint } from "../terminal/paint.ts";
import { type AttendOptions, attendedRun } from "./attended-run.ts";
import { createOf } from "./run.ts";

/** How an execution branches off another. */
export interface ForkCommandOptions extends AttendOptions {
  readonly at?: string;
  readonly state?: string;
  readonly input?: string;
  readonly id?: string;
  readonly acceptChanges?: boolean;
}

/**
 * Starts a new execution from a past moment of a stored one, and attends it. Without a moment: before what made it fail;
 * else before its end.
 *
 * @returns the exit code
 */
export async function forkCommand(executionId: string, file: string, options: ForkCommandOptions): Promise<number> {
  const { store: path, at: given, id, acceptChanges = false, json = false, entries = false } = options;
  if (path === undefined) throw misused("A fork needs the store", "Add --store executions.db");
  const at = given === undefined ? undefined : Number(given);
  if (at !== undefined && !Number.isInteger(at))
    throw misused(`"${given}" is no number of an entry`, "Give --at a whole number");
  const flow = chosenFlow(await readFlowFile(file), options.flow);
  const begin = async (store: Store | undefined): Promise<Execution> => {
    if (store === undefined) throw misused("A fork needs the store");
    const moment = at ?? momentOf(await storedEntries(store, executionId));
    if (!json && !entries) console.log(paint.dim(`⑂ forked from ${executionId} at ${moment}`));
    const how = {
      store,
      at: moment,
      acceptChanges,
      ...createOf(flow),
      ...(id !== undefined && { id }),
      ...(options.state !== undefined && { state: givenValue(options.state, "--state") as object }),
      ...(options.input !== undefined && { input: givenValue(options.input, "--input") as never }),
    };
    return (await fork(flow.flow, executionId, how)) as Execution;
  };
  return attendedRun({ file, flow, isResumed: true, begin }, options);
}

/** Before the chunk failed for good that made it fail; else before its end; else where it stands. */
function momentOf(entries: readonly Entry[]): number {
  const final = entries.find((entry) => isFinal(entry));
  if (final === undefined) return entries.length;
  const failure = entries.findLast(
    // those before it were answered

    (entry) => entry.type === "chunk:failed" && !entry.willRetry && entry.error.code !== "chunk-aborted",
  );
  return final.type === "flow:failed" && failure !== undefined ? failure.seq - 1 : final.seq - 1;
}
