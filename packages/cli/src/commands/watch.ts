import { watch } from "chokidar";
import { exitCodes } from "../complaint.ts";
import { exitCodeOf, failureLines } from "../failure.ts";
import { loadAnew, loadedFiles } from "../loader/loader.ts";
import { paint } from "../terminal/paint.ts";
import { Interrupts } from "./interrupts.ts";
import { type RunOptions, runCommand } from "./run.ts";

/**
 * Runs a flow, and again whenever a file changes that it was loaded from; what still runs then is cancelled. It ends with
 * Ctrl-C.
 *
 * @returns the exit code
 */
export async function watchCommand(file: string, options: RunOptions): Promise<number> {
  const files = watch([file], { ignoreInitial: true, awaitWriteFinish: { stabilityThreshold: 40, pollInterval: 20 } });
  let wake: (() => void) | undefined;
  let running: Interrupts | undefined;
  let isChanged = false;
  const onChange = (): void => {
    isChanged = true;
    running?.cancel("the code has changed");
    wake?.();
  };
  files.on("all", onChange);
  try {
    for (;;) {
      isChanged = false;
      loadAnew();
      running = new Interrupts();
      const code = await tried(() => runCommand(file, options, running));
      if (running.happened) return code;
      running = undefined;
      files.add([...loadedFiles()]);
      if (!isChanged) console.error(paint.dim("\nwaiting for a change (Ctrl-C ends)"));
      const left = await new Promise<boolean>((resolve) => {
        const onSignal = (): void => resolve(true);
        process.once("SIGINT", onSignal);
        wake = () => {
          process.off("SIGINT", onSignal);
          resolve(false);
        };
        if (isChanged) wake();
      });
      if (left) return exitCodes.interrupted;
      console.error("");
    }
  } finally {
    await files.close();
  }
}

async function tried(work: () => Promise<number>): Promise<number> {
  try {
    return await work();
  } catch (error) {
    console.error(failureLines(error));
    return exitCodeOf(error);
  }
}
