// What stands in app/api/[...path]/route.ts of a Next app; a client calls it here as Next does.
import { memoryStore } from "@sluice/core";
import { type Handler, createHandler } from "@sluice/server";
import { Letter } from "./hosts/letter.ts";
import { visit } from "./hosts/visitor.ts";

const kept = globalThis as { letters?: Handler }; // in development Next loads a changed file again, and executions go on
const handler = (kept.letters ??= createHandler({
  flows: [Letter],
  store: memoryStore(),
  basePath: "/api",
  development: process.env["NODE_ENV"] !== "production",
}));

export const runtime = "nodejs";
export const dynamic = "force-dynamic";
export const GET = (request: Request) => handler(request);
export const POST = (request: Request) => handler(request);

const route = { GET, POST };
await visit("http://localhost/api", (url, init = {}) =>
  route[init.method === "POST" ? "POST" : "GET"](new Request(url, init)),
);
await handler.close();
