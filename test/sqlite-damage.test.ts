// What happens to files of sqliteStore: damaged, cut off, on a full disk. What was acknowledged is read as it was, or refused with its place.
import { spawnSync } from "node:child_process";
import {
  copyFileSync,
  existsSync,
  mkdtempSync,
  readFileSync,
  rmSync,
  statSync,
  truncateSync,
  writeFileSync,
} from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { DatabaseSync } from "node:sqlite";
import { fileURLToPath } from "node:url";
import { type Append, SluiceError } from "@sluice/core";
import { type SyncStore, sqliteStore } from "@sluice/sqlite";
import { afterAll, describe, expect, test } from "vitest";

const folder = mkdtempSync(join(tmpdir(), "sluice-damage-"));
afterAll(() => rmSync(folder, { recursive: true }));
let files = 0;
const newFile = (): string => join(folder, `${(files += 1)}.db`);

const entry = (executionId: string, seq: number): string => `{"seq":${seq},"of":"${executionId}"}`;
const entriesOf = (executionId: string, from: number, to: number): string[] =>
  Array.from({ length: to - from + 1 }, (_, index) => entry(executionId, from + index));

/** Three entries that follow what is stored of an execution. */
const three = (executionId: string, first: number): Append => {
  const founding = { flow: "triage", graphHash: "hash", graph: '{"nodes":[]}' };
  const entries = entriesOf(executionId, first, first + 2);
  return { executionId, epoch: 1, first, entries, status: "running", at: first, ...(first === 1 && { founding }) };
};

/** A file with twelve entries, in four blocks, of each of two executions. */
function twelve(): string {
  const path = newFile();
  const store = sqliteStore(path);
  for (const first of [1, 4, 7, 10]) store.append([three("a", first), three("b", first)]);
  store.append([{ ...three("a", 13), entries: [], checkpoint: { seq: 12, text: '{"lanes":[]}' } }]);
  store.putAnswer({ executionId: "a", interrupt: "q", answer: "true" });
  store.close();
  return path;
}

/** Does something to the rows of a file, then opens it as a store. */
function after(path: string, sql: string): SyncStore {
  const database = new DatabaseSync(path);
  database.exec(sql);
  database.close();
  return sqliteStore(path);
}

const blockOfA = (first: number): string =>
  `execution = (SELECT number FROM execution WHERE id = 'a') AND first = ${first}`;

describe("a damaged file", () => {
  test.each([
    [
      "a changed entry",
      `UPDATE block SET texts = replace(texts, '"seq":5', '"seq":6') WHERE ${blockOfA(4)}`,
      'Entry 4 of the execution "a" cannot be read: entries 4 to 6 are not as they were stored',
      3,
    ],
    [
      "an entry less in a block",
      `UPDATE block SET texts = substr(texts, 1, instr(texts, char(10)) - 1) WHERE ${blockOfA(7)}`,
      'Entry 7 of the execution "a" cannot be read: entries 7 to 9 are not as they were stored',
      6,
    ],
    [
      "a hole",
      `DELETE FROM block WHERE ${blockOfA(7)}`,
      'Entry 7 of the execution "a" cannot be read: it is missing',
      6,
    ],
    [
      "no beginning",
      `DELETE FROM block WHERE ${blockOfA(1)}`,
      'Entry 1 of the execution "a" cannot be read: it is missing',
      0,
    ],
    [
      "no end",
      `DELETE FROM block WHERE ${blockOfA(10)}`,
      'Entry 10 of the execution "a" cannot be read: it is missing',
      9,
    ],
    [
      "an end that is told to be earlier",
      "UPDATE execution SET last_seq = 10 WHERE id = 'a'",
      'Entry 11 of the execution "a" cannot be read: entry 10 should be the last',
      9,
    ],
    [
      "another execution's entries in the place of its own",
      `DELETE FROM block WHERE ${blockOfA(4)};
       UPDATE block SET execution = (SELECT number FROM execution WHERE id = 'a')
       WHERE first = 4 AND execution = (SELECT number FROM execution WHERE id = 'b')`,
      'Entry 4 of the execution "a" cannot be read: entries 4 to 6 are not as they were stored',
      3,
    ],
  ])("with %s is refused with the place, and what is before it can be read", (_, sql, what, sound) => {
    const path = twelve();
    const store = after(path, sql);
    expect(() => store.read("a")).toThrow(expect.objectContaining({ code: "log-corrupt", where: path, what }));
    expect(() => store.read("a", { after: sound, limit: 1 })).toThrow(expect.objectContaining({ code: "log-corrupt" }));
    expect(store.read("a", { upTo: sound })).toEqual(entriesOf("a", 1, sound));
    store.close();
  });

  test("tells how to mend it", () => {
    const store = after(twelve(), `DELETE FROM block WHERE ${blockOfA(7)}`);
    expect(() => store.read("a")).toThrow("Restore the file from a backup, or fork the execution from entry 6");
    store.close();
  });

  test("tells how to go on without a damaged checkpoint, which then works", () => {
    const path = twelve();
    const store = after(path, "UPDATE checkpoint SET text = '{}'");
    expect(() => store.checkpoint("a")).toThrow(
      "or delete the row of `checkpoint`: recovery then begins with the first entry",
    );
    store.close();
    const mended = after(path, "DELETE FROM checkpoint");
    expect(mended.checkpoint("a")).toBeUndefined();
    mended.close();
  });

  test("gives the entries behind the damage, and those of other executions", () => {
    const store = after(
      twelve(),
      `DELETE FROM block WHERE ${blockOfA(4)}; UPDATE block SET checksum = 0 WHERE ${blockOfA(1)}`,
    );
    expect(store.read("a", { after: 6 })).toEqual(entriesOf("a", 7, 12));
    store.close();
  });

  test.each([
    [
      "checkpoint",
      "UPDATE checkpoint SET text = '{}'",
      (store: SyncStore) => store.checkpoint("a"),
      'The checkpoint of the execution "a" at entry 12 is not as it was stored',
    ],
    [
      "graph",
      "UPDATE graph SET text = '{}'",
      (store: SyncStore) => store.graph("hash"),
      "The graph hash is not as it was stored",
    ],
    [
      "answer",
      "UPDATE answer SET text = 'false'",
      (store: SyncStore) => store.answers("a"),
      'The answer to the question "q" of the execution "a" is not as it was stored',
    ],
  ])("with a changed %s is refused, and the log can be read", (_, sql, call, what) => {
    const path = twelve();
    const store = after(path, sql);
    expect(() => call(store)).toThrow(expect.objectContaining({ code: "log-corrupt", where: path, what }));
    expect(store.read("a")).toEqual(entriesOf("a", 1, 12));
    store.close();
  });

  test("never gives other entries than those that were stored, whatever byte of it is another", () => {
    const path = twelve();
    const bytes = readFileSync(path);
    const damaged = newFile();
    const told: string[] = [];
    for (let at = 0; at < bytes.length; at += 199) {
      const changed = Buffer.from(bytes);
      changed[at] = (changed[at] ?? 0) ^ 0x41;
      writeFileSync(damaged, changed);
      told.push(...["a", "b"].map((executionId) => whatIsRead(damaged, executionId)));
      rmSync(`${damaged}-wal`, { force: true });
    }
    expect(told.filter((one) => one.startsWith("other entries"))).toEqual([]);
    expect(new Set(told)).toEqual(new Set(["as stored", "log-corrupt", "store-failed"]));
  });

  test("that is cut off is refused where something is missing of what is read", () => {
    const path = twelve();
    const cut = newFile();
    const told: string[] = [];
    for (let size = statSync(path).size - 1; size > 0; size -= 1999) {
      copyFileSync(path, cut);
      truncateSync(cut, size);
      told.push(whatIsRead(cut, "a"));
    }
    const refused = told.findIndex((one) => one !== "as stored"); // at its end is what is read of others
    expect(told.length - refused).toBeGreaterThan(10);
    expect(new Set(told.slice(refused))).toEqual(new Set(["log-corrupt"]));
  });

  test("whose log of writes is cut off has all of some earlier moment", () => {
    const path = newFile();
    const store = sqliteStore(path);
    for (const first of [1, 4, 7, 10]) store.append([three("a", first), three("b", first)]);
    const copy = newFile();
    const states: string[] = [];
    for (let size = statSync(`${path}-wal`).size; size >= 0; size -= 777) {
      copyFileSync(path, copy);
      copyFileSync(`${path}-wal`, `${copy}-wal`);
      rmSync(`${copy}-shm`, { force: true });
      truncateSync(`${copy}-wal`, size);
      const again = sqliteStore(copy);
      const lengths = ["a", "b"].map((id) => again.read(id).length);
      expect(again.list().map(({ lastSeq }) => lastSeq)).toEqual(lengths.filter((length) => length > 0));
      states.push(lengths.join());
      again.close();
    }
    store.close();
    expect([...new Set(states)]).toEqual(["12,12", "9,9", "6,6", "3,3", "0,0"]);
  });
});

/** What comes of reading an execution that has entries 1 to 12. */
function whatIsRead(path: string, executionId: string): string {
  let store: SyncStore | undefined;
  try {
    store = sqliteStore(path);
    const entries = store.read(executionId);
    if (entries.length === 0 && store.find(executionId) === undefined) return "not found";
    return entries.join() === entriesOf(executionId, 1, 12).join() ? "as stored" : `other entries: ${entries.join()}`;
  } catch (error) {
    return error instanceof SluiceError ? error.code : String(error);
  } finally {
    store?.close();
  }
}

describe("a full disk", () => {
  test("is told, stores nothing of the call, and leaves what was stored", () => {
    const path = newFile();
    const handles: DatabaseSync[] = [];
    class Small extends DatabaseSync {
      constructor(file: string) {
        super(file);
        handles.push(this);
      }
    }
    const store = sqliteStore(path, { driver: Small });
    store.append([three("a", 1), three("b", 1)]);
    handles[0]?.exec("PRAGMA max_page_count = 1"); // as many as there are, at least
    const large = [JSON.stringify("x".repeat(40_000))];
    expect(() => store.append([three("a", 4), { ...three("b", 4), entries: large }, three("c", 1)])).toThrow(
      expect.objectContaining({
        code: "store-failed",
        message: `The store cannot take entries: its disk is full (in ${path}). Make room. What was stored before is intact`,
        cause: expect.objectContaining({ errcode: 13 }),
      }),
    );
    expect(store.list().map(({ executionId, lastSeq }) => [executionId, lastSeq])).toEqual([
      ["a", 3],
      ["b", 3],
    ]);
    expect(store.read("a")).toEqual(entriesOf("a", 1, 3));
    handles[0]?.exec("PRAGMA max_page_count = 1000000");
    expect(store.append([three("a", 4), { ...three("b", 4), entries: large }])).toEqual([]);
    expect(store.read("a")).toEqual(entriesOf("a", 1, 6));
    store.close();
  });

  test.runIf(existsSync("/bin/bash"))("of a process that may write no more leaves all that was acknowledged", () => {
    const path = newFile();
    const writer = fileURLToPath(new URL("sqlite-writer.ts", import.meta.url));
    const limited = `trap "" XFSZ; ulimit -f 400; exec "$0" "$@" | cat`; // its output is no file
    const args = ["-c", limited, process.execPath, writer, path, "w", "1000000"];
    const { stdout, stderr } = spawnSync("/bin/bash", args, { encoding: "utf8" });
    expect(stderr).toContain("SluiceError: The store cannot take entries");
    expect(stderr).toContain("store-failed");
    const acknowledged = stdout.trim().split("\n").length;
    expect(acknowledged).toBeGreaterThan(10);
    const store = sqliteStore(path);
    const entries = store.read("w");
    expect(entries.length).toBeGreaterThanOrEqual(acknowledged);
    expect(entries).toEqual(Array.from(entries, (_, index) => `{"seq":${index + 1},"by":"w"}`));
    store.close();
  });
});
