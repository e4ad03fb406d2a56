import type { StoreCheck } from "./store-check.ts";
import { claimed, entries, follow, found, founding, same, take } from "./stored.ts";

/** What is promised by a store whose executions outlive it. */
export const reopenCases: readonly StoreCheck[] = [
  {
    name: "everything is there when the store is closed and opened again",
    check: async ({ open, reopen }) => {
      const store = await open();
      const forkedFrom = { executionId: "parent", seq: 7 };
      const founded = { flow: "triage", graphHash: "h", graph: '{"g":"ü"}', forkedFrom };
      const checkpoint = { seq: 3, text: '{"at":3}' };
      const answer = { executionId: "a", interrupt: "q", answer: "1", requestId: "r" };
      await take(store, founding("b"), founding("a", { founding: founded, entries: entries(1, 3) }));
      await take(store, follow("a", 4, { status: "waiting", at: 7000, checkpoint }));
      await store.putAnswer(answer);
      await claimed(store, "a");
      const before = await store.list();
      await store.close();
      const again = await reopen(store);
      same(await again.list(), before, "the list");
      same(await again.read("a"), entries(1, 4), "the entries");
      same(await again.checkpoint("a"), checkpoint, "the checkpoint");
      same(await again.graph("h"), '{"g":"ü"}', "the graph");
      same(await again.answers("a"), [answer], "the answers");
      same((await found(again, "a")).epoch, 2, "the epoch");
      await take(again, follow("a", 5, { epoch: 2 }), founding("c"));
      same(await again.read("a"), entries(1, 5), "the entries that follow");
      same(
        (await again.list()).map(({ executionId }) => executionId),
        ["b", "a", "c"],
        "the list then",
      );
    },
  },
  {
    name: "what is pruned is gone when the store is opened again",
    check: async ({ open, reopen }) => {
      const store = await open();
      await take(store, founding("a", { status: "completed" }), founding("b"));
      same(await store.prune({ olderThan: 10_000 }), 1, "how many are forgotten");
      await store.close();
      const again = await reopen(store);
      same(
        (await again.list()).map(({ executionId }) => executionId),
        ["b"],
        "the list",
      );
      same(await again.read("a"), [], "the entries");
    },
  },
  {
    name: "what one store has taken another on the same data sees at once",
    check: async ({ open, reopen }) => {
      const store = await open();
      const other = await reopen(store);
      await take(store, founding("a"));
      same(await other.read("a"), entries(1, 1), "the entries");
      await store.putAnswer({ executionId: "a", interrupt: "q", answer: "1" });
      same((await other.answers("a")).length, 1, "how many answers wait");
      await take(other, follow("a", 2));
      same(await store.read("a"), entries(1, 2), "the entries that the other has added");
    },
  },
  {
    name: "a claim by another store keeps the first owner out",
    check: async ({ open, reopen }) => {
      const store = await open();
      const other = await reopen(store);
      await take(store, founding("a"), founding("b"));
      const stored = await claimed(other, "a");
      const refused = await store.append([follow("a", 2), follow("b", 2)]);
      same(refused, [{ executionId: "a", because: "claimed", stored }], "what is refused");
      same(await store.read("b"), entries(1, 2), "the entries of what was not taken over");
      await take(other, follow("a", 2, { epoch: stored.epoch }));
      same(await store.read("a"), entries(1, 2), "the entries of the new owner");
    },
  },
  {
    name: "of two stores that found one execution the second is refused",
    check: async ({ open, reopen }) => {
      const store = await open();
      const other = await reopen(store);
      await take(store, founding("a"));
      const refused = await other.append([founding("a", { entries: ["{}"] })]);
      same(
        refused.map(({ because }) => because),
        ["exists"],
        "why it is refused",
      );
      same(await other.read("a"), entries(1, 1), "the entries");
    },
  },
];
