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
    case "chunk:complete":
      return base + sizeOf(entry.output);
    case "field:complete":
    case "reply:complete":
      return base + sizeOf(entry.value);
    case "model:token":
    case "model:reasoning":
    case "field:delta":
      return base + 2 * entry.delta.length;
    case "state:changed":
      return base + sizeOf(entry.diff.values);
    default:
      return base;
  }
}

/** Two bytes a character, eight a number, sixteen an object or key. Walks plain data without recursion; loops end. */
function sizeOf(value: unknown): number {
  if (typeof value === "string") return 2 * value.length;
  if (typeof value !== "object" || value === null) return 8;
  let size = 0;
  const seen = new Set<object>();
  const open: unknown[] = [value];
  while (open.length > 0) {
    const next = open.pop();
    if (typeof next === "string") size += 2 * next.length;
    else if (typeof next !== "object" || next === null) size += 8;
    else if (!seen.has(next)) {
      seen.add(next);
      const parts = Object.values(next);
      size += 16 * (parts.length + 1);
      for (const part of parts) open.push(part);
    }
  }
  return size;
}
