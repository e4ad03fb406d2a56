// A store that fails while executions run: each of them stops, and says why; the process goes on, and so do they when it is mended.
import { mkdtempSync, rmSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { DatabaseSync } from "node:sqlite";
import { type Execution, after, defineFlow, event, flow, load, recover, run, start } from "@sluice/core";
import { type SyncStore, sqliteStore } from "@sluice/sqlite";
import { deferred } from "@sluice/testing";
import { afterAll, describe, expect, test } from "vitest";
import { z } from "zod";

const folder = mkdtempSync(join(tmpdir(), "sluice-trouble-"));
afterAll(() => rmSync(folder, { recursive: true }));
let files = 0;

/** A store in a new file, and what sets pragmas of its own connection. */
function fileStore() {
  const path = join(folder, `${(files += 1)}.db`);
  const handles: DatabaseSync[] = [];
  class Open extends DatabaseSync {
    constructor(file: string) {
      super(file);
      handles.push(this);
    }
  }
  const store = sqliteStore(path, { driver: Open });
  return { path, store, pragma: (sql: string) => handles[0]?.exec(`PRAGMA ${sql}`) };
}

const troubles = [
  {
    name: "a full disk",
    begins: "max_page_count = 1", // as many as there are, at least
    ends: "max_page_count = 1000000",
    what: /its disk is full/,
    mend: /Make room/,
  },
  {
    name: "a file that can only be read",
    begins: "query_only = ON",
    ends: "query_only = OFF",
    what: /it can only be read/,
    mend: /make the file and its folder writable/,
  },
];

const Note = event("note", z.string());
const large = "x".repeat(40_000);
const spec = defineFlow({
  name: "letters",
  input: z.string(),
  state: z.object({ last: z.string().default("") }),
  stream: z.string(),
  result: z.string(),
  accepts: [Note],
});

/** Three chunks that put much into the log; the second one waits for the gate. */
function letters(gate: Promise<void>) {
  const calls: string[] = [];
  const ends: string[] = [];
  const it = flow(spec)
    .chunk("write", start, (text, ctx) => {
      calls.push(`write ${text}`);
      ctx.putIntoStream(text);
      return large;
    })
    .chunk("copy", after("write"), async (text, ctx) => {
      calls.push("copy");
      ctx.abortSignal.addEventListener("abort", () => ends.push((ctx.abortSignal.reason as Error).message));
      await gate;
      ctx.state.set("last", text);
      return ctx.step("sign", () => large);
    })
    .chunk("send", after("copy"), (text, ctx) => {
      calls.push("send");
      ctx.setResult(String(text.length));
    });
  return { it, calls, ends };
}

/** What becomes of everything that somebody waits for, or looks at. */
async function views(execution: Execution): Promise<readonly PromiseSettledResult<unknown>[]> {
  const pulled = async (items: AsyncIterable<unknown>): Promise<void> => {
    for await (const _ of items);
  };
  const pushed = (items: Execution["stream$" | "state$" | "events$" | "status$"]): Promise<void> =>
    new Promise((complete, error) => items.subscribe({ complete, error }));
  return Promise.allSettled([
    execution.result,
    pulled(execution.stream()),
    pulled(execution.events()),
    pushed(execution.stream$),
    pushed(execution.state$),
    pushed(execution.events$),
    pushed(execution.status$),
    pulled(execution.stream({ conflate: "" })),
  ]);
}

const typesOf = (store: SyncStore, id: string): string[] =>
  store.read(id).map((text) => (JSON.parse(text) as { readonly type: string }).type);

describe.each(troubles)("$name", ({ begins, ends: room, what, mend }) => {
  test("stops executions with store-failed in all their views, and they go on when it is over", async () => {
    const { store, pragma } = fileStore();
    const gate = deferred<void>();
    const { it, calls, ends } = letters(gate.promise);
    const ids = ["a", "b", "c"];
    const executions = ids.map((id) => run(it, id, { store, id }));
    await Promise.all(executions.map((execution) => shownIn(execution, "chunk:start", 2)));
    const stored = ids.map((id) => store.read(id));
    const seen = executions.map((execution) => views(execution));
    pragma(begins);
    gate.resolve();
    const failure = expect.objectContaining({
      code: "store-failed",
      message: expect.stringMatching(what),
      mend: expect.stringMatching(mend),
    });
    for (const outcomes of await Promise.all(seen)) {
      expect(outcomes).toEqual(outcomes.map(() => ({ status: "rejected", reason: failure })));
    }
    for (const execution of executions) {
      expect(() => execution.emit(Note, "late")).toThrow(failure);
      execution.cancel("too late");
      await expect(execution.stored()).rejects.toThrow(failure);
      await expect(execution.release()).rejects.toThrow(failure);
    }
    expect(ends).toEqual(["a", "b", "c"].map(() => expect.stringMatching(what)));
    expect(ids.map((id) => store.read(id))).toEqual(stored);
    expect(calls).toEqual([...ids.map((id) => `write ${id}`), "copy", "copy", "copy"]);

    pragma(room);
    const again = await recover([it], { store });
    expect(again.refused).toEqual([]);
    expect(await Promise.all(again.executions.map(({ result }) => result))).toEqual(["40000", "40000", "40000"]);
    expect(calls.slice(6).toSorted()).toEqual(["copy", "copy", "copy", "send", "send", "send"]);
    expect(typesOf(store, "a").filter((type) => type === "flow:completed")).toHaveLength(1);
    store.close();
  });

  test("fails a new execution before any of its chunks has started, and leaves the place to another", async () => {
    const { store, pragma } = fileStore();
    const { it, calls } = letters(Promise.resolve());
    pragma(begins);
    const execution = run(it, large, { store, id: "a" });
    await expect(execution.result).rejects.toMatchObject({
      code: "store-failed",
      message: expect.stringMatching(what),
    });
    expect(calls).toEqual([]);
    expect(store.find("a")).toBeUndefined();
    pragma(room);
    expect(await run(it, large, { store, id: "a" }).result).toBe("40000");
    store.close();
  });

  test("keeps what could not be claimed as it is", async () => {
    const { path, store } = fileStore();
    const gate = deferred<void>();
    const { it } = letters(gate.promise);
    const execution = run(it, "a", { store, id: "a" });
    await shownIn(execution, "chunk:start", 2);
    await execution.release();
    const record = store.find("a");
    const reader = sqliteStore(path, { readOnly: true });
    const failure = expect.objectContaining({
      code: "store-failed",
      message: expect.stringMatching(/it can only be read/),
    });
    expect(await recover([it], { store: reader })).toEqual({
      executions: [],
      refused: [{ executionId: "a", error: failure }],
    });
    await expect(load(it, "a", { store: reader })).rejects.toThrow(failure);
    expect(store.find("a")).toEqual(record);
    gate.resolve();
    expect(await (await load(it, "a", { store })).result).toBe("40000");
    reader.close();
    store.close();
  });
});

/** Settles when so many entries of a type have been shown. */
function shownIn(execution: Execution, type: string, count: number): Promise<void> {
  return new Promise((resolve) => {
    let shown = 0;
    execution.events$.subscribe((entry) => {
      if (entry.type === type && (shown += 1) === count) resolve();
    });
  });
}
