import { type ChildProcess, spawn } from "node:child_process";
import { once } from "node:events";
import { join } from "node:path";
import { fileURLToPath } from "node:url";
import { rolldown } from "rolldown";

/** A server in a process of its own, which can be killed and comes again at the same port with the same file. */
export class MortalServer {
  readonly #folder: string;
  #port = 0;
  #process: ChildProcess | undefined;
  #up: Promise<void> = Promise.resolve();

  /** @param folder where its file is */
  constructor(folder: string) {
    this.#folder = folder;
  }

  get url(): string {
    return `http://127.0.0.1:${this.#port}`;
  }

  /** Settles when it can be reached. */
  readonly up = (): Promise<void> => this.#up;

  async start(): Promise<void> {
    const file = join(this.#folder, "worker.mjs");
    const input = fileURLToPath(new URL("worker.ts", import.meta.url));
    await using bundle = await rolldown({ input, platform: "node" });
    await bundle.write({ file, format: "esm", codeSplitting: false });
    await (this.#up = this.#begin());
  }

  /** Kills its process with SIGKILL, as soon as it is there; another one takes its place. */
  kill(): Promise<void> {
    this.#up = this.#up.then(() => this.stop()).then(() => this.#begin());
    return this.#up;
  }

  async stop(): Promise<void> {
    const old = this.#process;
    this.#process = undefined;
    if (old === undefined || old.exitCode !== null || old.signalCode !== null) return;
    const gone = once(old, "exit");
    old.kill("SIGKILL");
    await gone;
  }

  async #begin(): Promise<void> {
    const settings = JSON.stringify({ port: this.#port, path: join(this.#folder, "executions.db") });
    const begun = spawn(process.execPath, [join(this.#folder, "worker.mjs"), settings], {
      stdio: ["ignore", "pipe", "inherit"],
    });
    this.#process = begun;
    const [port] = (await Promise.race([
      once(begun.stdout, "data"),
      once(begun, "exit").then(([code]) => {
        throw new Error(`The server's process has ended with ${code}: see above`);
      }),
    ])) as [Buffer];
    this.#port = Number(port.toString());
  }
}
