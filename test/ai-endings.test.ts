// How generations end over real HTTP: what ends them here ends the request there, and an attempt that broke counts.
import type { ServerResponse } from "node:http";
import { ask, usageOf } from "@sluice/ai";
import { type Entry, type Execution, defineFlow, flow, instant, run, start } from "@sluice/core";
import { VirtualTime, deferred, logOf } from "@sluice/testing";
import { describe, expect, test } from "vitest";
import { z } from "zod";
import { type Wire, answering, local, wires } from "./provider-wire.ts";

const KEY = "sk-test";
const List = instant("list", z.object({ kind: z.string(), items: z.array(z.string()) }));
const spec = defineFlow({ name: "asks", input: z.string(), stream: z.string(), result: z.unknown() });
const texts = (wire: Wire, url: string, timeout?: number) =>
  flow(spec).chunk(
    "read",
    start,
    (prompt, ctx) => ctx.text(ask(wire.model({ url, apiKey: KEY }), { prompt })),
    timeout === undefined ? {} : { timeout },
  );

/** Writes for as long as somebody reads. */
function writeOn(response: ServerResponse, begins: string, more: string): void {
  response.writeHead(200, { "content-type": "text/event-stream" });
  response.write(begins);
  const write = (): void => {
    if (response.closed) return;
    response.write(more);
    setImmediate(write);
  };
  setImmediate(write);
}

/** The log of an execution whose model would never end; resolves when its server has seen the connection closed. */
async function logToTheClose(
  { begins, more }: { readonly begins: string; readonly more: string },
  execute: (url: string) => Execution,
): Promise<Entry[]> {
  const closed = deferred();
  let requests = 0;
  return answering(
    (response) => {
      requests += 1;
      response.on("close", closed.resolve);
      writeOn(response, begins, more);
    },
    async (url) => {
      const execution = execute(url);
      const [log] = await Promise.all([logOf(execution), closed.promise]);
      expect(requests).toBe(1);
      expect(await logOf(execution)).toEqual(log); // nothing has been told since
      return log;
    },
  );
}

const of = <T extends Entry["type"]>(entries: readonly Entry[], type: T) =>
  entries.filter((entry): entry is Extract<Entry, { readonly type: T }> => entry.type === type);
const types = (entries: readonly Entry[]) => entries.filter(({ live }) => live === 0).map(({ type }) => type);

describe.each(wires)("a reply of $provider that goes on and on", (wire) => {
  test("ends at the provider when its execution is cancelled", async () => {
    const more = { begins: wire.begins, more: wire.more("llo") };
    const entries = await logToTheClose(more, (url) => {
      const execution = run(texts(wire, url), "greet");
      let tokens = 0;
      execution.on("model:token", () => {
        tokens += 1;
        if (tokens === 3) execution.cancel("enough");
      });
      execution.result.catch(() => {});
      return execution;
    });
    expect(of(entries, "model:token").map(({ delta }) => delta)).toEqual(["He", "llo", "llo"]);
    expect(of(entries, "model:finish")).toMatchObject([{ finishReason: "aborted", estimated: true }]);
    expect(types(entries).slice(-3)).toEqual(["model:finish", "chunk:failed", "flow:cancelled"]);
  });
});

describe("a reply that goes on and on", () => {
  const more = { begins: local.begins, more: local.more("llo") };

  test("ends at the provider when the time of its chunk is over", async () => {
    const clock = new VirtualTime();
    const entries = await logToTheClose(more, (url) => {
      const execution = run(texts(local, url, 100), "greet", { scheduler: clock.scheduler });
      execution.on("model:token", () => void clock.advance(100));
      execution.result.catch(() => {});
      void clock.settle();
      return execution;
    });
    expect(of(entries, "model:finish")).toMatchObject([{ finishReason: "aborted", durationMs: 100 }]);
    expect(of(entries, "chunk:failed")).toMatchObject([{ error: { code: "chunk-timeout" } }]);
    expect(types(entries).slice(-3)).toEqual(["model:finish", "chunk:failed", "flow:failed"]);
  });

  test("ends at the provider when a field is enough", async () => {
    const begins = local.more('{"kind":"short","items":["a"');
    const entries = await logToTheClose({ begins, more: local.more(',"b"') }, (url) => {
      const model = local.model({ url, apiKey: KEY });
      const stops = flow(spec)
        .chunk("read", start, (prompt, ctx) => ctx.instant(List, ask(model, { prompt }), { stoppable: true }))
        .chunk("enough", List.field("kind"), (_kind, ctx) => ctx.stop(List));
      return run(stops, "greet");
    });
    expect(of(entries, "model:finish")).toMatchObject([{ finishReason: "aborted", estimated: true }]);
    expect(entries.at(-1)?.type).toBe("flow:completed");
    const stopped = entries.findIndex(({ type }) => type === "reply:stopped");
    expect(of(entries.slice(stopped), "model:token")).toEqual([]);
  });

  test("ends at the provider when it crosses the budget", async () => {
    const entries = await logToTheClose(more, (url) => {
      const execution = run(texts(local, url), "greet", { budget: { tokens: 100 } });
      execution.result.catch(() => {});
      return execution;
    });
    expect(entries.at(-1)).toMatchObject({ type: "flow:failed", error: { code: "budget-exceeded" } });
    expect(of(entries, "model:finish")).toMatchObject([{ finishReason: "error", estimated: true }]);
    expect(of(entries, "budget:threshold_reached").map(({ thresholdPct }) => thresholdPct)).toEqual([50, 75, 90, 100]);
    expect(usageOf(entries).totalTokens).toBe(101);
    expect(of(entries, "budget:threshold_reached").at(-1)?.spentTokens).toBe(101);
  });
});

describe.each(wires)("a reply of $provider whose connection is cut", ({ model, begins, more, ends }) => {
  test("is taken back from viewers before the next attempt, and both attempts count", async () => {
    let requests = 0;
    const entries = await answering(
      (response) => {
        requests += 1;
        response.writeHead(200, { "content-type": "text/event-stream" });
        if (requests === 1) response.write(begins, () => response.destroy());
        else response.end(begins + more("llo") + ends);
      },
      async (url) => {
        const asking = flow(spec).chunk(
          "read",
          start,
          (prompt, ctx) => ctx.text(ask(model({ url, apiKey: KEY }), { prompt })),
          { retry: { attempts: 2, delay: 0 } },
        );
        const execution = run(asking, "greet", { budget: { tokens: 60 } });
        const log = await logOf(execution);
        expect(await execution.result).toBe("Hello");
        return log;
      },
    );
    const shown = entries.flatMap((entry) => {
      if (entry.type === "model:token") return [`${entry.attempt} ${entry.delta}`];
      return entry.type === "chunk:reset" ? [`${entry.attempt} reset`] : [];
    });
    expect(shown).toEqual(["1 He", "1 reset", "2 He", "2 llo"]);
    const [cut, whole] = of(entries, "model:finish");
    expect(cut).toMatchObject({ attempt: 1, finishReason: "error", estimated: true, usage: { outputTokens: 1 } });
    expect(whole).toMatchObject({ attempt: 2, finishReason: "stop", usage: { inputTokens: 10, outputTokens: 5 } });
    const { calls, totalTokens } = usageOf(entries);
    expect(calls).toBe(2);
    expect(totalTokens).toBe((cut?.usage.totalTokens ?? 0) + 15);
    const thresholds = of(entries, "budget:threshold_reached");
    expect(thresholds).toMatchObject([{ thresholdPct: 50, spentTokens: totalTokens }]);
  });
});
