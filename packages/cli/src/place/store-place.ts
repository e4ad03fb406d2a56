import { existsSync } from "node:fs";
import { setTimeout } from "node:timers/promises";
import { type Entry, type Store, errorData, isFinal, replayStored, storedEntries } from "@sluice/core";
import { sqliteStore } from "@sluice/sqlite";
import { Complaint, exitCodes } from "../complaint.ts";
import type { Details, EntriesOptions, Place } from "./place.ts";

/** How often a store is asked for new entries, in milliseconds: it does not tell of them by itself. */
const everyMs = 250;

/**
 * Executions in a SQLite file. Nobody's execution is taken over: who has it goes on with it.
 *
 * @param mayWrite answers are put into it
 * @throws Complaint where there is no such file
 */
export function storePlace(path: string, { mayWrite = false } = {}): Place {
  if (!existsSync(path)) {
    throw new Complaint({
      what: `There is no store ${path}`,
      mend: "Give --store the file that `sluice run … --store` has written",
      exitCode: exitCodes.usage,
    });
  }
  const store: Store = sqliteStore(path, { readOnly: !mayWrite });
  return {
    option: `--store ${path}`,
    list: async (filter) => store.list(filter),
    show: (executionId) => detailsOf(store, executionId),
    entries: (executionId, options) => entriesOf(store, executionId, options),
    async answer(executionId, question, answer) {
      const taken = await store.putAnswer({ executionId, interrupt: question, answer: JSON.stringify(answer) });
      if (taken) return "It is taken, and checked, when the execution goes on:";
      throw new Complaint({
        what: `Another answer to "${question}" waits in the store already`,
        where: executionId,
        mend: "Let the execution go on with it, with `sluice run … --resume`",
      });
    },
    moment: (executionId, seq) => replayStored(executionId, { store, upTo: seq }),
    close: async () => store.close(),
  };
}

async function detailsOf(store: Store, executionId: string): Promise<Details> {
  const moment = await replayStored(executionId, { store });
  const record = await store.find(executionId);
  const final = moment.entries.findLast((entry) => isFinal(entry));
  const waiting = moment.entries.findLast((entry) => entry.type === "flow:waiting" && entry.path.length === 1);
  const { status, state, position, entries } = moment;
  // children's questions stand where the execution waits
  const interrupts = status === "waiting" && waiting?.type === "flow:waiting" ? waiting.interrupts : moment.interrupts;
  return {
    ...record,
    executionId,
    status,
    state,
    interrupts,
    position,
    lastSeq: entries.length,
    ...("result" in moment && { result: moment.result as unknown }),
    ...(final?.type === "flow:failed" && { error: errorData(final.error) }),
  };
}

async function* entriesOf(
  store: Store,
  executionId: string,
  { after = 0, follow = false }: EntriesOptions = {},
): AsyncGenerator<Entry> {
  for (let had = after; ;) {
    const entries = await storedEntries(store, executionId, { after: had });
    yield* entries;
    had += entries.length;
    const last =
      entries.at(-1) ?? (had > 0 ? (await storedEntries(store, executionId, { after: had - 1 })).at(-1) : undefined);
    if (!follow || (last !== undefined && isFinal(last))) return;
    await setTimeout(everyMs);
  }
}
