import { type Execution, SluiceError, type Store, load, run } from "@sluice/core";
import { Complaint, exitCodes, misused } from "../complaint.ts";
import { failureLines } from "../failure.ts";
import { type FoundFlow, chosenFlow, readFlowFile } from "../flows/flow-file.ts";
import { givenValue } from "../flows/given-value.ts";
import { exampleOf, jsonSchemaOf } from "../flows/json-schema.ts";
import { type AttendOptions, attendedRun } from "./attended-run.ts";
import type { Interrupts } from "./interrupts.ts";

/** How a flow is run from the command line. */
export interface RunOptions extends AttendOptions {
  readonly input?: string;
  /** The id of the new execution. */
  readonly id?: string;
  /** The id of a stored execution to go on with. */
  readonly resume?: string;
  readonly acceptChanges?: boolean;
}

/** Runs a flow of a file, or goes on with a stored execution. @returns the exit code */
export async function runCommand(file: string, options: RunOptions, interrupts?: Interrupts): Promise<number> {
  const { resume, store: path, acceptChanges = false } = options;
  if (resume !== undefined && path === undefined)
    throw misused("--resume needs the store", "Add --store executions.db");
  if (resume !== undefined && options.input !== undefined) {
    throw misused("--resume goes on with an execution, which has its input", "Leave out --input, or --resume");
  }
  const flow = chosenFlow(await readFlowFile(file), options.flow);
  const begin = async (store: Store | undefined): Promise<Execution> =>
    resume !== undefined && store !== undefined
      ? ((await load(flow.flow, resume, { store, acceptChanges, onObserverError, ...createOf(flow) })) as Execution)
      : begun(flow, options, store);
  return attendedRun({ file, flow, isResumed: resume !== undefined, begin }, options, interrupts);
}

/** Tells of a stored answer that does not fit. */
function onObserverError(error: unknown): void {
  console.error(failureLines(error));
}

/** How a flow's objects are made, as an option. */
export function createOf({ create }: FoundFlow): { readonly create?: () => never } {
  return create === undefined ? {} : { create: create as () => never }; // of whatever class it is, the file says so
}

function begun(flow: FoundFlow, { id, input: given }: RunOptions, store: Store | undefined) {
  const input = given === undefined ? undefined : givenValue(given, "--input");
  try {
    const how = { ...createOf(flow), ...(store !== undefined && { store }), ...(id !== undefined && { id }) };
    return run(flow.flow, input as never, how as never) as Execution;
  } catch (error) {
    if (!(error instanceof SluiceError) || error.code !== "input-invalid") throw error;
    throw new Complaint({
      what: given === undefined ? `The flow "${flow.name}" needs an input` : error.what,
      where: flow.name,
      mend: `Give it with --input, such as --input '${JSON.stringify(exampleOf(jsonSchemaOf(flow.schemas.input)))}'`,
      cause: error,
      exitCode: exitCodes.usage,
    });
  }
}
