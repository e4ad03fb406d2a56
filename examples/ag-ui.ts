// The flow of the chat example as an agent of AG-UI: its fields are the agent's state while the model writes, its question is
// the run's outcome. The client is the protocol's own.
import { createServer } from "node:http";
import { type Interrupt, HttpAgent } from "@ag-ui/client";
import { getRequestListener } from "@hono/node-server";
import { toAgUi } from "@sluice/ai";
import { agUiRoutes, createHandler } from "@sluice/server";
import { Desk, SendReply } from "./chat/desk.ts";
import { chooseModel } from "./model.ts";

const { model } = await chooseModel();
const agUi = agUiRoutes({
  flow: Desk,
  input: ({ text }) => ({ ticket: text }),
  toEvents: (execution, run) => toAgUi(execution, { ...run, questions: [SendReply] }),
});
const handler = createHandler({
  flows: [{ flow: Desk, create: () => new Desk(model) }],
  routes: [agUi],
  development: true, // everybody may do everything
});
const server = createServer(getRequestListener(handler));
await new Promise<void>((resolve) => void server.listen(0, "127.0.0.1", resolve));
const { port } = server.address() as { readonly port: number };

const agent = new HttpAgent({ url: `http://127.0.0.1:${port}/ag-ui`, threadId: "thread-1" });
let fields: readonly string[] = [];
agent.subscribe({
  onStateChanged({ state }) {
    const written = Object.keys(state.replies.triage?.[0] ?? {});
    if (written.length > fields.length) console.log(`being written: ${written.at(-1)}`);
    fields = written;
  },
});

const content = "Hi there, the coffee maker I bought 12 days ago leaks water. Can you help me? Best, Ana";
agent.addMessage({ id: "1", role: "user", content });
console.log(`> ${content}`);
await agent.runAgent();
console.log(agent.state.replies.triage[0].reply);

const question = agent.pendingInterrupts[0] as Interrupt;
console.log(`asks: ${question.reason} ${JSON.stringify(question.metadata?.["payload"])}`);
console.log("> yes");
const { result } = await agent.runAgent({
  resume: [{ interruptId: question.id, status: "resolved", payload: { approved: true } }],
});
console.log(result);
await handler.close();
server.close();
