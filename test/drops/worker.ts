// The process of a server: `worker.ts '{"port":0,"path":"executions.db"}'`. It goes on with what is stored, and says at which port it listens.
import { createServer } from "node:http";
import { getRequestListener } from "@hono/node-server";
import { createHandler } from "@sluice/server";
import { sqliteStore } from "@sluice/sqlite";
import { relayOf } from "./relay.ts";

const { port, path } = JSON.parse(process.argv[2] ?? "{}") as { readonly port: number; readonly path: string };
const flow = relayOf(() => new Promise((resolve) => setTimeout(resolve, 2)));
const handler = createHandler({ flows: [flow], store: sqliteStore(path), development: true });
await handler.recover();
const server = createServer(getRequestListener(handler));
server.listen({ port, host: "127.0.0.1", backlog: 4_096 }, () => {
  const { port: given } = server.address() as { readonly port: number };
  process.stdout.write(`${given}\n`);
});
