import type { StoreFilter } from "@sluice/core";
import type { StoreCheck } from "./store-check.ts";
import { entries, entry, fails, follow, founding, same, take } from "./stored.ts";

const ids = async (listed: PromiseLike<readonly { executionId: string }[]>): Promise<string[]> =>
  (await listed).map(({ executionId }) => executionId);

/** What `read`, `checkpoint`, `graph` and `list` promise. */
export const readCases: readonly StoreCheck[] = [
  {
    name: "a part of the entries can be read: after a number, up to a number, at most so many",
    check: async ({ open }) => {
      const store = await open();
      await take(store, founding("a", { entries: entries(1, 3) }), founding("b", { entries: entries(1, 20) }));
      await take(store, follow("a", 4));
      await take(store, follow("a", 5, { entries: entries(5, 10) }));
      for (let after = 0; after <= 11; after += 1) {
        for (let upTo = after; upTo <= 11; upTo += 1) {
          const range = { after, upTo };
          const expected = entries(after + 1, Math.min(upTo, 10));
          same(await store.read("a", range), expected, `the entries after ${after}, up to ${upTo}`);
        }
      }
      same(await store.read("a", { after: 10 }), [], "the entries after the last");
      same(await store.read("a", { limit: 4 }), entries(1, 4), "the first four");
      same(await store.read("a", { after: 3, limit: 2 }), entries(4, 5), "two after the third");
      same(await store.read("a", { after: 2, upTo: 4, limit: 5 }), entries(3, 4), "those up to the fourth");
      same(await store.read("a", { limit: 0 }), [], "no entries");
      same(await store.read("a", { upTo: 0 }), [], "the entries before the first");
      same(await store.read("a", { after: 5, upTo: 3 }), [], "the entries of a range that ends before it begins");
    },
  },
  {
    name: "an execution that is not stored has no entries, no checkpoint and no answers",
    check: async ({ open }) => {
      const store = await open();
      same(await store.read("a"), [], "the entries");
      same(await store.read("a", { after: 5 }), [], "the entries after the fifth");
      same(await store.checkpoint("a"), undefined, "the checkpoint");
      same(await store.answers("a"), [], "the answers");
    },
  },
  {
    name: "10,000 entries of many appends are read in order, whole and page by page",
    check: async ({ open }) => {
      const store = await open();
      await take(store, founding("a"));
      for (let first = 2; first <= 10_000;) {
        const last = Math.min(10_000, first + (first % 37));
        await take(store, follow("a", first, { entries: entries(first, last) }));
        first = last + 1;
      }
      const all = entries(1, 10_000);
      same(await store.read("a"), all, "the entries");
      const paged: string[] = [];
      for (;;) {
        const page = await store.read("a", { after: paged.length, limit: 999 });
        if (page.length === 0) break;
        paged.push(...page);
      }
      same(paged, all, "the pages");
    },
  },
  {
    name: "what is read does not change with what is stored later",
    check: async ({ open }) => {
      const store = await open();
      await take(store, founding("a"));
      const [texts, execution, list] = [await store.read("a"), await store.find("a"), await store.list()];
      await take(store, follow("a", 2, { status: "waiting" }), founding("b"));
      same(texts, [entry(1)], "the entries that were read");
      same([execution?.lastSeq, execution?.status], [1, "running"], "what was found");
      same(
        list.map(({ lastSeq }) => lastSeq),
        [1],
        "what was listed",
      );
    },
  },
  {
    name: "a checkpoint replaces the one before it, and stays while none comes",
    check: async ({ open }) => {
      const store = await open();
      await take(store, founding("a"), founding("b"));
      same(await store.checkpoint("a"), undefined, "the checkpoint before there is one");
      await take(store, follow("a", 2, { checkpoint: { seq: 2, text: '{"n":1}' } }));
      same(await store.checkpoint("a"), { seq: 2, text: '{"n":1}' }, "the first checkpoint");
      await take(store, follow("a", 3));
      same(await store.checkpoint("a"), { seq: 2, text: '{"n":1}' }, "the first checkpoint, an append later");
      await take(store, follow("a", 4, { checkpoint: { seq: 4, text: '{"n":"ü\u2028"}' } }));
      same(await store.checkpoint("a"), { seq: 4, text: '{"n":"ü\u2028"}' }, "the second checkpoint");
      same(await store.checkpoint("b"), undefined, "the checkpoint of another execution");
      same(await store.read("a"), entries(1, 4), "the entries, which a checkpoint leaves alone");
    },
  },
  {
    name: "an execution can be founded with a checkpoint",
    check: async ({ open }) => {
      const store = await open();
      await take(store, founding("a", { checkpoint: { seq: 1, text: "{}" } }));
      same(await store.checkpoint("a"), { seq: 1, text: "{}" }, "the checkpoint");
    },
  },
  {
    name: "graphs are found by their hash, also those that executions share",
    check: async ({ open }) => {
      const store = await open();
      const [one, other] = ['{"flow":"one"}', '{"flow":"other"}'];
      await take(
        store,
        founding("a", { founding: { flow: "one", graphHash: "h1", graph: one } }),
        founding("b", { founding: { flow: "other", graphHash: "h2", graph: other } }),
        founding("c", { founding: { flow: "one", graphHash: "h1", graph: one } }),
      );
      await take(store, founding("d", { founding: { flow: "one", graphHash: "h1", graph: one } }));
      same(await store.graph("h1"), one, "the graph that three share");
      same(await store.graph("h2"), other, "the graph of one");
      same(await store.graph("h3"), undefined, "a graph that is not stored");
      same((await store.find("c"))?.graphHash, "h1", "the hash of an execution");
    },
  },
  {
    name: "executions are listed in the order of their founding, by flow and status",
    check: async ({ open }) => {
      const store = await open();
      const of = (flow: string) => ({ founding: { flow, graphHash: flow, graph: "{}" } });
      await take(store, founding("z", { ...of("one"), at: 9000 }), founding("b", { ...of("other"), at: 50 }));
      await take(store, founding("m", { ...of("one"), status: "waiting", at: 100 }));
      await take(store, founding("a", { ...of("one"), status: "failed", at: 70 }));
      await take(store, follow("b", 2, { status: "completed" }), follow("z", 2));
      const cases: readonly (readonly [StoreFilter | undefined, readonly string[]])[] = [
        [undefined, ["z", "b", "m", "a"]],
        [{}, ["z", "b", "m", "a"]],
        [{ flow: "one" }, ["z", "m", "a"]],
        [{ flow: "none" }, []],
        [{ status: ["running", "waiting"] }, ["z", "m"]],
        [{ status: ["completed"] }, ["b"]],
        [{ status: [] }, []],
        [{ flow: "one", status: ["failed", "completed"] }, ["a"]],
        [{ limit: 2 }, ["z", "b"]],
        [{ limit: 0 }, []],
        [{ after: "b" }, ["m", "a"]],
        [{ after: "z", flow: "one", limit: 1 }, ["m"]],
        [{ after: "b", flow: "one", status: ["failed"] }, ["a"]],
        [{ after: "a" }, []],
      ];
      for (const [filter, expected] of cases) {
        same(await ids(Promise.resolve(store.list(filter))), expected, `list(${JSON.stringify(filter)})`);
      }
      same(await store.list({ after: "b", limit: 1 }), [await store.find("m")], "what is listed and what is found");
    },
  },
  {
    name: "a list has 100 executions where no limit is given, and goes on page by page",
    check: async ({ open }) => {
      const store = await open();
      const all = Array.from({ length: 250 }, (_, index) => `e${(index * 7919) % 1000}`);
      await take(store, ...all.map((executionId) => founding(executionId)));
      const listed: string[] = [];
      const sizes: number[] = [];
      for (;;) {
        const after = listed.at(-1);
        const page = await ids(Promise.resolve(store.list(after === undefined ? {} : { after })));
        if (page.length === 0) break;
        sizes.push(page.length);
        listed.push(...page);
      }
      same(sizes, [100, 100, 50], "the sizes of the pages");
      same(listed, all, "the pages");
    },
  },
  {
    name: "a list that is to go on after an execution that is not stored fails",
    check: async ({ open }) => {
      const store = await open();
      await take(store, founding("a"));
      await fails(() => store.list({ after: "gone" }), "list");
    },
  },
];
