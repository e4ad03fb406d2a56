import { type Durable, optional } from "./durable.ts";
import { startPostgres } from "./postgres.ts";
import { steps as step } from "./step.ts";

const name = "DBOS, PostgreSQL";

/** A workflow for each execution, a step of it for each step, in a database of its own. */
export async function dbosPostgres(folder: string, steps: number): Promise<Durable> {
  const { DBOS } = await optional(name, () => import("@dbos-inc/dbos-sdk"));
  const server = await startPostgres(name, folder);
  const chain = DBOS.registerWorkflow(
    async () => {
      let n = 0;
      while (n < steps) n = await DBOS.runStep(() => step.asynchronous(n), { name: "step" });
      return n;
    },
    { name: "chain" },
  );
  DBOS.setConfig({
    name: "bench",
    systemDatabaseUrl: `${server.url}/bench`,
    systemDatabasePoolSize: 32, // a connection for each execution at once
    logLevel: "error",
  });
  await DBOS.launch();
  return {
    name,
    how: `${name}: PostgreSQL ${server.version} as it comes, with \`fsync\` and \`synchronous_commit\` on, and 32 connections; a step is a row, and a commit.`,
    execute: (id) => DBOS.withNextWorkflowID(id, chain),
    stored: async (id) => (await DBOS.listWorkflowSteps(id))?.length ?? 0,
    close: async () => {
      await DBOS.shutdown();
      await server.close();
    },
  };
}
