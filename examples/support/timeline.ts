import type { Entry } from "@sluice/core";

interface Span {
  readonly name: string;
  /** Which item of a fan-out it works on, such as `[2]`; empty in the root lane. */
  readonly item: string;
  readonly trigger: string;
  readonly from: number;
  to: number;
}

/** Which item of a fan-out a lane belongs to: `[2]` for `/triage@a1:steps[2]`, nothing for the root lane. */
export function itemOf(lane: string): string {
  return (lane.match(/\[\d+\]/g) ?? []).join("");
}

/**
 * The model and the chunks of an execution on one axis, as text, from its log; and what starting early has saved. The
 * lanes of a fan-out have a row each, below one another.
 */
export function timeline(entries: readonly Entry[], width = 40): string {
  const begin = entries[0]?.at ?? 0;
  const total = Math.max(1, (entries.at(-1)?.at ?? begin) - begin);
  const spans = laneByLane(spansOf(entries, begin, total));
  const model = spans.find(({ name }) => name === "model");
  const labels = spans.map((span, row) => labelOf(span, spans[row - 1], spans[row + 1]));
  const names = Math.max(...labels.map((label) => label.length));
  const column = (at: number): number => Math.round((at / total) * width);
  const lines = spans.map(({ name, trigger, from, to }, row) => {
    const bar = (name === "model" ? "█" : "▒").repeat(Math.max(1, column(to) - column(from)));
    const early = model !== undefined && name !== "model" && from > model.from && from < model.to ? "early" : "";
    return (
      `  ${(labels[row] ?? "").padEnd(names)} │${" ".repeat(Math.min(width - 1, column(from)))}${bar}`.padEnd(
        names + width + 5,
      ) + `│ ${seconds(from)} ${early.padEnd(5)} ${trigger}`
    );
  });
  const axis = `  ${" ".repeat(names)}  0${`${Math.round(total)} ms`.padStart(width)}`;
  return [axis, ...lines, `  ${savedText(spans, model, total)}`].join("\n");
}

function spansOf(entries: readonly Entry[], begin: number, total: number): Span[] {
  const open = new Map<string, Span>();
  const spans: Span[] = [];
  for (const entry of entries) {
    if (entry.type === "model:start" || entry.type === "chunk:start") {
      if (entry.live > 0) continue; // one for each token: too many to draw
      const key = `${entry.type} ${entry.activationId}`;
      const name = entry.type === "model:start" ? "model" : entry.chunk;
      const trigger = entry.type === "model:start" ? entry.model : entry.trigger;
      const span = { name, item: itemOf(entry.lane), trigger, from: entry.at - begin, to: total };
      open.set(key, span);
      spans.push(span);
    } else if (entry.type === "model:finish" || entry.type === "chunk:complete" || entry.type === "chunk:failed") {
      const span = open.get(`${entry.type === "model:finish" ? "model:start" : "chunk:start"} ${entry.activationId}`);
      if (span !== undefined) span.to = entry.at - begin;
    }
  }
  return spans;
}

/** In order of their start, but the lanes of a fan-out together, where its first one starts. */
function laneByLane(spans: readonly Span[]): Span[] {
  const sameFanOut = (a: Span, b: Span): boolean => a === b || (a.item !== "" && b.item !== "" && a.name === b.name);
  const first = (span: Span): number => spans.findIndex((one) => sameFanOut(one, span));
  return spans.toSorted((a, b) => first(a) - first(b));
}

function labelOf({ name, item }: Span, before: Span | undefined, after: Span | undefined): string {
  if (item === "") return name;
  const [above, below] = [before, after].map((other) => other?.name === name && other.item !== "");
  if (!above) return `${name} ${below ? "┬" : "─"} ${item}`;
  return `${" ".repeat(name.length)} ${below ? "├" : "└"} ${item}`;
}

/** Had every chunk that started early waited for the whole reply, the longest of them would have come on top. */
function savedText(spans: readonly Span[], model: Span | undefined, total: number): string {
  if (model === undefined) return "";
  const early = spans.filter(({ name, from }) => name !== "model" && from > model.from && from < model.to);
  if (early.length === 0) return "";
  const longest = Math.max(0, ...early.map(({ from, to }) => to - from));
  const after = total - Math.max(model.to, ...early.map(({ to }) => to));
  const waiting = model.to + longest + after;
  const saved = Math.max(0, Math.round(waiting - total));
  return `${early.length} chunks started while the model was writing: ${Math.round(total)} ms, not ${Math.round(waiting)} ms (${saved} ms saved)`;
}

function seconds(ms: number): string {
  return `${String(Math.round(ms)).padStart(5)} ms`;
}
