// Stores in SQLite files: what every store promises, and what files can do to it.
import { mkdtempSync, rmSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { type SqliteDriver, sqliteStore } from "@sluice/sqlite";
import { storeCases } from "@sluice/testing";
import BetterSqlite3 from "better-sqlite3";
import { afterAll, describe, expect, test } from "vitest";

const folder = mkdtempSync(join(tmpdir(), "sluice-sqlite-"));
afterAll(() => rmSync(folder, { recursive: true }));
let files = 0;
const newFile = (): string => join(folder, `${(files += 1)}.db`);

const drivers: readonly (readonly [string, SqliteDriver | undefined])[] = [
  ["node:sqlite", undefined],
  ["better-sqlite3", BetterSqlite3],
];

describe.each(drivers)("sqliteStore on %s", (_, driver) => {
  const paths = new Map<unknown, string>();
  const at = (path: string) => {
    const store = sqliteStore(path, { ...(driver && { driver }) });
    paths.set(store, path);
    return store;
  };
  const cases = storeCases({ open: () => at(newFile()), reopen: (store) => at(paths.get(store) ?? "") });
  test.each(cases)("$name", async ({ run }) => {
    await expect(run()).resolves.toBeUndefined();
  });
});
