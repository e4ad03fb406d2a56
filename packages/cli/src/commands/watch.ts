import { once } from "node:events";
import { statSync } from "node:fs";
import { resolve } from "node:path";
import { exitCodes } from "../complaint.ts";
import { exitCodeOf, failureLines } from "../failure.ts";
import { loadAnew, loadedFiles } from "../loader/loader.ts";
import { paint } from "../terminal/paint.ts";
import { Interrupts } from "./interrupts.ts";
import { type RunOptions, runCommand } from "./run.ts";

/** How often the files of a flow are looked at, in milliseconds: there are few, and no change is missed while they load. */
const everyMs = 150;

/**
 * Runs a flow, and again whenever a file changes that it was loaded from; what still runs then is cancelled. It ends with
 * Ctrl-C.
 *
 * @returns the exit code
 */
export async function watchCommand(file: string, options: RunOptions): Promise<number> {
  for (;;) {
    const since = Date.now();
    loadAnew();
    const interrupts = new Interrupts();
    const change = changeOf(() => [resolve(file), ...loadedFiles()], since);
    void change.happened.then(() => interrupts.cancel("the code has changed"));
    const code = await tried(() => runCommand(file, options, interrupts), options);
    if (interrupts.happened) return code;
    if (!change.isThere()) console.error(paint.dim("\nwaiting for a change (Ctrl-C ends)"));
    const waiting = new AbortController();
    const left = once(process, "SIGINT", { signal: waiting.signal }).then(
      () => true,
      () => false, // nobody listens any more
    );
    const isLeft = await Promise.race([change.happened.then(() => false), left]);
    waiting.abort();
    change.stop();
    if (isLeft) return exitCodes.interrupted;
    console.error("");
  }
}

/** Looks until one of the files is newer than a moment. */
function changeOf(files: () => readonly string[], since: number) {
  const { promise: happened, resolve: happen } = Promise.withResolvers<void>();
  const isThere = (): boolean =>
    files().some((file) => (statSync(file, { throwIfNoEntry: false })?.mtimeMs ?? 0) > since);
  const timer = setInterval(() => isThere() && happen(), everyMs);
  void happened.then(() => clearInterval(timer));
  return { happened, isThere, stop: happen };
}

async function tried(work: () => Promise<number>, { debug = false }: RunOptions): Promise<number> {
  try {
    return await work();
  } catch (error) {
    console.error(failureLines(error, { debug }));
    return exitCodeOf(error);
  }
}
