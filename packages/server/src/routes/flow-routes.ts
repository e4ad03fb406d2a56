import { compile, toMermaid } from "@sluice/core";
import { jsonBody } from "../request/json-body.ts";
import type { Routes } from "./served.ts";

/** Flows: which there are, how they are wired, and how one is started. */
export const flowRoutes: Routes = (app, { hosted, basePath, body, admit }) => {
  app.get("/flows", async (context) => {
    await admit(context, "list", {});
    return context.json({ flows: hosted.flows });
  });
  app.get("/flows/:flow/graph", async (context) => {
    const flow = context.req.param("flow");
    await admit(context, "graph", { flow });
    const graph = compile(hosted.flow(flow).flow);
    return context.req.query("format") === "mermaid" ? context.text(toMermaid(graph)) : context.json(graph);
  });
  app.post("/flows/:flow/executions", async (context) => {
    const flow = context.req.param("flow");
    await admit(context, "start", { flow });
    const { input } = await jsonBody(context.req.raw, body);
    const execution = hosted.start(flow, input);
    await execution.stored();
    context.header("location", `${basePath}/executions/${execution.id}`);
    return context.json({ executionId: execution.id, flow, status: execution.status }, 201);
  });
};
