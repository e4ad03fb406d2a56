// Runs every example as a user would, without keys, and fails with the first one that fails.
import { spawn } from "node:child_process";
import { readdirSync } from "node:fs";
import { fileURLToPath } from "node:url";

const root = fileURLToPath(new URL("..", import.meta.url));
const keys = ["OPENAI_API_KEY", "OPENAI_BASE_URL", "ANTHROPIC_API_KEY"];

/** What a process printed, and its exit code. */
export interface Ran {
  readonly status: number | null;
  readonly stdout: string;
  readonly stderr: string;
}

/** The examples, as paths under `examples/`. */
export function exampleFiles(): string[] {
  const flows = (folder: string): string[] =>
    readdirSync(`${root}examples/${folder}`)
      .filter((name) => name.endsWith(".ts") && name !== "model.ts")
      .toSorted()
      .map((name) => `${folder}${name}`);
  return [...flows(""), ...flows("standard/")];
}

/** Runs one example. Without keys it runs on the local model; `env` is added to the environment. */
export function runExample(
  file: string,
  args: readonly string[] = [],
  { input, env = {} }: { readonly input?: string; readonly env?: Readonly<Record<string, string>> } = {},
): Promise<Ran> {
  const kept = Object.fromEntries(Object.entries(process.env).filter(([name]) => !keys.includes(name)));
  const child = spawn(`${root}node_modules/.bin/ts-node`, [`${root}examples/${file}`, ...args], {
    cwd: root,
    env: { ...kept, ...env },
    stdio: [input === undefined ? "ignore" : "pipe", "pipe", "pipe"],
    timeout: 120_000,
  });
  let stdout = "";
  let stderr = "";
  child.stdout?.setEncoding("utf8").on("data", (text: string) => (stdout += text));
  child.stderr?.setEncoding("utf8").on("data", (text: string) => (stderr += text));
  child.stdin?.end(input);
  return new Promise((resolve, reject) => {
    child.on("error", reject);
    child.on("close", (status) => resolve({ status, stdout, stderr }));
  });
}

if (process.argv[1] === fileURLToPath(import.meta.url)) {
  for (const file of exampleFiles()) {
    const { status, stdout, stderr } = await runExample(file);
    console.log(`${status === 0 ? "ok  " : "FAIL"} examples/${file}`);
    if (status !== 0) {
      console.error(stdout, stderr);
      process.exit(1);
    }
  }
}
