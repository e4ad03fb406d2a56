import type { $ZodIssue } from "zod/v4/core";
import { excerpt } from "../error/excerpt.ts";
import { joinPath, keySegment } from "./field-path.ts";

/** What is wrong at one place of a value. */
export interface FieldIssue {
  /** Where, from the value that was checked. */
  readonly path: readonly PropertyKey[];
  /** What was expected, and what came. */
  readonly message: string;
}

/** What is wrong with one value of a reply. */
export interface FieldIssueAt {
  /** Where in the reply, such as `items[3].price`; empty for the whole. */
  readonly path: string;
  /** Their paths begin at this value. */
  readonly issues: readonly FieldIssue[];
  /** What the model wrote; left out where it could not be read. */
  readonly raw?: unknown;
}

/** An issue of zod's, with what was expected and what came also where no locale says so (`zod/mini`). */
export function fieldIssue(issue: $ZodIssue, value: unknown): FieldIssue {
  const { path, message } = issue;
  const wanted = expectedOf(issue);
  const told = wanted === undefined || message.includes("expected") ? message : `${message}: expected ${wanted}`;
  const isTold = message.includes("received") || issue.code === "unrecognized_keys";
  return { path, message: isTold ? told : `${told}, got ${excerpt(valueAt(value, path))}` };
}

/** Issues in one line: `items[0].price: Invalid input: expected number, received string; …`. */
export function describeFieldIssues(issues: readonly FieldIssue[]): string {
  return issues
    .map((issue) => (issue.path.length === 0 ? issue.message : `${issuePath(issue)}: ${issue.message}`))
    .join("; ");
}

/**
 * Where an issue is, as paths are written.
 *
 * @param of where the value is that was checked; empty for a whole
 */
export function issuePath({ path }: FieldIssue, of = ""): string {
  return path.reduce<string>(
    (above, key) => joinPath(above, typeof key === "number" ? `[${key}]` : keySegment(String(key))),
    of,
  );
}

function expectedOf(issue: $ZodIssue): string | undefined {
  if (issue.code === "invalid_type") return issue.expected;
  if (issue.code === "invalid_value") return issue.values.map((value) => excerpt(value)).join(" | ");
  return issue.code === "invalid_format" ? issue.format : undefined;
}

function valueAt(value: unknown, path: readonly PropertyKey[]): unknown {
  let found = value;
  for (const key of path) {
    if (typeof found !== "object" || found === null || !Object.hasOwn(found, key)) return undefined;
    found = Reflect.get(found, key);
  }
  return found;
}
