// Stores in SQLite files: what every store promises, what is opened and what is not, and several processes on one file.
import { spawn } from "node:child_process";
import { once } from "node:events";
import { existsSync, mkdtempSync, readFileSync, rmSync, statSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { createInterface } from "node:readline";
import { DatabaseSync } from "node:sqlite";
import { fileURLToPath } from "node:url";
import type { Append } from "@sluice/core";
import { type SqliteDriver, sqliteStore } from "@sluice/sqlite";
import { storeCases } from "@sluice/testing";
import BetterSqlite3 from "better-sqlite3";
import { afterAll, describe, expect, test } from "vitest";
import { migrate, migrations } from "../packages/sqlite/src/schema.ts";

const folder = mkdtempSync(join(tmpdir(), "sluice-sqlite-"));
afterAll(() => rmSync(folder, { recursive: true }));
let files = 0;
const newFile = (): string => join(folder, `${(files += 1)}.db`);

const founded = { flow: "triage", graphHash: "hash", graph: "{}" };
const follow = (executionId: string, first: number, more: Partial<Append> = {}): Append => {
  const [status, entries] = ["running" as const, [`{"seq":${first}}`]];
  return {
    executionId,
    epoch: 1,
    first,
    entries,
    status,
    at: first,
    ...(first === 1 && { founding: founded }),
    ...more,
  };
};

const drivers: readonly (readonly [string, SqliteDriver | undefined])[] = [
  ["node:sqlite", undefined],
  ["better-sqlite3", BetterSqlite3],
];

describe.each(drivers)("sqliteStore on %s", (_, driver) => {
  const options = { ...(driver && { driver }) };
  const paths = new Map<unknown, string>();
  const at = (path: string) => {
    const store = sqliteStore(path, options);
    paths.set(store, path);
    return store;
  };
  const cases = storeCases({ open: () => at(newFile()), reopen: (store) => at(paths.get(store) ?? "") });
  test.each(cases)("$name", async ({ run }) => {
    await expect(run()).resolves.toBeUndefined();
  });

  test("entries that came in one append are read in any part, however many they are", () => {
    const store = at(newFile());
    const entries = Array.from({ length: 2_000 }, (_, index) => `{"seq":${index + 1}}`);
    store.append([follow("a", 1, { entries })]);
    for (const [after, upTo] of [
      [0, 2_000],
      [511, 513],
      [1_023, 1_024],
      [1_024, 1_025],
      [1_999, 2_000],
    ] as const) {
      expect(store.read("a", { after, upTo })).toEqual(entries.slice(after, upTo));
    }
    store.close();
  });

  test("a folder that is not there is told, and not made", () => {
    const path = join(folder, "nowhere", "a.db");
    expect(() => sqliteStore(path, options)).toThrow(
      `The store cannot be opened: there is no folder "${join(folder, "nowhere")}" (in ${path}). Make the folder first`,
    );
    expect(existsSync(join(folder, "nowhere"))).toBe(false);
  });

  test("a path that is a folder cannot be opened", () => {
    expect(() => sqliteStore(folder, options)).toThrow(
      expect.objectContaining({
        code: "store-failed",
        where: folder,
        what: expect.stringContaining("cannot be opened"),
      }),
    );
  });

  test("a file that is no database is refused, and left as it is", () => {
    const path = newFile();
    writeFileSync(path, "a diary, and none of a database's business. ".repeat(100));
    const before = readFileSync(path);
    expect(() => sqliteStore(path, options)).toThrow(
      expect.objectContaining({
        code: "store-failed",
        message: `The store cannot be opened: the file is no database of SQLite (in ${path}). Give sqliteStore another path. The file has been left as it is`,
        cause: expect.any(Error),
      }),
    );
    expect(readFileSync(path)).toEqual(before);
  });

  test("a database of something else is refused, and left as it is", () => {
    const path = newFile();
    const theirs = new DatabaseSync(path);
    theirs.exec("CREATE TABLE diary (day TEXT); INSERT INTO diary VALUES ('monday')");
    theirs.close();
    const before = readFileSync(path);
    expect(() => sqliteStore(path, options)).toThrow("The file is a database of something else");
    expect(readFileSync(path)).toEqual(before);
  });

  test("a file of a newer schema is refused, and left as it is", () => {
    const path = newFile();
    sqliteStore(path, options).close();
    const newer = new DatabaseSync(path);
    newer.exec(`PRAGMA user_version = ${migrations.length + 1}`);
    newer.close();
    const before = readFileSync(path);
    expect(() => sqliteStore(path, options)).toThrow(
      `The file has version ${migrations.length + 1} of the schema, and this @sluice/sqlite knows versions up to ${migrations.length} (in ${path}). Use a newer @sluice/sqlite`,
    );
    expect(readFileSync(path)).toEqual(before);
  });

  test("a store that is only read takes nothing, and sees what others store", () => {
    const path = newFile();
    const store = sqliteStore(path, options);
    store.append([follow("a", 1)]);
    const reader = sqliteStore(path, { ...options, readOnly: true });
    expect(reader.read("a")).toEqual(['{"seq":1}']);
    store.append([follow("a", 2)]);
    expect(reader.read("a")).toHaveLength(2);
    const answer = { executionId: "a", interrupt: "q", answer: "1" };
    for (const call of [
      () => reader.append([follow("a", 3)]),
      () => reader.claim("a"),
      () => reader.putAnswer(answer),
      () => reader.prune({ olderThan: 9999 }),
    ]) {
      expect(call).toThrow(
        expect.objectContaining({ code: "store-failed", message: expect.stringContaining("it can only be read") }),
      );
    }
    expect(store.find("a")).toMatchObject({ lastSeq: 2, epoch: 1 });
    expect(store.answers("a")).toEqual([]);
    reader.close();
    store.close();
  });

  test("a file that is only read must be there, and have something in it", () => {
    const path = newFile();
    expect(() => sqliteStore(path, { ...options, readOnly: true })).toThrow("there is no such file");
    expect(existsSync(path)).toBe(false);
    writeFileSync(path, "");
    expect(() => sqliteStore(path, { ...options, readOnly: true })).toThrow("The file is empty");
  });

  test("a connection that cannot write is told when something is to be stored, and what is stored can be read", () => {
    const path = newFile();
    const store = sqliteStore(path, options);
    store.append([follow("a", 1)]);
    store.close();
    class Unwritable extends DatabaseSync {
      constructor(file: string) {
        super(file, { readOnly: true });
      }
    }
    const other = sqliteStore(path, { driver: Unwritable });
    expect(() => other.append([follow("a", 2)])).toThrow(
      `The store cannot take entries: it can only be read (in ${path})`,
    );
    expect(other.read("a")).toHaveLength(1);
    other.close();
  });

  test("who writes while another does is told after its time, and has stored nothing", () => {
    const path = newFile();
    const store = sqliteStore(path, { ...options, busyTimeoutMs: 1 });
    store.append([follow("a", 1)]);
    const other = new (driver ?? DatabaseSync)(path, { readonly: false, timeout: 0 });
    other.exec("BEGIN IMMEDIATE");
    expect(() => store.append([follow("a", 2)])).toThrow(
      `The store cannot take entries: another process has been writing to it for too long (in ${path})`,
    );
    expect(store.read("a")).toHaveLength(1);
    other.exec("ROLLBACK");
    other.close();
    expect(store.append([follow("a", 2)])).toEqual([]);
    store.close();
  });

  test("a closed store is told so, and closing it again is harmless", () => {
    const store = sqliteStore(newFile(), options);
    store.close();
    store.close();
    expect(() => store.append([follow("a", 1)])).toThrow("The store cannot take entries: it has been closed");
    expect(() => store.find("a")).toThrow(expect.objectContaining({ code: "store-failed" }));
  });

  test("what is pruned gives its room back to the disk", () => {
    const path = newFile();
    const store = sqliteStore(path, options);
    const large = Array.from({ length: 50 }, () => JSON.stringify("x".repeat(1000)));
    for (let n = 0; n < 40; n += 1) store.append([follow(`e${n}`, 1, { entries: large, status: "completed" })]);
    store.append([follow("last", 1)]);
    store.close();
    const before = statSync(path).size;
    const again = sqliteStore(path, options);
    expect(again.prune({ olderThan: 2 })).toBe(40);
    again.close();
    expect(before).toBeGreaterThan(2_000_000);
    expect(statSync(path).size).toBeLessThan(100_000);
  });

  test("a database in memory is a store as well", () => {
    const store = sqliteStore(":memory:", options);
    store.append([follow("a", 1)]);
    expect(store.read("a")).toHaveLength(1);
    store.close();
  });
});

describe("a file of sqliteStore", () => {
  test("is the same for both drivers, one after the other", () => {
    const path = newFile();
    const text = '"größe \u2028 👩‍👩‍👧"';
    const one = sqliteStore(path);
    one.append([follow("a", 1, { entries: [text] })]);
    one.close();
    const other = sqliteStore(path, { driver: BetterSqlite3 });
    expect(other.read("a")).toEqual([text]);
    other.append([follow("a", 2)]);
    other.close();
    const again = sqliteStore(path);
    expect(again.read("a")).toEqual([text, '{"seq":2}']);
    again.close();
  });

  test("goes through the steps that it lacks, with what is stored in it", () => {
    const path = newFile();
    const database = new DatabaseSync(path);
    const first = "CREATE TABLE word (text TEXT); INSERT INTO word VALUES ('one')";
    const second = "ALTER TABLE word ADD COLUMN size INTEGER; UPDATE word SET size = length(text)";
    migrate(database, { path, readOnly: false, steps: [first] });
    expect(() => migrate(database, { path, readOnly: true, steps: [first, second] })).toThrow(
      "The file has version 1 of the schema, not 2",
    );
    migrate(database, { path, readOnly: false, steps: [first, second] });
    migrate(database, { path, readOnly: false, steps: [first, second] });
    expect(database.prepare("SELECT text, size FROM word").all()).toEqual([{ text: "one", size: 3 }]);
    expect(database.prepare("PRAGMA user_version").get()).toEqual({ user_version: 2 });
    database.close();
  });

  test("stays at its version when a step fails, and none of it has happened", () => {
    const path = newFile();
    const database = new DatabaseSync(path);
    const first = "CREATE TABLE word (text TEXT)";
    migrate(database, { path, readOnly: false, steps: [first] });
    const steps = [first, "CREATE TABLE letter (text TEXT)", "INSERT INTO sentence VALUES (1)"];
    expect(() => migrate(database, { path, readOnly: false, steps })).toThrow("no such table: sentence");
    expect(database.prepare("SELECT name FROM sqlite_schema").all()).toEqual([{ name: "word" }]);
    expect(database.prepare("PRAGMA user_version").get()).toEqual({ user_version: 1 });
    database.close();
  });

  const child = (...args: string[]) =>
    spawn(process.execPath, [fileURLToPath(new URL("sqlite-writer.ts", import.meta.url)), ...args], {
      stdio: ["ignore", "pipe", "inherit"],
    });

  test("is opened, founded in and written to by several processes at once", async () => {
    const path = newFile();
    const writers = ["w1", "w2", "w3", "w4"].map((name) => child(path, name, "60"));
    const codes = await Promise.all(writers.map(async (writer) => (await once(writer, "exit"))[0] as number));
    expect(codes).toEqual([0, 0, 0, 0]);
    const store = sqliteStore(path);
    const ids = store.list().map(({ executionId }) => executionId);
    expect(ids.toSorted()).toEqual(["shared", "w1", "w2", "w3", "w4"]);
    for (const id of ["w1", "w2", "w3", "w4"]) {
      expect(store.read(id)).toEqual(Array.from({ length: 60 }, (_, index) => `{"seq":${index + 1},"by":"${id}"}`));
    }
    const shared = store.read("shared").map((text) => (JSON.parse(text) as { seq: number }).seq);
    expect(shared).toEqual(Array.from({ length: 241 }, (_, index) => index + 1));
    store.close();
  });

  test("has all that was acknowledged when its process is killed", async () => {
    const path = newFile();
    const writer = child(path, "w", "1000000");
    let acknowledged = 0;
    for await (const line of createInterface(writer.stdout)) {
      acknowledged = Number(line);
      if (acknowledged >= 200) writer.kill("SIGKILL");
    }
    const store = sqliteStore(path);
    const entries = store.read("w");
    expect(entries.length).toBeGreaterThanOrEqual(acknowledged);
    expect(entries).toEqual(Array.from(entries, (_, index) => `{"seq":${index + 1},"by":"w"}`));
    store.close();
  });
});
