import type { ExecutionStatus } from "@sluice/core";
import type { StoreCheck } from "./store-check.ts";
import { entries, follow, founding, same, take } from "./stored.ts";

const ended = ["completed", "failed", "timeout", "cancelled"] as const satisfies readonly ExecutionStatus[];

/** What `prune` promises. */
export const retentionCases: readonly StoreCheck[] = [
  {
    name: "prune forgets those that ended before a moment, whatever their end, and none that goes on",
    check: async ({ open }) => {
      const store = await open();
      for (const status of [...ended, "running", "waiting"] as const) {
        await take(store, founding(`old-${status}`, { status, at: 1000 }));
        await take(store, founding(`new-${status}`, { status, at: 2000 }));
      }
      same(await store.prune({ olderThan: 1000 }), 0, "how many ended before the first");
      same(await store.prune({ olderThan: 2000 }), 4, "how many are forgotten");
      const left = (await store.list()).map(({ executionId }) => executionId);
      const news = ended.map((status) => `new-${status}`);
      same(left, [...news, "old-running", "new-running", "old-waiting", "new-waiting"], "what is left");
    },
  },
  {
    name: "what counts is when an execution ended, not when it began",
    check: async ({ open }) => {
      const store = await open();
      await take(store, founding("a", { at: 10 }));
      await take(store, follow("a", 2, { status: "completed", at: 5000 }));
      same(await store.prune({ olderThan: 5000 }), 0, "how many are forgotten");
      same(await store.prune({ olderThan: 5001 }), 1, "how many are forgotten a millisecond later");
    },
  },
  {
    name: "prune keeps so many of the newest ended ones",
    check: async ({ open }) => {
      const store = await open();
      const times = [300, 100, 500, 200, 400];
      await take(store, ...times.map((at) => founding(`at-${at}`, { status: "completed", at })));
      await take(store, founding("running", { at: 9000 }));
      same(await store.prune({ olderThan: 450, keep: 2 }), 3, "how many are forgotten");
      const left = (await store.list()).map(({ executionId }) => executionId);
      same(left, ["at-500", "at-400", "running"], "what is left");
      same(await store.prune({ olderThan: 9999, keep: 2 }), 0, "how many are forgotten then");
    },
  },
  {
    name: "of those that ended at one moment the last founded are the newest",
    check: async ({ open }) => {
      const store = await open();
      await take(store, ...["b", "c", "a"].map((id) => founding(id, { status: "failed", at: 100 })));
      same(await store.prune({ olderThan: 200, keep: 1 }), 2, "how many are forgotten");
      same(
        (await store.list()).map(({ executionId }) => executionId),
        ["a"],
        "what is left",
      );
    },
  },
  {
    name: "nothing stays of what is pruned, and its id is free again",
    check: async ({ open }) => {
      const store = await open();
      const checkpoint = { seq: 1, text: "{}" };
      const of = (graphHash: string) => ({ flow: "triage", graphHash, graph: `{"of":"${graphHash}"}` });
      await take(store, founding("a", { entries: entries(1, 5), checkpoint, founding: of("own") }));
      await take(store, founding("b", { founding: of("shared") }), founding("c", { founding: of("shared") }));
      await store.putAnswer({ executionId: "a", interrupt: "q", answer: "1" });
      await take(store, follow("a", 6, { status: "completed" }), follow("b", 2, { status: "completed" }));
      same(await store.prune({ olderThan: 10_000 }), 2, "how many are forgotten");
      same(await store.find("a"), undefined, "what find gives");
      same(await store.read("a"), [], "the entries");
      same(await store.checkpoint("a"), undefined, "the checkpoint");
      same(await store.answers("a"), [], "the answers");
      same(await store.claim("a"), undefined, "a claim");
      same(await store.graph("own"), undefined, "the graph that nothing else has");
      same(await store.graph("shared"), '{"of":"shared"}', "the graph that another execution has");
      same(await store.read("c"), entries(1, 1), "the entries of another execution");
      await take(store, founding("a"));
      same(await store.read("a"), entries(1, 1), "the entries of a new execution with that id");
      same(await store.checkpoint("a"), undefined, "its checkpoint");
      same(
        (await store.list()).map(({ executionId }) => executionId),
        ["c", "a"],
        "the list",
      );
    },
  },
];
