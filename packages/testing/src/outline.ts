import { type Entry, type EntryType, errorData } from "@sluice/core";

/** An entry as plain data that is the same in each run. */
export interface OutlineEntry {
  readonly type: EntryType;
  readonly [field: string]: unknown;
}

/** Positions, times and hashes: they differ from run to run, or say what the order says. */
const dropped = new Set("seq live at executionId graphHash durationMs firstTokenMs elapsedMs delayMs dueAt".split(" "));

/**
 * The log as plain data that can be compared and kept as a snapshot: positions, times and hashes left out, ids numbered
 * in the order of their appearance, errors as data. Live entries have `live: true`; `path` is there below the root only.
 */
export function outline(entries: readonly Entry[]): OutlineEntry[] {
  const renamed = new Map<string, string>();
  const counts = new Map<string, number>();
  const rename = (id: string): string => {
    const known = renamed.get(id);
    if (known !== undefined) return known;
    const kind = id.slice(0, 1);
    const count = (counts.get(kind) ?? 0) + 1;
    counts.set(kind, count);
    renamed.set(id, `${kind}${count}`);
    return `${kind}${count}`;
  };
  const plain = (field: string, value: unknown): unknown => {
    if (value instanceof Error) return errorData(value);
    if (typeof value !== "string") return value;
    if (field === "timer") return value.replace(/(?<=^(?:sleep )?(?:undo )?)[al]\d+(?=(?:#\d+)?$)/, rename);
    if (field === "activationId" || field === "id" || field === "cause") {
      return value.replace(/^[als]\d+$/, rename);
    }
    // within a reply's id and a lane: `triage@a1`, `/triage@a1:steps[2]`
    return field === "replyId" || field === "lane" ? value.replaceAll(/(?<=@)[al]\d+/g, rename) : value;
  };
  return entries.map((entry) => ({
    type: entry.type,
    ...(entry.live > 0 && { live: true }),
    ...Object.fromEntries(
      Object.entries(entry)
        .filter(([field]) => !dropped.has(field) && !(field === "path" && entry.path.length === 1))
        .map(([field, value]) => [field, plain(field, value)]),
    ),
  }));
}
