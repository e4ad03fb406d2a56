import type { Graph, GraphChunk } from "@sluice/core";
import { paint } from "../terminal/paint.ts";
import { counted, duration } from "../terminal/shown.ts";

/** A graph for a terminal: each chunk with what triggers it and what it emits. */
export function outline({ flow, chunks, accepts, hash }: Graph): string {
  const width = Math.max(...chunks.map(({ name }) => name.length), 1);
  const lines = chunks.map((chunk) => {
    const triggers = chunk.triggers.map(({ label, guarded }) => `${label}${guarded ? paint.dim(" when …") : ""}`);
    const emits = chunk.emits.length === 0 ? "" : `  ${paint.warn("→")} ${chunk.emits.join(", ")}`;
    const policies = policiesOf(chunk).join(", ");
    const notes = policies === "" ? "" : paint.dim(`  (${policies})`);
    return `  ${paint.bold(chunk.name.padEnd(width))}  ${paint.busy("◂")} ${triggers.join(paint.dim(" or "))}${emits}${notes}`;
  });
  const outside = accepts.length === 0 ? [] : [paint.dim(`  accepts ${accepts.join(", ")}`)];
  return [`${paint.bold(flow)} ${paint.dim(hash)}`, ...lines, ...outside].join("\n");
}

function policiesOf({ live, retry, timeout, concurrency, compensated }: GraphChunk): string[] {
  return [
    ...(live ? ["live"] : []),
    ...(retry === undefined ? [] : [counted(retry.attempts, "attempt")]),
    ...(timeout === undefined ? [] : [`at most ${duration(timeout)}`]),
    ...(concurrency === undefined ? [] : [`${concurrency} at a time`]),
    ...(compensated === true ? ["can be undone"] : []),
  ];
}
