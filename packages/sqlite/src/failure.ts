import { SluiceError, messageOf } from "@sluice/core";

/** A failure of SQLite in words. */
interface Failure {
  readonly name: string;
  readonly what: string;
  readonly mend: string;
}

/** By primary result code. @see https://sqlite.org/rescode.html */
const failures: Readonly<Record<number, Failure>> = {
  5: {
    name: "SQLITE_BUSY",
    what: "another process has been writing to it for too long",
    mend: "Let the other process finish, or give sqliteStore a longer busyTimeoutMs",
  },
  6: { name: "SQLITE_LOCKED", what: "it is locked", mend: "Use one store at a time within a process" },
  8: {
    name: "SQLITE_READONLY",
    what: "it can only be read",
    mend: "Open it without readOnly, and make the file and its folder writable",
  },
  10: {
    name: "SQLITE_IOERR",
    what: "its disk fails, or has no room",
    mend: "Look at the disk. What was stored before is intact",
  },
  11: {
    name: "SQLITE_CORRUPT",
    what: "the file is damaged",
    mend: "Restore it from a backup",
  },
  13: { name: "SQLITE_FULL", what: "its disk is full", mend: "Make room. What was stored before is intact" },
  14: {
    name: "SQLITE_CANTOPEN",
    what: "the file cannot be opened",
    mend: "Give sqliteStore the path of a file, in a folder that this process may write to",
  },
  26: {
    name: "SQLITE_NOTADB",
    what: "the file is no database of SQLite",
    mend: "Give sqliteStore another path. The file has been left as it is",
  },
};
const corrupt = 11;

/** What was being done when something failed. */
export interface Doing {
  /** After "The store cannot". */
  readonly doing: string;
  /** The file. */
  readonly path: string;
}

/** What a driver has thrown as a `store-failed`, or as a `log-corrupt` where the file is damaged; our own errors as they are. */
export function failureOf(error: unknown, { doing, path }: Doing): SluiceError {
  if (error instanceof SluiceError) return error;
  const code = primaryCode(error);
  const { what, mend } = failures[code] ?? { what: messageOf(error), mend: undefined };
  return new SluiceError(code === corrupt ? "log-corrupt" : "store-failed", {
    what: `The store cannot ${doing}: ${what}`,
    where: path,
    mend,
    cause: error,
  });
}

/** `node:sqlite` tells the extended code as a number, better-sqlite3 as a name. */
function primaryCode(error: unknown): number {
  const { errcode, code } = (error ?? {}) as { errcode?: unknown; code?: unknown };
  if (typeof errcode === "number") return errcode & 0xff;
  const named = Object.entries(failures).find(([, { name }]) => code === name || String(code).startsWith(`${name}_`));
  return named === undefined ? 0 : Number(named[0]);
}
