import type { EntryLog } from "../log/entry-log.ts";
import { type Entry, type ExecutionStatus, isOwn, statusOf } from "../machine/entry.ts";
import { type StateData, foldState } from "../machine/state-fold.ts";
import { matchesPath } from "../schema/field-path.ts";
import { type ReportError, View } from "./view.ts";

/** One signal of a field of a reply, as `execution.field$` gives it. */
export type FieldSignal<T> =
  /** The value begins. */
  | { readonly type: "opened"; readonly path: string }
  /** More of a string. */
  | { readonly type: "delta"; readonly path: string; readonly delta: string }
  /** The value is complete and valid. */
  | { readonly type: "complete"; readonly path: string; readonly value: T };

/** What a view makes of an entry: hands on what it stands for, if anything. */
type Project<T> = (entry: Entry, next: (value: T) => void) => void;

/** A view of the log: what is retained, then what comes. It ends with the execution, in an error when that did not complete. */
export function project<T>(log: EntryLog, report: ReportError, map: Project<T>, endsOnStop = false): View<T> {
  return new View<T>((subscriber) => {
    const next = (value: T): void => subscriber.next(value);
    return log.listen(
      {
        receive: (entry) => {
          if (endsOnStop && entry.type === "stream:stop" && isOwn(entry)) subscriber.complete();
          else map(entry, next);
        },
        end: (error) => (error === undefined ? subscriber.complete() : subscriber.error(error)),
        fail: report,
      },
      log.start,
    );
  }, report);
}

/** The log itself. It completes after the final entry, whatever that is; without one it ends in an error. */
export function eventsView(log: EntryLog, report: ReportError): View<Entry> {
  return new View<Entry>((subscriber) => {
    const end = (error: Error | undefined): void =>
      log.closed?.isCut === true ? subscriber.error(error) : subscriber.complete();
    return log.listen({ receive: (entry) => subscriber.next(entry), end, fail: report }, log.start);
  }, report);
}

/** What a view of changes begins with, and what it makes of entries. */
interface Changes<T> {
  readonly present: T;
  readonly map: Project<T>;
}

/** The present value, then each change. @param begin is called for each subscriber */
export function changesView<T>(log: EntryLog, report: ReportError, begin: () => Changes<T>, quietEnd = false): View<T> {
  return new View<T>((subscriber) => {
    const from = log.end; // whoever hears the present value may bring about the next
    const { present, map } = begin();
    subscriber.next(present);
    return log.listen(
      {
        receive: (entry) => map(entry, (value) => subscriber.next(value)),
        end: (error) =>
          error === undefined || (quietEnd && log.closed?.isCut !== true)
            ? subscriber.complete()
            : subscriber.error(error),
        fail: report,
      },
      from,
    );
  }, report);
}

/** The changes of a state. */
export function stateChanges(present: StateData): Changes<unknown> {
  let state = present;
  return {
    present,
    map(entry, next) {
      if (entry.type !== "state:changed" || !isOwn(entry)) return;
      state = foldState(state, entry.diff);
      next(state);
    },
  };
}

/** The changes of a status. */
export function statusChanges(present: ExecutionStatus): Changes<ExecutionStatus> {
  return {
    present,
    map(entry, next) {
      const status = statusOf(entry);
      if (status !== undefined) next(status);
    },
  };
}

/** The signals of the fields of a reply that fit a path. */
export function fieldProjection(reply: string, path: string): Project<FieldSignal<unknown>> {
  const fits = matchesPath(path);
  return (entry, next) => {
    switch (entry.type) {
      case "field:opened":
        if (entry.reply === reply && fits(entry.field)) next({ type: "opened", path: entry.field });
        break;
      case "field:delta":
        if (entry.reply === reply && fits(entry.field)) next({ type: "delta", path: entry.field, delta: entry.delta });
        break;
      case "field:complete":
        if (entry.reply === reply && fits(entry.field))
          next({ type: "complete", path: entry.field, value: entry.value });
        break;
      default:
    }
  };
}
