import type { Entry, Execution } from "@sluice/core";
import { createLogUpdate } from "log-update";
import { itemOf, timeline } from "./timeline.ts";

/** Shows an execution while it runs. Call the function it returns when the execution has ended. */
export type Screen = (execution: Execution, title: string) => () => void;

/** In a terminal: the fields fill in place, with what started on each of them. */
export const liveScreen: Screen = (execution, title) => {
  const fields = new Map<string, string>();
  const started = new Map<string, string[]>();
  const entries: Entry[] = [];
  const update = createLogUpdate(process.stdout);
  const draw = (): void => {
    const lines = [...fields].map(([path, text]) => {
      const chunks = started.get(path);
      return `  ${path.padEnd(10)} ${text}${chunks === undefined ? "" : `   ▸ ${chunks.join(", ")}`}`;
    });
    update([title, ...lines].join("\n"));
  };
  execution.events$.subscribe((entry) => {
    entries.push(entry);
    if (entry.type === "field:opened" && isLeaf(entry.kind)) fields.set(entry.field, "");
    if (entry.type === "field:delta") fields.set(entry.field, `${fields.get(entry.field) ?? ""}${entry.delta}`);
    if (entry.type === "field:complete" && typeof entry.value !== "object")
      fields.set(entry.field, `${text(entry.value)} ✓`);
    if (entry.type === "chunk:start" && entry.live === 0) {
      const path = fieldOf(entry.trigger, entry.lane);
      if (path !== undefined) started.set(path, [...(started.get(path) ?? []), entry.chunk]);
    }
    if (entry.type.startsWith("field:") || entry.type === "chunk:start") draw();
  });
  return () => {
    update.done();
    console.log(`${timeline(entries)}\n`);
  };
};

/** Piped: a line for each fact, in order. */
export const plainScreen: Screen = (execution, title) => {
  const entries: Entry[] = [];
  console.log(title);
  execution.events$.subscribe((entry) => {
    entries.push(entry);
    const line = plainLine(entry);
    if (line !== undefined) console.log(`  ${line}`);
  });
  return () => console.log(`${timeline(entries)}\n`);
};

/** `--json`: the log, an entry a line. */
export const jsonScreen: Screen = (execution) => {
  execution.events$.subscribe((entry) => console.log(JSON.stringify(entry)));
  return () => {};
};

function plainLine(entry: Entry): string | undefined {
  if (entry.type === "field:complete" && typeof entry.value !== "object") return `${entry.field}: ${text(entry.value)}`;
  if (entry.type === "chunk:start" && entry.live === 0)
    return `▸ ${entry.chunk}${itemOf(entry.lane)} starts on ${entry.trigger}`;
  if (entry.type === "model:finish" && entry.finishReason === "aborted") return "■ the model was stopped";
  if (entry.type === "model:finish") return `■ the model has finished (${entry.usage.outputTokens ?? "?"} tokens)`;
  return entry.type === "stream:item" && entry.live === 0 ? `  ${JSON.stringify(entry.item)}` : undefined;
}

/** The field that a trigger is about; of a fan-out, the one of its lane. */
function fieldOf(trigger: string, lane: string): string | undefined {
  const path = /\.field\("(.*)"\)$/.exec(trigger)?.[1];
  return path?.replace("[*]", itemOf(lane));
}

function isLeaf(kind: string): boolean {
  return kind !== "object" && kind !== "array";
}

function text(value: unknown): string {
  return typeof value === "string" ? value : JSON.stringify(value);
}
