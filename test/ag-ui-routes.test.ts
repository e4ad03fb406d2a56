// A flow as an agent of AG-UI: the protocol's own HttpAgent, which verifies each event, over real sockets.
import { mkdtempSync, rmSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { HttpAgent, type ResumeEntry } from "@ag-ui/client";
import { toAgUi } from "@sluice/ai";
import { type AgUiRoutesOptions, type HandlerOptions, agUiRoutes } from "@sluice/server";
import { sqliteStore } from "@sluice/sqlite";
import { deferred } from "@sluice/testing";
import { beforeEach, describe, expect, onTestFinished, test, vi } from "vitest";
import { shortOf } from "./ag-ui-client.ts";
import { desk, quick } from "./chatting.ts";
import { closeLater, look, send, serve } from "./served.ts";

type Flow = ReturnType<typeof desk> | typeof quick;
const agents = (one: Flow, options: Partial<AgUiRoutesOptions<Flow>> = {}, handler: Partial<HandlerOptions> = {}) => {
  const routes = [agUiRoutes({ flow: one, input: ({ text }) => text, toEvents: toAgUi, ...options })];
  return serve({ flows: [one], routes, ...handler });
};
const agentOf = (url: string, headers: Record<string, string> = {}, threadId = "t") =>
  new HttpAgent({ url: `${url}/ag-ui`, threadId, headers });
const ask = (agent: HttpAgent, content: string) => {
  agent.addMessage({ id: `u${agent.messages.length}`, role: "user", content });
  return agent.runAgent();
};
const answer = (agent: HttpAgent, entry: Partial<ResumeEntry>) =>
  agent.runAgent({
    resume: agent.pendingInterrupts.map(({ id }) => ({ interruptId: id, status: "resolved" as const, ...entry })),
  });

// agents tell of failures on the console, too
beforeEach(() => {
  const error = vi.spyOn(console, "error").mockImplementation(() => {});
  onTestFinished(() => error.mockRestore());
});

describe("an agent", () => {
  test("runs the flow on what the user says, and has its messages, its state and its result", async () => {
    const { url } = await agents(quick);
    const agent = agentOf(url);
    expect(await ask(agent, "Hi")).toMatchObject({ result: "Hi!" });
    expect(await ask(agent, "Bye")).toMatchObject({ result: "Bye!" });
    expect(shortOf(agent.messages)).toEqual(["user Hi", "assistant Hi!", "user Bye", "assistant Bye!"]);
  });

  test("has each field of a reply as soon as it is written", async () => {
    const gate = deferred<void>();
    const { url } = await agents(desk(gate.promise));
    const agent = agentOf(url);
    agent.addMessage({ id: "u", role: "user", content: "where" });
    const written = deferred<unknown>();
    const end = agent.runAgent({}, { onStateDeltaEvent: ({ event }) => written.resolve(event.delta) });
    expect(await written.promise).toEqual([{ op: "add", path: "/replies/triage", value: [{ topic: "where" }] }]);
    gate.resolve();
    await end;
    expect(agent.state).toEqual({ replies: { triage: [{ topic: "where it is", urgent: true }] } });
  });

  test("ends its run with the flow's question, and goes on with the answer", async () => {
    const { url } = await agents(desk());
    const agent = agentOf(url);
    await ask(agent, "where");
    expect(agent.pendingInterrupts).toMatchObject([{ reason: "approval", message: "May I?" }]);
    expect(await answer(agent, { payload: { approved: true } })).toMatchObject({ result: "done" });
    expect(agent.pendingInterrupts).toEqual([]);
    expect(shortOf(agent.messages)).toEqual(["user where", "assistant One moment.", 'item {"value":"sent"}']);
    expect(agent.state).toMatchObject({ replies: { triage: [{ topic: "where it is" }] } });
  });

  test("whose question is abandoned is cancelled", async () => {
    const { url } = await agents(desk());
    const agent = agentOf(url);
    await ask(agent, "where");
    const id = agent.pendingInterrupts[0]?.id ?? "";
    await answer(agent, { status: "cancelled" });
    expect((await look(`${url}/executions/${id.split(":")[0]}`)).body).toMatchObject({ status: "cancelled" });
  });

  test("whose answer does not fit is told so, and may answer again; twice the same is refused", async () => {
    const { url } = await agents(desk());
    const agent = agentOf(url);
    await ask(agent, "where");
    const interrupts = [...agent.pendingInterrupts];
    await expect(answer(agent, { payload: "maybe" })).rejects.toThrow(/HTTP 422.*answer-invalid/);
    agent.pendingInterrupts = interrupts;
    expect(await answer(agent, { payload: { approved: true } })).toMatchObject({ result: "done" });
    agent.pendingInterrupts = interrupts;
    await expect(answer(agent, { payload: { approved: true } })).rejects.toThrow(/HTTP 409.*nothing-asked/);
    agent.pendingInterrupts = [{ id: "other:approval@a3", reason: "approval" }];
    await expect(answer(agent, { payload: 1 })).rejects.toThrow(/HTTP 404.*interrupt-unknown/);
  });

  test("answers at another server what one has asked that was stopped", async () => {
    const folder = mkdtempSync(join(tmpdir(), "sluice-ag-ui-"));
    closeLater(async () => rmSync(folder, { recursive: true }));
    const path = join(folder, "runs.db");
    const first = await agents(desk(), {}, { store: sqliteStore(path) });
    const agent = agentOf(first.url);
    await ask(agent, "where");
    await first.stop();
    const second = await agents(desk(), {}, { store: sqliteStore(path) });
    agent.url = `${second.url}/ag-ui`;
    expect(await answer(agent, { payload: { approved: true } })).toMatchObject({ result: "done" });
    expect(shortOf(agent.messages)).toEqual(["user where", "assistant One moment.", 'item {"value":"sent"}']);
  });

  test("that fails hears of it in a sentence, without keys", async () => {
    const gate = deferred<void>();
    const { url } = await agents(desk(gate.promise));
    const errors: string[] = [];
    const onStepStartedEvent = (): void => gate.reject(new Error("Denied for sk-live-abcdef1234567890"));
    const agent = agentOf(url);
    agent.addMessage({ id: "u", role: "user", content: "where" });
    const onRunErrorEvent = ({ event }: { event: { message: string } }): void => void errors.push(event.message);
    await agent.runAgent({}, { onStepStartedEvent, onRunErrorEvent }).catch(() => {});
    expect(errors.join()).toContain("[secret]");
  });

  test("that is left goes on, unless leaving is to cancel it", async () => {
    const statusAfterLeaving = async (options: Partial<AgUiRoutesOptions<Flow>>) => {
      const { url } = await agents(desk(new Promise(() => {})), options);
      const agent = agentOf(url);
      agent.addMessage({ id: "u", role: "user", content: "where" });
      const id = deferred<string>();
      const onRunStartedEvent = ({ event }: { event: { metadata?: Record<string, unknown> } }): void =>
        id.resolve(String(event.metadata?.["executionId"]));
      const run = agent.runAgent({}, { onRunStartedEvent, onStepStartedEvent: () => agent.abortRun() });
      await run.catch(() => {});
      return `${url}/executions/${await id.promise}`;
    };
    expect((await look(await statusAfterLeaving({}))).body).toMatchObject({ status: "running" });
    const cancelled = `${await statusAfterLeaving({ cancelOn: ["leave"] })}/stream?types=flow:cancelled`;
    expect(await (await fetch(cancelled)).text()).toContain("the client left");
  });
});

describe("who may run it", () => {
  test("nobody, unless somebody says so; each action is asked for with the thread", async () => {
    const closed = await agents(desk(), {}, { development: false });
    await expect(ask(agentOf(closed.url), "where")).rejects.toThrow(/HTTP 403/);
    const asked: unknown[] = [];
    const authorize: HandlerOptions["authorize"] = (_, action, target) => asked.push([action, target]) > 0;
    const { url } = await agents(desk(), {}, { authorize });
    const agent = agentOf(url);
    await ask(agent, "where");
    const executionId = agent.pendingInterrupts[0]?.id.split(":")[0];
    await answer(agent, { payload: { approved: true } });
    expect(asked).toEqual([
      ["start", { flow: "desk", chat: "t" }],
      ["answer", { flow: "desk", chat: "t", executionId }],
    ]);
  });

  test("a question of another owner's thread is none of anybody else's", async () => {
    const { url } = await agents(desk(), { owner: (request) => request.headers.get("x-user") ?? "" });
    const ann = agentOf(url, { "x-user": "ann" });
    await ask(ann, "where");
    const bob = agentOf(url, { "x-user": "bob" });
    bob.pendingInterrupts = ann.pendingInterrupts;
    await expect(answer(bob, { payload: { approved: true } })).rejects.toThrow(/HTTP 404/);
  });

  test.each([
    ["no thread", { runId: "r", messages: [] }, 400, "run-input-invalid"],
    [
      "messages of no role",
      { threadId: "t", runId: "r", messages: [{ id: "1", role: "root" }] },
      400,
      "run-input-invalid",
    ],
    ["nothing that the flow takes", { threadId: "t", runId: "r", messages: [] }, 422, "input-invalid"],
  ])("not with %s", async (_, body, status, code) => {
    const { url } = await agents(quick);
    expect(await send(`${url}/ag-ui`, body)).toMatchObject({ status, body: { code } });
  });
});
