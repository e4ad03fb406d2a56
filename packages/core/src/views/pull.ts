import type { SchedulerLike } from "rxjs";
import { SluiceError } from "../error/sluice-error.ts";
import type { EntryLog } from "../log/entry-log.ts";
import { type Position, parsePosition, positionOf } from "../log/position.ts";
import { weightOf } from "../log/weight.ts";
import { type Entry, isOwn } from "../machine/entry.ts";
import { Conflated, valueAtKey } from "./conflated.ts";

/** In place of what a reader was too slow for: entries from one position to another were dropped from retention. */
export interface Gap {
  readonly type: "gap";
  /** The position where the reader stood. */
  readonly from: string;
  /** The first position that is there. */
  readonly to: string;
}

/** How a reader pulls. */
export interface PullOptions {
  /** Begin at this position (included). @default the oldest that is retained */
  readonly from?: string | number;
  /** Begin behind this position: where a reader goes on that has had it. */
  readonly after?: string | number;
  /** Where the view ends: with the execution, or as soon as that waits for people, too. Waits that are over when the reader begins are passed by. @default "end" */
  readonly until?: "end" | "waiting";
  /** Longest wait for the next item, in milliseconds; then `stream-timeout`. @default no limit */
  readonly timeout?: number;
  /** What to do when what is needed next has been dropped: fail with `stream-gap`, or give a gap marker and go on. @default "error" */
  readonly lag?: "error" | "gap";
  /** Keep only the latest unread item per value at this dotted path. Such a reader never lags. */
  readonly conflate?: string;
  /** Cancel the execution when the reader leaves before the end. @default false */
  readonly cancelOnExit?: boolean;
}

/** How a reader pulls all that is there at once. */
export interface BatchOptions extends PullOptions {
  /** A batch ends with the entry with which it weighs so much, estimated as for retention. @default 65_536 */
  readonly maxBytes?: number;
}

/** What a pulling reader needs of its execution. */
export interface PullSource<T> {
  readonly log: EntryLog;
  readonly scheduler: SchedulerLike;
  readonly where: string;
  /** The item that an entry stands for; undefined when it stands for none. */
  readonly select: (entry: Entry) => { readonly item: T } | undefined;
  /** Whether the view ends at this entry. */
  readonly endsAt: (entry: Entry) => boolean;
  /** Whether the end of an execution that did not complete is an error of this view. */
  readonly failing: boolean;
  readonly onExit: () => void;
  /** Of a stored execution: reads durable entries that memory has let go of, from one number to another at most, in order; some at a time. */
  readonly earlier?: ((from: number, to: number) => Promise<readonly Entry[]>) | undefined;
}

/** Tells a reader that waits that it is to leave. */
interface Leaving {
  /** Whether something has been read: nothing of a generator runs before. */
  begun: boolean;
  left: boolean;
  wake: (() => void) | undefined;
}

/**
 * Pulls items out of the log with a cursor of its own. A slow reader costs nothing but what is retained anyway.
 *
 * @throws SluiceError `stream-gap`, `stream-timeout`, or what the execution ended with
 */
export function pull<T>(source: PullSource<T>, options: PullOptions = {}): AsyncGenerator<T | Gap, void, undefined> {
  return leavable(source, options, { maxBytes: 0, give: (batch) => batch[0] as T | Gap }); // one, and never none
}

/** The same, all that is there at once. A slow reader also costs the batch that it was given last. */
export function pullBatches<T>(
  source: PullSource<T>,
  options: BatchOptions = {},
): AsyncGenerator<readonly (T | Gap)[], void, undefined> {
  return leavable(source, options, { maxBytes: options.maxBytes ?? 65_536, give: (batch) => batch });
}

/** How much is pulled at a time, and what a reader gets of it. */
interface Giving<T, R> {
  /** A batch ends with the entry with which it weighs as much. */
  readonly maxBytes: number;
  readonly give: (batch: readonly (T | Gap)[]) => R;
}

function leavable<T, R>(source: PullSource<T>, options: PullOptions, giving: Giving<T, R>): AsyncGenerator<R, void> {
  const leaving: Leaving = { begun: false, left: false, wake: undefined };
  const items = pulled(source, options, leaving, giving);
  const end = items.return.bind(items);
  // a generator that waits would hear of it with the next entry only
  items.return = (value) => {
    if (!leaving.begun && !leaving.left && options.cancelOnExit === true) source.onExit();
    leaving.left = true;
    leaving.wake?.();
    return end(value);
  };
  return items;
}

async function* pulled<T, R>(
  source: PullSource<T>,
  options: PullOptions,
  leaving: Leaving,
  { maxBytes, give }: Giving<T, R>,
): AsyncGenerator<R, void, undefined> {
  let atEnd = false;
  leaving.begun = true;
  try {
    const { conflate } = options;
    const batches =
      conflate === undefined
        ? retained(source, options, leaving, maxBytes)
        : conflated(source, options, conflate, leaving);
    for await (const batch of batches) yield give(batch);
    atEnd = !leaving.left;
  } catch (error) {
    atEnd = true;
    throw error;
  } finally {
    if (!atEnd && options.cancelOnExit === true) source.onExit();
  }
}

async function* retained<T>(
  source: PullSource<T>,
  options: PullOptions,
  leaving: Leaving,
  maxBytes: number,
): AsyncGenerator<readonly (T | Gap)[], void, undefined> {
  const { log, select, endsAt, failing } = source;
  const { timeout } = options;
  const endsBehind = endOf(log, options);
  let { next, expected } = beginning(log, options);
  /** Whether the reader has had what is at `expected`. */
  let isRead = options.from === undefined;
  let waitingSince: number | undefined; // other entries wake it, too: they do not begin the wait anew
  for (;;) {
    if (next < log.start) {
      const first = log.at(log.start);
      if (source.earlier !== undefined) {
        const { seq, live } = expected;
        const from = isRead || live > 0 ? seq + 1 : Math.max(1, seq);
        const to = first === undefined ? log.shownSeq : first.live === 0 ? first.seq - 1 : first.seq;
        let batch: T[] = [];
        let bytes = 0;
        for (const entry of from > to ? [] : await source.earlier(from, to)) {
          expected = entry;
          isRead = true;
          const isEnd = endsAt(entry);
          const selected = isEnd ? undefined : select(entry);
          if (selected !== undefined) {
            batch.push(selected.item);
            bytes += weightOf(entry);
          }
          if (batch.length > 0 && (isEnd || bytes >= maxBytes)) {
            yield batch;
            if (leaving.left) return;
            batch = [];
            bytes = 0;
          }
          if (isEnd) return;
        }
        if (batch.length > 0) yield batch;
        if (leaving.left) return;
        if (expected.seq < to) continue;
        next = log.indexOf(first ?? { seq: to + 1, live: 0 });
        continue;
      }
      const to = first === undefined ? "end" : positionOf(first);
      const gap: Gap = { type: "gap", from: positionOf(expected), to };
      next = log.start;
      if (options.lag !== "gap") throw gapError(gap, source.where);
      yield [gap];
      continue;
    }
    const batch: T[] = [];
    let bytes = 0;
    let isOver = false;
    let entry = log.at(next);
    const isAnyThere = entry !== undefined;
    while (entry !== undefined) {
      expected = entry;
      isRead = true;
      isOver = endsAt(entry);
      const selected = isOver ? undefined : select(entry);
      if (selected !== undefined) {
        batch.push(selected.item);
        bytes += log.weightAt(next);
      }
      next += 1;
      isOver ||= endsBehind(entry);
      if (isOver || (batch.length > 0 && bytes >= maxBytes)) break;
      entry = log.at(next);
    }
    if (batch.length > 0) {
      yield batch;
      waitingSince = undefined;
    }
    if (isOver) return;
    if (isAnyThere) continue;
    const { closed } = log;
    if (closed !== undefined) {
      if ((failing || closed.isCut) && closed.error !== undefined) throw closed.error;
      return;
    }
    const now = source.scheduler.now();
    waitingSince ??= now;
    const left = timeout === undefined ? undefined : timeout - (now - waitingSince);
    await wait((wake) => log.park(wake), source, leaving, timeout, left);
    if (leaving.left) return;
  }
}

/** Whether a view that begins now ends behind an entry. While an execution waits, its last durable entry says so. */
function endOf(log: EntryLog, { until }: PullOptions): (entry: Entry) => boolean {
  if (until !== "waiting") return () => false;
  const last = log.nextSeq - 1;
  return (entry) => entry.type === "flow:waiting" && isOwn(entry) && entry.seq >= last;
}

/** Where a reader begins, and the position it is said to stand at while it has read nothing. */
function beginning(log: EntryLog, { from, after }: PullOptions): { next: number; expected: Position } {
  const given = from ?? after;
  if (given === undefined) return { next: log.start, expected: { seq: 0, live: 0 } };
  const position = parsePosition(given);
  const first = log.at(log.start);
  const index = log.indexOf(position);
  const found = log.at(index);
  const exact = found !== undefined && found.seq === position.seq && found.live === position.live;
  const wanted = after !== undefined && exact ? index + 1 : index;
  const oldest = first === undefined ? { seq: 1, live: 0 } : first;
  // entry 1 is the oldest there can be: whoever asks for more than is retained has missed something
  const missed =
    log.start > 0 && (position.seq < oldest.seq || (position.seq === oldest.seq && position.live < oldest.live));
  return { next: missed ? wanted - 1 : wanted, expected: position };
}

async function* conflated<T>(
  source: PullSource<T>,
  options: PullOptions,
  key: string,
  leaving: Leaving,
): AsyncGenerator<readonly T[], void, undefined> {
  const { log, select, endsAt, failing } = source;
  const endsBehind = endOf(log, options);
  const unread = new Conflated<T>();
  let over: { readonly error: Error | undefined } | undefined;
  let wake: (() => void) | undefined;
  const detach = log.listen(
    {
      receive: (entry) => {
        if (over !== undefined) return;
        if (endsAt(entry) || endsBehind(entry)) over = { error: undefined };
        const selected = select(entry);
        if (selected !== undefined) unread.put(valueAtKey(selected.item, key), selected.item);
        if (over !== undefined || selected !== undefined) wake?.();
      },
      end: (error) => {
        over ??= { error };
        wake?.();
      },
      fail: (error) => {
        over ??= { error: error instanceof Error ? error : new Error(String(error)) };
        wake?.();
      },
    },
    beginning(log, options).next,
  );
  try {
    for (;;) {
      const item = unread.take();
      if (item !== undefined) yield [item.value];
      else if (over !== undefined) {
        if ((failing || log.closed?.isCut === true) && over.error !== undefined) throw over.error;
        return;
      } else {
        await wait(
          (call) => {
            wake = call;
            return () => (wake = undefined);
          },
          source,
          leaving,
          options.timeout,
        );
        if (leaving.left) return;
      }
    }
  } finally {
    detach();
  }
}

/** Waits to be woken, or to be told to leave; at most for what is left of `timeout` milliseconds. */
function wait(
  park: (wake: () => void) => () => void,
  source: PullSource<unknown>,
  leaving: Leaving,
  timeout: number | undefined,
  left = timeout,
): Promise<void> {
  if (leaving.left) return Promise.resolve();
  return new Promise((resolve, reject) => {
    const timer =
      timeout === undefined
        ? undefined
        : source.scheduler.schedule(
            () => {
              forget();
              reject(timeoutError(timeout, source.where));
            },
            Math.max(0, left ?? timeout),
          );
    const wake = (): void => {
      timer?.unsubscribe();
      leaving.wake = undefined;
      resolve();
    };
    const forget = park(wake);
    leaving.wake = () => {
      forget();
      wake();
    };
  });
}

function gapError({ from, to }: Gap, where: string): SluiceError {
  return new SluiceError("stream-gap", {
    what: `The reader was too slow: what came behind position ${from} has been dropped, and the log goes on at ${to}`,
    where,
    mend: `Resume from ${to}, read faster, raise the retention, or choose lag: "gap" or conflate`,
  });
}

function timeoutError(timeout: number, where: string): SluiceError {
  return new SluiceError("stream-timeout", {
    what: `No item came within ${timeout} ms`,
    where,
    mend: "Raise `timeout`, which bounds the wait for the next item",
  });
}
