import { SluiceError } from "@sluice/core";
import { Hono } from "hono";
import { cors } from "hono/cors";
import { secureHeaders } from "hono/secure-headers";
import { type SchedulerLike, asyncScheduler } from "rxjs";
import { type AccessOptions, admit } from "./access.ts";
import type { StreamOptions } from "./event-stream.ts";
import { executionRoutes } from "./execution-routes.ts";
import { flowRoutes } from "./flow-routes.ts";
import { Hosted, type HostedOptions } from "./hosted.ts";
import type { BodyLimits } from "./json-body.ts";
import { Refusal, problemOf, problemResponse } from "./problem.ts";
import { type ReadToken, type TokenOptions, readTokens } from "./read-tokens.ts";
import type { Routes, Served } from "./served.ts";

/** How flows are served. */
export interface HandlerOptions extends HostedOptions, AccessOptions {
  /** Where the handler is mounted, such as `/api`. @default "" */
  readonly basePath?: string;
  /** Origins whose pages may call it from a browser. @default none but its own */
  readonly origins?: readonly string[];
  readonly body?: BodyLimits;
  readonly stream?: StreamOptions;
  /** Makes read tokens, for browsers: their `EventSource` sends no headers. @default none are made or taken */
  readonly tokens?: TokenOptions;
  /** The clock of tokens and heartbeats. @default RxJS' `asyncScheduler` */
  readonly scheduler?: SchedulerLike;
  /** Routes beside its own, such as those of chat protocols. */
  readonly routes?: readonly Routes[];
  /** Hears of errors that are the server's own, of which a client is told nothing. @default `console.error` */
  readonly onError?: (error: unknown) => void;
}

/** A web-standard handler: give it a `Request`, get a `Response`. */
export interface Handler {
  (request: Request): Promise<Response>;
  /** Gives leave to read one execution and to watch it: for host code that knows who asks. @throws SluiceError `option-invalid` without `tokens` */
  readonly token: (executionId: string) => Promise<ReadToken>;
  /** Goes on with what the store has of these flows: to be called when the process starts. */
  readonly recover: Hosted["recover"];
  /** Lets no execution begin, ends all streams (clients know where to resume), and puts away what is stored; without a store, executions are cancelled. */
  readonly close: () => Promise<void>;
}

/**
 * Serves flows over HTTP: to start and list executions, to look at them, to watch them live, to bring in events and
 * answers, to cancel them. `docs/server.md` has the routes.
 *
 * @throws FlowDefinitionError when a flow has problems; SluiceError `option-invalid`
 */
export function createHandler(options: HandlerOptions): Handler {
  const { basePath = "", origins, body = {}, routes = [], onError = console.error } = options;
  const { scheduler = asyncScheduler } = options;
  const tokens = options.tokens && readTokens(options.tokens, scheduler);
  const hosted = new Hosted(options);
  const closing = new AbortController();
  const untils = new WeakMap<Request, number>();
  const admitted: Served["admit"] = async ({ req }, action, target) => {
    const until = await admit(options, tokens, req.raw, action, target);
    if (until !== undefined) untils.set(req.raw, until);
  };
  const served: Served = {
    hosted,
    basePath,
    body,
    stream: { scheduler, ...options.stream },
    closing: closing.signal,
    tokens,
    admit: admitted,
    watch: ({ req }) => ({ closing: closing.signal, until: untils.get(req.raw), end: () => {} }),
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
    app.use(cors({ origin: [...origins], allowHeaders: ["content-type", "authorization", "last-event-id"] }));
  for (const add of [flowRoutes, executionRoutes, ...routes]) add(app, served);
  app.notFound(() =>
    problemResponse({ status: 404, code: "route-unknown", title: "There is nothing at this address" }),
  );
  app.onError((error) => {
    const problem = problemOf(error);
    if (problem === undefined) onError(error);
    const headers = error instanceof Refusal ? error.headers : {};
    return problemResponse(problem ?? { status: 500, code: "server-failed", title: "The server has failed" }, headers);
  });

  const handle = async (request: Request): Promise<Response> => app.fetch(request);
  return Object.assign(handle, {
    token: async (executionId: string) => {
      if (tokens === undefined) throw withoutTokens();
      return tokens.give(executionId);
    },
    recover: () => hosted.recover(),
    close: async () => {
      closing.abort();
      await hosted.close();
    },
  });
}

function withoutTokens(): SluiceError {
  return new SluiceError("option-invalid", {
    what: "A token was asked for, and the handler makes none",
    where: "createHandler.tokens",
    mend: "Give createHandler `tokens: { secret }`",
  });
}
