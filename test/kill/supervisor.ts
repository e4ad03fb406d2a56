import { spawn } from "node:child_process";
import { mkdtempSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { fileURLToPath } from "node:url";
import { sqliteStore } from "@sluice/sqlite";
import { rolldown } from "rolldown";
import { checkEnd } from "./check-end.ts";
import { checkLife } from "./check-life.ts";
import { type Life, planned } from "./life.ts";
import { type Logs, readLogs } from "./logs.ts";
import { Random } from "./random.ts";
import { type Line, readWitness } from "./witness.ts";

/** What came of it. */
export interface Killed {
  readonly kills: number;
  /** Lives that came to their end. */
  readonly ends: number;
  readonly executions: number;
  readonly entries: number;
  readonly chunks: number;
  readonly steps: number;
  readonly signals: number;
  readonly undoings: number;
  /** What observers, `stored()` and results have acknowledged. */
  readonly acknowledged: number;
  readonly violations: readonly string[];
}

/** What is killed. */
export interface KillPlan {
  readonly kills: number;
  readonly seed: number;
  /** In each file. @default 12 */
  readonly executions?: number;
}

/** At most so many kills a file; the life after them is not killed. */
const killsPerFile = 20;
/** When a life is killed, at the latest: a whole one has about as many moments, and takes about as long. */
const mostMoments = 1_200;
const mostMs = 250;
/** When a life that is not killed is taken for stuck. */
const stuckMs = 60_000;

/** Bundles the worker, so that its process starts within a few hundredths of a second. */
export async function bundledWorker(folder: string): Promise<string> {
  const file = join(folder, "worker.mjs");
  const input = fileURLToPath(new URL("worker.ts", import.meta.url));
  await using bundle = await rolldown({ input, platform: "node" });
  await bundle.write({ file, format: "esm", codeSplitting: false });
  return file;
}

/** Runs executions in processes that are killed with SIGKILL, until there were so many kills and all has ended; then looks at what they have left. */
export async function killed({ kills, seed, executions = 12 }: KillPlan): Promise<Killed> {
  const folder = mkdtempSync(join(tmpdir(), "sluice-kill-"));
  const worker = await bundledWorker(folder);
  const [one, other] = await Promise.all(
    [0, 1].map((lane) => lives({ worker, folder, lane, executions, seed, kills: Math.ceil(kills / 2) })),
  );
  const both = sum(one as Killed, other as Killed); // there are two lanes
  if (both.violations.length === 0) rmSync(folder, { recursive: true }); // else somebody will look at it
  return both;
}

interface Lane {
  readonly worker: string;
  readonly folder: string;
  readonly lane: number;
  readonly executions: number;
  readonly seed: number;
  readonly kills: number;
}

/** File after file, until there were enough kills. */
async function lives({ worker, folder, lane, executions, seed, kills }: Lane): Promise<Killed> {
  const random = new Random(seed + lane);
  let total = nothing;
  for (let file = 0; total.kills < kills && total.violations.length === 0; file += 1) {
    const path = join(folder, `${lane}-${file}.db`);
    const settings = { path, executions, durability: file % 3 === 2 ? "async" : "sync" } as const;
    total = sum(total, await livesOfFile(worker, settings, { random, kills: kills - total.kills }));
  }
  return total;
}

type FileSettings = Pick<Life, "path" | "executions" | "durability">;

async function livesOfFile(
  worker: string,
  settings: FileSettings,
  { random, kills }: { readonly random: Random; readonly kills: number },
): Promise<Killed> {
  const witness = `${settings.path}.witness`;
  writeFileSync(witness, "");
  const store = sqliteStore(settings.path);
  let [logs, read, killCount, isOver]: [Logs, number, number, boolean] = [readLogs(store), 0, 0, false];
  const lines: Line[] = [];
  const violations: string[] = [];
  for (let life = 0; !isOver && violations.length === 0; life += 1) {
    const isKilled = killCount < Math.min(kills, killsPerFile);
    const isAimed = isKilled && random.below(2) === 0;
    const moments = isAimed ? 1 + random.below(mostMoments) : 0;
    const afterMs = isKilled && !isAimed ? random.next() * mostMs : stuckMs;
    const told: Life = { ...settings, witness, name: String(life), seed: random.below(2 ** 31), moments };
    const end = await oneLife(worker, told, afterMs);
    const now = readLogs(store, logs);
    const written = readWitness(witness, read);
    lines.push(...written.lines);
    const complaints = [...checkLife(written.lines, logs, now, told)];
    if (end === "stuck" || (end !== "killed" && end !== "over")) complaints.push(`the process: ${end}`);
    violations.push(
      ...complaints.map((complaint) => `${settings.path}, life ${life} (${settings.durability}): ${complaint}`),
    );
    [logs, read] = [now, written.to];
    if (end === "killed") killCount += 1;
    isOver = end !== "killed";
  }
  if (violations.length === 0) {
    for (const plan of planned(settings.executions)) {
      const own = lines.filter((line) => "key" in line && line.key.split("/")[0] === plan.id);
      const seen = { lines: own, durability: settings.durability };
      violations.push(...checkEnd(plan, store.find(plan.id), logs.entries.get(plan.id) ?? [], seen));
    }
  }
  store.close();
  const entries = [...logs.entries.values()].flat();
  const count = (type: string): number => entries.filter((entry) => entry.type === type).length;
  return {
    kills: killCount,
    ends: 1,
    executions: logs.entries.size,
    entries: entries.length,
    chunks: count("chunk:complete"),
    steps: count("step:complete"),
    signals: count("signal"),
    undoings: count("chunk:compensated"),
    acknowledged: lines.filter(({ what }) => what === "seen" || what === "stored" || what === "result").length,
    violations,
  };
}

/** Lets a process live until it is over, or kills it. @param afterMs after its first word */
function oneLife(worker: string, life: Life, afterMs: number): Promise<string> {
  const { promise, resolve, reject } = Promise.withResolvers<string>();
  const child = spawn(process.execPath, [worker, JSON.stringify(life)], { stdio: ["ignore", "pipe", "pipe"] });
  let complaints = "";
  let timer: NodeJS.Timeout | undefined;
  child.stderr.on("data", (data: Buffer) => (complaints += data.toString()));
  child.stdout.once("data", () => (timer = setTimeout(() => child.kill("SIGKILL"), afterMs)));
  child.once("error", reject);
  child.once("close", (code, signal) => {
    clearTimeout(timer);
    if (signal === "SIGKILL") resolve(afterMs === stuckMs && life.moments === 0 ? "stuck" : "killed");
    else resolve(code === 0 && complaints === "" ? "over" : `ended with ${code ?? signal}: ${complaints}`);
  });
  return promise;
}

const nothing: Killed = {
  kills: 0,
  ends: 0,
  executions: 0,
  entries: 0,
  chunks: 0,
  steps: 0,
  signals: 0,
  undoings: 0,
  acknowledged: 0,
  violations: [],
};

function sum(one: Killed, other: Killed): Killed {
  return {
    kills: one.kills + other.kills,
    ends: one.ends + other.ends,
    executions: one.executions + other.executions,
    entries: one.entries + other.entries,
    chunks: one.chunks + other.chunks,
    steps: one.steps + other.steps,
    signals: one.signals + other.signals,
    undoings: one.undoings + other.undoings,
    acknowledged: one.acknowledged + other.acknowledged,
    violations: [...one.violations, ...other.violations],
  };
}
