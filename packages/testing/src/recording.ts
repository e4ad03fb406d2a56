import { type ErrorData, type Resolved, SluiceError, type Spent, messageOf } from "@sluice/core";
import { z } from "zod";
import type { ToolPart } from "./scripted-model.ts";

/**
 * What the calls of one source gave, and when. Plain JSON, without prompts and headers; of errors it has what the log has of
 * them. What models write, and what tools take and give, is in it as it was.
 */
export interface Recording {
  /** Of this form. */
  readonly version: 1;
  /** The source's name in the log. */
  readonly model: string;
  /** In the order in which they began. */
  readonly calls: readonly RecordedCall[];
}

/** One call of a source: all steps of the model, and the tools between them. */
export interface RecordedCall {
  /** The attempt of the chunk that called. @default 1 */
  readonly attempt?: number;
  /** Another model than the one that was wanted, from the beginning. @default none */
  readonly resolved?: Resolved;
  /** The call was refused before it began. @default it was not */
  readonly refused?: RecordedFailure;
  readonly pieces: readonly RecordedPiece[];
}

/** What came, and how many milliseconds after what came before. */
export type RecordedPiece = { readonly afterMs: number } & (
  | { readonly text: string }
  | { readonly reasoning: string }
  | ({ readonly finish: string } & Spent)
  /** `spent`: of a `resolved`, what the call before has used. */
  | { readonly part: ToolPart; readonly spent?: Spent }
  /** A budget was told that the price of a model is not known. */
  | { readonly unpriced: string }
  /** The source failed. */
  | { readonly fails: RecordedFailure; readonly spent?: Spent }
  /** The reader wanted no more: what would have followed is not known. */
  | { readonly left: true; readonly spent?: Spent }
);

/** An error as the log tells it, and whether another attempt may help. */
export interface RecordedFailure extends ErrorData {
  readonly retryable: boolean;
}

const optional = z.exactOptional;
const count = optional(z.number());
const data = z.unknown().default(undefined); // JSON has no undefined: such a property is not there
const spent = z.object({
  usage: z.object({
    inputTokens: count,
    outputTokens: count,
    totalTokens: count,
    reasoningTokens: count,
    cachedInputTokens: count,
    cacheWriteInputTokens: count,
  }),
  costUsd: count,
  prices: optional(z.string()),
  estimated: optional(z.literal(true)),
  cached: optional(z.literal(true)),
});
const text = optional(z.string());
const error = z.object({
  name: z.string(),
  message: z.string(),
  code: text,
  what: text,
  where: text,
  mend: text,
  get cause(): z.ZodExactOptional<z.ZodType<ErrorData>> {
    return optional(error);
  },
});
const failure = error.extend({ retryable: z.boolean() });
const resolved = z.object({
  wanted: z.string(),
  model: z.string(),
  reason: z.enum(["failure", "rate-limit", "timeout", "budget"]),
  error: text,
  remainingBudgetUsd: count,
});
const tool = { toolCallId: z.string(), tool: z.string() };
const part = z.discriminatedUnion("type", [
  z.object({ type: z.literal("tool-input"), ...tool, delta: z.string() }),
  z.object({ type: z.literal("tool-input-end"), ...tool }),
  z.object({ type: z.literal("tool-call"), ...tool, args: data }),
  z.object({ type: z.literal("tool-progress"), ...tool, data }),
  z.object({
    type: z.literal("tool-result"),
    ...tool,
    success: z.boolean(),
    output: optional(z.unknown()),
    error: text,
  }),
  z.object({ type: z.literal("start"), model: z.string() }),
  resolved.extend({ type: z.literal("resolved") }),
]);
const after = { afterMs: z.number().nonnegative() };
const piece = z.union([
  z.object({ ...after, text: z.string() }),
  z.object({ ...after, reasoning: z.string() }),
  z.object({ ...after, finish: z.string(), ...spent.shape }),
  z.object({ ...after, part, spent: optional(spent) }),
  z.object({ ...after, unpriced: z.string() }),
  z.object({ ...after, fails: failure, spent: optional(spent) }),
  z.object({ ...after, left: z.literal(true), spent: optional(spent) }),
]);
const schema: z.ZodType<Recording> = z.object({
  version: z.literal(1),
  model: z.string(),
  calls: z.array(
    z.object({
      attempt: optional(z.int().positive()),
      resolved: optional(resolved),
      refused: optional(failure),
      pieces: z.array(piece),
    }),
  ),
});

/** How errors name a recording. */
export function nameOf(from: string | Recording): string {
  return typeof from === "string" ? from : `of ${from.model}`;
}

/**
 * A recording, checked.
 *
 * @param from it, or the path of its file
 * @throws SluiceError `model-failed` when it is none, with the place of what does not fit
 */
export function recordingOf(from: string | Recording): Recording {
  try {
    const read = schema.safeParse(typeof from === "string" ? JSON.parse(files().readFileSync(from, "utf8")) : from);
    if (read.success) return read.data;
    const [issue] = read.error.issues;
    throw new Error(`${z.core.toDotPath(issue?.path ?? []) || "it"} does not fit: ${issue?.message ?? ""}`);
  } catch (cause) {
    const what = `The recording ${typeof from === "string" ? from : "that was given"} cannot be read: ${messageOf(cause)}`;
    const mend = "Make it with record(source, file), and look at the path: it starts where the process does";
    throw new SluiceError("model-failed", { what, mend, cause, retryable: false });
  }
}

/** Writes a recording, one piece a line. */
export function saveRecording(file: string, { version, model, calls }: Recording): void {
  const written = calls.map(({ pieces, ...call }) => {
    const lines = pieces.map((each) => `\n      ${JSON.stringify(each)}`).join(",");
    return `\n    ${JSON.stringify(call).slice(0, -1)}${Object.keys(call).length > 0 ? "," : ""}"pieces":[${lines}\n    ]}`;
  });
  const head = `{\n  "version": ${version},\n  "model": ${JSON.stringify(model)},\n`;
  files().writeFileSync(file, `${head}  "calls": [${written.join(",")}\n  ]\n}\n`);
}

/** Node's files, at once: a clock that is virtual does not wait for a promise of theirs. Without an import, for browsers. */
function files(): typeof import("node:fs") {
  return process.getBuiltinModule("node:fs");
}
