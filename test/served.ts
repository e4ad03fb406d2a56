// A handler on a real socket, and what a client does with it.
import { mkdtempSync, rmSync } from "node:fs";
import { createServer, type Server } from "node:http";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { getRequestListener } from "@hono/node-server";
import { type Handler, type HandlerOptions, createHandler } from "@sluice/server";
import { afterEach } from "vitest";

const closing: (() => Promise<unknown>)[] = [];
afterEach(async () => {
  for (const close of closing.splice(0).reverse()) await close();
});

/** A handler behind a real socket. */
export interface Served {
  readonly url: string;
  readonly handler: Handler;
  readonly server: Server;
  readonly stop: () => Promise<void>;
}

/** A real server on a real socket; it is closed when the test ends. */
export async function serve(options: HandlerOptions, port = 0): Promise<Served> {
  const handler = createHandler({ development: true, onError: () => {}, ...options });
  const server = createServer(getRequestListener(handler));
  await new Promise<void>((resolve) => server.listen(port, "127.0.0.1", resolve));
  const { port: given } = server.address() as { readonly port: number };
  let isStopped = false;
  const stop = async (): Promise<void> => {
    if (isStopped) return;
    isStopped = true;
    await handler.close({ graceMs: 0 });
    server.closeAllConnections();
    await new Promise((resolve) => server.close(resolve));
  };
  closing.push(stop);
  return { url: `http://127.0.0.1:${given}`, handler, server, stop };
}

/** A folder of a test's own; it is removed when the test ends. */
export function folder(): string {
  const path = mkdtempSync(join(tmpdir(), "sluice-server-"));
  closeLater(async () => rmSync(path, { recursive: true }));
  return path;
}

/** Has something closed when the test ends. */
export function closeLater(close: () => Promise<unknown>): void {
  closing.push(close);
}

/** Posts JSON. */
export async function send(url: string, body: unknown, init: RequestInit = {}) {
  const response = await fetch(url, {
    method: "POST",
    headers: { "content-type": "application/json" },
    body: JSON.stringify(body),
    ...init,
  });
  const text = await response.text();
  return { status: response.status, headers: response.headers, body: text === "" ? undefined : JSON.parse(text) };
}

/** Gets JSON. */
export async function look(url: string) {
  const response = await fetch(url);
  return { status: response.status, headers: response.headers, body: await response.json() };
}

/** One server-sent event. */
export interface Message {
  readonly id: string;
  readonly event: string;
  readonly data: Record<string, unknown>;
}

/** Reads server-sent events until `last` says so, then leaves. */
export async function messages(url: string, last: (message: Message) => boolean, headers: Record<string, string> = {}) {
  const response = await fetch(url, { headers });
  const all: Message[] = [];
  let rest = "";
  const decoder = new TextDecoder();
  for await (const part of response.body ?? []) {
    rest += decoder.decode(part, { stream: true });
    const blocks = rest.split("\n\n");
    rest = blocks.pop() ?? "";
    for (const block of blocks) {
      const field = (name: string) =>
        block
          .split("\n")
          .find((line) => line.startsWith(`${name}: `))
          ?.slice(name.length + 2);
      if (field("data") === undefined) continue;
      all.push({ id: field("id") ?? "", event: field("event") ?? "", data: JSON.parse(field("data") ?? "") });
      if (last(all.at(-1) as Message)) return all;
    }
  }
  return all;
}

export const isEnd = ({ event: type }: Message): boolean => /^flow:(?:completed|failed|cancelled|timeout)$/.test(type);
export const isWait = ({ event: type }: Message): boolean => type === "flow:waiting";
