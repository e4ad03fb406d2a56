import { type Entry, type Graph, Machine } from "@sluice/core";

const endsOfChunks = ["chunk:complete", "chunk:failed", "chunk:skipped"];
/** What may follow the end of an attempt, and carries its number. */
const afterwards = ["chunk:retry", "chunk:reset", "chunk:late", "chunk:compensated"];
const finals = ["flow:completed", "flow:failed", "flow:timeout", "flow:cancelled"];

/** Every law that a log breaks, one line each. */
export function brokenLaws(log: readonly Entry[], graph: Graph): string[] {
  return [...ofTheEnd(log), ...ofAttempts(log), ...ofMemory(log), ...ofLimits(log, graph), ...ofGathers(log, graph)];
}

function ofTheEnd(log: readonly Entry[]): string[] {
  const broken: string[] = [];
  const durable = log.filter(({ live }) => live === 0);
  if (durable.some(({ seq }, index) => seq !== index + 1)) broken.push("seq has a hole");
  const final = log.filter(({ type }) => finals.includes(type));
  if (final.length !== 1) broken.push(`${final.length} final entries`);
  if (log.at(-1) !== final[0]) broken.push("the final entry is not the last");
  return broken;
}

function ofAttempts(log: readonly Entry[]): string[] {
  const broken: string[] = [];
  const open = new Set<string>();
  const ended = new Set<string>();
  let rollingBack = false;
  for (const entry of log) {
    if (entry.type === "flow:rollback") rollingBack = true;
    if (!("activationId" in entry) || entry.activationId === undefined) continue;
    const attempt = `${entry.activationId}/${entry.attempt}`;
    if (entry.type === "chunk:start") {
      if (open.has(attempt) || ended.has(attempt)) broken.push(`${attempt} starts twice`);
      open.add(attempt);
    } else if (endsOfChunks.includes(entry.type)) {
      if (ended.has(attempt)) broken.push(`${attempt} ends twice`);
      open.delete(attempt);
      ended.add(attempt);
    } else if (ended.has(attempt) && !afterwards.includes(entry.type) && !rollingBack) {
      broken.push(`${entry.type} after the end of ${attempt}`);
    }
  }
  return [...broken, ...[...open].map((attempt) => `${attempt} never ends`)];
}

/** No later attempt does again what an earlier one has done. Each attempt here emits an event with a payload once. */
function ofMemory(log: readonly Entry[]): string[] {
  const done: string[] = [];
  const completed = new Set<string>();
  for (const entry of log) {
    if (entry.type === "chunk:complete") completed.add(entry.activationId);
    else if (entry.type === "step:complete")
      done.push(`${completed.has(entry.activationId) ? "undo " : ""}${entry.activationId}: step ${entry.name}`);
    else if (entry.type === "signal" && entry.activationId !== undefined)
      done.push(`${entry.activationId}: ${entry.event} ${JSON.stringify(entry.payload)}`);
    else if ((entry.type === "timer:set" || entry.type === "timer:fired") && entry.timer.startsWith("sleep "))
      done.push(`${entry.type} ${entry.timer}`);
  }
  return done.filter((one, index) => done.indexOf(one) < index).map((one) => `${one} twice`);
}

/** No more of a chunk, or in all, run at a time than is allowed. */
export function ofLimits(log: readonly Entry[], graph: Graph): string[] {
  const broken: string[] = [];
  const running = new Map<string, string>();
  const limits = new Map(graph.chunks.map(({ name, concurrency }) => [name, concurrency ?? Number.POSITIVE_INFINITY]));
  for (const entry of log) {
    if (entry.type === "chunk:start") {
      running.set(entry.activationId, entry.chunk);
      const same = [...running.values()].filter((chunk) => chunk === entry.chunk).length;
      if (same > (limits.get(entry.chunk) ?? 0)) broken.push(`${same} of ${entry.chunk} at a time`);
      if (running.size > (graph.concurrency ?? Number.POSITIVE_INFINITY)) broken.push(`${running.size} at a time`);
    } else if (endsOfChunks.includes(entry.type) && "activationId" in entry && entry.activationId !== undefined) {
      running.delete(entry.activationId);
    }
  }
  return broken;
}

interface SeenFan {
  readonly id: string;
  readonly sources: readonly string[];
  readonly lane: string;
  /** The entry with which it was done. */
  doneAt: number;
}

/** A gather fires once per fan-out, after all its lanes, with the last results in the order of the items. */
function ofGathers(log: readonly Entry[], graph: Graph): string[] {
  const gathered = new Map(graph.chunks.flatMap(({ name, fan }) => (fan === undefined ? [] : [[name, fan] as const])));
  if (gathered.size === 0) return [];
  const broken: string[] = [];
  const fans = new Map<string, SeenFan>();
  const machine = new Machine(graph);
  for (const entry of log) {
    if (entry.live > 0) continue;
    machine.apply(entry);
    const there = machine.snapshot().lanes.fans;
    for (const { id, sources, lane } of there) fans.set(id, { id, sources, lane, doneAt: fans.get(id)?.doneAt ?? 0 });
    for (const fan of fans.values())
      if (fan.doneAt === 0 && !there.some(({ id }) => id === fan.id)) fan.doneAt = entry.seq;
  }
  const completed = log.at(-1)?.type === "flow:completed";
  for (const fan of fans.values()) {
    const inside = (entry: Entry): boolean => "lane" in entry && entry.lane.startsWith(`${fan.id}[`);
    if (fan.doneAt === 0) continue;
    if (log.some((entry) => entry.live === 0 && entry.seq > fan.doneAt && inside(entry) && !isEnding(log, entry))) {
      broken.push(`${fan.id} is not over when it is done`);
    }
    for (const [chunk, source] of gathered) {
      if (!fan.sources.includes(source)) continue;
      const last = new Map<number, unknown>();
      for (const entry of log) {
        if (entry.type !== "chunk:complete" || entry.chunk !== chunk || entry.seq > fan.doneAt) continue;
        const index = /^\[(\d+)\]$/.exec(entry.lane.slice(fan.id.length))?.[1];
        if (entry.lane.startsWith(fan.id) && index !== undefined) last.set(Number(index), entry.output);
      }
      const wanted = JSON.stringify([...last].toSorted(([a], [b]) => a - b).map(([, output]) => output));
      const fired = log.filter(
        (entry) =>
          entry.type === "chunk:start" &&
          entry.attempt === 1 &&
          entry.trigger === `gather("${chunk}")` &&
          entry.lane === fan.lane &&
          JSON.stringify(entry.input) === wanted,
      );
      const listeners = graph.chunks.filter(({ triggers }) =>
        triggers.some(({ label }) => label === `gather("${chunk}")`),
      );
      const free = listeners.filter(({ triggers }) => triggers.every(({ once }) => once !== true));
      if (completed && fired.length < free.length)
        broken.push(`gather("${chunk}") of ${fan.id} does not fire with ${wanted}`);
    }
  }
  const due = [...fans.values()].flatMap(({ sources }) =>
    [...gathered].filter(([, fan]) => sources.includes(fan)),
  ).length;
  const fired = log.filter(
    (entry) =>
      entry.type === "chunk:start" &&
      entry.attempt === 1 &&
      entry.trigger.startsWith("gather(") &&
      JSON.stringify(entry.input) !== "[]",
  );
  const most = Math.max(
    ...[...gathered.keys()].map(
      (chunk) =>
        graph.chunks.filter(({ triggers }) => triggers.some(({ label }) => label === `gather("${chunk}")`)).length,
    ),
  );
  if (fired.length > due * most) broken.push(`${fired.length} gathers of ${due} fan-outs`);
  return broken;
}

/** What is told when all ends: attempts that are aborted, and what is undone. */
function isEnding(log: readonly Entry[], entry: Entry): boolean {
  if (entry.type === "chunk:failed") return entry.error.code === "chunk-aborted";
  const rollback = log.find(({ type }) => type === "flow:rollback");
  return rollback !== undefined && entry.seq > rollback.seq;
}
