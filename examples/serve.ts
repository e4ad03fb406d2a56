// A flow behind an address: started, watched live and answered over HTTP. At a terminal it goes on serving; otherwise a
// client in the same process does what the printed commands do.
import { createServer } from "node:http";
import { getRequestListener } from "@hono/node-server";
import { type ContextOf, type Payload, defineFlow, interrupt, memoryStore, start } from "@sluice/core";
import { flow, on } from "@sluice/decorators";
import { createHandler } from "@sluice/server";
import { z } from "zod";

const Approval = interrupt("approval", { ask: z.string(), answer: z.object({ approved: z.boolean() }) });
const spec = defineFlow({
  name: "letter",
  input: z.object({ to: z.string() }),
  stream: z.string(),
  result: z.string(),
});
type Ctx = ContextOf<typeof spec>;

@flow(spec)
class Letter {
  @on(start)
  write({ to }: { to: string }, ctx: Ctx) {
    for (const word of ["Dear", to]) ctx.putIntoStream(word);
    ctx.interrupt(Approval, `Dear ${to}, your parcel is here.`);
  }

  @on(Approval.answered)
  send({ approved }: Payload<typeof Approval.answered>, ctx: Ctx) {
    ctx.setResult(approved ? "sent" : "dropped");
  }
}

const handler = createHandler({ flows: [Letter], store: memoryStore(), development: true }); // everybody may do everything
const server = createServer(getRequestListener(handler));
server.listen(process.stdin.isTTY ? 3000 : 0, "127.0.0.1", () => void serve());

async function serve(): Promise<void> {
  const { port } = server.address() as { readonly port: number };
  const url = `http://127.0.0.1:${port}`;
  if (process.stdin.isTTY) {
    console.log(`It listens at ${url}. In another terminal:`);
    console.log(
      `  curl -d '{"input":{"to":"Ann"}}' -H 'content-type: application/json' ${url}/flows/letter/executions`,
    );
    console.log(`  curl -N ${url}/executions/ID/stream`);
    console.log(
      `  curl -d '{"answer":{"approved":true}}' -H 'content-type: application/json' ${url}/executions/ID/answers/approval@a1`,
    );
    return;
  }
  const { executionId } = await post(`${url}/flows/letter/executions`, { input: { to: "Ann" } });
  const stream = await fetch(`${url}/executions/${executionId}/stream`);
  for await (const text of (stream.body ?? new ReadableStream()).pipeThrough(new TextDecoderStream())) {
    for (const [, event, data = ""] of text.matchAll(/^event: (.*)\ndata: (.*)$/gm)) {
      if (event === "stream:item") console.log(`item: ${JSON.parse(data).item}`);
      if (event === "interrupt:raised") console.log(`asks: ${JSON.parse(data).interrupt.payload}`);
      if (event === "flow:waiting")
        await post(`${url}/executions/${executionId}/answers/approval@a1`, { answer: { approved: true } });
      if (event === "flow:completed") console.log(`result: ${JSON.parse(data).result}`);
    }
  }
  await handler.close();
  server.close();
}

async function post(url: string, body: unknown) {
  const headers = { "content-type": "application/json" };
  const response = await fetch(url, { method: "POST", headers, body: JSON.stringify(body) });
  const text = await response.text();
  return text === "" ? {} : JSON.parse(text);
}
