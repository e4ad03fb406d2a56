import { mkdtemp, rm } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";

/** One way to run executions whose steps survive a crash: each is a chain of steps, and each step that is done is on the disk before the next one begins. */
export interface Durable {
  readonly name: string;
  /** How a step gets there: a sentence. */
  readonly how: string;
  /** Runs one execution. @returns the steps that it has counted */
  readonly execute: (id: string) => Promise<number>;
  /** How many records there are of an execution: at least one a step. */
  readonly stored: (id: string) => Promise<number>;
  readonly close: () => Promise<void>;
}

/**
 * @param folder of its own, on the disk that all of them use
 * @param steps of each execution
 * @throws Absent where it cannot be run
 */
export type Opening = (folder: string, steps: number) => Promise<Durable>;

/** What cannot be run on this machine; the message is a sentence that says why. */
export class Absent extends Error {}

/** Those that can be run here, and a sentence for each that cannot. */
export interface Opened {
  readonly durables: readonly Durable[];
  readonly absent: readonly string[];
  readonly close: () => Promise<void>;
}

/** Opens each in a temporary folder of its own: where `TMPDIR` says, or else where the system has them. */
export async function openAll(openings: readonly Opening[], steps: number): Promise<Opened> {
  const folders: string[] = [];
  const durables: Durable[] = [];
  const absent: string[] = [];
  const close = async (): Promise<void> => {
    for (const durable of durables) await durable.close();
    for (const folder of folders) await rm(folder, { recursive: true, force: true });
  };
  try {
    for (const open of openings) {
      const folder = await mkdtemp(join(tmpdir(), "sluice-bench-"));
      folders.push(folder);
      try {
        durables.push(await open(folder, steps));
      } catch (error) {
        if (!(error instanceof Absent)) throw error;
        absent.push(error.message);
      }
    }
  } catch (error) {
    await close();
    throw error;
  }
  return { durables, absent, close };
}

/**
 * What an optional package gives.
 *
 * @param load imports it, and what is native in it
 * @throws Absent where it is not installed, or was not built for this Node
 */
export async function optional<T>(name: string, load: () => Promise<T>): Promise<T> {
  try {
    return await load();
  } catch (error) {
    const { code, message } = error as NodeJS.ErrnoException; // of the loader's
    const isMissing = code === "ERR_MODULE_NOT_FOUND";
    const why = isMissing ? "its packages are not installed" : `its packages do not load: ${message.split("\n")[0]}`;
    throw new Absent(`${name} is not there, because ${why}.`);
  }
}
