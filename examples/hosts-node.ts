// A server of node:http, which puts its work away when it is told to go.
import { createServer } from "node:http";
import { getRequestListener } from "@hono/node-server";
import { memoryStore } from "@sluice/core";
import { createHandler } from "@sluice/server";
import { Letter } from "./hosts/letter.ts";
import { visit } from "./hosts/visitor.ts";

const store = memoryStore(); // sqliteStore("letters.db") keeps them when the process ends

const handler = createHandler({ flows: [Letter], store, development: true });
await handler.recover(); // what the last process has put away goes on
const server = createServer(getRequestListener(handler));
server.listen(process.stdin.isTTY ? 3000 : 0, "127.0.0.1", () => void listening());

process.once("SIGTERM", async () => {
  server.close(); // no connection more
  await handler.close(); // streams end, requests finish, executions are put away
  server.closeAllConnections(); // those that clients keep for later
  console.log("closed");
});

async function listening(): Promise<void> {
  const { port } = server.address() as { readonly port: number };
  console.log(`listening${process.stdin.isTTY ? ` at http://127.0.0.1:${port}` : ""}`);
  if (process.stdin.isTTY) return;
  await visit(`http://127.0.0.1:${port}`);
  process.kill(process.pid, "SIGTERM");
}
