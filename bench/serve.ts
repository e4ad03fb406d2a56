import { execSync } from "node:child_process";
import type { Bar } from "./bar.ts";
import { bare } from "./contestants/served-bare.ts";
import { sluice } from "./contestants/sluice.ts";
import { type Cost, type MeasureOptions, costOf } from "./measure.ts";
import { duration } from "./quantity.ts";
import { type Comparison, type Section, minOf } from "./section.ts";
import { delaysOf } from "./serving/delays.ts";
import { entriesAround } from "./serving/entries.ts";
import { ServerProcess } from "./serving/server-process.ts";
import type { Table } from "./table.ts";

/** The files of the contestants. */
const contestants = ["served-sluice", "served-log", "served-bare", "served-hono", "served-better-sse"];
/** Those of which an idle client and a delay mean something else than those of Sluice. */
const single = contestants.filter((name) => name !== "served-log");

/** Items in a turn of the event loop. */
const perTurn = 100;
const most = 10_000 - entriesAround; // what a log retains
const toMany = { clients: 100, count: 1_000 - entriesAround };
const idleClients = 2_000;
const stalledClients = 20;
/** Files that a process has open besides. */
const spareFiles = 200;
const watched = { everyMs: 5, idle: 200 };

/** Live streams over HTTP on this machine: how fast they are, what a client costs, and how late it hears of things. */
export async function serve({ rounds }: MeasureOptions): Promise<Section> {
  const quick = rounds < 5;
  const servers = await Promise.all(contestants.map((name) => ServerProcess.start(name)));
  const one = await compare(servers, { clients: 1, count: most, rounds: quick ? 3 : 40 });
  const many = await compare(servers, { ...toMany, rounds: quick ? 3 : 15 });
  for (const server of servers) server.stop();
  const idle = await idling(quick ? 200 : idleClients);
  const stalled = await stalling(quick ? 40_000 : 100_000);
  const { table, median } = await late(quick ? 50 : 1_000, quick ? 1 : 4);
  const bars: readonly Bar[] = [
    fastEnough(one, 1, 50_000),
    fastEnough(many, toMany.clients, 300_000),
    kilobytes(idle, 25),
    kilobytes(stalled, 256),
    { what: `${table.title}: ${sluice}, median, ms`, value: median, is: "at most", limit: 2, kind: "bar" },
  ];
  return { title: "Serving", comparisons: [one, many, idle, stalled], growth: [], bars, tables: [table] };
}

interface Load {
  readonly clients: number;
  /** Items of the stream. */
  readonly count: number;
  readonly rounds: number;
}

/** Each server in turn, round by round: from the first item until all clients have all. */
async function compare(servers: readonly ServerProcess[], { clients, count, rounds }: Load): Promise<Comparison> {
  const times = servers.map((): number[] => []);
  for (let round = -2; round < rounds; round += 1) {
    for (const [index, server] of servers.entries()) {
      const ms = await timeOf(server, clients, count);
      if (round >= 0) times[index]?.push(ms); // the first ones warm it up
    }
  }
  const each = (count + entriesAround).toLocaleString("en");
  return {
    title: clients === 1 ? `${each} entries to a client` : `${each} entries to each of ${clients} clients`,
    note:
      `Over sockets of this machine, the servers in processes of their own, the clients in another. ${sluice} runs the ` +
      `execution that writes the entries, ${perTurn} in a turn of the event loop, and keeps its log for who comes again. ` +
      `${bare} writes the same bytes, made beforehand, a write a message, and waits where a client does not read. The ` +
      "others write entries that are there.",
    costs: servers.map(({ name }, index) => costOf(name, times[index] ?? [])),
    of: "time",
    unit: bare,
    ours: sluice,
    steps: { one: "an entry", count: clients * (count + entriesAround) },
  };
}

async function timeOf(server: ServerProcess, clients: number, count: number): Promise<number> {
  const { path = "" } = await server.ask({ ask: "prepare", count, pace: { perTurn } });
  const wanted = count + entriesAround + 1; // `retry` comes first
  const all = await server.watch(path, clients, wanted);
  const startedAt = performance.now();
  const [, ...ends] = [await server.ask({ ask: "flow" }), ...all.map(({ over }) => over)];
  await Promise.all(ends);
  const ms = performance.now() - startedAt;
  await server.clear();
  return ms;
}

/** That so many entries a second reach all clients, or 60 % of what the bare loop sends. */
function fastEnough({ title, costs, steps }: Comparison, clients: number, perSecond: number): Bar {
  const rate = (name: string): number => ((steps?.count ?? 0) / minOf(costs, name)) * 1_000;
  const limit = Math.floor(Math.min(perSecond, 0.6 * rate(bare)));
  const what = `${title}: ${sluice}, a second${clients === 1 ? "" : " in all"}`;
  return { what, value: rate(sluice), is: "at least", limit, kind: "bar" };
}

function kilobytes({ title, costs }: Comparison, limit: number): Bar {
  return { what: `${title}: ${sluice}, KB`, value: minOf(costs, sluice) / 1_024, is: "at most", limit, kind: "bar" };
}

/** What clients cost that watch and hear nothing. */
async function idling(wanted: number): Promise<Comparison> {
  const clients = Math.min(wanted, openFiles() - spareFiles);
  const costs: Cost[] = [];
  const resident: string[] = [];
  for (const contestant of single) {
    const server = await ServerProcess.start(contestant);
    const { path = "" } = await server.ask({ ask: "prepare", count: 1, pace: { perTurn } });
    const warm = Math.floor(clients / 2);
    await server.watch(path, warm, "end");
    const before = await server.ask({ ask: "memory" });
    await server.watch(path, clients - warm, "end");
    const after = await server.ask({ ask: "memory" });
    const each = (of: "held" | "resident") => ((after[of] ?? 0) - (before[of] ?? 0)) / (clients - warm);
    costs.push(costOf(server.name, [each("held")]));
    resident.push(`${server.name} ${(each("resident") / 1_024).toFixed(1)} KB`);
    server.stop();
  }
  const few = `Only ${clients.toLocaleString("en")} clients: a process may have ${openFiles().toLocaleString("en")} files open here (\`ulimit -n\`).`;
  return {
    title: "An idle client",
    note:
      `What is held of it after a collection, in the heap and in buffers, by a server with ${clients.toLocaleString("en")} ` +
      `of them. By as much the whole process grows: ${resident.join(", ")}.`,
    costs,
    of: "memory",
    unit: bare,
    ours: sluice,
    exceptions: clients < wanted ? [few] : [],
  };
}

/** What clients cost that have stopped reading, when a stream of so many items is over. */
async function stalling(count: number): Promise<Comparison> {
  const costs: Cost[] = [];
  for (const contestant of single) {
    const held: number[] = [];
    for (const clients of [0, stalledClients]) {
      const server = await ServerProcess.start(contestant);
      const { path = "" } = await server.ask({ ask: "prepare", count, pace: { perTurn } });
      for (const watcher of await server.watch(path, clients, "end")) watcher.stall();
      const [reader] = await server.watch(path, 1, "end");
      await server.ask({ ask: "flow" });
      await reader?.over;
      held.push((await server.ask({ ask: "memory" })).held ?? Number.NaN);
      if (clients > 0) costs.push(costOf(server.name, [((held[1] ?? 0) - (held[0] ?? 0)) / clients]));
      server.stop();
    }
  }
  return {
    title: "A client that has stopped reading",
    note:
      `What is held of it after ${count.toLocaleString("en")} items, with ${stalledClients} of them: by how much more than ` +
      `without. ${bare} has all bytes beforehand, and shares them; better-sse keeps for a client what that does not read.`,
    costs,
    of: "memory",
    unit: bare,
    ours: sluice,
  };
}

/** How late a client hears of an item, while others watch other streams. Each server in turn. */
async function late(count: number, rounds: number): Promise<{ readonly table: Table; readonly median: number }> {
  const servers = await Promise.all(single.map((name) => ServerProcess.start(name)));
  const delays = servers.map((): number[] => []);
  const others = Math.min(watched.idle, Math.floor((openFiles() - spareFiles) / servers.length));
  for (const server of servers) {
    const { path = "" } = await server.ask({ ask: "prepare", count: 1, pace: { perTurn } });
    await server.watch(path, others, "end");
  }
  for (let round = 0; round < rounds; round += 1) {
    for (const [index, server] of servers.entries()) {
      const { everyMs } = watched;
      delays[index]?.push(...(await delaysOf(server, { count: count / rounds, everyMs, others })));
    }
  }
  const figures = delays.map((all) => {
    const sorted = all.toSorted((a, b) => a - b);
    return [0.5, 0.99, 1].map((part) => sorted[Math.ceil(sorted.length * part) - 1] ?? Number.NaN);
  });
  for (const server of servers) server.stop();
  const table: Table = {
    title: "From an item to the client's handler",
    note:
      `From \`putIntoStream\` in the server's process to the handler of the \`eventsource\` package in another, an item in ` +
      `${watched.everyMs} ms, ${count.toLocaleString("en")} items, while ${others} clients watch other streams.`,
    headings: ["", "median", "99 %", "slowest"],
    rows: servers.map(({ name }, index) => [name, ...(figures[index] ?? []).map(duration)]),
  };
  return { table, median: figures[servers.findIndex(({ name }) => name === sluice)]?.[0] ?? Number.NaN };
}

/** How many files a process may have open. */
function openFiles(): number {
  const told = process.platform === "win32" ? "unlimited" : execSync("ulimit -n", { encoding: "utf8" }).trim();
  return told === "unlimited" ? 1_000_000 : Number(told);
}
