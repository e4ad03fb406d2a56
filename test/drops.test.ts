// Real clients over real sockets, which drop their connections at any byte: whatever drops, the clients or the server, each has every entry once, in order.
import { mkdtempSync, rmSync } from "node:fs";
import { type Server, createServer } from "node:http";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { getRequestListener } from "@hono/node-server";
import { comparePositions, parsePosition } from "@sluice/core";
import { createHandler } from "@sluice/server";
import { afterEach, expect, test } from "vitest";
import { type ClientOptions, DroppingClient } from "./drops/client.ts";
import { MortalServer } from "./drops/mortal-server.ts";
import { relayOf } from "./drops/relay.ts";
import { Random } from "./kill/random.ts";
import { turns } from "./kill/witness.ts";

const clients = Number(process.env["SLUICE_DROP_CLIENTS"] ?? 200);
const seed = Number(process.env["SLUICE_DROP_SEED"] ?? Date.now() % 1_000_000_000);
const pieces = 30;
const dropsEach = 6; // a connection may be lost with the server before its client drops it

const open: (() => unknown)[] = [];
afterEach(async () => {
  for (const close of open.splice(0).reverse()) await close();
});

async function post(url: string, body: unknown): Promise<{ readonly executionId: string }> {
  const headers = { "content-type": "application/json" };
  const response = await fetch(url, { method: "POST", headers, body: JSON.stringify(body) });
  const text = await response.text();
  if (!response.ok) throw new Error(text);
  return text === "" ? { executionId: "" } : JSON.parse(text);
}

/** Many clients who watch an execution from its start; it goes on when all have had something. */
async function crowd(url: string, { up, onMessage }: Pick<ClientOptions, "up" | "onMessage">) {
  const { executionId } = await post(`${url}/flows/relay/executions`, { input: null });
  const here = Array.from({ length: clients + 1 }, () => Promise.withResolvers<void>());
  const all = here.map(
    ({ resolve }, index) =>
      new DroppingClient({
        random: new Random(seed + index),
        url: `${url}/executions/${executionId}/stream`,
        drops: index === 0 ? 0 : dropsEach,
        mostBytes: 40_000,
        up,
        onMessage: (id) => {
          resolve();
          if (index === 0) onMessage?.(id);
        },
      }),
  );
  const watching = all.map((client) => client.watch());
  await Promise.all(here.map(({ promise }) => promise));
  await post(`${url}/executions/${executionId}/answers/go@a1`, { answer: { pieces } });
  const hashes = await Promise.all(watching);
  const [steady, ...others] = all;
  const drops = all.reduce((sum, one) => sum + one.drops, 0);
  const losses = all.reduce((sum, one) => sum + one.losses, 0);
  console.info(
    `SLUICE_DROP_SEED=${seed}: ${clients} clients, ${drops} drops, ${losses} connections lost with a server, ${steady?.ids.length} entries each`,
  );
  return { hashes, steady, others, drops, losses };
}

/** Whether these are the numbers of all durable entries, and of live ones between them in order. */
function isWhole(ids: readonly string[]): boolean {
  const positions = ids.map(parsePosition);
  const durable = positions.filter(({ live }) => live === 0);
  return (
    durable.every(({ seq }, index) => seq === index + 1) &&
    positions.every((one, index) => index === 0 || comparePositions(positions[index - 1] ?? one, one) < 0)
  );
}

test(
  "clients that drop their connections at random and come again get every entry once, in order, live ones too",
  { timeout: 60_000 + clients * 200 },
  async () => {
    const handler = createHandler({ flows: [relayOf(() => turns(5))], development: true });
    const server: Server = createServer(getRequestListener(handler));
    await new Promise<void>((resolve) => server.listen({ port: 0, host: "127.0.0.1", backlog: 4_096 }, resolve));
    open.push(
      () => server.close(),
      () => server.closeAllConnections(),
      () => handler.close(),
    );
    const { port } = server.address() as { readonly port: number };
    const { hashes, steady, others, drops } = await crowd(`http://127.0.0.1:${port}`, { up: async () => {} });
    expect(isWhole(steady?.ids ?? [])).toBe(true);
    expect(steady?.ids.some((id) => id.includes("."))).toBe(true);
    expect(others.filter(({ ids }) => ids.join() !== steady?.ids.join())).toEqual([]);
    expect(new Set(hashes).size).toBe(1);
    expect(drops).toBe(clients * dropsEach);
  },
);

test(
  "the same when the server is killed as well: who comes to the one that takes its place gets every stored entry once",
  { timeout: 120_000 + clients * 400 },
  async () => {
    const folder = mkdtempSync(join(tmpdir(), "sluice-drops-"));
    const server = new MortalServer(folder);
    open.push(
      () => rmSync(folder, { recursive: true }),
      () => server.stop(),
    );
    await server.start();
    const random = new Random(seed);
    const killsAt = Array.from({ length: 5 }, (_, kill) => 50 + kill * 60 + random.below(60));
    const kills: Promise<void>[] = [];
    const { hashes, steady, others, drops, losses } = await crowd(server.url, {
      up: server.up,
      onMessage: (id) => {
        if (Number(id) >= (killsAt[kills.length] ?? Number.POSITIVE_INFINITY)) kills.push(server.kill());
      },
    });
    await Promise.all(kills);
    expect(kills).toHaveLength(5);
    expect([steady, ...others].filter((one) => !isWhole(one?.ids ?? []))).toEqual([]);
    expect(new Set(hashes).size).toBe(1);
    expect(drops).toBeGreaterThanOrEqual(clients * (dropsEach - 1));
    expect(losses).toBeGreaterThanOrEqual(clients);
  },
);
