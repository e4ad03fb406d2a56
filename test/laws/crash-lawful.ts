import type { Entry, Graph } from "@sluice/core";
import { ofLimits } from "./lawful.ts";

const finals = ["flow:completed", "flow:failed", "flow:timeout", "flow:cancelled"];

/** Every law that a stored log breaks whose processes have died, one line each. */
export function logBreaks(entries: readonly Entry[], graph: Graph | undefined): string[] {
  const broken: string[] = [];
  const ofRoot = entries.filter(({ path }) => path.length === 1);
  const own = ofRoot.filter(({ type }) => finals.includes(type));
  if (own.length !== 1) broken.push(`${own.length} final entries`);
  if (own[0] !== entries.at(-1)) broken.push("the final entry is not last");
  return [
    ...broken,
    ...(graph === undefined ? [] : ofLimits(ofRoot, graph)),
    ...ofAttempts(entries),
    ...ofMemory(entries),
    ...ofChildren(entries),
  ];
}

/** Attempts go up, end once, and what the one before has shown is void before the next one starts. */
function ofAttempts(entries: readonly Entry[]): string[] {
  const broken: string[] = [];
  const last = new Map<string, { attempt: number; ended: boolean; over: boolean; shown: boolean }>();
  for (const entry of entries) {
    if (!("activationId" in entry) || entry.activationId === undefined) continue;
    const key = `${entry.path.slice(1).join("/")} ${entry.activationId}`;
    const before = last.get(key) ?? { attempt: 0, ended: true, over: false, shown: false };
    last.set(key, before);
    switch (entry.type) {
      case "chunk:start":
        if (before.over) broken.push(`${key} starts when it is over`);
        if (entry.attempt <= before.attempt) broken.push(`${key}: attempt ${entry.attempt} after ${before.attempt}`);
        if (before.shown) broken.push(`${key}: attempt ${entry.attempt} starts, and what was shown still counts`);
        Object.assign(before, { attempt: entry.attempt, ended: false });
        break;
      case "stream:item":
        if (!before.over) before.shown = true;
        break;
      case "chunk:reset":
        before.shown = false;
        break;
      case "chunk:failed":
        if (before.ended && entry.attempt > 0 && before.attempt > 0) broken.push(`${key} ends twice`);
        Object.assign(before, { ended: true, over: !entry.willRetry });
        break;
      case "chunk:complete":
        if (before.ended) broken.push(`${key} completes when it has ended`);
        Object.assign(before, { ended: true, over: true });
        break;
      default:
    }
  }
  if (entries.at(-1)?.type !== "flow:completed")
    for (const [key, { ended }] of last) if (!ended) broken.push(`${key} never ends`);
  return broken;
}

/** No later attempt does again what an earlier one has done. Each attempt emits an event with a payload once, here. */
function ofMemory(entries: readonly Entry[]): string[] {
  const completed = new Set<string>();
  const done = entries.flatMap((entry) => {
    if (!("activationId" in entry) || entry.activationId === undefined) {
      const isSleep = (entry.type === "timer:set" || entry.type === "timer:fired") && entry.timer.startsWith("sleep ");
      return isSleep ? [`${entry.path.join("/")}: ${entry.type} ${entry.timer}`] : [];
    }
    const key = `${entry.path.join("/")} ${entry.activationId}`;
    if (entry.type === "chunk:complete") completed.add(key);
    if (entry.type === "step:complete") return [`${completed.has(key) ? "undo " : ""}${key}: step ${entry.name}`];
    if (entry.type === "signal") return [`${key}: ${entry.event} ${JSON.stringify(entry.payload)}`];
    if (entry.type === "interrupt:answered") return [`${key}: ${entry.interrupt.id} is answered`];
    return [];
  });
  return done.filter((one, index) => done.indexOf(one) < index).map((one) => `${one} twice`);
}

/** A child has one start and one end, before that of the attempt that has run it. */
function ofChildren(entries: readonly Entry[]): string[] {
  const open = new Set<string>();
  const broken: string[] = [];
  for (const entry of entries) {
    const path = entry.path.join("/");
    if (entry.type === "flow:start") {
      if (open.has(path)) broken.push(`${path} starts twice`);
      open.add(path);
    } else if (!open.has(path)) broken.push(`${entry.type} of ${path}, which is not there`);
    if (finals.includes(entry.type)) open.delete(path);
  }
  return [...broken, ...[...open].map((path) => `${path} never ends`)];
}

/**
 * What an execution came to: its status, and, when it completed, what has completed where. How much had been done when
 * another chunk failed hangs on the time that a crash costs; all of it is undone then.
 */
export function endOf(entries: readonly Entry[]): unknown {
  const final = entries.at(-1);
  if (final?.type !== "flow:completed") return { type: final?.type };
  const completed = entries.flatMap((entry) => {
    if (entry.type !== "chunk:complete") return [];
    return [
      `${namedByPlace(entry.path.join("/"))} ${entry.chunk} ${namedByPlace(entry.lane)} ${JSON.stringify(entry.output)}`,
    ];
  });
  return { type: final.type, state: final.state, completed: completed.toSorted() };
}

/** Lanes and children have the numbers of what opened them, which a crash shifts. */
function namedByPlace(text: string): string {
  return text
    .replaceAll(/\/[es]\d+/g, "/e")
    .replaceAll(/@a\d+/g, "@a")
    .replaceAll(/#\d+/g, "#");
}
