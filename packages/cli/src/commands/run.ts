import { mkdirSync } from "node:fs";
import { dirname, relative } from "node:path";
import { type Execution, type Store, SluiceError, load, run } from "@sluice/core";
import { sqliteStore } from "@sluice/sqlite";
import { Complaint, exitCodes, misused } from "../complaint.ts";
import { type FoundFlow, chosenFlow, readFlowFile } from "../flows/flow-file.ts";
import { givenValue } from "../flows/given-value.ts";
import { exampleOf, jsonSchemaOf } from "../flows/json-schema.ts";
import { isAttended, isDrawable, paint } from "../terminal/paint.ts";
import { type Screen, entryScreen, liveScreen, plainScreen, silentScreen } from "../terminal/screen.ts";
import { Answers } from "./answers.ts";
import { attend } from "./attend.ts";
import { Interrupts } from "./interrupts.ts";
import { Outcome } from "./outcome.ts";

/** How a flow is run from the command line. */
export interface RunOptions {
  readonly input?: string;
  /** The flow, where the file exports several. */
  readonly flow?: string;
  /** Path of a SQLite file. */
  readonly store?: string;
  /** The id of the new execution. */
  readonly id?: string;
  /** The id of a stored execution to go on with. */
  readonly resume?: string;
  readonly acceptChanges?: boolean;
  readonly answer?: readonly string[];
  readonly json?: boolean;
  readonly entries?: boolean;
  readonly debug?: boolean;
}

/** Runs a flow of a file, or goes on with a stored execution. @returns the exit code */
export async function runCommand(file: string, options: RunOptions, interrupts = new Interrupts()): Promise<number> {
  const { resume, store: path, json = false, entries = false, debug = false } = options;
  if (resume !== undefined && path === undefined)
    throw misused("--resume needs the store", "Add --store executions.db");
  if (resume !== undefined && options.input !== undefined) {
    throw misused("--resume goes on with an execution, which has its input", "Leave out --input, or --resume");
  }
  const answers = new Answers(options.answer ?? [], isAttended() && !json && !entries);
  const flow = chosenFlow(await readFlowFile(file), options.flow);
  const store = path === undefined ? undefined : openStore(path);
  try {
    const execution = await begun(flow, store, options);
    const screen = screenFor(flow, { json, entries });
    const outcome = watched(execution, screen, resume !== undefined);
    interrupts.listen(execution);
    const onLeave = (): void => interrupts.interrupt();
    const isOver = await attend(execution, { screen, answers, schemas: flow.schemas, onLeave })
      .catch(async (error: unknown) => {
        if (store === undefined) execution.cancel("its question could not be answered");
        else await execution.release(); // it waits on
        throw error;
      })
      .finally(() => screen.close());
    if (json) console.log(JSON.stringify(await outcome.json(execution, flow.name)));
    if (!isOver) return await putAway(execution, { file, path, options, isQuiet: json || entries });
    if (json || entries) return interrupts.happened ? exitCodes.interrupted : codeOf(execution);
    const code = await outcome.tell(execution, { debug });
    if (path !== undefined && execution.status !== "running")
      console.log(paint.dim(`stored: sluice show ${execution.id} --store ${path}`));
    return interrupts.happened ? exitCodes.interrupted : code;
  } finally {
    interrupts.forget();
    await store?.close();
  }
}

/** Opens a store, and makes its folder where that is missing. @throws SluiceError `store-failed` */
export function openStore(path: string): Store {
  if (path !== ":memory:") mkdirSync(dirname(path), { recursive: true });
  return sqliteStore(path);
}

async function begun(flow: FoundFlow, store: Store | undefined, options: RunOptions): Promise<Execution> {
  const { id, resume, acceptChanges = false } = options;
  const create = flow.create === undefined ? {} : { create: flow.create as () => never };
  if (resume !== undefined && store !== undefined) {
    return load(flow.flow, resume, { store, acceptChanges, ...create }) as Promise<Execution>;
  }
  const input = options.input === undefined ? undefined : givenValue(options.input, "--input");
  try {
    const how = { ...create, ...(store !== undefined && { store }), ...(id !== undefined && { id }) };
    return run(flow.flow, input as never, how as never) as Execution;
  } catch (error) {
    if (!(error instanceof SluiceError) || error.code !== "input-invalid") throw error;
    const example = JSON.stringify(exampleOf(jsonSchemaOf(flow.schemas.input)));
    throw new Complaint({
      what: options.input === undefined ? `The flow "${flow.name}" needs an input` : error.what,
      where: flow.name,
      mend: `Give it with --input, such as --input '${example}'`,
      cause: error,
      exitCode: exitCodes.usage,
    });
  }
}

function screenFor(
  { graph }: FoundFlow,
  { json, entries }: { readonly json: boolean; readonly entries: boolean },
): Screen {
  if (entries) return entryScreen();
  if (json) return silentScreen;
  const chunks = graph.chunks.map(({ name }) => name);
  return isDrawable() ? liveScreen({ chunks }) : plainScreen();
}

/** Shows what comes; what was there before is known, and not told again. */
function watched(execution: Execution, screen: Screen, isResumed: boolean): Outcome {
  const outcome = new Outcome();
  const before = isResumed ? Number.parseInt(execution.position, 10) : 0;
  execution.events$.subscribe((entry) => {
    screen.take(entry, entry.seq <= before);
    outcome.take(entry);
  });
  return outcome;
}

interface Waiting {
  readonly file: string;
  readonly path: string | undefined;
  readonly options: RunOptions;
  readonly isQuiet: boolean;
}

/** It waits for somebody who is not here: says how to answer. */
async function putAway(execution: Execution, { file, path, options, isQuiet }: Waiting): Promise<number> {
  const questions = execution.interrupts;
  const names = questions.map(({ name }) => `"${name}"`).join(", ");
  if (path === undefined) {
    execution.cancel("nobody is there to answer");
    throw new Complaint({
      what: `It waits for an answer to ${names}, and nobody is at the terminal`,
      mend: `Give the answer with the command (--answer '${questions[0]?.name ?? "name"}={…}'), or keep the execution until somebody answers (--store executions.db)`,
      exitCode: exitCodes.waiting,
    });
  }
  await execution.release();
  if (isQuiet) return exitCodes.waiting;
  const flow = options.flow === undefined ? "" : ` --flow ${options.flow}`;
  console.log(`It waits for an answer to ${names}. To answer, and to go on:`);
  for (const { id } of questions) console.log(`  sluice answer ${execution.id} '{…}' --question ${id} --store ${path}`);
  console.log(`  sluice run ${relative("", file)}${flow} --resume ${execution.id} --store ${path}`);
  return exitCodes.waiting;
}

function codeOf({ status }: Execution): number {
  return status === "completed" ? exitCodes.ok : exitCodes.failed;
}
