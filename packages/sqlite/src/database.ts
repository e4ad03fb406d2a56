import { existsSync } from "node:fs";
import { dirname } from "node:path";
import { SluiceError } from "@sluice/core";

/** What is bound to a statement. */
export type SqliteValue = string | number | null;

/** A prepared statement, as `node:sqlite` and better-sqlite3 have it. Methods, as drivers type their parameters each in a way of its own. */
export interface SqliteStatement {
  run(...values: SqliteValue[]): unknown;
  get(...values: SqliteValue[]): unknown;
  all(...values: SqliteValue[]): unknown[];
}

/** An open database, as `node:sqlite` and better-sqlite3 have it. */
export interface SqliteDatabase {
  readonly exec: (sql: string) => unknown;
  readonly prepare: (sql: string) => SqliteStatement;
  readonly close: () => unknown;
}

/** What opens a database: the class `DatabaseSync` of `node:sqlite`, that of better-sqlite3, or one like them. */
export type SqliteDriver = new (
  path: string,
  options: { readonly readonly: boolean; readonly timeout: number },
) => SqliteDatabase;

/** How a file is opened. */
export interface OpenOptions {
  readonly driver: SqliteDriver | undefined;
  readonly readOnly: boolean;
  readonly busyTimeoutMs: number;
}

/** Opens a file, and makes one where there is none. Nothing of it is read yet. */
export function openDatabase(path: string, { driver, readOnly, busyTimeoutMs }: OpenOptions): SqliteDatabase {
  if (path !== ":memory:") {
    const folder = dirname(path);
    if (!existsSync(folder)) {
      throw new SluiceError("store-failed", {
        what: `The store cannot be opened: there is no folder "${folder}"`,
        where: path,
        mend: "Make the folder first, or give sqliteStore another path",
      });
    }
    if (readOnly && !existsSync(path)) {
      throw new SluiceError("store-failed", {
        what: "The store cannot be opened to be read: there is no such file",
        where: path,
        mend: "Give sqliteStore the path of a store, or open it once without readOnly, which makes the file",
      });
    }
  }
  const database = new (driver ?? nodeDriver(readOnly))(path, { readonly: readOnly, timeout: busyTimeoutMs });
  database.exec(`PRAGMA busy_timeout = ${busyTimeoutMs}`);
  if (readOnly) database.exec("PRAGMA query_only = ON");
  return database;
}

/** The driver that Node has; it spells the option otherwise. */
function nodeDriver(readOnly: boolean): SqliteDriver {
  const { DatabaseSync } = process.getBuiltinModule("node:sqlite") ?? {};
  if (DatabaseSync === undefined) {
    throw new SluiceError("store-failed", {
      what: `This Node (${process.version}) has no node:sqlite`,
      mend: "Use Node 22.13 or later, or give sqliteStore a driver: sqliteStore(path, { driver: Database }) with the class of better-sqlite3",
    });
  }
  return class extends DatabaseSync {
    constructor(path: string, { timeout }: { readonly timeout: number }) {
      super(path, { readOnly, timeout });
    }
  };
}
