import type { Board, ChunkRow, FieldRow, ReplyRow } from "./board.ts";
import { paint } from "./paint.ts";
import { counted, duration, lastOf, oneLine } from "./shown.ts";

/** How much room there is, and what time it is. */
export interface Frame {
  readonly columns: number;
  readonly rows: number;
  /** Unix milliseconds. */
  readonly now: number;
  /** Counts the pictures: it turns the mark of what runs. */
  readonly turn: number;
}

const turning = ["⠋", "⠙", "⠹", "⠸", "⠼", "⠴", "⠦", "⠧", "⠇", "⠏"];
/** Room for the time and the costs, and the empty lines around them. */
const around = 4;

/** A board as lines: the chunks, the replies that are being written, time and costs. What is finished gives way where there is little room. */
export function boardLines(board: Board, frame: Frame): string[] {
  const room = Math.max(4, frame.rows - around);
  const names = [...board.chunks.keys()];
  const width = Math.min(28, Math.max(...names.map((name) => name.length), 1));
  const replies = [...board.replies.values()].filter(({ fields }) => fields.size > 0);
  const chunks = fitting([...board.chunks.values()], Math.max(3, room - fieldsOf(replies)), isBusy);
  const lines = chunks.shown.map((row) => chunkLine(row, width, frame));
  if (chunks.left > 0) lines.push(paint.dim(`  … ${counted(chunks.left, "more chunk")}`));
  for (const reply of replies.slice(-2)) lines.push(...replyLines(reply, room - lines.length, frame));
  const ended = board.status !== "running" && board.status !== "waiting";
  const elapsed = duration(Math.max(0, (ended ? board.lastAt : frame.now) - (board.startedAt ?? frame.now)));
  const costs = String(board.expenses);
  lines.push("", paint.dim(`  ${[elapsed, ...(costs === "" ? [] : [costs])].join(" · ")}`));
  return lines;
}

function fieldsOf(replies: readonly ReplyRow[]): number {
  return Math.min(
    10,
    replies.slice(-2).reduce((sum, { fields }) => sum + fields.size + 2, 0),
  );
}

function chunkLine(row: ChunkRow, width: number, { columns, turn }: Frame): string {
  const [mark, tell] = markOf(row, turn);
  const facts = factsOf(row).join(", ");
  const name = row.name.padEnd(width);
  const left = columns - width - facts.length - 9;
  const latest = row.latest === undefined || left < 12 ? "" : paint.dim(`  ${lastOf(row.latest, left)}`);
  return `  ${mark} ${tell(name)}  ${facts === "" ? "" : paint.dim(facts)}${latest}`;
}

function markOf(row: ChunkRow, turn: number): readonly [string, (text: string) => string] {
  if (row.running.size > 0) return [paint.busy(turning[turn % turning.length] ?? "*"), paint.bold];
  if (row.retrying.size > 0) return [paint.warn("↻"), paint.bold];
  if (row.asks > 0) return [paint.asks("?"), paint.bold];
  if (row.failed > 0) return [paint.bad("✗"), String];
  if (row.ended > 0) return [paint.warn("■"), String];
  if (row.undone > 0) return [paint.warn("↩"), String];
  if (row.done > 0) return [paint.good("✓"), String];
  return [paint.dim(row.skipped > 0 ? "–" : "·"), paint.dim];
}

function factsOf(row: ChunkRow): string[] {
  const attempts = [...row.running.values()];
  const again = attempts.length === 1 && (attempts[0] ?? 1) > 1;
  return [
    ...(again ? [`attempt ${attempts[0]}`] : []),
    ...(attempts.length > 1 ? [`${attempts.length} running`] : []),
    ...(row.retrying.size > 0 ? ["to be tried again"] : []),
    ...(row.asks > 0 ? ["waits for an answer"] : []),
    ...(row.done === 1 ? [duration(row.durationMs)] : []),
    ...(row.done > 1 ? [`${row.done} done, ${duration(row.durationMs / row.done)} each`] : []),
    ...(row.failed > 0 ? [row.failed === 1 ? "failed" : `${row.failed} failed`] : []),
    ...(row.ended > 0 ? ["ended"] : []),
    ...(row.undone > 0 ? ["undone"] : []),
    ...(row.skipped > 0 && row.done + row.failed + attempts.length === 0 ? ["not needed"] : []),
  ];
}

function replyLines({ name, chunk, fields }: ReplyRow, room: number, frame: Frame): string[] {
  const { shown, left } = fitting([...fields], Math.max(3, room - 2), ([, { is }]) => is === "open");
  const width = Math.min(24, Math.max(...shown.map(([path]) => path.length), 1));
  return [
    "",
    `  ${paint.bold(name)} ${paint.dim(`written by ${chunk}`)}`,
    ...(left > 0 ? [paint.dim(`    … ${counted(left, "more field")}`)] : []),
    ...shown.map(([path, field]) => fieldLine(oneLine(path).padEnd(width), field, frame)),
  ];
}

function fieldLine(path: string, { text, is, started }: FieldRow, { columns }: Frame): string {
  const chunks = started.length === 0 ? "" : `  ▸ ${[...new Set(started)].join(", ")}`;
  const width = Math.max(10, columns - path.length - chunks.length - 10);
  const mark = { open: paint.busy("▌"), complete: paint.good(" ✓"), invalid: paint.bad(" ✗") }[is];
  const value = is === "open" ? lastOf(text, width) : oneLine(text, width);
  return `    ${paint.dim(path)}  ${value}${mark}${paint.warn(chunks)}`;
}

/** Those that fit: what is under way first, then the latest, in their order. */
function fitting<T>(all: readonly T[], room: number, isUrgent: (one: T) => boolean) {
  if (all.length <= room) return { shown: all, left: 0 };
  const ranked = [...all.filter(isUrgent), ...all.filter((one) => !isUrgent(one)).toReversed()];
  const kept = new Set(ranked.slice(0, Math.max(1, room - 1)));
  return { shown: all.filter((one) => kept.has(one)), left: all.length - kept.size };
}

function isBusy(row: ChunkRow): boolean {
  return row.running.size + row.retrying.size > 0 || row.asks > 0 || row.failed > 0;
}
