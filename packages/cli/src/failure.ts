import { FlowDefinitionError, SluiceError, messageOf } from "@sluice/core";
import { Complaint, exitCodes } from "./complaint.ts";
import { placeOf } from "./flows/place-of.ts";
import { paint } from "./terminal/paint.ts";
import { full } from "./terminal/shown.ts";

/** The exit code that an error stands for. */
export function exitCodeOf(error: unknown): number {
  if (error instanceof Complaint) return error.exitCode;
  if (error instanceof SluiceError && error.code === "input-invalid") return exitCodes.usage;
  return exitCodes.failed;
}

/** An error for people: what, where, how to mend it. */
export function failureLines(error: unknown, { debug = false }: { readonly debug?: boolean } = {}): string {
  const lines =
    error instanceof FlowDefinitionError
      ? problemLines(error)
      : [`${paint.bad("✗")} ${told(error)}`, ...partLines(error)];
  if (debug) lines.push("", full(error instanceof Error ? stackOf(error) : String(error)));
  return lines.join("\n");
}

/** All problems of a definition, each with its place and its mend. */
function problemLines({ problems }: FlowDefinitionError): string[] {
  return problems.flatMap(({ code, where, what, mend }) => [
    `${paint.bad("✗")} ${where}: ${what} ${paint.dim(`[${code}]`)}`,
    `  ${paint.dim("mend")}   ${mend}`,
  ]);
}

function partLines(error: unknown): string[] {
  const { where, mend } = (error ?? {}) as { readonly where?: string; readonly mend?: string };
  const place = error instanceof Complaint ? undefined : placeOf(innermost(error));
  return [
    ...(where === undefined ? [] : [`  ${paint.dim("where")}  ${where}`]),
    ...causesOf(error).map((cause) => `  ${paint.dim("cause")}  ${told(cause)}`),
    ...(place === undefined ? [] : [`  ${paint.dim("at")}     ${place}`]),
    ...(mend === undefined ? [] : [`  ${paint.dim("mend")}   ${mend}`]),
  ];
}

/** What led to it, where its own words do not say so already. */
function causesOf(error: unknown): unknown[] {
  if (error instanceof Complaint || !(error instanceof Error) || error.cause === undefined) return [];
  const said = told(error);
  const isSaid = (cause: unknown): boolean => isSchemaError(cause) || said.includes(told(cause));
  return [error.cause].filter((cause) => !isSaid(cause));
}

/** What a schema says is in the words of the error that it led to. */
function isSchemaError(cause: unknown): boolean {
  return cause instanceof Error && "issues" in cause;
}

function innermost(error: unknown): unknown {
  return error instanceof Error && error.cause !== undefined ? innermost(error.cause) : error;
}

function told(error: unknown): string {
  return full(error instanceof SluiceError || error instanceof Complaint ? error.what : messageOf(error));
}

function stackOf(error: Error): string {
  const cause = error.cause instanceof Error ? `\nbecause of: ${stackOf(error.cause)}` : "";
  return `${error.stack ?? error.message}${cause}`;
}
