import type { StoredAnswer } from "@sluice/core";
import type { StoreCheck } from "./store-check.ts";
import { claimed, follow, founding, same, take } from "./stored.ts";

const yes: StoredAnswer = { executionId: "a", interrupt: "q1", answer: '{"approved":true}', requestId: "r1" };

/** What `putAnswer` and `answers` promise. */
export const answerCases: readonly StoreCheck[] = [
  {
    name: "answers wait for their execution in the order of their coming",
    check: async ({ open }) => {
      const store = await open();
      await take(store, founding("a", { status: "waiting" }), founding("b", { status: "waiting" }));
      const second = { executionId: "a", interrupt: "a-question", answer: '"später\u2028"' };
      const others = { executionId: "b", interrupt: "q1", answer: "1" };
      same(await store.putAnswer(yes), true, "the first answer");
      same(await store.putAnswer(others), true, "an answer to another execution's question of the same id");
      same(await store.putAnswer(second), true, "an answer to another question");
      same(await store.answers("a"), [yes, second], "the answers");
      same(await store.answers("a"), [yes, second], "the answers, read again");
      same(await store.answers("b"), [others], "the other execution's answers");
    },
  },
  {
    name: "the first answer to a question stays, and the same again is harmless",
    check: async ({ open }) => {
      const store = await open();
      await take(store, founding("a", { status: "waiting" }));
      same(await store.putAnswer(yes), true, "the first answer");
      same(await store.putAnswer(yes), true, "the same answer");
      same(await store.putAnswer({ ...yes, answer: '{"approved":false}' }), false, "another answer");
      same(await store.putAnswer({ ...yes, requestId: "r2" }), false, "the answer of another request");
      const { requestId: _, ...unnamed } = yes;
      same(await store.putAnswer(unnamed), false, "an answer of no request");
      same(await store.answers("a"), [yes], "the answers");
    },
  },
  {
    name: "an answer without a request is the same again without one",
    check: async ({ open }) => {
      const store = await open();
      await take(store, founding("a", { status: "waiting" }));
      const { requestId: _, ...unnamed } = yes;
      same(await store.putAnswer(unnamed), true, "the first answer");
      same(await store.putAnswer(unnamed), true, "the same answer");
      same(await store.putAnswer(yes), false, "the answer of a request");
      same(await store.answers("a"), [unnamed], "the answers");
    },
  },
  {
    name: "an append forgets the answers that it names, and no others",
    check: async ({ open }) => {
      const store = await open();
      await take(store, founding("a", { status: "waiting" }), founding("b", { status: "waiting" }));
      const [second, others] = [
        { ...yes, interrupt: "q2" },
        { ...yes, executionId: "b" },
      ];
      for (const answer of [yes, second, others]) await store.putAnswer(answer);
      await take(store, follow("a", 2));
      same(await store.answers("a"), [yes, second], "the answers after an append that names none");
      await take(store, follow("a", 3, { answered: ["q1", "never put"] }));
      same(await store.answers("a"), [second], "the answers");
      same(await store.answers("b"), [others], "the other execution's answers");
      await take(store, follow("a", 4, { entries: [], answered: ["q2"] }));
      same(await store.answers("a"), [], "the answers in the end");
    },
  },
  {
    name: "a refused append forgets no answer, and neither does a claim",
    check: async ({ open }) => {
      const store = await open();
      await take(store, founding("a", { status: "waiting" }));
      await store.putAnswer(yes);
      await claimed(store, "a");
      await store.append([follow("a", 2, { answered: ["q1"] })]);
      same(await store.answers("a"), [yes], "the answers");
    },
  },
];
