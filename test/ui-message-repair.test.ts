// What a client is shown when something is taken back, and when it comes late, goes, or is slow.
import { createServer } from "node:http";
import type { AddressInfo } from "node:net";
import { type FlowMessage, ask, toUIMessageStream } from "@sluice/ai";
import {
  type Execution,
  type TokenSource,
  defineFlow,
  failed,
  flow,
  instant,
  positionOf,
  run,
  start,
} from "@sluice/core";
import { deferred, expectNoLeaks, logOf, scriptedModel, virtualTime } from "@sluice/testing";
import {
  DefaultChatTransport,
  type UIMessageChunk,
  createUIMessageStreamResponse,
  pipeUIMessageStreamToResponse,
} from "ai";
import { describe, expect, test } from "vitest";
import { z } from "zod";
import { CALLS, trackOf } from "./agent.ts";
import { answering, callParts, finishPart, textParts } from "./mock-model.ts";
import { chunksOf, partsOf, read, shownBy } from "./ui-message.ts";

const spec = defineFlow({
  name: "show",
  input: z.string(),
  stream: z.unknown(),
  result: z.unknown(),
  state: z.object({ n: z.number().default(0) }),
});
const Note = instant("note", z.object({ title: z.string(), tags: z.array(z.string()) }));
const twice = { retry: { attempts: 2, delay: 0 } } as const;
const overloaded = { throws: new Error("overloaded") };
const finalParts = async (execution: Execution): Promise<unknown[]> =>
  partsOf((await shownBy(await chunksOf(execution))).last);

/** A first chunk that shows something; then a second that reads, tells a state and runs a child, in two attempts. */
const messy = () => {
  const child = flow(defineFlow({ name: "child", input: z.string(), stream: z.unknown() })).chunk(
    "say",
    start,
    (text, ctx) => ctx.putIntoStream(`child ${text}`),
  );
  const texts = scriptedModel([
    [{ reasoning: "hm" }, "Half ", "a te", overloaded],
    ["A whole ", "text"],
  ]);
  const replies = scriptedModel([['{"title":"old', ' one","tags":["a","b"'], ['{"title":"new one","tags":["a","c"]}']]);
  let attempts = 0;
  return flow(spec)
    .chunk("first", start, (_input, ctx) => ctx.putIntoStream("first"))
    .chunk(
      "read",
      start,
      async (_input, ctx) => {
        attempts += 1;
        ctx.state.set("n", attempts);
        await ctx.child(child, `of attempt ${attempts}`);
        const [text] = await Promise.allSettled([ctx.text(texts), ctx.instant(Note, replies)]);
        if (text.status === "rejected") throw text.reason;
        ctx.putIntoStream("last");
      },
      twice,
    )
    .chunk("live", Note.delta("title"), (text, ctx) => ctx.putIntoStream(`live ${text}`))
    .chunk("tag", Note.field("tags[*]"), (tag, ctx) => ctx.putIntoStream(`tag ${tag}`));
};

describe("what is taken back", () => {
  test("a text of an attempt that is tried again is dropped, and what stood before it stays", async () => {
    const texts = scriptedModel([["Half a te", overloaded], "A whole text"]);
    const execution = run(
      flow(spec)
        .chunk("first", start, (_input, ctx) => ctx.putIntoStream("first"))
        .chunk("tell", start, (_input, ctx) => ctx.text(texts), twice),
      "",
    );
    const { messages, last } = await shownBy(await chunksOf(execution));
    expect(messages.map(partsOf)).toContainEqual(['item "first"', "text… Half a te"]);
    expect(partsOf(last)).toEqual(['item "first"', "text A whole text"]);
  });

  test("tools that an attempt has called are dropped with it, also in further calls of the model", async () => {
    const model = answering(
      [...callParts("c1", "track", { order: "A7" }), CALLS],
      [{ type: "error", error: new Error("overloaded") }],
      [...callParts("c2", "track", { order: "A7" }), CALLS],
      [...textParts("Done"), finishPart()],
    );
    const source = ask(model, { prompt: "?", tools: trackOf(() => "shipped") });
    const retried = flow(spec).chunk("tell", start, (_input, ctx) => ctx.text(source), twice);
    expect(await finalParts(run(retried, ""))).toEqual([
      expect.objectContaining({ toolCallId: "c2", output: "shipped" }),
      "text Done",
    ]);
  });

  test("items of what a field has triggered are dropped when the field is written otherwise", async () => {
    const replies = scriptedModel(['{"title":"t","tags":["a","b"', '{"title":"t","tags":["a","c"]}']);
    const execution = run(
      flow(spec)
        .chunk("read", start, (_input, ctx) => ctx.instant(Note, replies), twice)
        .chunk("tag", Note.field("tags[*]"), (tag, ctx) => ctx.putIntoStream(`tag ${tag}`)),
      "",
    );
    const parts = await finalParts(execution);
    expect(parts.filter((part) => String(part).startsWith("item"))).toEqual(['item "tag a"', 'item "tag c"']);
    expect(parts).toContain('note.tags[1] complete "c"');
    expect(parts).not.toContain('note.tags[1] complete "b"');
  });

  test("with an attempt go its child's items, its live chunks' and its fields; the state is a fact", async () => {
    const execution = run(messy(), "");
    const parts = await finalParts(execution);
    expect(parts.map(String).toSorted()).toEqual(
      [
        'item "child of attempt 2"',
        'item "first"',
        'item "last"',
        'item "live new one"',
        'item "tag a"',
        'item "tag c"',
        'note.tags complete ["a","c"]',
        'note.tags[0] complete "a"',
        'note.tags[1] complete "c"',
        'note.title complete "new one"',
        'state {"n":2}',
        "text A whole text",
      ].toSorted(),
    );
  });

  test("a string in which a reply has broken off is not gone on with by the next attempt", async () => {
    const replies = scriptedModel([['{"title":"Half'], ['{"title":"Wh', 'ole","tags":[]}']]);
    const execution = run(
      flow(spec).chunk("read", start, (_input, ctx) => ctx.instant(Note, replies), twice),
      "",
    );
    const { messages } = await shownBy(await chunksOf(execution));
    const titles = messages.flatMap((message) => partsOf(message).filter((part) => String(part).includes("title")));
    expect([...new Set(titles)]).toEqual([
      'note.title writing "Half"',
      'note.title writing "Wh"',
      'note.title writing "Whole"',
      'note.title complete "Whole"',
    ]);
  });

  test("a reply that is complete is kept by the next attempt, and so are its fields and what they have triggered", async () => {
    let attempts = 0;
    const execution = run(
      flow(spec)
        .chunk(
          "read",
          start,
          async (_input, ctx) => {
            await ctx.instant(Note, ['{"title":"t","tags":["a"]}']);
            ctx.putIntoStream(`attempt ${(attempts += 1)}`);
            if (attempts === 1) throw new Error("later");
          },
          twice,
        )
        .chunk("live", Note.delta("title"), (text, ctx) => ctx.putIntoStream(`live ${text}`))
        .chunk("tag", Note.field("tags[*]"), (tag, ctx) => ctx.putIntoStream(`tag ${tag}`)),
      "",
    );
    expect((await finalParts(execution)).map(String).toSorted()).toEqual([
      'item "attempt 2"',
      'item "live t"',
      'item "tag a"',
      'note.tags complete ["a"]',
      'note.tags[0] complete "a"',
      'note.title complete "t"',
    ]);
  });

  test("a text that another chunk is writing meanwhile goes on", async () => {
    await virtualTime(async ({ execute, delay }) => {
      const steady = scriptedModel([["one ", { afterMs: 50, text: "two " }, { afterMs: 50, text: "three" }]], {
        delay,
      });
      const broken = scriptedModel([["Half", { afterMs: 70, throws: new Error("overloaded") }], "Whole"], { delay });
      const execution = execute(
        flow(spec)
          .chunk("steady", start, (_input, ctx) => ctx.text(steady))
          .chunk("broken", start, (_input, ctx) => ctx.text(broken), twice),
        "",
      );
      const { messages, last } = await shownBy(await chunksOf(execution));
      expect(messages.map(partsOf)).toContainEqual(["text… one two "]);
      expect(partsOf(last)).toEqual(["text one two three", "text Whole"]);
    });
  });

  test("what an attempt has shown that fails for good stays", async () => {
    const broken = flow(spec)
      .chunk("tell", start, (_input, ctx) => ctx.text(scriptedModel([["Half a te", overloaded]])))
      .chunk("say", failed("tell"), (_failure, ctx) => ctx.putIntoStream("sorry"));
    expect(await finalParts(run(broken, ""))).toEqual(["text Half a te", 'item "sorry"']);
  });
});

describe("a reader that comes late", () => {
  test("gets the same message from the log of an execution that is over", async () => {
    const execution = run(messy(), "");
    const early = await chunksOf(execution);
    expect(await chunksOf(execution)).toEqual(early);
  });

  test("goes on after any position, and has the same message in the end", async () => {
    const execution = run(messy(), "");
    const messageMetadata = (entry: Parameters<typeof positionOf>[0]) => ({ position: positionOf(entry) });
    const whole = await chunksOf(execution, { messageMetadata });
    const { last } = await shownBy(whole);
    const entries = await logOf(execution);
    for (const position of entries.slice(0, -1).map(positionOf)) {
      const had = whole.findIndex((chunk) => chunk.type === "message-metadata" && isAt(chunk, position));
      const before = await shownBy(whole.slice(0, had + 1));
      const rest = await chunksOf(execution, { after: position, messageMetadata });
      expect(rest.length).toBeLessThanOrEqual(whole.length);
      expect((await shownBy(rest, before.last)).last).toEqual(last);
    }
  });

  test("goes on with less than all where no text is open", async () => {
    const items = flow(spec).chunk("work", start, (_input, ctx) => {
      for (let n = 1; n <= 3; n += 1) ctx.putIntoStream(n);
    });
    const execution = run(items, "");
    await execution.result;
    const chunks = await chunksOf(execution, { from: 5, messageId: "m" });
    expect(chunks).toEqual([
      { type: "start", messageId: "m" },
      { type: "data-item", id: "5", data: 3 },
      { type: "finish-step" },
      { type: "finish", finishReason: "stop" },
    ]);
  });

  test("S17 is told where something it needs has been dropped, or goes on behind it", async () => {
    const many = flow(spec).chunk("work", start, (_input, ctx) => {
      for (let n = 1; n <= 9; n += 1) ctx.putIntoStream(n);
    });
    const execution = run(many, "", { retention: { maxEntries: 4 } });
    await execution.result;
    const refused = await chunksOf(execution, { after: 3 });
    expect(refused).toEqual([
      { type: "start", messageId: execution.id },
      { type: "error", errorText: expect.stringContaining("has been dropped") as string },
    ]);
    const goesOn = await chunksOf(execution, { after: 3, lag: "gap" });
    expect(goesOn[1]).toEqual({ type: "data-gap", data: { type: "gap", from: "3", to: "10" } });
    expect(goesOn.at(-1)).toMatchObject({ type: "finish" });
  });

  test("a position that is none is refused at once", () => {
    expect(() => toUIMessageStream(run(messy(), ""), { after: "now" })).toThrow(
      expect.objectContaining({ code: "position-invalid" }),
    );
  });
});

describe("a reader", () => {
  const ticking = (delay: (ms: number) => Promise<void>) =>
    flow(spec).chunk("tick", start, async (_input, ctx) => {
      for (let n = 1; n <= 3; n += 1) {
        await delay(10);
        ctx.putIntoStream(n);
      }
    });

  test("S17 that is slow slows nobody, and reads nothing ahead", async () => {
    await virtualTime(async ({ execute, delay, now }) => {
      const execution = execute(ticking(delay), "");
      const reader = toUIMessageStream(execution).getReader();
      const first = await reader.read();
      await execution.result;
      expect(now()).toBe(30);
      const rest: unknown[] = [first.value];
      for (let next = await reader.read(); !next.done; next = await reader.read()) {
        rest.push(next.value);
        await delay(1_000);
      }
      expect(rest).toHaveLength(7);
    });
  });

  test("S18 that leaves while it waits lets go of its cursor; with cancelOnExit, of the execution", async () => {
    for (const cancelOnExit of [false, true]) {
      const hold = deferred();
      const execution = run(
        flow(spec).chunk("wait", start, async (_input, ctx) => {
          ctx.putIntoStream(1);
          await hold.promise;
        }),
        "",
      );
      const reader = toUIMessageStream(execution, { cancelOnExit }).getReader();
      for (let n = 0; n < 3; n += 1) await reader.read();
      const waiting = reader.read();
      await new Promise((resolve) => void setImmediate(resolve));
      await reader.cancel();
      expect(await waiting).toEqual({ done: true, value: undefined });
      expect(execution.status).toBe(cancelOnExit ? "cancelled" : "running");
      hold.resolve();
      await execution.result.catch(() => {});
      expectNoLeaks(execution);
    }
  });

  test("that waits too long is told", async () => {
    await virtualTime(async ({ execute, delay }) => {
      const execution = execute(
        flow(spec).chunk("wait", start, () => delay(500)),
        "",
      );
      expect((await chunksOf(execution, { timeout: 100 })).at(-1)).toEqual({
        type: "error",
        errorText: "No item came within 100 ms",
      });
    });
  });
});

describe("over HTTP", () => {
  test("the SDK's transport sends a message, gets one, and gets all of it again when it reconnects", async () => {
    const hold = deferred();
    const executions = new Map<string, Execution>();
    const answer = (source: TokenSource) =>
      flow(spec).chunk("answer", start, async (_input, ctx) => {
        const text = await ctx.text(source);
        await hold.promise;
        return text;
      });
    const server = createServer((request, response) => {
      if (request.method === "POST") {
        request.setEncoding("utf8");
        let body = "";
        request.on("data", (piece: string) => (body += piece));
        request.on("end", () => {
          const { id, messages } = JSON.parse(body) as { id: string; messages: FlowMessage[] };
          const asked =
            messages
              .at(-1)
              ?.parts.map((part) => (part.type === "text" ? part.text : ""))
              .join("") ?? "";
          const execution = run(answer(scriptedModel([["You said: ", asked]])), asked, { id: "m1" });
          executions.set(id, execution);
          void pipeUIMessageStreamToResponse({ response, stream: toUIMessageStream(execution) });
        });
        return;
      }
      const execution = executions.get(/\/([^/]+)\/stream$/.exec(request.url ?? "")?.[1] ?? "");
      if (execution === undefined) return void response.writeHead(204).end();
      void pipeUIMessageStreamToResponse({ response, stream: toUIMessageStream(execution) });
    });
    await new Promise<void>((resolve) => void server.listen(0, "127.0.0.1", resolve));
    const api = `http://127.0.0.1:${(server.address() as AddressInfo).port}/chat`;
    const transport = new DefaultChatTransport<FlowMessage>({ api });
    const message: FlowMessage = { id: "u1", role: "user", parts: [{ type: "text", text: "tea" }] };
    const leave = new AbortController();
    const sent = await transport.sendMessages({
      chatId: "c1",
      messages: [message],
      messageId: undefined,
      trigger: "submit-message",
      abortSignal: leave.signal,
    });
    const reader = sent.getReader();
    for (let n = 0; n < 5; n += 1) await reader.read();
    leave.abort();
    await reader.cancel().catch(() => {}); // the connection is gone
    hold.resolve();
    const again = await transport.reconnectToStream({ chatId: "c1" });
    const { last } = await shownBy(await read(again ?? new ReadableStream<UIMessageChunk>()));
    expect(last?.id).toBe("m1");
    expect(partsOf(last)).toEqual(["text You said: tea"]);
    expect(await transport.reconnectToStream({ chatId: "c2" })).toBeNull();
    await new Promise((resolve) => void server.close(resolve));
    for (const execution of executions.values()) expectNoLeaks(execution);
  });

  test("it is the body of a Response, too", async () => {
    const execution = run(
      flow(spec).chunk("say", start, (_input, ctx) => ctx.putIntoStream("hi")),
      "",
      { id: "e1" },
    );
    const response = createUIMessageStreamResponse({ stream: toUIMessageStream(execution) });
    expect(response.headers.get("content-type")).toBe("text/event-stream");
    expect(await response.text()).toBe(
      [
        '{"type":"start","messageId":"e1"}',
        '{"type":"start-step"}',
        '{"type":"data-item","id":"3","data":"hi"}',
        '{"type":"finish-step"}',
        '{"type":"finish","finishReason":"stop"}',
        "[DONE]",
      ]
        .map((line) => `data: ${line}\n\n`)
        .join(""),
    );
  });
});

function isAt({ messageMetadata }: { readonly messageMetadata: unknown }, position: string): boolean {
  return (messageMetadata as { position: string }).position === position;
}
