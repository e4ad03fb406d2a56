// Leave to watch one execution, for a page: EventSource sends no headers, and an address can carry a token.
import { randomBytes } from "node:crypto";
import { memoryStore } from "@sluice/core";
import { createHandler } from "@sluice/server";
import { Letter } from "./hosts/letter.ts";

const secret = process.env["SLUICE_TOKEN_SECRET"] ?? randomBytes(32).toString("base64"); // then tokens end with the process
const handler = createHandler({
  flows: [Letter],
  store: memoryStore(),
  authorize: ({ headers }) => headers.get("authorization") === "Bearer the-backend", // nobody else, but for tokens
  tokens: { secret, expiresInMs: 15 * 60_000 },
});

const at = "http://localhost";
const headers = { authorization: "Bearer the-backend", "content-type": "application/json" };
const init = { method: "POST", headers, body: '{"input":{"to":"Ann"}}' };
const started = await handler(new Request(`${at}/flows/letter/executions`, init));
const { executionId } = (await started.json()) as { readonly executionId: string };

const { token } = await handler.token(executionId); // goes into the page: new EventSource(`…/stream?token=${token}`)
for (const [who, path] of [
  ["with it", `/executions/${executionId}?token=${token}`],
  ["without", `/executions/${executionId}`],
  ["another execution", `/executions/${crypto.randomUUID()}?token=${token}`],
  ["the list", `/executions?token=${token}`],
]) {
  const { status } = await handler(new Request(`${at}${path}`));
  console.log(`${who}: ${status}`);
}
await handler.close();
