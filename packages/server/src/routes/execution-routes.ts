import { type Execution, SluiceError, errorData, toJson } from "@sluice/core";
import type { z } from "zod";
import { emptyStream, endedStream } from "../stream/event-stream.ts";
import { type Listed, isEnded } from "../hosting/hosted.ts";
import { takeAnswer, takeCancel, takeEvent } from "../hosting/intake.ts";
import { jsonBody } from "../request/json-body.ts";
import { Refusal } from "../request/problem.ts";
import type { Routes } from "./served.ts";
import { wantedOf } from "../stream/wanted.ts";
import { type Standing, Status } from "../request/wire.ts";

/** Executions: which there are, how each stands, its live stream, and what can be done to it. */
export const executionRoutes: Routes = (app, served) => {
  const { hosted, body, stream, streams, closing, tokens, admit, execution: named } = served;
  app.get("/executions", async (context) => {
    const { flow, status, after, limit } = context.req.query();
    await admit(context, "list", flow === undefined ? {} : { flow });
    const executions = await hosted.list({
      ...(flow !== undefined && { flow }),
      ...(status !== undefined && { status: status.split(",").map(statusOf) }),
      ...(after !== undefined && { after }),
      limit: limitOf(limit),
    });
    return context.json({ executions: executions.map(listed) });
  });
  app.get("/executions/:id", async (context) => {
    const execution = await named(context, "read");
    const { flow = "" } = (await hosted.find(execution.id)) ?? {};
    return context.body(toJson(await standingOf(execution, flow)), { headers: { "content-type": "application/json" } });
  });
  app.get("/executions/:id/stream", async (context) => {
    if (closing.aborted) return endedStream(stream);
    const execution = await named(context, "stream");
    const wanted = wantedOf(context.req.query(), context.req.header("last-event-id"));
    if (context.req.method === "HEAD") return emptyStream();
    return streams.of(execution, wanted, served.watch(context));
  });
  if (tokens !== undefined) {
    app.post("/executions/:id/tokens", async (context) => {
      const { id } = await named(context, "share");
      return context.json(await tokens.give(id), 201);
    });
  }
  app.post("/executions/:id/events/:event", async (context) => {
    const execution = await named(context, "emit");
    const signal = await takeEvent(execution, context.req.param("event"), await jsonBody(context.req.raw, body));
    return context.json({ signal }, 202);
  });
  app.post("/executions/:id/answers/:interrupt", async (context) => {
    const execution = await named(context, "answer");
    const interrupt = context.req.param("interrupt");
    const given = await jsonBody(context.req.raw, body);
    await takeAnswer(hosted, execution, interrupt, given);
    return context.body(null, 204);
  });
  app.post("/executions/:id/cancel", async (context) => {
    const execution = await named(context, "cancel");
    await takeCancel(execution, await jsonBody(context.req.raw, body));
    return context.json({ status: execution.status }, 202);
  });
};

/** How an execution stands, and what it came to. */
async function standingOf(execution: Execution, flow: string): Promise<z.input<typeof Standing>> {
  const { id: executionId, status, position, state, interrupts } = execution;
  return { executionId, flow, status, position, state, interrupts: [...interrupts], ...(await endOf(execution)) };
}

/** What an execution that has ended came to. */
async function endOf(execution: Execution): Promise<Pick<z.input<typeof Standing>, "result" | "error">> {
  if (!isEnded(execution)) return {};
  try {
    return { result: await execution.result };
  } catch (error) {
    const { name, message, code } = errorData(error);
    return { error: error instanceof SluiceError ? { name, message, code } : { name, message } };
  }
}

function listed({ executionId, flow, status }: Listed): Listed {
  return { executionId, flow, status };
}

function statusOf(text: string): z.infer<typeof Status> {
  const status = Status.options.find((one) => one === text);
  if (status !== undefined) return status;
  const title = `\`status\` is not one of ${Status.options.join(", ")}`;
  throw new Refusal({ status: 400, code: "status-invalid", title });
}

function limitOf(text: string | undefined): number {
  const limit = Number(text ?? 100);
  if (Number.isInteger(limit) && limit >= 1 && limit <= 1_000) return limit;
  throw new Refusal({ status: 400, code: "limit-invalid", title: "`limit` is not a whole number from 1 to 1000" });
}
