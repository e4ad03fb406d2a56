// Runs every example as a user would, without keys, and fails with the first one that fails.
import { spawnSync } from "node:child_process";
import { readdirSync } from "node:fs";
import { fileURLToPath } from "node:url";

/** The examples, as paths under `examples/`. */
export function exampleFiles(): string[] {
  const folder = fileURLToPath(new URL("../examples", import.meta.url));
  const flows = (names: string[]): string[] =>
    names.filter((name) => name.endsWith(".ts") && name !== "model.ts").sort();
  const standard = flows(readdirSync(`${folder}/standard`)).map((name) => `standard/${name}`);
  return [...flows(readdirSync(folder)), ...standard];
}

/** Runs one example on the local model. @returns what it printed and its exit code */
export function runExample(
  file: string,
  args: readonly string[] = [],
  input = "",
): { status: number | null; stdout: string; stderr: string } {
  const root = fileURLToPath(new URL("..", import.meta.url));
  const keys = ["OPENAI_API_KEY", "OPENAI_BASE_URL", "ANTHROPIC_API_KEY"];
  const env = Object.fromEntries(Object.entries(process.env).filter(([name]) => !keys.includes(name)));
  return spawnSync(`${root}node_modules/.bin/ts-node`, [`${root}examples/${file}`, ...args], {
    cwd: root,
    env,
    encoding: "utf8",
    timeout: 120_000,
    ...(input === "" ? { stdio: ["ignore", "pipe", "pipe"] as const } : { input }),
  });
}

if (process.argv[1] === fileURLToPath(import.meta.url)) {
  for (const file of exampleFiles()) {
    const { status, stdout, stderr } = runExample(file);
    console.log(`${status === 0 ? "ok  " : "FAIL"} examples/${file}`);
    if (status !== 0) {
      console.error(stdout, stderr);
      process.exit(1);
    }
  }
}
