import { type Entry, type StoredExecution, isFinal } from "@sluice/core";
import { type Life, type Planned, nudgesOf } from "./life.ts";
import type { Stored } from "./logs.ts";
import { type Line, canonical } from "./witness.ts";

/** Whether what an execution has left is right; a line for each thing that is not. */
export function checkEnd(
  plan: Planned,
  record: StoredExecution | undefined,
  log: readonly Stored[],
  { lines, durability }: { readonly lines: readonly Line[]; readonly durability: Life["durability"] },
): readonly string[] {
  if (record === undefined) return [`${plan.id} is not stored`];
  const last = log.at(-1);
  if (last === undefined || !isLast(last))
    return [`${plan.id} has not ended: it is ${record.status}, ${log.length} entries`];
  return [
    ...differences("result", last.type === "flow:completed" ? last.result : last.type, resultOf(plan)),
    ...differences("status", record.status, plan.flow === "trip" ? "failed" : "completed"),
    ...differences("number of entries", record.lastSeq, log.length),
    ...differences("final entries", log.filter((entry) => isLast(entry)).length, 1),
    ...differences("not undone", "notUndone" in last ? last.notUndone : undefined, undefined),
    ...differences("completed chunks", countOf(log, plan.flow === "trip" ? ["hire"] : []), completionsOf(plan)),
    ...differences("nudges", log.flatMap(nudgeOf), eventsOf(plan)),
    ...attempts(log),
    ...scopes(log),
    ...undoings(log),
    ...items(log),
    ...signals(log, lines),
    ...(durability === "sync" ? identities(lines) : []),
  ].map((violation) => `${plan.id}: ${violation}`);
}

function isLast(entry: Stored): entry is Extract<Stored, { readonly state: unknown; readonly durationMs: number }> {
  return isFinal<any>(entry as Entry);
}

const eventsOf = (plan: Planned): readonly unknown[] => nudgesOf(plan).map((n) => ({ n }));

function nudgeOf(entry: Stored): readonly unknown[] {
  return entry.type === "signal" && entry.event === "nudge" ? [entry.payload] : [];
}

function differences(name: string, got: unknown, wanted: unknown): readonly string[] {
  const [one, other] = [canonical(got) ?? "none", canonical(wanted) ?? "none"];
  return one === other ? [] : [`${name}: got ${one}, expected ${other}`];
}

function resultOf({ flow, n, items: numbers }: Planned): unknown {
  if (flow === "trip") return "flow:failed";
  if (flow === "counter") return undefined;
  if (flow === "reader") return [1, 2, 3].map((part) => `PART ${part} OF ${n}`);
  const sum = 10 * numbers.reduce((one, value) => one + value, 0);
  return { sum, by: "somebody", colour: "a painter", family: 4 * n + 2 };
}

/** How often each chunk completes. */
function completionsOf({ flow, items: { length: many } }: Planned): Record<string, number> {
  if (flow === "trip") return { reserve: 1, leg: 3, stay: 1, book: 1 };
  if (flow === "counter") return { count: 3 };
  if (flow === "reader") return { read: 1, part: 3, join: 1 };
  const children = { split: 1, grow: 2, add: 1, close: 1, double: 2, check: 2 };
  const once = { list: 1, sum: 1, decide: 1, family: 1, colour: 1, nudged: 1, finish: 1 };
  return { ...once, ...(many > 0 && { work: many, pair: many }), ...children };
}

function countOf(log: readonly Stored[], but: readonly string[]): Record<string, number> {
  const counts: Record<string, number> = {};
  for (const entry of log) {
    if (entry.type === "chunk:complete" && !but.includes(entry.chunk))
      counts[entry.chunk] = (counts[entry.chunk] ?? 0) + 1;
  }
  return counts;
}

/** Attempts of an activation follow each other, and none follows its completion. */
function attempts(log: readonly Stored[]): readonly string[] {
  const states = new Map<string, number | "completed">();
  return log.flatMap((entry) => {
    if (entry.type !== "chunk:start" && entry.type !== "chunk:complete") return [];
    const before = states.get(entry.key) ?? 0;
    states.set(entry.key, entry.type === "chunk:start" ? entry.attempt : "completed");
    const wanted = entry.type === "chunk:start" ? Number(before) + 1 : before;
    return entry.attempt === wanted ? [] : [`${entry.type} ${entry.key} in attempt ${entry.attempt} after ${before}`];
  });
}

/** Each execution of a log, children too, begins once and ends once; nothing of it follows; its changes make its last state. */
function scopes(log: readonly Stored[]): readonly string[] {
  const states = new Map<string, Record<string, unknown>>();
  const ended = new Set<string>();
  const wrong = log.flatMap((entry) => {
    const path = entry.path.join("/");
    if (ended.has(path)) return [`${entry.type} after the end of ${path}`];
    const state = states.get(path);
    if ((entry.type === "flow:start") !== (state === undefined))
      return [`${entry.type} in ${path}, which has ${canonical(state)}`];
    if (entry.type === "flow:start") states.set(path, { ...entry.state });
    if (entry.type === "state:changed") {
      Object.assign(state ?? {}, entry.diff.values);
      for (const key of entry.diff.removed) delete state?.[key];
    }
    if (!["flow:completed", "flow:failed", "flow:timeout", "flow:cancelled"].includes(entry.type)) return [];
    ended.add(path);
    return differences(`state of ${path}`, (entry as Stored & { readonly state: unknown }).state, state);
  });
  return [...wrong, ...[...states.keys()].filter((path) => !ended.has(path)).map((path) => `${path} has no end`)];
}

const undone = ["reserve", "leg", "stay", "book", "hire"];

/** In a rollback what has completed is undone once, the last first; else nothing is. */
function undoings(log: readonly Stored[]): readonly string[] {
  const paths = [...new Set(log.map(({ path }) => path.join("/")))];
  return paths.flatMap((path) => {
    const own = log.filter((entry) => entry.path.join("/") === path);
    const isRolledBack = own.some(({ type }) => type === "flow:rollback");
    const completed = own.flatMap((entry) =>
      entry.type === "chunk:complete" && undone.includes(entry.chunk) ? [entry.key] : [],
    );
    const compensated = own.flatMap((entry) =>
      entry.type === "chunk:compensated" && entry.error === undefined ? [entry.key] : [],
    );
    const isFailed = own.some(({ type }) => type === "flow:failed" || type === "flow:cancelled");
    return differences(`undone in ${path}`, compensated, isRolledBack || isFailed ? completed.toReversed() : []);
  });
}

/** Of each activation viewers have the items of one attempt: those of others are void. */
function items(log: readonly Stored[]): readonly string[] {
  const shown = new Map<string, string[]>();
  for (const entry of log) {
    if (entry.type === "chunk:reset") shown.delete(entry.key);
    else if (entry.type === "stream:item")
      shown.set(entry.key, [...(shown.get(entry.key) ?? []), canonical(entry.item)]);
  }
  return [...shown].flatMap(([key, own]) =>
    new Set(own).size === own.length ? [] : [`items twice of ${key}: ${own.join()}`],
  );
}

/** No more equal signals of an activation than one of its attempts emits. */
function signals(log: readonly Stored[], lines: readonly Line[]): readonly string[] {
  const emitted = new Map<string, number>();
  for (const entry of log) {
    if (entry.type !== "signal" || entry.activationId === undefined) continue;
    const signal = `${entry.key} ${entry.event} ${canonical(entry.payload)}`;
    emitted.set(signal, (emitted.get(signal) ?? 0) + 1);
  }
  const inRuns = new Map<string, number>();
  const most = new Map<string, number>();
  for (const line of lines) {
    if (line.what !== "emit") continue;
    const signal = `${line.key} ${line.event} ${line.payload}`;
    const inRun = (inRuns.get(`${line.run} ${signal}`) ?? 0) + 1;
    inRuns.set(`${line.run} ${signal}`, inRun);
    most.set(signal, Math.max(most.get(signal) ?? 0, inRun));
  }
  return [...emitted].flatMap(([signal, count]) =>
    count > (most.get(signal) ?? 0) ? [`${count} signals ${signal}, an attempt emits ${most.get(signal) ?? 0}`] : [],
  );
}

/** One idempotency key stands for one piece of work: no chunk starts before what gave it its key is stored. */
function identities(lines: readonly Line[]): readonly string[] {
  const works = new Map<string, string>();
  return lines.flatMap((line) => {
    if (line.what !== "begin") return [];
    const work = `${line.chunk}(${line.input})`;
    const before = works.get(line.key) ?? work;
    works.set(line.key, before);
    return before === work ? [] : [`${line.key} is ${before}, and ${work}`];
  });
}
