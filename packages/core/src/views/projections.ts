import type { EntryLog } from "../log/entry-log.ts";
import { type Entry, isOwn } from "../machine/entry.ts";
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

/** The log itself. It completes after the final entry, whatever that is; it fails where that is not to come here. */
export function eventsView(log: EntryLog, report: ReportError): View<Entry> {
  return new View<Entry>(
    (subscriber) =>
      log.listen(
        {
          receive: (entry) => subscriber.next(entry),
          end: (error, stopped) => (stopped ? subscriber.error(error) : subscriber.complete()),
          fail: report,
        },
        log.start,
      ),
    report,
  );
}

/** The present value, then each change. */
export function changesView<T>(
  log: EntryLog,
  report: ReportError,
  present: () => T,
  map: Project<T>,
  quietEnd = false,
): View<T> {
  return new View<T>((subscriber) => {
    subscriber.next(present());
    return log.listen(
      {
        receive: (entry) => map(entry, (value) => subscriber.next(value)),
        end: (error, stopped) =>
          error === undefined || (quietEnd && !stopped) ? subscriber.complete() : subscriber.error(error),
        fail: report,
      },
      log.end,
    );
  }, report);
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
