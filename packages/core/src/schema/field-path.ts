import { SluiceError } from "../error/sluice-error.ts";

/** One step of a path: a key, an element, any key (`*`), any element (`[*]`). */
export type Segment =
  | { readonly kind: "key"; readonly name: string }
  | { readonly kind: "index"; readonly position: number }
  | { readonly kind: "any-key" }
  | { readonly kind: "any-index" };

/**
 * Reads a field path: `a.b`, `items[*].name`, `items[0]`, `scores.*`, `["a.b"]`. The empty path is the root.
 *
 * @throws SluiceError `path-invalid`, with the place where it cannot be read.
 */
export function parsePath(path: string): readonly Segment[] {
  const segments: Segment[] = [];
  let at = 0;
  while (at < path.length) {
    if (path[at] === "[") {
      const { segment, end } = readBracket(path, at);
      segments.push(segment);
      at = end;
      continue;
    }
    if (at > 0 && path[at] !== ".") throw unreadable(path, at, `a "." or "[" is missing`);
    const from = at > 0 ? at + 1 : at;
    at = nameEnd(path, from);
    segments.push(readName(path, from, at));
  }
  return segments;
}

/** Writes segments in their one canonical way, which is how concrete paths are written everywhere. */
export function formatPath(segments: readonly Segment[]): string {
  let path = "";
  for (const segment of segments) path = joinPath(path, segmentText(segment));
  return path;
}

/** A key as a later part of a path: `.name`, or `["a.b"]` where the plain form would be ambiguous. */
export function keySegment(name: string): string {
  return isPlain(name) ? `.${name}` : `[${JSON.stringify(name)}]`;
}

/** A path with one more segment as `keySegment` writes it, or `[3]`. */
export function joinPath(path: string, segment: string): string {
  return path === "" && segment.startsWith(".") ? segment.slice(1) : path + segment;
}

/**
 * Compiles a pattern into a test of canonical concrete paths. A test costs one pass over the path and allocates nothing.
 *
 * @throws SluiceError `path-invalid`
 */
export function matchesPath(pattern: string): (path: string) => boolean {
  const segments = parsePath(pattern);
  if (isConcrete(segments)) {
    const canonical = formatPath(segments);
    return (path) => path === canonical;
  }
  const parts = partsOf(segments);
  return (path) => {
    let at = 0;
    for (const { literal, any } of parts) {
      if (literal !== undefined) at = path.startsWith(literal, at) ? at + literal.length : -1;
      else at = any === "index" ? afterIndex(path, at) : afterKey(path, at);
      if (at < 0) return false;
    }
    return at === path.length;
  };
}

/** Whether the segments name one place: no wildcard. */
export function isConcrete(segments: readonly Segment[]): boolean {
  return segments.every(({ kind }) => kind === "key" || kind === "index");
}

/** A literal stretch of a pattern, or a wildcard. */
interface Part {
  literal?: string;
  any?: "key" | "index";
}

function partsOf(segments: readonly Segment[]): readonly Part[] {
  const parts: Part[] = [];
  for (const segment of segments) {
    const last = parts.at(-1);
    if (segment.kind === "any-key") parts.push({ any: "key" });
    else if (segment.kind === "any-index") parts.push({ any: "index" });
    else if (last?.literal !== undefined) last.literal += segmentText(segment);
    else parts.push({ literal: parts.length === 0 ? joinPath("", segmentText(segment)) : segmentText(segment) });
  }
  return parts;
}

function segmentText(segment: Segment): string {
  switch (segment.kind) {
    case "key":
      return keySegment(segment.name);
    case "index":
      return `[${segment.position}]`;
    case "any-key":
      return ".*";
    case "any-index":
      return "[*]";
    default:
      return segment satisfies never;
  }
}

/** Where the index at `at` ends, or -1. */
function afterIndex(path: string, at: number): number {
  if (path[at] !== "[") return -1;
  let end = at + 1;
  while (isDigit(path[end])) end += 1;
  return end > at + 1 && path[end] === "]" ? end + 1 : -1;
}

/** Where the key at `at` ends, or -1. */
function afterKey(path: string, at: number): number {
  if (path[at] === "[") return path[at + 1] === '"' ? quoteEnd(path, at + 1) + 1 : -1;
  if (at > 0 && path[at] !== ".") return -1;
  const from = at > 0 ? at + 1 : at;
  const end = nameEnd(path, from);
  return end > from ? end : -1;
}

/** Where a quoted key ends: behind its second quote; at the path's end where that is missing. */
function quoteEnd(path: string, quote: number): number {
  let at = quote + 1;
  while (at < path.length && path[at] !== '"') at += path[at] === "\\" ? 2 : 1;
  return at + 1;
}

function nameEnd(path: string, from: number): number {
  let at = from;
  while (at < path.length && path[at] !== "." && path[at] !== "[") at += 1;
  return at;
}

function readName(path: string, from: number, end: number): Segment {
  const name = path.slice(from, end);
  if (name === "*") return { kind: "any-key" };
  if (name === "") throw unreadable(path, from, "a name is missing");
  if (!isPlain(name)) throw unreadable(path, from, `the name ${name} has to be written ["…"]`);
  return { kind: "key", name };
}

/** The segment in brackets at `at`, and where it ends. */
function readBracket(path: string, at: number): { segment: Segment; end: number } {
  const quoted = path[at + 1] === '"';
  const close = quoted ? quoteEnd(path, at + 1) : path.indexOf("]", at);
  if (close < 0 || path[close] !== "]") throw unreadable(path, at, `the "[" is not closed`);
  const text = path.slice(at + 1, close);
  const end = close + 1;
  if (quoted) return { segment: { kind: "key", name: unquote(path, at, text) }, end };
  if (text === "*") return { segment: { kind: "any-index" }, end };
  const position = Number(text);
  const isPosition = Number.isSafeInteger(position) && position >= 0 && String(position) === text;
  if (!isPosition) throw unreadable(path, at, `[${text}] is neither an index nor [*] nor a key in double quotes`);
  return { segment: { kind: "index", position }, end };
}

function unquote(path: string, at: number, text: string): string {
  try {
    return JSON.parse(text) as string; // starts with a quote, so that it is a string or no JSON
  } catch (cause) {
    throw unreadable(path, at, `${text} is not a JSON string`, cause);
  }
}

function isPlain(name: string): boolean {
  if (name === "" || name === "*") return false;
  for (const char of name) if (char === "." || char === "[" || char === "]" || char === '"') return false;
  return true;
}

function isDigit(char: string | undefined): boolean {
  return char !== undefined && char >= "0" && char <= "9";
}

function unreadable(path: string, at: number, problem: string, cause?: unknown): SluiceError {
  return new SluiceError("path-invalid", {
    what: `The path ${JSON.stringify(path)} cannot be read: ${problem}, at position ${at}`,
    mend: `Write it like a.b, items[*].name, items[0], scores.* or ["a.b"]`,
    ...(cause !== undefined && { cause }),
  });
}
