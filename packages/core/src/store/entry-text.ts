import { errorCodes } from "../error/error-code.ts";
import { type ErrorData, SluiceError, errorData } from "../error/sluice-error.ts";
import type { Entry } from "../machine/entry.ts";

/** The key under which an error stands in JSON. */
const mark = "~error";
/** The key of what stands for `undefined` in a list: JSON would make it `null`. */
const gap = "~undefined";

/** What all entries of a log have in common, and no text repeats. */
export interface LogPlace {
  readonly executionId: string;
  /** The path of the execution's own entries: its flow's name. */
  readonly path: readonly string[];
}

/** JSON of any plain data in which errors of ours may stand, and `undefined` in lists. */
export function textOf(value: unknown): string {
  return JSON.stringify(value, function (this: Record<string, unknown>, key, data: unknown) {
    const error = this[key]; // `data` has gone through toJSON
    if (data === undefined && Array.isArray(this)) return { [gap]: true };
    return error instanceof SluiceError ? { [mark]: markedOf(error) } : data;
  });
}

/** Gives back what `textOf` was given. @throws SyntaxError */
export function ofText(text: string): unknown {
  if (!text.includes(`"${mark}"`) && !text.includes(`"${gap}"`)) return JSON.parse(text);
  return JSON.parse(text, (_, value: unknown) => {
    if (Array.isArray(value)) return value.map((item: unknown) => (isGap(item) ? undefined : item));
    return isMarked(value) ? revived(value[mark]) : value;
  });
}

/** A durable entry as JSON, without what follows from its place. */
export function entryText(entry: Entry): string {
  const { seq: _seq, live: _live, executionId: _id, path, ...rest } = entry;
  const own = path.length === 1 ? rest : { ...rest, path };
  return holdsErrors(entry) ? textOf(own) : JSON.stringify(own);
}

/** The entry that a text stands for, at its place. @throws SyntaxError, TypeError for what is none */
export function entryOfText(text: string, seq: number, { executionId, path }: LogPlace): Entry {
  const entry = ofText(text) as Entry;
  if (typeof entry.type !== "string" || typeof entry.at !== "number") throw new TypeError("it is no entry");
  return Object.assign({ seq, live: 0, executionId, path }, entry);
}

/** Reading JSON with errors in it costs several times as much: few entries have any. */
function holdsErrors(entry: Entry): boolean {
  return (
    "error" in entry || "notUndone" in entry || (entry.type === "chunk:start" && entry.trigger.includes("failed("))
  );
}

type Marked = ErrorData & { readonly retryable?: boolean };

function markedOf(error: SluiceError): Marked {
  return error.retryable ? errorData(error) : { ...errorData(error), retryable: false };
}

function isGap(value: unknown): boolean {
  return typeof value === "object" && value !== null && gap in value && Object.keys(value).length === 1;
}

function isMarked(value: unknown): value is { readonly [mark]: Marked } {
  if (typeof value !== "object" || value === null || !(mark in value)) return false;
  const { [mark]: data, ...rest } = value as { readonly [mark]: unknown };
  const code = (data as Partial<ErrorData> | null)?.code;
  return Object.keys(rest).length === 0 && errorCodes.some((one) => one === code);
}

function revived({ code, what = "", where, mend, cause, retryable = true }: Marked): SluiceError {
  const known = errorCodes.find((one) => one === code) ?? "chunk-failed";
  const parts = { what, where, mend, retryable };
  return new SluiceError(known, cause === undefined ? parts : { ...parts, cause: revivedCause(cause) });
}

function revivedCause({ name, message, code, cause }: ErrorData): Error {
  const error = new Error(message, cause === undefined ? undefined : { cause: revivedCause(cause) });
  error.name = name;
  return code === undefined ? error : Object.assign(error, { code });
}
