import { mkdirSync } from "node:fs";
import { dirname, relative } from "node:path";
import { type Execution, type Store } from "@sluice/core";
import { sqliteStore } from "@sluice/sqlite";
import { Complaint, exitCodes } from "../complaint.ts";
import type { FoundFlow } from "../flows/flow-file.ts";
import { isAttended, isDrawable, paint } from "../terminal/paint.ts";
import { type Screen, entryScreen, liveScreen, plainScreen, silentScreen } from "../terminal/screen.ts";
import { Answers } from "./answers.ts";
import { attend } from "./attend.ts";
import { Interrupts } from "./interrupts.ts";
import { Outcome } from "./outcome.ts";

/** How an execution is attended. */
export interface AttendOptions {
  /** The flow, where the file exports several. */
  readonly flow?: string;
  /** Path of a SQLite file. */
  readonly store?: string;
  readonly answer?: readonly string[];
  readonly json?: boolean;
  readonly entries?: boolean;
  readonly debug?: boolean;
}

/** What is attended, and how it begins. */
export interface Beginning {
  readonly file: string;
  readonly flow: FoundFlow;
  /** It was begun before, and is known up to where it stands now. */
  readonly isResumed?: boolean;
  readonly begin: (store: Store | undefined) => Execution | Promise<Execution>;
}

/** Begins an execution and stays with it to its end: shows it, has it answered, tells what it has come to. @returns the exit code */
export async function attendedRun(
  { file, flow, isResumed = false, begin }: Beginning,
  options: AttendOptions,
  interrupts = new Interrupts(),
): Promise<number> {
  const { store: path, json = false, entries = false, debug = false } = options;
  const isQuiet = json || entries;
  const answers = new Answers(options.answer ?? [], isAttended() && !isQuiet);
  if (!isQuiet) warnOfConstructor(flow);
  const store = path === undefined ? undefined : openStore(path);
  try {
    const execution = await begin(store);
    const screen = screenFor(flow, { json, entries });
    const outcome = watched(execution, screen, isResumed);
    interrupts.listen(execution, { isStored: store !== undefined });
    let hasLeft = false;
    const onLeave = (): boolean => {
      hasLeft = true;
      if (store === undefined) interrupts.interrupt();
      return store === undefined; // one that is stored can wait for whoever comes back
    };
    const isOver = await attend(execution, { screen, answers, schemas: flow.schemas, onLeave })
      .catch(async (error: unknown) => {
        if (store === undefined) execution.cancel("its question could not be answered");
        else await execution.release(); // it waits on
        throw error;
      })
      .finally(() => screen.close());
    if (json) console.log(JSON.stringify(await outcome.json(execution, flow.name)));
    if (!isOver) {
      const code = await putAway(execution, { file, path, options, isQuiet });
      return hasLeft ? exitCodes.interrupted : code;
    }
    const code = isQuiet ? codeOf(execution) : await outcome.tell(execution, { debug });
    const isStored = path !== undefined && execution.status !== "running";
    if (isStored && !isQuiet) console.log(paint.dim(`stored: sluice show ${execution.id} --store ${path}`));
    return interrupts.happened ? exitCodes.interrupted : code;
  } finally {
    interrupts.forget();
    await store?.close();
  }
}

/** An object that is made without what its constructor takes fails somewhere inside. */
function warnOfConstructor({ flow, create }: FoundFlow): void {
  if (create !== undefined || typeof flow !== "function" || flow.length === 0) return;
  const mend = `export default { flow: ${flow.name}, create: () => new ${flow.name}(…) }`;
  console.error(`${paint.warn("!")} The constructor of ${flow.name} takes something, and gets nothing: ${mend}`);
}

/** Opens a store, and makes its folder where that is missing. @throws SluiceError `store-failed` */
export function openStore(path: string): Store {
  if (path !== ":memory:") mkdirSync(dirname(path), { recursive: true });
  return sqliteStore(path);
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
  readonly options: AttendOptions;
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
