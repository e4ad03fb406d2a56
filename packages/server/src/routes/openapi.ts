import { type FlowSchemas, compile, schemasOf } from "@sluice/core";
import {
  type CreateDocumentOptions,
  type ZodOpenApiObject,
  type ZodOpenApiOperationObject,
  type ZodOpenApiPathsObject,
  createDocument,
} from "zod-openapi";
import { z } from "zod";
import {
  Cancel,
  Cancelled,
  Executions,
  Flows,
  Problem,
  SignalSent,
  Standing,
  Started,
  Token,
} from "../request/wire.ts";

/** What a description says of the server itself. */
export interface DescriptionOptions {
  /** @default "Flows" */
  readonly title?: string;
  /** The version of what is served. @default "1.0.0" */
  readonly version?: string;
}

/** Which routes there are. */
interface RouteOptions extends DescriptionOptions {
  readonly basePath?: string;
  /** Whether the handler gives read tokens. @default false */
  readonly tokens?: boolean;
}

/** A document of the OpenAPI Specification 3.1. */
export type Description = ReturnType<typeof createDocument>;

/**
 * Describes the routes of a handler, with the schemas of its flows. Of a schema that JSON cannot say (a date, a
 * transform), nothing is said.
 *
 * @param flows as `createHandler` takes them, without their `create`
 * @see https://spec.openapis.org/oas/v3.1.1.html
 */
export function describeRoutes(
  flows: readonly unknown[],
  { title = "Flows", version = "1.0.0", basePath = "", tokens = false }: RouteOptions = {},
): Description {
  const known = flows.map((flow) => ({ name: compile(flow).flow, ...schemasOf(flow) }));
  const document: ZodOpenApiObject = {
    openapi: "3.1.1",
    info: { title, version },
    ...(basePath !== "" && { servers: [{ url: basePath }] }),
    paths: { ...flowPaths(known), ...executionPaths(known), ...(tokens && tokenPaths) },
  };
  return createDocument(document, { allowEmptySchema: unsaid });
}

/** A flow by its name. */
interface Described extends FlowSchemas {
  readonly name: string;
}

/** The kinds of schemas that JSON Schema has no words for. */
const unsaid: CreateDocumentOptions["allowEmptySchema"] = Object.fromEntries(
  "bigint custom date file function map nan pipe promise set symbol transform undefined void"
    .split(" ")
    .map((kind) => [kind, true]),
);

const problem = { description: "A refusal", content: { "application/problem+json": { schema: Problem } } };
const id = z.string().meta({ description: "The id of an execution" });

function json(description: string, schema: z.ZodType) {
  return { description, content: { "application/json": { schema } } };
}

function body(schema: z.ZodType): Pick<ZodOpenApiOperationObject, "requestBody"> {
  return { requestBody: { required: true, content: { "application/json": { schema } } } };
}

function flowPaths(flows: readonly Described[]): ZodOpenApiPathsObject {
  const flow = z.enum(flows.map(({ name }) => name));
  const starts = flows.map(({ name, input }) => [
    `/flows/${encodeURIComponent(name)}/executions`,
    {
      post: {
        operationId: `start ${name}`,
        summary: `Start ${name}`,
        ...body(z.object({ input: input as z.ZodType })),
        responses: { 201: json("It is started, and stored where there is a store", Started), default: problem },
      },
    },
  ]);
  return {
    "/flows": {
      get: {
        operationId: "list flows",
        summary: "Which flows there are",
        responses: { 200: json("Their names", Flows), default: problem },
      },
    },
    "/flows/{flow}/graph": {
      get: {
        operationId: "show graph",
        summary: "How a flow is wired",
        requestParams: { path: z.object({ flow }), query: z.object({ format: z.literal("mermaid").optional() }) },
        responses: {
          200: {
            description: "The compiled graph",
            content: {
              "application/json": { schema: z.record(z.string(), z.unknown()) },
              "text/plain": { schema: z.string().meta({ description: "A Mermaid diagram" }) },
            },
          },
          default: problem,
        },
      },
    },
    ...Object.fromEntries(starts),
  };
}

function executionPaths(flows: readonly Described[]): ZodOpenApiPathsObject {
  return {
    "/executions": {
      get: {
        operationId: "list executions",
        summary: "Which executions there are",
        requestParams: {
          query: z.object({
            flow: z.string().optional(),
            status: z.string().optional().meta({ description: "One or several, with commas between them" }),
            after: z.string().optional().meta({ description: "The id of the last one that is known" }),
            limit: z.int().min(1).max(1_000).optional(),
          }),
        },
        responses: { 200: json("In the order of their ids in the store", Executions), default: problem },
      },
    },
    "/executions/{id}": {
      get: {
        operationId: "show execution",
        summary: "How an execution stands, and what it came to",
        requestParams: { path: z.object({ id }) },
        responses: { 200: json("Its state, open questions, and result", standingOf(flows)), default: problem },
      },
    },
    "/executions/{id}/stream": { get: watching() },
    ...Object.fromEntries(eventsOf(flows)),
    "/executions/{id}/answers/{interrupt}": {
      post: {
        operationId: "answer",
        summary: "Answer a question",
        requestParams: { path: z.object({ id, interrupt: z.string().meta({ description: "The question's id" }) }) },
        ...body(z.object({ answer: answerOf(flows), requestId: z.string().optional() })),
        responses: { 204: { description: "It is taken" }, default: problem },
      },
    },
    "/executions/{id}/cancel": {
      post: {
        operationId: "cancel",
        summary: "Cancel an execution",
        requestParams: { path: z.object({ id }) },
        ...body(Cancel),
        responses: { 202: json("It is about to end", Cancelled), default: problem },
      },
    },
  };
}

const tokenPaths: ZodOpenApiPathsObject = {
  "/executions/{id}/tokens": {
    post: {
      operationId: "share",
      summary: "Get a token with which one execution can be read and watched",
      requestParams: { path: z.object({ id }) },
      responses: { 201: json("To be sent as `?token=`", Token), default: problem },
    },
  },
};

function watching(): ZodOpenApiOperationObject {
  const position = z.string().optional();
  return {
    operationId: "watch",
    summary: "The live log of an execution",
    requestParams: {
      path: z.object({ id }),
      query: z.object({
        after: position.meta({ description: "Only what stands behind this position" }),
        from: position.meta({ description: "Only what stands from this position on" }),
        snapshot: z.literal("").optional().meta({ description: "Begin with how it stands, and go on from there" }),
        types: z.string().optional().meta({ description: "Types of entries, with commas between them" }),
        fields: z.string().optional().meta({ description: "Fields of replies, such as `triage:steps[*]`" }),
        items: z.literal("").optional().meta({ description: "Items of the runtime stream" }),
      }),
      header: z.object({ "last-event-id": position.meta({ description: "The last position that was had" }) }),
    },
    responses: {
      200: {
        description:
          "Server-sent events, one an entry; `id` is its position, `event` its type, `data` the entry as JSON",
        content: { "text/event-stream": { schema: z.string() } },
      },
      204: { description: "All has been had" },
      default: problem,
    },
  };
}

function standingOf(flows: readonly Described[]): z.ZodType {
  const [first, ...others] = flows.map(({ name, state, result }) =>
    Standing.extend({
      flow: z.literal(name),
      ...(state !== undefined && { state: state as z.ZodType }),
      ...(result !== undefined && { result: (result as z.ZodType).optional() }),
    }),
  );
  return first === undefined ? Standing : z.union([first, ...others]);
}

/** One address for each event; where flows share a name, either payload may be right. */
function eventsOf(flows: readonly Described[]): [string, ZodOpenApiPathsObject[string]][] {
  const names = new Set(flows.flatMap(({ accepts }) => [...accepts.keys()]));
  return [...names].map((name) => {
    const payload = z.union(flows.flatMap(({ accepts }) => (accepts.get(name) as z.ZodType | undefined) ?? []));
    return [
      `/executions/{id}/events/${encodeURIComponent(name)}`,
      {
        post: {
          operationId: `emit ${name}`,
          summary: `Bring in the event ${name}`,
          requestParams: { path: z.object({ id }) },
          ...body(z.object({ payload })),
          responses: { 202: json("It is taken", SignalSent), default: problem },
        },
      },
    ];
  });
}

function answerOf(flows: readonly Described[]): z.ZodType {
  const known = flows.flatMap(({ answers }) =>
    [...answers].map(([name, schema]) => (schema as z.ZodType).meta({ description: `To ${name}` })),
  );
  return z.union([...known, z.unknown().meta({ description: "To a question that a chunk asks by itself" })]);
}
