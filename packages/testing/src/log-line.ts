import type { Entry, EntryType } from "@sluice/core";

/** An entry in short: its type and what it is about, such as `chunk:start read` or `signal escalated`. */
export type LogLine = EntryType | `${EntryType} ${string}`;

/** An entry, or one of an outline. */
export interface LogEntry {
  readonly type: EntryType;
}

/** The log in short, one line an entry: for comparing the whole of it. */
export function linesOf(entries: readonly LogEntry[]): LogLine[] {
  return entries.map(lineOf);
}

/** An entry in short. Ids, times and values are not in it. */
export function lineOf(entry: LogEntry): LogLine {
  const subject = subjectOf(entry as Entry); // an outline's entry has the fields that are read here
  return subject === "" ? entry.type : `${entry.type} ${subject}`;
}

function subjectOf(entry: Entry): string {
  switch (entry.type) {
    case "signal":
      return entry.event;
    case "state:changed":
      return [...entry.diff.added, ...entry.diff.changed, ...entry.diff.removed].join(",");
    case "field:opened":
    case "field:delta":
    case "field:complete":
    case "field:invalid":
      return entry.field === "" ? entry.reply : `${entry.reply}.${entry.field}`;
    case "reply:complete":
      return entry.reply;
    case "tool:input":
    case "tool:call_start":
    case "tool:progress":
    case "tool:call_finish":
      return entry.tool;
    case "step:complete":
      return entry.name;
    case "timer:set":
    case "timer:fired":
      return /^[al]\d/.test(entry.timer) ? "" : entry.timer.replace(/^sleep .*/, "sleep"); // of an activation: an id
    case "budget:threshold_reached":
      return `${entry.thresholdPct}`;
    case "budget:price_unknown":
      return entry.model;
    default:
      return "chunk" in entry ? entry.chunk : "";
  }
}
