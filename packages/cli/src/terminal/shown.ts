import { stripVTControlCharacters } from "node:util";

/** Text on one line, without anything that a terminal would obey: it may come from a model. */
export function oneLine(text: string, width = Number.POSITIVE_INFINITY): string {
  const plain = stripVTControlCharacters(text)
    .replaceAll(/\r?\n/g, "⏎")
    .replaceAll(/\p{Cc}/gu, " ");
  return plain.length > width ? `${plain.slice(0, Math.max(0, width - 1))}…` : plain;
}

/** The end of a text that is being written, on one line. */
export function lastOf(text: string, width: number): string {
  const line = oneLine(text);
  return line.length > width ? `…${line.slice(line.length - width + 1)}` : line;
}

/** A value on one line: text as it is, anything else as JSON. */
export function brief(value: unknown, width?: number): string {
  return oneLine(typeof value === "string" ? value : (JSON.stringify(value) ?? "nothing"), width);
}

/** A value to be read: text as it is, anything else as JSON on several lines. */
export function full(value: unknown): string {
  const text = typeof value === "string" ? value : (JSON.stringify(value, undefined, 2) ?? "nothing");
  return stripVTControlCharacters(text).replaceAll(/(?![\n\t])\p{Cc}/gu, " ");
}

/** So many milliseconds: `340 ms`, `2.4 s`, `3 min 5 s`. */
export function duration(ms: number): string {
  if (ms < 1_000) return `${Math.round(ms)} ms`;
  if (ms < 59_950) return `${(ms / 1_000).toFixed(1)} s`;
  const seconds = Math.round(ms / 1_000);
  if (seconds < 3_600) return `${Math.floor(seconds / 60)} min ${seconds % 60} s`;
  return `${Math.floor(seconds / 3_600)} h ${Math.floor((seconds % 3_600) / 60)} min`;
}

/** A count with its noun: `1 chunk`, `2 chunks`. */
export function counted(count: number, noun: string, plural = `${noun}s`): string {
  return `${count.toLocaleString("en-US")} ${count === 1 ? noun : plural}`;
}

/** How long ago something was, so many milliseconds back. */
export function ago(ms: number): string {
  const days = Math.floor(ms / 86_400_000);
  return ms < 1_000 ? "just now" : days > 1 ? `${days} days ago` : `${duration(Math.floor(ms / 1_000) * 1_000)} ago`;
}
