import { fork } from "node:child_process";

/** Peers that report home or to the terminal are told not to. */
const env = { ...process.env, LANGSMITH_TRACING: "false", LOG_LEVEL: "silent", MASTRA_TELEMETRY_DISABLED: "1" };

/**
 * Runs a file of this folder in a process of its own, which can collect garbage by `gc()`.
 *
 * @returns the one message that it sends
 * @throws Error when it ends otherwise.
 */
export function ask(file: string, args: readonly string[]): Promise<unknown> {
  return new Promise((resolve, reject) => {
    const child = fork(new URL(file, import.meta.url), args, { execArgv: ["--expose-gc"], env });
    let answer: unknown;
    child.on("message", (message) => (answer = message));
    child.on("error", reject);
    child.on("exit", (code) => {
      if (answer !== undefined && code === 0) resolve(answer);
      else reject(new Error(`${file} ${args.join(" ")} failed: see above`));
    });
  });
}
