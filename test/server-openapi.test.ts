import { Validator } from "@seriousme/openapi-schema-validator";
import { after, defineFlow, event, flow, interrupt, start } from "@sluice/core";
import { expect, test } from "vitest";
import { z } from "zod";
import { look, serve } from "./served.ts";

const Approval = interrupt("approval", { ask: z.string(), answer: z.object({ ok: z.boolean() }) });
const Nudge = event("nudge", z.object({ by: z.string().min(2) }));
const Tick = event(
  "every tick/second",
  z.object({ at: z.date(), size: z.bigint(), by: z.map(z.string(), z.symbol()) }),
);
const Odd = event("odd", z.union([z.custom<URL>(), z.string().transform(Number), z.undefined(), z.nan()]));
const letter = flow(
  defineFlow({
    name: "letter",
    input: z.object({ to: z.string(), when: z.coerce.date(), copies: z.number().default(1) }),
    state: z.object({ nudges: z.number().default(0) }),
    result: z.object({ sent: z.boolean() }),
    accepts: [Nudge, Tick, Odd],
  }),
)
  .chunk("ask", start, ({ to }, ctx) => void ctx.interrupt(Approval, to))
  .chunk("send", Approval.answered, ({ ok }, ctx) => ctx.setResult({ sent: ok }));

type Tree = { name: string; children?: Tree[] };
const Tree: z.ZodType<Tree> = z.object({ name: z.string(), children: z.array(z.lazy(() => Tree)).optional() });
const tree = flow(defineFlow({ name: "tree", input: Tree, result: Tree, accepts: [Nudge] }))
  .chunk("grow", start, (root) => root)
  .chunk("end", after("grow"), (root, ctx) => ctx.setResult(root));

async function described(options: Partial<Parameters<typeof serve>[0]> = {}) {
  const { url } = await serve({ flows: [letter, tree], onError: console.error, ...options });
  return (await look(`${url}${options.basePath ?? ""}/openapi.json`)).body;
}

test("the description is a valid OpenAPI 3.1 document, whatever schemas the flows have", async () => {
  const validator = new Validator();
  const { valid, errors } = await validator.validate(await described());
  expect(errors).toBeUndefined();
  expect(valid).toBe(true);
  expect(validator.version).toBe("3.1");
});

test("the start of a flow is described with its own input, as a client writes it", async () => {
  const { paths } = await described();
  const { schema } = paths["/flows/letter/executions"].post.requestBody.content["application/json"];
  expect(schema.properties.input).toEqual({
    type: "object",
    properties: { to: { type: "string" }, when: { type: "string" }, copies: { type: "number", default: 1 } },
    required: ["to", "when"],
  });
});

test("each event that is let in has an address and its payload", async () => {
  const { paths } = await described();
  const payloadOf = (path: string) =>
    paths[path].post.requestBody.content["application/json"].schema.properties.payload;
  expect(JSON.stringify(payloadOf("/executions/{id}/events/nudge"))).toContain('"minLength":2');
  expect(Object.keys(paths)).toContain("/executions/{id}/events/every%20tick%2Fsecond");
});

test("results and answers are described by the flows' schemas", async () => {
  const { paths } = await described();
  const standing = paths["/executions/{id}"].get.responses["200"].content["application/json"].schema;
  expect(JSON.stringify(standing)).toContain('"sent":{"type":"boolean"}');
  const answer = paths["/executions/{id}/answers/{interrupt}"].post.requestBody.content["application/json"].schema;
  expect(answer.properties.answer.anyOf[0]).toMatchObject({
    description: "To approval",
    properties: { ok: { type: "boolean" } },
  });
});

test("it says where the handler is mounted, and what it is called", async () => {
  const document = await described({ basePath: "/api", description: { title: "Letters", version: "2.0.0" } });
  expect(document).toMatchObject({
    openapi: "3.1.1",
    info: { title: "Letters", version: "2.0.0" },
    servers: [{ url: "/api" }],
  });
  expect(await described()).not.toHaveProperty("servers");
});

test("each address that is described leads to a route", async () => {
  const { url } = await serve({ flows: [letter, tree] });
  const { body } = await look(`${url}/openapi.json`);
  const answers = await Promise.all(
    Object.entries(body.paths as Record<string, object>).flatMap(([path, methods]) =>
      Object.keys(methods).map(async (method) => {
        const response = await fetch(`${url}${path.replace("{flow}", "letter").replaceAll(/\{\w+\}/g, "x")}`, {
          method,
        });
        return [path, method, (await response.json().catch(() => ({}))).code];
      }),
    ),
  );
  expect(answers.filter(([, , code]) => code === "route-unknown" || code === "method-unknown")).toEqual([]);
  expect(answers.length).toBeGreaterThan(8);
});

test("the route that gives tokens is described where there is one", async () => {
  const path = "/executions/{id}/tokens";
  expect(Object.keys((await described()).paths)).not.toContain(path);
  const tokens = { secret: "a secret of thirty-two bytes or more" };
  expect(Object.keys((await described({ tokens })).paths)).toContain(path);
});

test("nobody is told who may not list", async () => {
  const { url } = await serve({ flows: [letter], development: false });
  expect(await look(`${url}/openapi.json`)).toMatchObject({ status: 403, body: { code: "forbidden" } });
});
