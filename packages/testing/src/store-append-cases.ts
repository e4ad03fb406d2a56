import type { Refused } from "@sluice/core";
import type { StoreCheck } from "./store-check.ts";
import { entries, entry, fails, follow, found, founding, same, take } from "./stored.ts";

/** What `append` and `find` promise. */
export const appendCases: readonly StoreCheck[] = [
  {
    name: "the first append founds an execution, and find tells of it",
    check: async ({ open }) => {
      const store = await open();
      const forkedFrom = { executionId: "parent", seq: 12 };
      const founded = { flow: "triage", graphHash: "hash-1", graph: "{}", forkedFrom };
      await take(store, founding("a", { at: 5000, founding: founded }));
      const told = { flow: "triage", graphHash: "hash-1", status: "running", epoch: 1, lastSeq: 1, forkedFrom };
      const expected = { executionId: "a", ...told, startedAt: 5000, updatedAt: 5000 };
      same(await store.find("a"), expected, "what find gives");
      same(await store.find("b"), undefined, "what find gives of an execution that is not stored");
    },
  },
  {
    name: "an append moves the status, the last number and the time; the founding's stay",
    check: async ({ open }) => {
      const store = await open();
      await take(store, founding("a", { at: 5000 }));
      await take(store, follow("a", 2, { entries: entries(2, 4), status: "waiting", at: 6000 }));
      const { status, lastSeq, startedAt, updatedAt, epoch, flow } = await found(store, "a");
      const expected = { status: "waiting", lastSeq: 4, startedAt: 5000, updatedAt: 6000, epoch: 1, flow: "triage" };
      same({ status, lastSeq, startedAt, updatedAt, epoch, flow }, expected, "what find gives");
    },
  },
  {
    name: "every status is kept as it is given",
    check: async ({ open }) => {
      const store = await open();
      for (const status of ["running", "waiting", "completed", "failed", "timeout", "cancelled"] as const) {
        await take(store, founding(status, { status }));
        same((await found(store, status)).status, status, "the status");
      }
    },
  },
  {
    name: "appends of several executions are stored in one call",
    check: async ({ open }) => {
      const store = await open();
      await take(store, founding("a"), founding("b"), founding("c"));
      await take(store, follow("c", 2), follow("a", 2, { entries: entries(2, 5) }));
      same(await store.read("a"), entries(1, 5), "the entries of a");
      same(await store.read("b"), entries(1, 1), "the entries of b");
      same(await store.read("c"), entries(1, 2), "the entries of c");
    },
  },
  {
    name: "one refused append stores nothing of its own, and the others are stored",
    check: async ({ open }) => {
      const store = await open();
      await take(store, founding("a"), founding("b"), founding("c"));
      const before = await found(store, "b");
      const wrong = follow("b", 3, { status: "failed", at: 9000, checkpoint: { seq: 3, text: "{}" } });
      const refused = await store.append([follow("a", 2), wrong, follow("c", 2)]);
      same(refused, [{ executionId: "b", because: "seq", stored: before }] satisfies Refused[], "what is refused");
      same(await store.read("b"), entries(1, 1), "the entries of what was refused");
      same(await store.find("b"), before, "what find gives of what was refused");
      same(await store.checkpoint("b"), undefined, "the checkpoint of what was refused");
      same(await store.read("a"), entries(1, 2), "the entries before it");
      same(await store.read("c"), entries(1, 2), "the entries behind it");
    },
  },
  {
    name: "an append that leaves a hole, or comes twice, is refused with `seq`",
    check: async ({ open }) => {
      const store = await open();
      await take(store, founding("a", { entries: entries(1, 2) }));
      const stored = await found(store, "a");
      for (const first of [1, 2, 4]) {
        const refused = await store.append([follow("a", first)]);
        same(refused, [{ executionId: "a", because: "seq", stored }], `what is refused at entry ${first}`);
      }
      same(await store.read("a"), entries(1, 2), "the entries");
    },
  },
  {
    name: "an execution is founded once: the second time is refused with `exists`",
    check: async ({ open }) => {
      const store = await open();
      await take(store, founding("a"));
      const stored = await found(store, "a");
      const refused = await store.append([founding("a", { entries: ["{}"], status: "failed" })]);
      same(refused, [{ executionId: "a", because: "exists", stored }], "what is refused");
      same(await store.read("a"), entries(1, 1), "the entries");
      same(await store.find("a"), stored, "what find gives");
    },
  },
  {
    name: "an append to an execution that is not stored is refused",
    check: async ({ open }) => {
      const store = await open();
      const refused = await store.append([follow("a", 1)]);
      same(refused, [{ executionId: "a", because: "claimed", stored: undefined }], "what is refused");
      same(await store.read("a"), [], "the entries");
    },
  },
  {
    name: "an append without entries stores the rest of it",
    check: async ({ open }) => {
      const store = await open();
      await take(store, founding("a"));
      const checkpoint = { seq: 1, text: '{"lanes":[]}' };
      await take(store, follow("a", 2, { entries: [], status: "waiting", at: 9999, checkpoint }));
      const { lastSeq, status, updatedAt } = await found(store, "a");
      const expected = { lastSeq: 1, status: "waiting", updatedAt: 1001 }; // the time of the last entry
      same({ lastSeq, status, updatedAt }, expected, "what find gives");
      same(await store.checkpoint("a"), checkpoint, "the checkpoint");
      await take(store, follow("a", 2));
      same(await store.read("a"), entries(1, 2), "the entries");
    },
  },
  {
    name: "an append of nothing is taken",
    check: async ({ open }) => {
      const store = await open();
      await take(store);
      same(await store.list(), [], "the list");
    },
  },
  {
    name: "a call that throws has stored nothing",
    check: async ({ open }) => {
      const store = await open();
      await take(store, founding("a"));
      const before = await found(store, "a");
      const broken = Object.defineProperty(founding("c"), "entries", {
        get: () => {
          throw new Error("these entries cannot be had");
        },
      });
      await fails(() => store.append([follow("a", 2), founding("b"), broken]), "append");
      same(await store.find("a"), before, "what find gives of an execution before it");
      same(await store.read("a"), entries(1, 1), "the entries of an execution before it");
      same((await store.list()).length, 1, "how many are stored");
      await take(store, follow("a", 2));
      same(await store.read("a"), entries(1, 2), "the entries that follow");
    },
  },
  {
    name: "many entries are taken at once",
    check: async ({ open }) => {
      const store = await open();
      await take(store, founding("a", { entries: entries(1, 200_000) }));
      same((await found(store, "a")).lastSeq, 200_000, "the last number");
      same(await store.read("a", { after: 199_998 }), entries(199_999, 200_000), "the last entries");
      same((await store.read("a")).length, 200_000, "how many are read");
    },
  },
  {
    name: "texts are given back as they came: large, in any script, with the line ends that JSON allows, and what it escapes",
    check: async ({ open }) => {
      const store = await open();
      const texts = [
        JSON.stringify({ large: "x".repeat(4_000_000) }),
        JSON.stringify({ text: "Größe, 漢字, 👩‍👩‍👧, \u2028 and \u2029, \u0085" }),
        JSON.stringify("NUL: \u0000 and behind it"),
        JSON.stringify("\ud800 half a pair, escaped"),
        '"\ufeff a mark at its beginning"',
        "\t",
        "",
        entry(8),
      ];
      const flow = "größe\u2028👩‍👩‍👧";
      const graph = JSON.stringify({ flow });
      await take(store, founding("ä\u2028", { entries: texts, founding: { flow, graphHash: "ü", graph } }));
      same(await store.read("ä\u2028"), texts, "the entries");
      same(await store.read("ä\u2028", { after: 2, limit: 1 }), texts.slice(2, 3), "the third entry");
      same((await found(store, "ä\u2028")).flow, flow, "the flow");
      same(await store.graph("ü"), graph, "the graph");
    },
  },
];
