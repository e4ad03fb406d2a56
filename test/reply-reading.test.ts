import { type DeepPartial, instant, parseReply, toAsyncIterable } from "@sluice/core";
import { deferred, itemsOf } from "@sluice/testing";
import fc from "fast-check";
import { describe, expect, expectTypeOf, test } from "vitest";
import { z } from "zod";

const schema = z.object({
  title: z.string(),
  items: z.array(z.object({ name: z.string(), n: z.number().min(0) })),
  done: z.boolean().optional(),
});
const Plan = instant("plan", schema);
const text = '{"title":"Tea","items":[{"name":"cup","n":1},{"name":"pot","n":2}],"done":true}';
const inPieces = (length: number): string[] => text.match(new RegExp(`.{1,${length}}`, "gs")) ?? [];

describe("a reply that is read outside of a flow", () => {
  test("gives its fields while it is written, and the whole when it is", async () => {
    const reading = parseReply(Plan, inPieces(3));
    const names = itemsOf(toAsyncIterable(reading.value$("items[*].name")));
    const items = itemsOf(toAsyncIterable(reading.value$("items[*]")));
    const title = itemsOf(toAsyncIterable(reading.delta$("title")));
    expect(await reading.done).toEqual(JSON.parse(text));
    expect(await names).toEqual(["cup", "pot"]);
    expect(await items).toEqual([
      { name: "cup", n: 1 },
      { name: "pot", n: 2 },
    ]);
    expect((await title).join("")).toBe("Tea");
  });

  test("reads bytes, cut inside a character; what is neither text nor bytes is an error", async () => {
    const bytes = new TextEncoder().encode('{"title":"Tee für 二","items":[]}');
    const pieces = Array.from(bytes, (_, at) => bytes.subarray(at, at + 1));
    expect(await parseReply(Plan, pieces).done).toEqual({ title: "Tee für 二", items: [] });
    const numbers: Iterable<unknown> = [1];
    await expect(parseReply(Plan, numbers as Iterable<string>).done).rejects.toMatchObject({
      code: "model-failed",
      where: "plan",
      message: expect.stringContaining("gave 1 where text was expected") as string,
    });
  });

  test("field$ tells opened, deltas and complete, with place and positions", async () => {
    const signals = await itemsOf(toAsyncIterable(parseReply(Plan, [text]).field$("items[1].name")));
    const at = { path: "items[1].name", indexes: [1] };
    expect(signals).toEqual([
      { type: "opened", ...at },
      { type: "delta", ...at, delta: "pot" },
      { type: "complete", ...at, value: "pot" },
    ]);
  });

  test("who subscribes late gets what is there, then what comes", async () => {
    const hold = deferred();
    async function* tokens() {
      yield '{"title":"Tea","items":[{"name":"cup",';
      await hold.promise;
      yield '"n":1}]}';
    }
    const reading = parseReply(Plan, tokens());
    await new Promise((resolve) => void setImmediate(resolve));
    const seen: unknown[] = [];
    reading.value$("items[*].name").subscribe((name) => seen.push(name));
    reading.value$("items[*].n").subscribe((n) => seen.push(n));
    reading.snapshot$.subscribe((snapshot) => seen.push(snapshot));
    expect(seen).toEqual(["cup", { title: "Tea", items: [{ name: "cup" }] }]);
    hold.resolve();
    await reading.done;
    expect(seen.slice(2)).toEqual([1, { title: "Tea", items: [{ name: "cup", n: 1 }] }]);
    expect(await itemsOf(toAsyncIterable(reading.value$("title")))).toEqual(["Tea"]);
  });

  test("an invalid field is told; the whole is judged at the end, or at once with onInvalid: fail", async () => {
    const wrong = '{"title":"Tea","items":[{"name":"cup","n":-1}]}';
    const reading = parseReply(Plan, [wrong]);
    const signals: unknown[] = [];
    reading.field$("items[*].n").subscribe((signal) => signals.push(signal));
    await expect(reading.done).rejects.toMatchObject({ code: "reply-invalid" });
    expect(signals).toMatchObject([
      { type: "opened", path: "items[0].n" },
      { type: "invalid", path: "items[0].n", issues: [{ path: [] }], raw: -1 },
    ]);
    const failing = parseReply(instant("plan", schema, { onInvalid: "fail" }), [wrong, "never read"]);
    await expect(failing.done).rejects.toThrow('The field items[0].n of the reply "plan" does not fit its schema');
    await expect(itemsOf(toAsyncIterable(failing.snapshot$))).rejects.toMatchObject({ code: "reply-invalid" });
  });

  test("an abort signal ends it at once, though the source hangs", async () => {
    let left = 0;
    async function* tokens() {
      try {
        yield '{"title":"T';
        await new Promise(() => {});
      } finally {
        left += 1;
      }
    }
    const abort = new AbortController();
    const reading = parseReply(Plan, tokens(), { abortSignal: abort.signal });
    await new Promise((resolve) => void setImmediate(resolve));
    abort.abort(new Error("enough"));
    await expect(reading.done).rejects.toThrow("enough");
    const early = parseReply(Plan, [text], { abortSignal: abort.signal });
    await expect(early.done).rejects.toThrow("enough");
    expect(left).toBe(0); // a generator that hangs in an await cannot be left; nobody waits for it
  });

  test("an observer that throws is detached, and the others do not notice", async () => {
    const errors: unknown[] = [];
    const reading = parseReply(Plan, inPieces(5), { onObserverError: (error) => errors.push(error) });
    reading.value$("title").subscribe(() => {
      throw new Error("mine");
    });
    const titles: string[] = [];
    reading.value$("title").subscribe((title) => titles.push(title));
    await reading.done;
    expect(titles).toEqual(["Tea"]);
    expect(errors).toEqual([new Error("mine")]);
  });

  test("a failure that nobody reads is no unhandled rejection", async () => {
    const unhandled: unknown[] = [];
    const note = (reason: unknown): void => void unhandled.push(reason);
    process.on("unhandledRejection", note);
    const reading = parseReply(Plan, ["no JSON at all"]);
    for (let turn = 0; turn < 3; turn += 1) await new Promise((resolve) => void setImmediate(resolve));
    process.off("unhandledRejection", note);
    expect(unhandled).toEqual([]);
    await expect(reading.done).rejects.toMatchObject({ code: "reply-no-json" });
  });

  test("the types are those of the schema", async () => {
    const { done, value$, snapshot$ } = parseReply(Plan, [text]);
    expectTypeOf(done).resolves.toEqualTypeOf<z.output<typeof schema>>();
    expectTypeOf(value$("items[*].n")).toMatchTypeOf<{ subscribe: (next: (n: number) => void) => unknown }>();
    expectTypeOf<DeepPartial<{ a: { b: number }[] }>>().toEqualTypeOf<{
      readonly a?: readonly { readonly b?: number }[];
    }>();
    snapshot$.subscribe(({ title, items }) => {
      expectTypeOf(title).toEqualTypeOf<string | undefined>();
      expectTypeOf(items?.[0]?.n).toEqualTypeOf<number | undefined>();
    });
    // @ts-expect-error the schema has no such path
    expect(await itemsOf(toAsyncIterable(value$("item[*]")))).toEqual([]);
  });
});

describe("snapshots", () => {
  const Any = instant("any", z.any(), { strict: true });

  test("law: pictures never change, grow to the whole, and share what is finished", async () => {
    await fc.assert(
      fc.asyncProperty(fc.jsonValue({ maxDepth: 4 }), fc.integer({ min: 1, max: 9 }), async (value, length) => {
        const json = JSON.stringify({ value });
        const pictures: unknown[] = [];
        const copies: string[] = [];
        const reading = parseReply(Any, json.match(new RegExp(`.{1,${length}}`, "gsu")) ?? []);
        reading.snapshot$.subscribe((picture) => {
          pictures.push(picture);
          copies.push(JSON.stringify(picture) ?? "");
        });
        await reading.done;
        expect(pictures.map((picture) => JSON.stringify(picture) ?? "")).toEqual(copies);
        expect(copies.at(-1)).toBe(json);
      }),
      { numRuns: 200 },
    );
  });

  test("a finished part is the same object in each later picture", async () => {
    const pictures: DeepPartial<z.output<typeof schema>>[] = [];
    const reading = parseReply(Plan, inPieces(1));
    reading.snapshot$.subscribe((picture) => pictures.push(picture));
    await reading.done;
    const firstItems = new Set(pictures.map(({ items }) => (items?.[1] === undefined ? undefined : items[0])));
    expect(firstItems).toEqual(new Set([undefined, { name: "cup", n: 1 }]));
    expect(firstItems.size).toBe(2);
  });
});
