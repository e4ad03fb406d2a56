import { createServer } from "node:http";
import { getRequestListener } from "@hono/node-server";
import { toUIMessageStream } from "@sluice/ai";
import { type Store, memoryStore } from "@sluice/core";
import { chatRoutes, createHandler } from "@sluice/server";
import type { LanguageModel } from "ai";
import { Desk } from "./desk.ts";
import { pageFile } from "./page-file.ts";

/** A chat that can be opened. */
export interface ServedChat extends AsyncDisposable {
  readonly url: string;
}

/** Serves the page at `/`, and the flow at `/api`. @param port 0 for one that is free */
export async function serveChat(model: LanguageModel, port = 0, store: Store = memoryStore()): Promise<ServedChat> {
  const chat = chatRoutes({
    flow: Desk,
    input: ({ text }) => ({ ticket: text }),
    toStream: (execution, show) =>
      toUIMessageStream(execution, {
        ...show,
        question: () => "approval",
        field: ({ path }) => (path === "reply" ? "text" : path === "" ? "none" : "data"),
      }),
  });
  const handler = createHandler({
    basePath: "/api",
    flows: [{ flow: Desk, create: () => new Desk(model) }],
    store,
    routes: [chat],
    development: true, // everybody may do everything
  });

  const answer = (request: Request): Promise<Response> =>
    new URL(request.url).pathname.startsWith("/api/") ? handler(request) : pageFile(request);
  const server = createServer(getRequestListener(answer));
  await new Promise<void>((resolve) => void server.listen(port, "127.0.0.1", resolve));
  const { port: given } = server.address() as { readonly port: number };
  return {
    url: `http://127.0.0.1:${given}`,
    [Symbol.asyncDispose]: async () => {
      await handler.close();
      server.closeAllConnections();
      await new Promise((resolve) => void server.close(resolve));
    },
  };
}
