import { type ExecutionStatus, SluiceError, compile, errorData, toMermaid } from "@sluice/core";
import { type Context, Hono } from "hono";
import { cors } from "hono/cors";
import { secureHeaders } from "hono/secure-headers";
import type { Action, Authorize, Target } from "./action.ts";
import { type StreamOptions, EventStreams, endedStream, typesOf } from "./event-stream.ts";
import { Hosted, type HostedOptions, isEnded } from "./hosted.ts";
import { type BodyLimits, jsonBody } from "./json-body.ts";
import { Refusal, problemOf, problemResponse } from "./problem.ts";

/** How flows are served. */
export interface HandlerOptions extends HostedOptions {
  /** Says who may do what. Without it nobody may do anything, unless `development` is set. */
  readonly authorize?: Authorize;
  /** Let everybody do everything where no `authorize` is given: for a machine of one's own. @default false */
  readonly development?: boolean;
  /** Where the handler is mounted, such as `/api`. @default "" */
  readonly basePath?: string;
  /** Origins whose pages may call it from a browser. @default none but its own */
  readonly origins?: readonly string[];
  readonly body?: BodyLimits;
  readonly stream?: StreamOptions;
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

const statuses: readonly ExecutionStatus[] = ["running", "waiting", "completed", "failed", "timeout", "cancelled"];

/**
 * Serves flows over HTTP: to start and list executions, to look at them, to watch them live, to bring in events and
 * answers, to cancel them. `docs/server.md` has the routes.
 *
 * @throws FlowDefinitionError when a flow has problems
 */
export function createHandler(options: HandlerOptions): Handler {
  const { basePath = "", origins, body = {}, stream = {}, onError = console.error } = options;
  const hosted = new Hosted(options);
  const closing = new AbortController();
  const streams = new EventStreams(stream, closing.signal);
  const allowed = async (context: Context, action: Action, target: Target): Promise<void> => {
    if (!(await mayDo(options, context.req.raw, action, target))) throw forbidden(action, options);
  };
  /** An execution that the request names, if it may do with it what it asks for. */
  const named = async (context: Context, action: Action) => {
    const executionId = context.req.param("id") ?? "";
    const found = await hosted.find(executionId);
    await allowed(context, action, { executionId, ...(found !== undefined && { flow: found.flow }) });
    return hosted.get(found ?? { executionId, flow: "", status: "running" });
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

  app.get("/flows", async (context) => {
    await allowed(context, "list", {});
    return context.json({ flows: hosted.flows });
  });
  app.get("/flows/:flow/graph", async (context) => {
    const flow = context.req.param("flow");
    await allowed(context, "graph", { flow });
    const graph = compile(hosted.flow(flow).flow);
    return context.req.query("format") === "mermaid" ? context.text(toMermaid(graph)) : context.json(graph);
  });
  app.post("/flows/:flow/executions", async (context) => {
    const flow = context.req.param("flow");
    await allowed(context, "start", { flow });
    const { input } = await jsonBody(context.req.raw, body);
    const execution = hosted.start(flow, input);
    await execution.stored();
    context.header("location", `${basePath}/executions/${execution.id}`);
    return context.json({ executionId: execution.id, flow, status: execution.status }, 201);
  });
  app.get("/executions", async (context) => {
    const { flow, status, after, limit } = context.req.query();
    await allowed(context, "list", flow === undefined ? {} : { flow });
    const executions = await hosted.list({
      ...(flow !== undefined && { flow }),
      ...(status !== undefined && { status: statuses.filter((one) => status.split(",").includes(one)) }),
      ...(after !== undefined && { after }),
      limit: limitOf(limit),
    });
    return context.json({ executions: executions.map(listed) });
  });
  app.get("/executions/:id", async (context) => {
    const execution = await named(context, "read");
    const { id: executionId, status, position, state, interrupts } = execution;
    return context.json({ executionId, status, position, state, interrupts, ...(await endOf(execution)) });
  });
  app.get("/executions/:id/stream", async (context) => {
    if (closing.signal.aborted) return endedStream(stream);
    const execution = await named(context, "stream");
    const after = context.req.header("last-event-id") ?? context.req.query("after");
    const types = typesOf(context.req.query("types") ?? null);
    const snapshot = context.req.query("snapshot") !== undefined;
    return streams.of(execution, { after, types, snapshot });
  });
  app.post("/executions/:id/events/:event", async (context) => {
    const execution = await named(context, "emit");
    const { payload } = await jsonBody(context.req.raw, body);
    const signal = execution.emit(context.req.param("event"), payload);
    await execution.stored();
    return context.json({ signal }, 202);
  });
  app.post("/executions/:id/answers/:interrupt", async (context) => {
    const execution = await named(context, "answer");
    const { answer, requestId } = await jsonBody(context.req.raw, body);
    const options = typeof requestId === "string" ? { requestId } : {};
    execution.resume(context.req.param("interrupt"), answer, options);
    await execution.stored();
    return context.body(null, 204);
  });
  app.post("/executions/:id/cancel", async (context) => {
    const execution = await named(context, "cancel");
    const { reason, rollback } = await jsonBody(context.req.raw, body);
    execution.cancel(typeof reason === "string" ? reason : "cancelled by a client", { rollback: rollback === true });
    await execution.stored();
    return context.json({ status: execution.status }, 202);
  });
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

async function mayDo(
  { authorize, development = false }: HandlerOptions,
  ...asked: Parameters<Authorize>
): Promise<boolean> {
  if (authorize === undefined) return development;
  try {
    return (await authorize(...asked)) === true;
  } catch {
    return false;
  }
}

function forbidden(action: Action, { authorize, development }: HandlerOptions): Refusal {
  const isUnset = authorize === undefined && development !== true;
  return new Refusal({
    status: 403,
    code: "forbidden",
    title: `This request may not ${action}`,
    ...(isUnset && { mend: "Give createHandler an `authorize`, or set `development` on a machine of your own" }),
  });
}

/** What an execution that has ended came to. */
async function endOf(execution: { readonly status: ExecutionStatus; readonly result: Promise<unknown> }) {
  if (!isEnded(execution)) return {};
  try {
    return { result: await execution.result };
  } catch (error) {
    const { name, message, code } = errorData(error);
    return { error: error instanceof SluiceError ? { name, message, code } : { name, message } };
  }
}

function listed({ executionId, flow, status }: { executionId: string; flow: string; status: ExecutionStatus }) {
  return { executionId, flow, status };
}

function limitOf(text: string | undefined): number {
  const limit = Number(text ?? 100);
  if (Number.isInteger(limit) && limit >= 1 && limit <= 1_000) return limit;
  throw new Refusal({ status: 400, code: "limit-invalid", title: "`limit` is not a whole number from 1 to 1000" });
}
