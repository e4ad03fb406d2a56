import { closeSync, fsyncSync, openSync, readFileSync, writeSync } from "node:fs";
import { join } from "node:path";
import type { Durable, Opening } from "./durable.ts";
import { steps as step } from "./step.ts";

/** The name under which it stands in the tables. */
export const byHand = "write and fsync by hand";

/**
 * Appends a record a step to a file. All that is there when the event loop comes round shares one fsync; one execution
 * alone has an fsync a step, and nothing else.
 *
 * @param bytes of a record
 */
export function handWritten(bytes: number): Opening {
  return async (folder, steps): Promise<Durable> => {
    const path = join(folder, "steps.log");
    const file = openSync(path, "a");
    let records: string[] = [];
    let waiting: (() => void)[] = [];
    const commit = (): void => {
      writeSync(file, records.join(""));
      fsyncSync(file);
      const done = waiting;
      records = [];
      waiting = [];
      for (const wake of done) wake();
    };
    const write = (id: string): Promise<void> =>
      new Promise((resolve) => {
        records.push(`${id.padEnd(bytes - 1, " ")}\n`);
        if (waiting.push(resolve) === 1) setImmediate(commit);
      });
    return {
      name: byHand,
      how: `${byHand}: ${bytes} bytes a step, as many as Sluice's entries of a chunk have; steps that are done at the same time share an fsync.`,
      execute: async (id) => {
        let n = 0;
        while (n < steps) {
          n = await step.asynchronous(n);
          await write(id);
        }
        return n;
      },
      stored: async (id) => readFileSync(path, "utf8").split(id).length - 1,
      close: async () => closeSync(file),
    };
  };
}
