import type { Entry, SluiceError } from "@sluice/core";
import { paint } from "./paint.ts";
import { brief, duration, oneLine } from "./shown.ts";

/** One fact as a line for people; undefined for what is no news by itself: single tokens, signals, bookkeeping. */
export function entryLine(entry: Entry, width = 200): string | undefined {
  switch (entry.type) {
    case "flow:start":
      return isOwn(entry)
        ? `${paint.bold(entry.flow)} ${paint.dim(entry.executionId)}`
        : `▸ ${where(entry)}${paint.dim("the child begins")}`;
    case "chunk:start":
      return entry.live > 0
        ? undefined
        : `${paint.busy("▸")} ${placed(entry)} ${paint.dim(`on ${entry.trigger}${entry.attempt > 1 ? `, attempt ${entry.attempt}` : ""}`)}`;
    case "chunk:complete":
      return entry.live > 0
        ? undefined
        : `${paint.good("✓")} ${placed(entry)} ${paint.dim(duration(entry.durationMs))}`;
    case "chunk:skipped":
      return `${paint.dim("–")} ${placed(entry)} ${paint.dim("not needed")}`;
    case "chunk:failed":
      if (entry.error.code === "chunk-aborted") return `${paint.warn("■")} ${placed(entry)} ${paint.dim("ended")}`;
      return `${paint.bad("✗")} ${placed(entry)} ${oneLine(whyOf(entry.error), width)}${entry.willRetry ? paint.dim(" (it is tried again)") : ""}`;
    case "chunk:retry":
      return `${paint.warn("↻")} ${placed(entry)} ${paint.dim(`again in ${duration(entry.delayMs)}`)}`;
    case "chunk:compensated":
      return entry.error === undefined
        ? `${paint.warn("↩")} ${placed(entry)} ${paint.dim("undone")}`
        : `${paint.bad("✗")} ${placed(entry)} could not be undone: ${oneLine(entry.error.message, width)}`;
    case "field:complete":
      if (typeof entry.value === "object" && entry.value !== null) return undefined;
      return `  ${paint.dim(`${entry.reply}.`)}${oneLine(entry.field, width)}: ${brief(entry.value, width)}`;
    case "field:invalid":
      return `${paint.bad("✗")} ${entry.reply}.${oneLine(entry.field, width)}: ${brief(entry.raw, width)} ${paint.dim(oneLine(entry.issues[0]?.message ?? "", width))}`;
    case "reply:stopped":
      return `${paint.warn("■")} ${entry.reply} ${paint.dim(`stopped by ${entry.reason}`)}`;
    case "stream:item":
      return entry.live > 0 ? undefined : itemLine(entry, width);
    case "model:resolved":
      return `${paint.warn("⇢")} ${entry.wanted} → ${entry.model} ${paint.dim(entry.reason)}`;
    case "tool:call_start":
      return `${paint.busy("⚒")} ${oneLine(entry.tool, width)} ${paint.dim(brief(entry.args, width))}`;
    case "tool:call_finish":
      return `${entry.success ? paint.good("⚒") : paint.bad("⚒")} ${oneLine(entry.tool, width)} ${paint.dim(entry.success ? duration(entry.durationMs) : oneLine(entry.error ?? "failed", width))}`;
    case "budget:threshold_reached":
      return `${paint.warn("$")} ${entry.thresholdPct} % of the budget is spent`;
    case "interrupt:raised":
      return `${paint.asks("?")} ${entry.interrupt.id} ${brief(entry.interrupt.payload, width)}`;
    case "interrupt:answered":
      return `${paint.asks("!")} ${entry.interrupt.id} ${brief(entry.answer, width)}`;
    case "interrupt:expired":
      return `${paint.warn("?")} ${entry.interrupt.id} has expired`;
    case "flow:forked":
      return `${paint.dim("⑂")} forked from ${entry.from.executionId} at ${entry.from.seq}`;
    case "flow:rollback":
      return `${paint.warn("↩")} ${where(entry)}what has completed is undone`;
    case "flow:waiting":
      return isOwn(entry) ? paint.asks("waiting for an answer") : undefined;
    default:
      return undefined;
  }
}

/** What was thrown, where that is all that there is to say: the line names the chunk. */
function whyOf({ code, what, cause }: SluiceError): string {
  const { message } = (cause ?? {}) as { readonly message?: unknown };
  return code === "chunk-failed" && typeof message === "string" ? message : what;
}

/** An item of the runtime stream. */
export function itemLine(entry: Entry & { readonly item?: unknown }, width: number): string {
  return `${paint.dim("•")} ${brief(entry.item, width)}`;
}

function placed(entry: Entry & { readonly chunk: string; readonly lane: string }): string {
  const item = /\[\d+\](?!.*\[\d+\])/.exec(entry.lane)?.[0] ?? "";
  return `${where(entry)}${entry.chunk}${paint.dim(item)}`;
}

/** The children that lead to it. */
function where({ path }: Entry): string {
  return path
    .slice(1)
    .map((name) => `${name} › `)
    .join("");
}

/** Whether it is of the execution itself, not of a child. */
function isOwn({ path }: Entry): boolean {
  return path.length === 1;
}
