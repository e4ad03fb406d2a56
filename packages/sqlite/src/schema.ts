import { SluiceError } from "@sluice/core";
import type { SqliteDatabase } from "./database.ts";

/** "Sluc": tells our files from other databases. */
const applicationId = 0x536c7563;

/**
 * What makes version n + 1 of version n. Those that have been released are never changed.
 *
 * Entries lie in blocks, one for each append of an execution, their texts joined by line breaks. `block` keeps its
 * rowid: rows are then written at the file's end, whatever execution they are of. `number` is the order of founding.
 */
export const migrations: readonly string[] = [
  `CREATE TABLE execution (
     number INTEGER PRIMARY KEY,
     id TEXT NOT NULL UNIQUE,
     flow TEXT NOT NULL,
     graph_hash TEXT NOT NULL,
     status TEXT NOT NULL,
     epoch INTEGER NOT NULL,
     last_seq INTEGER NOT NULL,
     started_at INTEGER NOT NULL,
     updated_at INTEGER NOT NULL,
     forked_from_id TEXT,
     forked_from_seq INTEGER
   );
   CREATE TABLE block (
     execution INTEGER NOT NULL,
     first INTEGER NOT NULL,
     last INTEGER NOT NULL,
     texts TEXT NOT NULL,
     checksum INTEGER NOT NULL
   );
   CREATE UNIQUE INDEX block_place ON block (execution, first);
   CREATE TABLE checkpoint (
     execution INTEGER PRIMARY KEY,
     seq INTEGER NOT NULL,
     text TEXT NOT NULL,
     checksum INTEGER NOT NULL
   );
   CREATE TABLE graph (
     hash TEXT PRIMARY KEY,
     text TEXT NOT NULL,
     checksum INTEGER NOT NULL
   );
   CREATE TABLE answer (
     number INTEGER PRIMARY KEY,
     execution_id TEXT NOT NULL,
     interrupt TEXT NOT NULL,
     text TEXT NOT NULL,
     request_id TEXT,
     checksum INTEGER NOT NULL,
     UNIQUE (execution_id, interrupt)
   );`,
];

/** How a schema is brought up to date. */
export interface MigrateOptions {
  /** The file, for errors. */
  readonly path: string;
  readonly readOnly: boolean;
  /** @default what this version of the package has */
  readonly steps?: readonly string[];
}

/**
 * Looks whose file it is, and brings its schema up to date, in one transaction. A file that is not ours, or is newer than
 * this package, is left as it is.
 *
 * @throws SluiceError `store-failed` for such a file, and for an older one that is only to be read
 */
export function migrate(database: SqliteDatabase, { path, readOnly, steps = migrations }: MigrateOptions): void {
  const newest = steps.length;
  const version = within(database, "BEGIN", () => versionOf(database, { path, newest }));
  if (version === newest) return;
  if (readOnly) throw tooOld(path, { version, newest });
  if (version === 0) database.exec("PRAGMA auto_vacuum = INCREMENTAL"); // can only be set before there is anything
  within(database, "BEGIN IMMEDIATE", () => {
    const now = versionOf(database, { path, newest }); // another process may have been faster
    for (const step of steps.slice(now)) database.exec(step);
    database.exec(`PRAGMA application_id = ${applicationId}; PRAGMA user_version = ${newest}`);
  });
}

/** A transaction: all of it, or nothing where it throws. `BEGIN` is one that only reads. */
export function within<T>(database: SqliteDatabase, begin: "BEGIN" | "BEGIN IMMEDIATE", work: () => T): T {
  database.exec(begin);
  try {
    const result = work();
    database.exec("COMMIT");
    return result;
  } catch (error) {
    rollBack(database);
    throw error;
  }
}

/** Ends a transaction that has failed. Some failures have ended it already. */
function rollBack(database: SqliteDatabase): void {
  try {
    database.exec("ROLLBACK");
  } catch {
    // there is no transaction any more; what has failed is told by the error that led here
  }
}

function versionOf(
  database: SqliteDatabase,
  { path, newest }: { readonly path: string; readonly newest: number },
): number {
  const id = pragma(database, "application_id");
  const version = pragma(database, "user_version");
  const { tables } = database.prepare("SELECT count(*) AS tables FROM sqlite_schema").get() as { tables: number };
  if (id !== applicationId && (tables > 0 || id !== 0 || version !== 0)) {
    throw new SluiceError("store-failed", {
      what: "The file is a database of something else",
      where: path,
      mend: "Give sqliteStore a path of its own. The file has been left as it is",
    });
  }
  if (version > newest) {
    throw new SluiceError("store-failed", {
      what: `The file has version ${version} of the schema, and this @sluice/sqlite knows versions up to ${newest}`,
      where: path,
      mend: "Use a newer @sluice/sqlite. The file has been left as it is",
    });
  }
  return version;
}

function pragma(database: SqliteDatabase, name: string): number {
  return (database.prepare(`PRAGMA ${name}`).get() as Record<string, number>)[name] ?? 0;
}

function tooOld(path: string, { version, newest }: { readonly version: number; readonly newest: number }): SluiceError {
  return new SluiceError("store-failed", {
    what: version === 0 ? "The file is empty" : `The file has version ${version} of the schema, not ${newest}`,
    where: path,
    mend: "Open it once without readOnly, which brings it up to date",
  });
}
