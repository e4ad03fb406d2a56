// Flows under /api of a Fastify app, beside routes of its own.
import { getRequestListener } from "@hono/node-server";
import { memoryStore } from "@sluice/core";
import { createHandler } from "@sluice/server";
import Fastify from "fastify";
import { Letter } from "./hosts/letter.ts";
import { visit } from "./hosts/visitor.ts";

const handler = createHandler({ flows: [Letter], store: memoryStore(), basePath: "/api", development: true });
const listener = getRequestListener(handler);
const app = Fastify();
app.register(async (api) => {
  api.removeAllContentTypeParsers();
  api.addContentTypeParser("*", (_request, _body, done) => done(null)); // the handler reads bodies itself
  api.all("/api/*", (request, reply) => {
    reply.hijack();
    void listener(request.raw, reply.raw);
  });
});
app.addHook("preClose", () => handler.close());
app.post<{ Body: { name: string } }>("/hello", ({ body }) => ({ hello: body.name }));

const url = await app.listen({ port: process.stdin.isTTY ? 3000 : 0, host: "127.0.0.1" });
if (process.stdin.isTTY) console.log(`${url}/api/flows`);
else {
  await visit(`${url}/api`);
  await app.close();
}
