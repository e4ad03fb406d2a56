import { $ZodAsyncError, config, util, type $ZodType } from "zod/v4/core";
import { fieldIssue, type FieldIssue } from "./field-issue.ts";
import type { Place } from "./shape.ts";

/** What the schemas of a place make of a value: their output, or what is wrong with it. */
export interface Verdict {
  readonly value?: unknown;
  readonly issues?: readonly FieldIssue[];
}

/** Schemas with an asynchronous part, once it has shown. */
const asyncSchemas = new WeakSet<$ZodType>();
const context = {};

/**
 * Judges a value by the first schema of its place that accepts it; where none does, by the one with the fewest complaints.
 * Asynchronous schemas cannot be asked before the reply is complete: there the value passes as it is.
 */
export function check(place: Place, value: unknown): Verdict {
  let issues: readonly FieldIssue[] | undefined;
  let isOpen = false;
  for (const schema of place.schemas) {
    const payload = run(schema, value);
    if (payload === undefined) {
      isOpen = true;
    } else if (payload.issues.length === 0) {
      return { value: payload.value };
    } else if (issues === undefined || payload.issues.length < issues.length) {
      issues = payload.issues.map((issue) => fieldIssue(util.finalizeIssue(issue, context, config()), value));
    }
  }
  return isOpen || issues === undefined ? { value } : { issues };
}

/**
 * What a schema makes of a value, or undefined where it is asynchronous. Asked without `async: false`, an asynchronous
 * refinement answers with a promise; with it, zod drops that promise, and its rejection would be nobody's.
 */
function run(
  schema: $ZodType,
  value: unknown,
): { value: unknown; issues: Parameters<typeof util.finalizeIssue>[0][] } | undefined {
  if (asyncSchemas.has(schema)) return undefined;
  try {
    const payload = schema._zod.run({ value, issues: [] }, context);
    if (!(payload instanceof Promise)) return payload;
    payload.catch(() => {}); // the same refinement is run, and answered for, when the reply is complete
  } catch (error) {
    if (!(error instanceof $ZodAsyncError)) throw error;
  }
  asyncSchemas.add(schema);
  return undefined;
}
