import { mkdtempSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { load, run } from "../../packages/core/src/index.ts";
import { sqliteStore } from "../../packages/sqlite/src/index.ts";
import { waiting } from "./sluice-stored.ts";
import type { Waiter } from "./waiter.ts";

/** The name under which executions that were put away stand in the tables. */
export const sluiceReleased = "Sluice, released";

/** An execution each that waits for an answer in an SQLite file, and nowhere else: what is held is its number. */
export function waiter(): Waiter<number> {
  const store = sqliteStore(join(mkdtempSync(join(tmpdir(), "sluice-bench-")), "waiting.db"));
  let begun = 0;
  return {
    name: sluiceReleased,
    count: 1_000,
    begin: async () => {
      const id = (begun += 1);
      const execution = run(waiting, 0, { store, id: `${id}` });
      await execution.settled;
      await execution.release();
      return id;
    },
    wake: async (id, payload) => {
      const execution = await load(waiting, `${id}`, { store });
      execution.resume(execution.interrupts[0]?.id ?? "", payload);
      return execution.result;
    },
  };
}
