// Flows under /api of an Express app, beside routes of its own.
import { getRequestListener } from "@hono/node-server";
import { memoryStore } from "@sluice/core";
import { createHandler } from "@sluice/server";
import express from "express";
import { Letter } from "./hosts/letter.ts";
import { visit } from "./hosts/visitor.ts";

const handler = createHandler({ flows: [Letter], store: memoryStore(), basePath: "/api", development: true });
const app = express();
app.all("/api/*path", getRequestListener(handler)); // before express.json(), which would read its bodies
app.use(express.json());
app.post("/hello", (request, response) => void response.json({ hello: request.body.name }));

const server = app.listen(process.stdin.isTTY ? 3000 : 0, "127.0.0.1", async () => {
  const { port } = server.address() as { readonly port: number };
  if (process.stdin.isTTY) return console.log(`http://127.0.0.1:${port}/api/flows`);
  await visit(`http://127.0.0.1:${port}/api`);
  server.close();
  await handler.close();
});
