// A flow behind an address: started, watched live and answered over HTTP. At a terminal it goes on serving; otherwise a
// client in the same process does what the printed commands do.
import { createServer } from "node:http";
import { getRequestListener } from "@hono/node-server";
import { type ContextOf, type Payload, defineFlow, interrupt, memoryStore, start } from "@sluice/core";
import { flow, on } from "@sluice/decorators";
import { createHandler } from "@sluice/server";
import { createClient } from "@sluice/server/client";
import { filter } from "rxjs";
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
  const client = createClient<typeof Letter>({ url });
  const letter = await client.start("letter", { to: "Ann" });
  letter.stream$.subscribe((item) => console.log(`item: ${item}`));
  letter.status$.pipe(filter((status) => status === "waiting")).subscribe(async () => {
    const { interrupts } = await letter.get();
    for (const { id, payload } of interrupts) {
      console.log(`asks: ${String(payload)}`);
      await letter.answer<typeof Approval>(id, { approved: true });
    }
  });
  console.log(`result: ${await letter.result}`);
  await handler.close();
  server.close();
}
