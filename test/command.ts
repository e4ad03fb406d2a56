import { spawn } from "node:child_process";
import { cpSync, mkdirSync, mkdtempSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { dirname, join } from "node:path";
import { fileURLToPath } from "node:url";
import { type OpenTerminal, openTerminal } from "./terminal.ts";

const root = fileURLToPath(new URL("..", import.meta.url));

/** The file that `sluice` runs. */
export const bin = join(root, "packages/cli/src/bin.ts");

/** What a command has left. */
export interface Done {
  readonly code: number | null;
  readonly stdout: string;
  readonly stderr: string;
}

/** What a command is given. */
export interface DoneOptions {
  /** Comes from standard input. */
  readonly input?: string;
  readonly env?: Readonly<Record<string, string>>;
}

/** A folder outside of the repository in which `sluice` is run. */
export interface Folder {
  readonly path: string;
  readonly write: (file: string, text: string) => void;
  /** Runs the command to its end, piped. */
  readonly sluice: (args: readonly string[], options?: DoneOptions) => Promise<Done>;
  /** Runs the command in a terminal. */
  readonly terminal: (args: readonly string[], env?: Readonly<Record<string, string>>) => OpenTerminal;
  readonly remove: () => void;
}

/** Makes an empty folder, or one with the project that `sluice init` writes. */
export function makeFolder({ withProject = false } = {}): Folder {
  const path = mkdtempSync(join(tmpdir(), "sluice-cli-"));
  if (withProject) {
    for (const file of ["flow.ts", "model.ts", "note.json", "tsconfig.json"]) {
      cpSync(join(root, "packages/cli/template", file), join(path, file));
    }
  }
  const terminals: OpenTerminal[] = [];
  return {
    path,
    write(file, text) {
      mkdirSync(dirname(join(path, file)), { recursive: true });
      writeFileSync(join(path, file), text);
    },
    sluice: (args, options = {}) => done(path, args, options),
    terminal(args, env = {}) {
      const terminal = openTerminal(process.execPath, [bin, ...args], { cwd: path, env });
      terminals.push(terminal);
      return terminal;
    },
    remove() {
      for (const terminal of terminals) terminal.kill();
      rmSync(path, { recursive: true, force: true });
    },
  };
}

function done(cwd: string, args: readonly string[], { input, env: more }: DoneOptions): Promise<Done> {
  const env = {
    ...process.env,
    MODEL_PAUSE_MS: "0",
    SLUICE_STORE: undefined,
    NO_COLOR: undefined,
    FORCE_COLOR: undefined,
    ...more,
  };
  const child = spawn(process.execPath, [bin, ...args], { cwd, env, timeout: 60_000 });
  let [stdout, stderr] = ["", ""];
  child.stdout.setEncoding("utf8").on("data", (text: string) => (stdout += text));
  child.stderr.setEncoding("utf8").on("data", (text: string) => (stderr += text));
  child.stdin.on("error", () => {}); // it may end without having read
  child.stdin.end(input);
  return new Promise((resolve, reject) => {
    child.on("error", reject);
    child.on("close", (code) => resolve({ code, stdout, stderr }));
  });
}
