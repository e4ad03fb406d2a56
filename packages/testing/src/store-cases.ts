import type { Awaitable, Store } from "@sluice/core";
import { answerCases } from "./store-answer-cases.ts";
import { appendCases } from "./store-append-cases.ts";
import type { StoreMaker } from "./store-check.ts";
import { ownerCases } from "./store-owner-cases.ts";
import { readCases } from "./store-read-cases.ts";
import { reopenCases } from "./store-reopen-cases.ts";
import { retentionCases } from "./store-retention-cases.ts";

/** One sentence of what a store promises. */
export interface StoreCase {
  /** The sentence, for the test's name. */
  readonly name: string;
  /** Rejects where the sentence does not hold, and says what was expected. Opens stores of its own, and closes them. */
  readonly run: () => Promise<void>;
}

/**
 * What every store promises, case by case, for any test runner: `for (const { name, run } of storeCases({ open })) test(name, run)`.
 * All of it takes about a second with a store in memory.
 */
export function storeCases({ open, reopen }: StoreMaker): readonly StoreCase[] {
  const checks = [...appendCases, ...readCases, ...ownerCases, ...answerCases, ...retentionCases];
  return [...checks, ...(reopen === undefined ? [] : reopenCases)].map(({ name, check }) => ({
    name,
    run: async () => {
      const opened = new Set<Store>();
      const keep = async (store: Awaitable<Store>): Promise<Store> => {
        opened.add(await store);
        return store;
      };
      const stores = {
        open: async () => keep(open()),
        reopen: async (store: Store) => keep((reopen ?? open)(store)),
      };
      try {
        await check(stores);
      } finally {
        for (const store of opened) await store.close();
      }
    },
  }));
}
