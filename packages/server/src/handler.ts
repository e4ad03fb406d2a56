import { SluiceError } from "@sluice/core";
import { Hono } from "hono";
import { methodNotAllowed } from "hono/method-not-allowed";
import { secureHeaders } from "hono/secure-headers";
import { asyncScheduler } from "rxjs";
import { type GateOptions, gateOf } from "./access/gate.ts";
import { EventStreams, type StreamOptions } from "./stream/event-stream.ts";
import { executionRoutes } from "./routes/execution-routes.ts";
import { flowRoutes } from "./routes/flow-routes.ts";
import { Hosted, type HostedOptions } from "./hosting/hosted.ts";
import type { BodyLimits } from "./request/json-body.ts";
import { maskedExecution } from "./access/masked-execution.ts";
import { type Description, type DescriptionOptions, describeRoutes } from "./routes/openapi.ts";
import { allowOrigins } from "./request/origins.ts";
import { Refusal, problemOf, problemResponse } from "./request/problem.ts";
import { type ReadToken, type TokenOptions, readTokens } from "./access/read-tokens.ts";
import type { Routes, Served } from "./routes/served.ts";
import { within } from "./request/within.ts";

/** How flows are served. */
export interface HandlerOptions extends HostedOptions, GateOptions {
  /** Where the handler is mounted, such as `/api`. @default "" */
  readonly basePath?: string;
  /** Origins whose pages may call it from a browser. @default none but its own */
  readonly origins?: readonly string[];
  readonly body?: BodyLimits;
  /** Whether clients are told what chunks, models and stores have thrown, in their own words. @default in development only */
  readonly showErrors?: boolean;
  readonly stream?: StreamOptions;
  /** What the OpenAPI description of the routes says of the server. */
  readonly description?: DescriptionOptions;
  /** Makes read tokens, for browsers: their `EventSource` sends no headers. @default none are made or taken */
  readonly tokens?: TokenOptions;
  /** Routes beside its own, such as those of chat protocols. */
  readonly routes?: readonly Routes[];
}

/** How a handler closes. */
export interface CloseOptions {
  /** Longest wait for requests that are under way. @default 5_000 */
  readonly graceMs?: number;
}

/** A web-standard handler: give it a `Request`, get a `Response`. */
export interface Handler {
  /** @param bindings what the host gives beside the request, as Hono's adapters do: sockets need it */
  (request: Request, bindings?: object): Promise<Response>;
  /** Gives leave to read one execution and to watch it: for host code that knows who asks. @throws SluiceError `option-invalid` without `tokens` */
  readonly token: (executionId: string) => Promise<ReadToken>;
  /** From here on executions begin, and are loaded, with these flows; those that are in memory go on with theirs: for development. @throws FlowDefinitionError; then nothing is changed */
  readonly reload: (flows: HandlerOptions["flows"]) => void;
  /** Goes on with what the store has of these flows: to be called when the process starts. */
  readonly recover: Hosted["recover"];
  /**
   * Lets no execution begin, ends all streams (clients know where to resume), lets requests that are under way finish, and
   * puts away what is stored; without a store, executions are cancelled. Again it does nothing but wait for the same.
   *
   * @throws AggregateError when executions could not be put away, with why; all others are
   */
  readonly close: (options?: CloseOptions) => Promise<void>;
}

/**
 * Serves flows over HTTP: to start and list executions, to look at them, to watch them live, to bring in events and
 * answers, to cancel them. `docs/server.md` has the routes.
 *
 * @throws FlowDefinitionError when a flow has problems; SluiceError `option-invalid`
 */
export function createHandler(options: HandlerOptions): Handler {
  const { basePath = "", origins, body = {}, description, routes = [], onError = console.error } = options;
  const { scheduler = asyncScheduler, development = false, authorize } = options;
  const { showErrors = development && authorize === undefined } = options;
  const tokens = options.tokens && readTokens(options.tokens, scheduler);
  const stream: StreamOptions = { scheduler, ...options.stream };
  const hosted = new Hosted(options);
  const closing = new AbortController();
  const gate = gateOf(options, tokens, closing.signal);
  const shown: Served["shown"] = (execution) => (showErrors ? execution : maskedExecution(execution));
  const execution: Served["execution"] = async (context, action, executionId = context.req.param("id") ?? "") => {
    const request = context.req.raw;
    await gate.count(request, action);
    const found = await hosted.find(executionId);
    await gate.admit(request, action, { executionId, ...(found !== undefined && { flow: found.flow }) });
    return shown(await hosted.get(executionId, found));
  };
  const served: Served = {
    hosted,
    basePath,
    body: { scheduler, ...body },
    stream,
    streams: new EventStreams(stream, closing.signal),
    origins: origins ?? [],
    onError,
    closing: closing.signal,
    tokens,
    count: ({ req }, action) => gate.count(req.raw, action),
    admit: ({ req }, action, target) => gate.admit(req.raw, action, target),
    watch: ({ req }) => gate.watch(req.raw),
    shown,
    execution,
    further: async (context, action) => {
      await gate.countMore(context.req.raw, action);
      return execution(context, action);
    },
  };

  const app = new Hono().basePath(basePath);
  app.use(
    secureHeaders({
      strictTransportSecurity: false, // it would hold for all of the host's domain, and for those below it
      contentSecurityPolicy: { defaultSrc: ["'none'"], frameAncestors: ["'none'"] },
      crossOriginResourcePolicy: origins === undefined ? "same-origin" : "cross-origin",
    }),
  );
  app.use(async (context, next) => {
    await next();
    if (context.error !== undefined) gate.refuse(context.req.raw);
    if (!context.res.headers.has("cache-control")) context.header("cache-control", "no-store");
    for (const [name, value] of Object.entries(gate.headers(context.req.raw))) context.header(name, value);
  });
  if (origins !== undefined) app.use(allowOrigins(origins));
  app.use(methodNotAllowed({ app, onMethodNotAllowed: (_, methods) => methodUnknown(methods) }));
  let described: Description | undefined;
  app.get("/openapi.json", async (context) => {
    await gate.admit(context.req.raw, "list", {});
    described ??= describeRoutes(hosted.definitions, { ...description, basePath, tokens: tokens !== undefined });
    return context.json(described);
  });
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

  const underWay = new Set<Promise<Response>>();
  const handle = (request: Request, bindings?: object): Promise<Response> => {
    const answer = Promise.resolve(app.fetch(request, bindings));
    underWay.add(answer);
    const over = (): void => void underWay.delete(answer);
    answer.then(over, over);
    return answer;
  };
  const shut = async ({ graceMs = 5_000 }: CloseOptions): Promise<void> => {
    hosted.stop();
    closing.abort();
    if (graceMs > 0) await within(Promise.allSettled(underWay), graceMs, scheduler);
    await hosted.close();
  };
  let shutting: Promise<void> | undefined;
  return Object.assign(handle, {
    token: async (executionId: string) => {
      if (tokens === undefined) throw withoutTokens();
      return tokens.give(executionId);
    },
    reload: (flows: HandlerOptions["flows"]) => {
      hosted.reload(flows);
      described = undefined;
    },
    recover: () => hosted.recover(),
    close: (closed: CloseOptions = {}) => (shutting ??= shut(closed)),
  });
}

function withoutTokens(): SluiceError {
  return new SluiceError("option-invalid", {
    what: "A token was asked for, and the handler makes none",
    where: "createHandler.tokens",
    mend: "Give createHandler `tokens: { secret }`",
  });
}

function methodUnknown(methods: readonly string[]): Response {
  const allow = methods.join(", ");
  const title = `Here are only ${allow}`;
  return problemResponse({ status: 405, code: "method-unknown", title }, { allow });
}
