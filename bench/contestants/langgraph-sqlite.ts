import { join } from "node:path";
import { Annotation, END, START, StateGraph } from "@langchain/langgraph";
import { type Durable, optional } from "./durable.ts";
import { places } from "./places.ts";
import { steps as step } from "./step.ts";

const name = "LangGraph, SQLite";

/** A node for each step, a thread for each execution, and its own checkpointer on one file. */
export async function langgraphSqlite(folder: string, steps: number): Promise<Durable> {
  const checkpointer = await optional(name, async () => {
    const { SqliteSaver } = await import("@langchain/langgraph-checkpoint-sqlite");
    return SqliteSaver.fromConnString(join(folder, "checkpoints.db"));
  });
  const { db } = checkpointer;
  db.pragma("synchronous = FULL"); // without it, better-sqlite3 does not sync the commits of a database in WAL mode
  const names = places(steps).map((index) => `c${index}`);
  const State = Annotation.Root({ n: Annotation<number>() });
  const graph = new StateGraph(State)
    .addSequence(
      names.map((one): [string, (state: typeof State.State) => Promise<typeof State.State>] => [
        one,
        async ({ n }) => ({ n: await step.asynchronous(n) }),
      ]),
    )
    .addEdge(START, names[0] ?? END)
    .addEdge(names.at(-1) ?? START, END)
    .compile({ checkpointer });
  const count = (): ReturnType<typeof db.prepare> =>
    db.prepare("SELECT count(*) AS stored FROM checkpoints WHERE thread_id = ?");
  return {
    name,
    how: `${name}: \`durability: "sync"\`, WAL with \`synchronous = FULL\`; it commits the writes of a step and its checkpoint, each by itself.`,
    execute: async (id) => {
      const config = { configurable: { thread_id: id }, durability: "sync", recursionLimit: steps + 10 } as const;
      return (await graph.invoke({ n: 0 }, config)).n;
    },
    stored: async (id) => (count().get(id) as { readonly stored: number }).stored,
    close: async () => void db.close(),
  };
}
