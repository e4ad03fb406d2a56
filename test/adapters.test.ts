import { createServer } from "node:http";
import type { AddressInfo } from "node:net";
import { Readable } from "node:stream";
import { createParser } from "eventsource-parser";
import { defineFlow, event, flow, run, start, toAsyncIterable, toReadableStream, toSSE } from "@sluice/core";
import { deferred, expectNoLeaks, itemsOf, logOf } from "@sluice/testing";
import { Subject, of, throwError } from "rxjs";
import { describe, expect, test } from "vitest";
import { z } from "zod";

const spec = defineFlow({
  name: "count",
  input: z.number(),
  stream: z.number(),
  result: z.number(),
  state: z.object({ n: z.number().default(0) }),
});
const counting = flow(spec).chunk("count", start, (n, ctx) => {
  for (let i = 1; i <= n; i += 1) {
    ctx.putIntoStream(i);
    ctx.state.set("n", i);
  }
  return n;
});
const held = (hold: Promise<unknown>) =>
  flow(spec).chunk("count", start, async (n, ctx) => {
    ctx.putIntoStream(n);
    await hold;
    return n;
  });

describe("adapters", () => {
  test("toReadableStream gives what is pulled, and closes with it", async () => {
    const items: number[] = [];
    for await (const item of toReadableStream(run(counting, 3).stream())) items.push(item);
    expect(items).toEqual([1, 2, 3]);
  });

  test("toReadableStream fails with the execution", async () => {
    const bad = flow(spec).chunk("bad", start, () => {
      throw new Error("bad");
    });
    await expect(itemsOf(toReadableStream(run(bad, 3).stream()))).rejects.toMatchObject({ code: "chunk-failed" });
  });

  test("cancelling a web stream leaves at once, while it waits for the next item", async () => {
    const hold = deferred();
    const execution = run(held(hold.promise), 1);
    const reader = toReadableStream(execution.stream({ cancelOnExit: true })).getReader();
    expect(await reader.read()).toEqual({ done: false, value: 1 });
    const next = reader.read();
    await new Promise((resolve) => void setImmediate(resolve));
    await reader.cancel();
    expect(await next).toEqual({ done: true, value: undefined });
    await expect(execution.result).rejects.toMatchObject({ code: "execution-cancelled" });
    expectNoLeaks(execution);
  });

  test("S18 an iterator that is left while it waits lets go of its cursor at once", async () => {
    const hold = deferred();
    const execution = run(held(hold.promise), 1);
    for (const options of [{}, { conflate: "key" }]) {
      const iterator = execution.stream(options);
      await iterator.next();
      const waiting = iterator.next();
      await new Promise((resolve) => void setImmediate(resolve));
      await iterator.return();
      expect(await waiting).toEqual({ done: true, value: undefined });
    }
    hold.resolve();
    await execution.result;
    expectNoLeaks(execution);
  });

  test("toAsyncIterable gives the values of an observable, then its end", async () => {
    expect(await itemsOf(toAsyncIterable(of(1, 2, 3)))).toEqual([1, 2, 3]);
    await expect(itemsOf(toAsyncIterable(throwError(() => new Error("no"))))).rejects.toThrow("no");
    const states = await itemsOf(toAsyncIterable(run(counting, 2).state$));
    expect(states).toEqual([{ n: 0 }, { n: 1 }, { n: 2 }]);
  });

  test("toAsyncIterable unsubscribes when it is left, and fails rather than buffer without end", async () => {
    const source = new Subject<number>();
    const iterator = toAsyncIterable(source, { maxItems: 2 });
    const first = iterator.next();
    source.next(1);
    expect(await first).toEqual({ done: false, value: 1 });
    const next = iterator.next();
    await new Promise((resolve) => void setImmediate(resolve));
    await iterator.return();
    expect(await next).toEqual({ done: true, value: undefined });
    expect(source.observed).toBe(false);
    const slow = toAsyncIterable(source, { maxItems: 2 });
    const begun = slow.next();
    for (let i = 0; i < 4; i += 1) source.next(i);
    expect(source.observed).toBe(false);
    expect(await begun).toEqual({ done: false, value: 0 });
    expect(await slow.next()).toEqual({ done: false, value: 1 });
    await expect(slow.next()).rejects.toMatchObject({ code: "stream-gap" });
  });

  test("toSSE over a real server: a client that reconnects with its last id gets each entry once", async () => {
    const hold = deferred();
    const execution = run(held(hold.promise), 1);
    const server = createServer((request, response) => {
      const after = request.headers["last-event-id"];
      response.writeHead(200, { "content-type": "text/event-stream" });
      const body = toReadableStream(toSSE(execution, typeof after === "string" ? { after } : {}));
      Readable.fromWeb(body as Parameters<typeof Readable.fromWeb>[0]).pipe(response);
    });
    await new Promise<void>((resolve) => void server.listen(0, "127.0.0.1", resolve));
    const url = `http://127.0.0.1:${(server.address() as AddressInfo).port}`;
    const ids: string[] = [];
    const types: string[] = [];
    const read = async (until: (type: string) => boolean): Promise<void> => {
      const leave = new AbortController();
      const last = ids.at(-1);
      const response = await fetch(url, {
        signal: leave.signal,
        headers: last === undefined ? {} : { "last-event-id": last },
      });
      const parser = createParser({
        onEvent: ({ id, event: type, data }) => {
          if (leave.signal.aborted) return;
          ids.push(id ?? "");
          types.push(type ?? "");
          expect(JSON.parse(data)).toMatchObject({ type });
          if (until(type ?? "")) leave.abort();
        },
      });
      try {
        for await (const bytes of response.body ?? []) parser.feed(new TextDecoder().decode(bytes as Uint8Array));
      } catch (error) {
        if (!leave.signal.aborted) throw error;
      }
    };
    await read((type) => type === "stream:item");
    hold.resolve();
    await read(() => false);
    expect(types).toEqual((await logOf(execution)).map(({ type }) => type));
    expect(ids).toEqual(["1", "2", "3", "4", "5"]);
    await new Promise((resolve) => void server.close(resolve));
    expectNoLeaks(execution);
  });

  test("toSSE goes on over what JSON cannot hold", async () => {
    const it = flow(defineFlow({ name: "odd", input: z.any(), result: z.any() })).chunk("odd", start, (_n, ctx) => {
      const loop: Record<string, unknown> = { n: 7n, twice: [1] };
      loop["again"] = loop["twice"];
      loop["self"] = { loop };
      ctx.setResult("done");
      return loop;
    });
    const messages = await itemsOf(toSSE(run(it, 1), { types: ["chunk:complete", "flow:completed"] }));
    expect(messages).toHaveLength(2);
    expect(messages[0]).toContain('"output":{"n":"7","twice":[1],"again":[1],"self":{"loop":"[circular]"}}');
  });

  test("toSSE filters by type, marks gaps, and keeps one line a message whatever the text", async () => {
    const Said = event("said", z.string());
    const it = flow(defineFlow({ name: "say", input: z.string(), stream: z.string() })).chunk(
      "say",
      start,
      (text, ctx) => {
        ctx.putIntoStream(text);
        ctx.emit(Said, text);
      },
    );
    const execution = run(it, "a\nid: 7\r\n\r\ndata: x", { retention: { maxEntries: 4 } });
    await execution.result;
    expect(await itemsOf(toSSE(execution, { from: 1, lag: "gap", types: ["stream:item", "signal"] }))).toEqual([
      'event: gap\ndata: {"type":"gap","from":"1","to":"3"}\n\n',
      expect.stringMatching(/^id: 3\nevent: stream:item\ndata: \{.*"item":"a\\nid: 7\\r\\n\\r\\ndata: x".*\}\n\n$/),
      expect.stringMatching(/^id: 4\nevent: signal\ndata: .*\n\n$/),
    ]);
  });

  test("events that nobody reads any more are left at once, while they wait for the next entry", async () => {
    const execution = run(held(new Promise(() => {})), 1);
    const reader = toReadableStream(toSSE(execution, { types: ["signal"], cancelOnExit: true })).getReader();
    const next = reader.read();
    await new Promise((resolve) => void setImmediate(resolve));
    await reader.cancel();
    expect(await next).toEqual({ done: true, value: undefined });
    expect(execution.status).toBe("cancelled");
    expectNoLeaks(execution);
  });

  test("S18 a reader that leaves before it has read anything cancels, too, if it was to", async () => {
    const execution = run(held(new Promise(() => {})), 1);
    await toReadableStream(execution.stream({ cancelOnExit: true })).cancel();
    expect(execution.status).toBe("cancelled");
    expectNoLeaks(execution);
  });
});
