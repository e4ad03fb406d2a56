import { mkdtempSync, readFileSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { type TokenSource, defineFlow, flow, instant, start } from "@sluice/core";
import {
  type RecordedCall,
  type Recording,
  type ReplyPiece,
  type TestTime,
  logOf,
  outline,
  record,
  replay,
  scriptedModel,
  virtualTime,
} from "@sluice/testing";
import fc from "fast-check";
import { afterAll, describe, expect, test } from "vitest";
import { z } from "zod";
import { Triage } from "../examples/support/triage.ts";

const folder = mkdtempSync(join(tmpdir(), "sluice-recordings-"));
afterAll(() => rmSync(folder, { recursive: true }));
let files = 0;
const fileName = (): string => join(folder, `${(files += 1)}.json`);
const recordingOf = (calls: readonly RecordedCall[]): Recording => ({ version: 1, model: "m", calls });

const spec = defineFlow({ name: "reader", input: z.null(), stream: z.any(), result: z.any() });
/** Reads a text, and puts each piece with its time into the stream. */
const reading = (source: TokenSource, now: () => number) =>
  flow(spec).chunk("read", start, async (_input, ctx) => {
    const text = ctx.text(source);
    for await (const piece of text) ctx.putIntoStream([now(), piece]);
    return text;
  });
async function piecesOf({ execute, now }: TestTime, source: TokenSource): Promise<unknown> {
  const execution = execute(reading(source, now), null);
  const pieces: unknown[] = [];
  execution.stream$.subscribe({ next: (piece) => pieces.push(piece), error: () => {} });
  const error: unknown = await execution.result.then(
    () => undefined,
    (thrown: { cause?: { message?: string } }) => thrown.cause?.message,
  );
  const finish = (await logOf(execution)).flatMap((entry) =>
    entry.type === "model:finish" ? [[entry.usage, entry.finishReason]] : [],
  );
  return { pieces, error, finish };
}

describe("recorded tokens", () => {
  test("a replay gives what was recorded, piece by piece at its time, as often as it is read", async () => {
    const piece = fc.oneof(
      fc.record({ afterMs: fc.nat(90), text: fc.string({ minLength: 1 }) }),
      fc.record({ afterMs: fc.nat(90), reasoning: fc.string({ minLength: 1 }) }),
    );
    const ends: fc.Arbitrary<ReplyPiece> = fc.oneof(
      fc.constant({ afterMs: 5, finish: "length", usage: { outputTokens: 7 } }),
      fc.constant({ afterMs: 3, throws: new Error("the line is dead") }),
    );
    await fc.assert(
      fc.asyncProperty(fc.array(piece, { maxLength: 8 }), ends, async (pieces, end) => {
        const file = fileName();
        const seen: unknown[] = [];
        await virtualTime(async (time) => {
          const source = scriptedModel([[...pieces, end]], { delay: time.delay });
          seen.push(await piecesOf(time, record(source, file)));
        });
        for (let i = 0; i < 2; i += 1) {
          await virtualTime(async (time) => void seen.push(await piecesOf(time, replay(file))));
        }
        expect(seen[1]).toEqual(seen[0]);
        expect(seen[2]).toEqual(seen[0]);
      }),
      { numRuns: 30 },
    );
  });

  test("tools and further calls are told again, and not run", async () => {
    const file = fileName();
    const tool = { toolCallId: "c1", tool: "track" };
    const pieces: ReplyPiece[] = [
      { afterMs: 10, finish: "tool-calls", usage: { outputTokens: 3 } },
      { part: { type: "tool-call", ...tool, args: { order: "A7" } } },
      { afterMs: 40, part: { type: "tool-progress", ...tool, data: "searching" } },
      { afterMs: 60, part: { type: "tool-result", ...tool, success: false, error: "lost" } },
      { part: { type: "start", model: "other" } },
      { afterMs: 20, text: "Sorry" },
      { afterMs: 5, finish: "stop", usage: { outputTokens: 1 } },
    ];
    const seen: unknown[] = [];
    const read = (source: (time: TestTime) => TokenSource) =>
      virtualTime(async (time) => {
        const execution = time.execute(reading(source(time), time.now), null);
        seen.push(outline(await logOf(execution)), await execution.result, time.now());
      });
    await read(({ delay }) => record(scriptedModel([pieces], { delay }), file));
    await read(() => replay(file));
    expect(seen.slice(3, 6)).toEqual(seen.slice(0, 3));
    expect(seen.slice(1, 3)).toEqual(["Sorry", 135]);
    expect(JSON.stringify(seen[0])).toMatch(/tool:call_start.*tool:progress.*tool:call_finish.*"lost"/);
  });

  test("speed plays it faster, Infinity without pauses", async () => {
    const file = fileName();
    const pieces = [
      { afterMs: 40, text: "a" },
      { afterMs: 20, text: "b" },
    ];
    writeFileSync(file, JSON.stringify(recordingOf([{ pieces }])));
    const timesAt = async (speed: number): Promise<unknown> => {
      let seen: unknown;
      await virtualTime(async (time) => void (seen = await piecesOf(time, replay(file, { speed }))));
      return seen;
    };
    expect(await timesAt(2)).toMatchObject({
      pieces: [
        [20, "a"],
        [30, "b"],
      ],
    });
    expect(await timesAt(Number.POSITIVE_INFINITY)).toMatchObject({
      pieces: [
        [0, "a"],
        [0, "b"],
      ],
    });
  });

  test("a text that no model writes is recorded, too", async () => {
    const file = fileName();
    await virtualTime(async (time) => {
      const source = record(
        time.tokens([
          [0, "Hel"],
          [30, "lo"],
        ]),
        file,
      );
      await piecesOf(time, source);
    });
    expect(JSON.parse(readFileSync(file, "utf8"))).toEqual({
      version: 1,
      model: "text",
      calls: [
        {
          pieces: [
            { afterMs: 0, text: "Hel" },
            { afterMs: 30, text: "lo" },
            { afterMs: 0, finish: "stop", usage: {} },
          ],
        },
      ],
    });
  });

  test("a text in bytes is recorded as the text that it is", async () => {
    const file = fileName();
    const bytes = new TextEncoder().encode("Grüße");
    await virtualTime(async (time) => {
      await piecesOf(time, record([bytes.slice(0, 3), bytes.slice(3)], file));
      expect(await time.execute(reading(replay(file), time.now), null).result).toBe("Grüße");
    });
  });

  describe("of a reader that left", () => {
    const leaving = async ({ execute, advance, now }: TestTime, source: TokenSource, atMs = 20) => {
      const execution = execute(reading(source, now), null);
      await advance(atMs);
      execution.cancel();
      await execution.result.catch(() => {});
      return outline(await logOf(execution));
    };
    const recorded = async (file: string): Promise<unknown> => {
      let log: unknown;
      await virtualTime(async (time) => {
        const model = scriptedModel([[{ afterMs: 10, text: "a" }, { hangs: true }]], { delay: time.delay });
        log = await leaving(time, record(model, file));
      });
      return log;
    };

    test("the tokens up to there are recorded, and the replay is left at the same time or somewhat later", async () => {
      const file = fileName();
      const log = await recorded(file);
      await virtualTime(async (time) => expect(await leaving(time, replay(file))).toEqual(log));
      await virtualTime(async (time) => expect(await leaving(time, replay(file), 500)).toEqual(log));
    });

    test("a replay that is not left says so, instead of hanging", async () => {
      const file = fileName();
      await recorded(file);
      await virtualTime(async ({ execute, now }) => {
        const { result } = execute(reading(replay(file), now), null);
        await expect(result).rejects.toMatchObject({ code: "model-failed", where: "reader.read", retryable: false });
        await expect(result).rejects.toThrow(`The recording ${file} ends after 1 pieces`);
      });
    });
  });

  test("a replay stops at once when its reader leaves", async () => {
    const file = fileName();
    writeFileSync(file, JSON.stringify(recordingOf([{ pieces: [{ afterMs: 60_000, text: "late" }] }])));
    const [begun, left] = [Promise.withResolvers<void>(), new AbortController()];
    const iterator = replay(file).stream({ abortSignal: left.signal })[Symbol.asyncIterator]();
    const next = iterator.next();
    setImmediate(begun.resolve);
    await begun.promise;
    left.abort(new Error("left"));
    await expect(next).rejects.toThrow("left");
  });

  test("what is no recording is told with its path and its place, and not tried again", () => {
    const file = fileName();
    const refusal = (written: unknown): unknown => {
      writeFileSync(file, JSON.stringify(written));
      try {
        return replay(file);
      } catch (error) {
        return error;
      }
    };
    const refused = (why: string): unknown =>
      expect.objectContaining({
        code: "model-failed",
        retryable: false,
        what: expect.stringContaining(`The recording ${file} cannot be read: ${why} does not fit: `) as string,
      });
    expect(refusal({ version: 2 })).toEqual(refused("version"));
    const pieces = [{ afterMs: 1, text: "a" }, { afterMs: 1 }];
    expect(refusal({ ...recordingOf([]), calls: [{ pieces: pieces.slice(0, 1) }] })).toMatchObject({ model: "m" });
    expect(refusal({ ...recordingOf([]), calls: [{ pieces }] })).toEqual(refused("calls[0].pieces[1]"));
    expect(() => replay("nowhere.json")).toThrow("The recording nowhere.json cannot be read: ENOENT");
    expect(() => replay(recordingOf([{ attempt: 0, pieces: [] }]))).toThrow("calls[0].attempt does not fit");
  });

  test.each(["01-invoice", "02-coffee-maker", "05-headphones"])(
    "the recording %s runs through a flow in virtual time, the same each time",
    async (name) => {
      const logs: unknown[] = [];
      for (let i = 0; i < 2; i += 1) {
        await virtualTime(async ({ execute, now }) => {
          const source = replay(`examples/recordings/${name}.json`);
          const it = flow(spec)
            .chunk("read", start, (_input, ctx) => ctx.instant(Triage, source))
            .chunk("step", Triage.field("steps[*]"), (step, ctx) => ctx.putIntoStream([now(), step]));
          const execution = execute(it, null);
          await execution.result;
          const log = await logOf(execution);
          expect(now()).toBeGreaterThan(500);
          expect(log.some(({ type }) => type === "model:finish")).toBe(true);
          logs.push(outline(log));
        });
      }
      expect(logs[1]).toEqual(logs[0]);
    },
  );

  test("what is recorded holds no prompt", async () => {
    const file = fileName();
    const model = scriptedModel(['{"a":1}']);
    const Reply = instant("reply", z.object({ a: z.number() }));
    await virtualTime(async ({ execute }) => {
      const source = record(model.ask("the secret prompt"), file);
      await execute(
        flow(spec).chunk("read", start, (_input, ctx) => ctx.instant(Reply, source)),
        null,
      ).result;
    });
    expect(readFileSync(file, "utf8")).not.toContain("secret");
  });
});
