import type { Entry } from "@sluice/core";
import { createLogUpdate } from "log-update";
import { Board } from "./board.ts";
import { boardLines } from "./board-lines.ts";
import { entryLine } from "./entry-line.ts";

/** Shows an execution while it runs. */
export interface Screen {
  /** @param isPast it was shown before: by an earlier process */
  readonly take: (entry: Entry, isPast?: boolean) => void;
  /** Leaves the terminal to somebody else, until the next entry. */
  readonly pause: () => void;
  readonly close: () => void;
}

/** How an execution is shown. */
export interface ScreenOptions {
  /** The chunks that are shown before they have begun. */
  readonly chunks?: readonly string[];
  /** Unix milliseconds. @default the present */
  readonly now?: () => number;
}

/** How often the picture is drawn anew, in milliseconds: the eye sees no more. */
const everyMs = 80;

/** On a terminal: a picture that changes in place, with the items of the runtime stream and what goes wrong above it. */
export function liveScreen({ chunks = [], now = Date.now }: ScreenOptions): Screen {
  const board = new Board(chunks);
  const update = createLogUpdate(process.stdout);
  let turn = 0;
  let timer: NodeJS.Timeout | undefined;
  const draw = (): void => {
    turn += 1;
    const { columns, rows } = process.stdout;
    update(boardLines(board, { columns: columns || 80, rows: rows || 24, now: now(), turn }).join("\n"));
  };
  const proceed = (): void => {
    if (timer !== undefined) return;
    timer = setInterval(draw, everyMs);
    draw();
  };
  const stop = (): void => {
    clearInterval(timer);
    timer = undefined;
  };
  return {
    take(entry, isPast = false) {
      board.take(entry);
      if (isPast) return;
      const line = isLasting(entry) ? entryLine(entry, Math.max(20, (process.stdout.columns || 80) - 6)) : undefined;
      if (line !== undefined) {
        if (timer === undefined) console.log(`  ${line}`);
        else update.persist(`  ${line}`);
      }
      proceed();
    },
    pause() {
      if (timer === undefined) return;
      stop();
      update.clear();
    },
    close() {
      stop();
      draw();
      update.done();
    },
  };
}

/** Elsewhere: a line for each fact, in order. */
export function plainScreen(): Screen {
  return {
    take(entry, isPast = false) {
      const line = isPast ? undefined : entryLine(entry);
      if (line !== undefined) console.log(entry.type === "flow:start" ? line : `  ${line}`);
    },
    pause() {},
    close() {},
  };
}

/** For programs: every entry of the log as JSON, one a line. */
export function entryScreen(): Screen {
  return {
    take(entry, isPast = false) {
      if (!isPast) console.log(JSON.stringify(entry));
    },
    pause() {},
    close() {},
  };
}

/** For programs that want to hear of the end only. */
export const silentScreen: Screen = { take() {}, pause() {}, close() {} };

/** What stays above the picture: it is not in it. */
function isLasting(entry: Entry): boolean {
  const { type, live } = entry;
  if (type === "stream:item") return live === 0;
  if (entry.type === "chunk:failed") return entry.error.code !== "chunk-aborted";
  return (
    (type === "flow:start" && entry.path.length === 1) ||
    type === "field:invalid" ||
    type === "model:resolved" ||
    type === "budget:threshold_reached" ||
    type === "interrupt:answered" ||
    type === "interrupt:expired"
  );
}
