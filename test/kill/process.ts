import { spawn } from "node:child_process";
import { join } from "node:path";
import { fileURLToPath } from "node:url";
import { rolldown } from "rolldown";
import type { Life } from "./life.ts";

/** When a process that nobody kills is taken for stuck. */
const stuckMs = 60_000;

/** Bundles the worker, so that its process starts within a few hundredths of a second. */
export async function bundledWorker(folder: string): Promise<string> {
  const file = join(folder, "worker.mjs");
  const input = fileURLToPath(new URL("worker.ts", import.meta.url));
  await using bundle = await rolldown({ input, platform: "node" });
  await bundle.write({ file, format: "esm", codeSplitting: false });
  return file;
}

/** How a process lives. */
export interface LiveOptions {
  /** When it is killed, in milliseconds after its first word. @default not at all */
  readonly killMs?: number | undefined;
  /** How large a file may become by it, in KB: as if the disk were full then. @default no limit */
  readonly fileKb?: number | undefined;
  /** Hears its first word. */
  readonly onReady?: () => void;
}

/** Lets a process live until it is over, or kills it. @returns `over`, `killed`, or what went wrong */
export function live(worker: string, life: Life, { killMs, fileKb, onReady }: LiveOptions = {}): Promise<string> {
  const { promise, resolve, reject } = Promise.withResolvers<string>();
  const args = [worker, JSON.stringify(life)];
  const limited = ["-c", `trap "" XFSZ; ulimit -f ${fileKb}; exec "$0" "$@"`, process.execPath, ...args];
  const [command, given] = fileKb === undefined ? [process.execPath, args] : ["/bin/bash", limited];
  const child = spawn(command, given, { stdio: ["ignore", "pipe", "pipe"] });
  let complaints = "";
  let timer: NodeJS.Timeout | undefined;
  child.stderr.on("data", (data: Buffer) => (complaints += data.toString()));
  child.stdout.once("data", () => {
    timer = setTimeout(() => child.kill("SIGKILL"), killMs ?? stuckMs);
    onReady?.();
  });
  child.once("error", reject);
  child.once("close", (code, signal) => {
    clearTimeout(timer);
    if (signal === "SIGKILL") resolve(killMs === undefined && life.moments === 0 ? "is stuck" : "killed");
    else resolve(code === 0 && complaints === "" ? "over" : `ended with ${code ?? signal}: ${complaints}`);
  });
  return promise;
}
