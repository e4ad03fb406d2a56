import { mkdtemp, rm } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { type Bar, targets } from "./bar.ts";
import { sluiceInMemory, sluiceSqlite, storedBytes } from "./contestants/sluice-durable.ts";
import { sluice, sluiceChain } from "./contestants/sluice.ts";
import { compareDurable } from "./durability.ts";
import { type MeasureOptions, measure } from "./measure.ts";
import { type Comparison, type Section, minOf } from "./section.ts";

const executions = 32;
const steps = 20;
/** Those that can be run here are held against. */
const peers = new Set(["LangGraph, SQLite", "DBOS, PostgreSQL"]);

/** Many durable executions at the same time: how many steps a second are stored. */
export async function durable(options: MeasureOptions): Promise<Section> {
  const title = `${executions} durable executions of ${steps} steps, all at once`;
  const comparison = await compareDurable({ title, executions, steps }, options);
  const rows = comparison.costs.map(({ name, min, median }) => [name, rate(min), rate(median)]);
  const table = {
    title: "Steps a second",
    note: "The same measurements.",
    headings: ["", "at best", "median"],
    rows,
  };
  const kept = await compareStores(options);
  const size = await inFolder((folder) => storedBytes(folder, executions, steps));
  const sizes = {
    title: "What is stored",
    note: `Bytes in the file for each chunk of ${executions} executions of ${steps} chunks, with their starts and ends.`,
    headings: ["", "bytes a chunk"],
    rows: [[sluiceSqlite, Math.round(size).toLocaleString("en")]],
  };
  const atLeast = Object.fromEntries(
    comparison.costs.filter(({ name }) => peers.has(name)).map(({ name }) => [name, 20]),
  );
  const fast: Bar = {
    what: `${title}: ${sluiceSqlite}, chunks a second`,
    value: (executions * steps * 1_000) / minOf(comparison.costs, sluiceSqlite),
    is: "at least",
    limit: 20_000,
    kind: "target",
  };
  const bars = [fast, ...targets(comparison, { atLeast })];
  return { title: "Durable", comparisons: [comparison, kept], growth: [], bars, tables: [table, sizes] };
}

const chunks = 1_000;

/** The same chain with no store, and with one that costs nothing but its texts. */
async function compareStores(options: MeasureOptions): Promise<Comparison> {
  const withStore = (["sync", "async", "exit"] as const).map((durability) => sluiceInMemory(chunks, durability));
  return {
    title: `Chain of ${chunks.toLocaleString("en")} asynchronous steps, with and without a store`,
    note: "One execution, whose log one subscriber reads. The store is the one in memory: what remains is the work of making texts of entries, and of waiting for each commit.",
    costs: await measure([sluiceChain(chunks, "asynchronous"), ...withStore], options),
    of: "time",
    unit: sluice,
    ours: sluice,
    steps: { one: "a step", count: chunks },
  };
}

/** In a folder that is gone afterwards. */
async function inFolder<T>(work: (folder: string) => Promise<T>): Promise<T> {
  const folder = await mkdtemp(join(tmpdir(), "sluice-bench-"));
  try {
    return await work(folder);
  } finally {
    await rm(folder, { recursive: true, force: true });
  }
}

function rate(ms: number): string {
  return Math.round((executions * steps * 1_000) / ms).toLocaleString("en");
}
