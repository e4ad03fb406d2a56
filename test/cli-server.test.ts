import { type Server, createServer } from "node:http";
import type { AddressInfo } from "node:net";
import { getRequestListener } from "@hono/node-server";
import { after, defineFlow, flow, interrupt, memoryStore, start } from "@sluice/core";
import { type Handler, createHandler } from "@sluice/server";
import { afterEach, beforeEach, expect, test } from "vitest";
import { z } from "zod";
import { type Folder, makeFolder } from "./command.ts";

const Go = interrupt("go", { ask: z.string(), answer: z.object({ ok: z.boolean() }) });
const letter = flow(defineFlow({ name: "letter", input: z.string(), stream: z.string(), result: z.string() }))
  .chunk("write", start, (to, ctx) => {
    for (const word of ["Dear", to]) ctx.putIntoStream(word);
    return to;
  })
  .chunk("ask", after("write"), (to, ctx) => void ctx.interrupt(Go, to))
  .chunk("send", Go.answered, ({ ok }, ctx) => ctx.setResult(ok ? "sent" : "dropped"));

let folder: Folder;
let handler: Handler;
let server: Server;
let address: string;

beforeEach(async () => {
  folder = makeFolder();
  const authorize = ({ headers }: Request): boolean => headers.get("authorization") === "Bearer open-sesame";
  handler = createHandler({ flows: [letter], store: memoryStore(), authorize });
  server = createServer(getRequestListener(handler));
  await new Promise<void>((listening) => server.listen(0, "127.0.0.1", listening));
  address = `http://127.0.0.1:${(server.address() as AddressInfo).port}`;
});
afterEach(async () => {
  folder.remove();
  await handler.close();
  server.closeAllConnections();
  await new Promise((closed) => server.close(closed));
});

const env = { SLUICE_TOKEN: "open-sesame" };

async function begin(): Promise<string> {
  const headers = { authorization: "Bearer open-sesame", "content-type": "application/json" };
  const init = { method: "POST", headers, body: `{"input":"Ann"}` };
  const response = await fetch(`${address}/flows/letter/executions`, init);
  return ((await response.json()) as { readonly executionId: string }).executionId;
}

test("the token of the environment is sent; without it the server's refusal is told, and what to do", async () => {
  const id = await begin();
  const list = await folder.sluice(["list", "--json"], { env: { ...env, SLUICE_SERVER: `${address}/` } });
  expect(JSON.parse(list.stdout)).toMatchObject({ executions: [{ executionId: id, flow: "letter" }] });
  const refused = await folder.sluice(["list", "--server", address]);
  expect(refused).toMatchObject({ code: 1, stdout: "", stderr: expect.stringContaining("Set SLUICE_TOKEN") });
  expect(refused.stderr).toContain("This request may not list");
});

test("tail takes a lost connection up again: each entry once, in order, to the last", async () => {
  const id = await begin();
  const terminal = folder.terminal(["tail", id, "--server", address, "--json"], env);
  await terminal.until('"type":"flow:waiting"');
  server.closeAllConnections();
  expect(await folder.sluice(["answer", id, '{"ok":true}', "--server", address], { env })).toMatchObject({ code: 0 });
  expect(await terminal.exit).toBe(0);
  const seqs = [
    ...terminal
      .text()
      .replaceAll("\n", "")
      .matchAll(/"seq":(\d+),"live":0/g),
  ].map(([, seq]) => Number(seq));
  expect(seqs).toEqual(seqs.map((_, index) => index + 1));
  expect(seqs.length).toBeGreaterThan(5);
  expect(terminal.text()).toContain('"result":"sent"');
});

test("what was named on the command line counts before the environment", async () => {
  await begin();
  const both = { env: { ...env, SLUICE_STORE: "other.db" } };
  expect(await folder.sluice(["list", "--server", address], both)).toMatchObject({ code: 0 });
  expect(await folder.sluice(["list", "--server", address, "--store", "a.db"], { env })).toMatchObject({ code: 2 });
});
