import type { EntryType } from "@sluice/core";
import { equals, iterableEquality, subsetEquality } from "@jest/expect-utils";
import { excerpt } from "./excerpt.ts";
import { type LogEntry, type LogLine, lineOf } from "./log-line.ts";

/** What an entry is to be: a type, a line, or some of its fields, in which asymmetric matchers may stand. */
export type LogPattern = LogLine | { readonly type?: EntryType; readonly [field: string]: unknown };

/** How far a log is as expected. */
export interface LogMatch {
  /** Which entry each pattern found, by index. */
  readonly found: readonly number[];
  /** The first pattern that found none. */
  readonly missing: LogPattern | undefined;
}

/** Most lines of a log that a message shows. */
const shownLines = 30;

/** Looks for each pattern behind the entry that the one before it found. Entries in between do not matter. */
export function matchLog(log: readonly LogEntry[], patterns: readonly LogPattern[]): LogMatch {
  const found: number[] = [];
  for (const pattern of patterns) {
    const from = (found.at(-1) ?? -1) + 1;
    const index = log.findIndex((entry, at) => at >= from && fits(entry, pattern));
    if (index < 0) return { found, missing: pattern };
    found.push(index);
  }
  return { found, missing: undefined };
}

/** The log with what was found in it, and what is nearest to the pattern that is missing. */
export function describeMatch(log: readonly LogEntry[], patterns: readonly LogPattern[], match: LogMatch): string {
  const { found, missing } = match;
  const last = found.at(-1);
  const first = Math.max(0, Math.min((last ?? 0) - 5, log.length - shownLines));
  const lines = log.slice(first, first + shownLines).flatMap((entry, offset) => {
    const index = first + offset;
    const pattern = patterns[found.indexOf(index)];
    const line = `${found.includes(index) ? "✓" : " "} ${String(index + 1).padStart(String(log.length).length)}  ${lineOf(entry)}`;
    return [
      typeof pattern === "object" ? `${line}   as ${patternText(pattern)}` : line,
      ...(missing !== undefined && index === last ? [absent(missing)] : []),
    ];
  });
  return [
    ...(missing !== undefined && last === undefined ? [absent(missing)] : []),
    ...(first > 0 ? [`  … ${first} before`] : []),
    ...lines,
    ...(first + shownLines < log.length ? [`  … ${log.length - first - shownLines} more`] : []),
    ...(missing === undefined ? [] : nearest(log, missing, (last ?? -1) + 1)),
  ].join("\n");
}

/** A pattern on one line. */
export function patternText(pattern: LogPattern): string {
  if (typeof pattern === "string") return pattern;
  const fields = Object.entries(pattern).map(([field, expected]) => `${field}: ${excerpt(expected)}`);
  return `{ ${fields.join(", ")} }`;
}

function absent(pattern: LogPattern): string {
  return `✗ no ${patternText(pattern)} from here on`;
}

function fits(entry: LogEntry, pattern: LogPattern): boolean {
  return typeof pattern === "string"
    ? pattern === entry.type || pattern === lineOf(entry)
    : Object.keys(pattern).every((field) => fitsIn(field, entry, pattern));
}

type Fields = Readonly<Record<string, unknown>>;

function fitsIn(field: string, entry: LogEntry, pattern: Fields): boolean {
  return equals((entry as LogEntry & Fields)[field], pattern[field], [iterableEquality, subsetEquality]);
}

/** What does not fit, one sentence a field. */
function misfits(entry: LogEntry, pattern: LogPattern): string[] {
  if (typeof pattern === "string") return [`expected ${pattern}, got ${lineOf(entry)}`];
  return Object.keys(pattern)
    .filter((field) => !fitsIn(field, entry, pattern))
    .map((field) => {
      const got = (entry as LogEntry & Fields)[field];
      return `${field}: expected ${excerpt(pattern[field])}, got ${excerpt(got)}`;
    });
}

/** The entry that the pattern probably means: one too early, or of the same type with other fields. */
function nearest(log: readonly LogEntry[], pattern: LogPattern, from: number): string[] {
  const early = log.slice(0, from).findLastIndex((entry) => fits(entry, pattern));
  if (early >= 0) return ["", `It is there before: entry ${early + 1}.`];
  const type = typeof pattern === "string" ? pattern.split(" ")[0] : pattern.type;
  const candidates = log
    .map((entry, index) => ({ entry, index }))
    .filter(({ entry, index }) => index >= from && entry.type === type)
    .map(({ entry, index }) => ({ entry, index, wrong: misfits(entry, pattern) }))
    .toSorted((one, other) => one.wrong.length - other.wrong.length);
  return candidates
    .slice(0, 1)
    .flatMap(({ entry, index, wrong }) => [
      "",
      `Nearest is entry ${index + 1}, ${lineOf(entry)}:`,
      ...wrong.map((one) => `  ${one}`),
    ]);
}
