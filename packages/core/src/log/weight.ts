import type { Entry } from "../machine/entry.ts";

/** What an entry without its content is taken to weigh, in bytes. */
const base = 200;

/** About how many bytes of memory an entry holds: for retention, not for accounting. */
export function weightOf(entry: Entry): number {
  switch (entry.type) {
    case "stream:item":
      return base + sizeOf(entry.item);
    case "signal":
      return base + sizeOf(entry.payload);
    case "chunk:start":
    case "flow:start":
      return base + sizeOf(entry.input);
    case "flow:waiting":
      return base + sizeOf([entry.state, entry.interrupts]);
    case "interrupt:raised":
      return base + sizeOf(entry.interrupt.payload);
    case "interrupt:answered":
      return base + sizeOf(entry.answer);
    case "chunk:complete":
      return base + sizeOf(entry.output);
    case "field:invalid":
      return base + sizeOf(entry.raw);
    case "step:complete":
    case "field:complete":
    case "reply:complete":
      return base + sizeOf(entry.value);
    case "tool:call_start":
      return base + sizeOf(entry.args);
    case "tool:progress":
      return base + sizeOf(entry.data);
    case "model:token":
    case "model:reasoning":
    case "field:delta":
    case "tool:input":
      return base + 2 * entry.delta.length;
    case "state:changed":
      return base + sizeOf(entry.diff.values);
    default:
      return base;
  }
}

/** Parts of a value that are looked at: what has more is heavy enough. */
const maxParts = 10_000;

/** Two bytes a character, eight a number, sixteen an object or key. Without recursion, and bounded, so that a circle ends. */
function sizeOf(value: unknown): number {
  if (typeof value === "string") return 2 * value.length;
  if (typeof value !== "object" || value === null) return 8;
  let size = 0;
  const open: unknown[] = [value];
  for (let parts = 0; open.length > 0 && parts < maxParts; parts += 1) {
    const next = open.pop();
    if (typeof next === "string") size += 2 * next.length;
    else if (typeof next !== "object" || next === null) size += 8;
    else {
      const inside = Object.values(next);
      size += 16 * (inside.length + 1);
      for (const part of inside) open.push(part);
    }
  }
  return size;
}
