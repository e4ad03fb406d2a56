import { Hono } from "hono";
import { cors } from "hono/cors";
import { secureHeaders } from "hono/secure-headers";
import { type AccessOptions, admit } from "./access.ts";
import type { StreamOptions } from "./event-stream.ts";
import { executionRoutes } from "./execution-routes.ts";
import { flowRoutes } from "./flow-routes.ts";
import { Hosted, type HostedOptions } from "./hosted.ts";
import type { BodyLimits } from "./json-body.ts";
import { problemOf, problemResponse } from "./problem.ts";
import type { Routes, Served } from "./served.ts";

/** How flows are served. */
export interface HandlerOptions extends HostedOptions, AccessOptions {
  /** Where the handler is mounted, such as `/api`. @default "" */
  readonly basePath?: string;
  /** Origins whose pages may call it from a browser. @default none but its own */
  readonly origins?: readonly string[];
  readonly body?: BodyLimits;
  readonly stream?: StreamOptions;
  /** Routes beside its own, such as those of chat protocols. */
  readonly routes?: readonly Routes[];
  /** Hears of errors that are the server's own, of which a client is told nothing. @default `console.error` */
  readonly onError?: (error: unknown) => void;
}

/** A web-standard handler: give it a `Request`, get a `Response`. */
export interface Handler {
  (request: Request): Promise<Response>;
  /** Goes on with what the store has of these flows: to be called when the process starts. */
  readonly recover: Hosted["recover"];
  /** Lets no execution begin, ends all streams (clients know where to resume), and puts away what is stored; without a store, executions are cancelled. */
  readonly close: () => Promise<void>;
}

/**
 * Serves flows over HTTP: to start and list executions, to look at them, to watch them live, to bring in events and
 * answers, to cancel them. `docs/server.md` has the routes.
 *
 * @throws FlowDefinitionError when a flow has problems
 */
export function createHandler(options: HandlerOptions): Handler {
  const { basePath = "", origins, body = {}, stream = {}, routes = [], onError = console.error } = options;
  const hosted = new Hosted(options);
  const closing = new AbortController();
  const admitted: Served["admit"] = (context, action, target) => admit(options, context.req.raw, action, target);
  const served: Served = {
    hosted,
    basePath,
    body,
    stream,
    closing: closing.signal,
    admit: admitted,
    execution: async (context, action, executionId = context.req.param("id") ?? "") => {
      const found = await hosted.find(executionId);
      await admitted(context, action, { executionId, ...(found !== undefined && { flow: found.flow }) });
      return hosted.get(found ?? { executionId, flow: "", status: "running" });
    },
  };

  const app = new Hono().basePath(basePath);
  app.use(
    secureHeaders({
      contentSecurityPolicy: { defaultSrc: ["'none'"], frameAncestors: ["'none'"] },
      crossOriginResourcePolicy: origins === undefined ? "same-origin" : "cross-origin",
    }),
  );
  if (origins !== undefined)
    app.use(
      cors({
        origin: [...origins],
        allowHeaders: ["content-type", "authorization", "last-event-id"],
        exposeHeaders: ["location", "x-workflow-run-id", "x-workflow-stream-tail-index"],
      }),
    );
  for (const add of [flowRoutes, executionRoutes, ...routes]) add(app, served);
  app.notFound(() =>
    problemResponse({ status: 404, code: "route-unknown", title: "There is nothing at this address" }),
  );
  app.onError((error) => {
    const problem = problemOf(error);
    if (problem === undefined) onError(error);
    return problemResponse(problem ?? { status: 500, code: "server-failed", title: "The server has failed" });
  });

  const handle = async (request: Request): Promise<Response> => app.fetch(request);
  return Object.assign(handle, {
    recover: () => hosted.recover(),
    close: async () => {
      closing.abort();
      await hosted.close();
    },
  });
}
