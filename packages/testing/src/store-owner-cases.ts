import type { StoreCheck } from "./store-check.ts";
import { claimed, entries, follow, found, founding, same, take } from "./stored.ts";

/** What `claim` promises, and what an epoch keeps out. */
export const ownerCases: readonly StoreCheck[] = [
  {
    name: "a claim raises the epoch and changes nothing else",
    check: async ({ open }) => {
      const store = await open();
      await take(store, founding("a", { status: "waiting" }), founding("b"));
      const before = await found(store, "a");
      same(await store.claim("a"), { ...before, epoch: 2 }, "what the first claim gives");
      same(await store.claim("a"), { ...before, epoch: 3 }, "what the second claim gives");
      same(await store.find("a"), { ...before, epoch: 3 }, "what find gives");
      same((await found(store, "b")).epoch, 1, "the epoch of another execution");
      same(await store.claim("c"), undefined, "a claim of an execution that is not stored");
    },
  },
  {
    name: "a stale owner's append is refused with `claimed`, and the new owner's is stored",
    check: async ({ open }) => {
      const store = await open();
      await take(store, founding("a"));
      const stored = await claimed(store, "a");
      const refused = await store.append([follow("a", 2, { status: "failed" })]);
      same(refused, [{ executionId: "a", because: "claimed", stored }], "what is refused");
      same(await store.read("a"), entries(1, 1), "the entries");
      await take(store, follow("a", 2, { epoch: stored.epoch }));
      same(await store.read("a"), entries(1, 2), "the entries of the new owner");
      const late = await store.append([follow("a", 3)]);
      same(
        late.map(({ because }) => because),
        ["claimed"],
        "why the stale owner is refused later",
      );
    },
  },
  {
    name: "an append with an epoch that nobody has claimed is refused",
    check: async ({ open }) => {
      const store = await open();
      await take(store, founding("a"));
      const refused = await store.append([follow("a", 2, { epoch: 2 })]);
      same(
        refused.map(({ because }) => because),
        ["claimed"],
        "why it is refused",
      );
    },
  },
  {
    name: "who is stale and has missed entries is told `claimed`, not `seq`",
    check: async ({ open }) => {
      const store = await open();
      await take(store, founding("a"));
      const { epoch } = await claimed(store, "a");
      await take(store, follow("a", 2, { epoch, entries: entries(2, 3) }));
      const refused = await store.append([follow("a", 2)]);
      same(
        refused.map(({ because }) => because),
        ["claimed"],
        "why it is refused",
      );
    },
  },
  {
    name: "a stale owner's append without entries is refused as well",
    check: async ({ open }) => {
      const store = await open();
      await take(store, founding("a"));
      await claimed(store, "a");
      const checkpoint = { seq: 1, text: "{}" };
      const refused = await store.append([follow("a", 2, { entries: [], status: "waiting", checkpoint })]);
      same(
        refused.map(({ because }) => because),
        ["claimed"],
        "why it is refused",
      );
      same((await found(store, "a")).status, "running", "the status");
      same(await store.checkpoint("a"), undefined, "the checkpoint");
    },
  },
];
