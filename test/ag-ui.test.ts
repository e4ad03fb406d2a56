// An execution as a run of AG-UI, in the eyes of the protocol's own client.
import { ask } from "@sluice/ai";
import type { AGUIEvent } from "@ag-ui/core";
import {
  type Execution,
  after,
  defineFlow,
  each,
  failed,
  flow,
  instant,
  interrupt,
  positionOf,
  run,
  start,
} from "@sluice/core";
import { logOf, scriptedModel, virtualTime } from "@sluice/testing";
import { describe, expect, test } from "vitest";
import { z } from "zod";
import { asking, trackOf, tracking } from "./agent.ts";
import { clientOf, eventsOf, shortOf } from "./ag-ui-client.ts";

const spec = defineFlow({
  name: "show",
  input: z.string(),
  stream: z.unknown(),
  result: z.unknown(),
  state: z.object({ n: z.number().default(0), who: z.object({ name: z.string() }).optional() }),
});
const Note = instant("note", z.object({ title: z.string(), tags: z.array(z.string()) }));
const Approval = interrupt("approval", {
  ask: z.string(),
  answer: z.object({ approved: z.boolean() }),
  expires: 60_000,
});
const overloaded = { throws: new Error("overloaded for sk-live-abcdef1234567890") };
const twice = { retry: { attempts: 2, delay: 0 } } as const;
const reply = ['{"title":"A ', "long ", 'title","tags":["x"', "]}"];

const ofType = (events: readonly AGUIEvent[], type: string) => events.filter((event) => event.type === type);
const deltasOf = (events: readonly AGUIEvent[]) =>
  ofType(events, "STATE_DELTA").flatMap((event) => (event as { delta: unknown[] }).delta);
/** An execution whose question is answered as soon as it waits; what came before is a run, and what comes of it another. */
const answered = async (execution: Execution, answer: unknown) => {
  const first = await eventsOf(execution, { questions: [Approval] });
  const { position, interrupts } = execution;
  execution.resume(interrupts[0]?.id ?? "", answer);
  return { first, second: await eventsOf(execution, { after: position, runId: "r2" }) };
};

describe("a run", () => {
  test("tells of its chunks, its state, its texts and its end", async () => {
    const it = flow(spec)
      .chunk("tell", start, (_input, ctx) => {
        ctx.state.set("n", 1);
        return ctx.text(scriptedModel([[{ reasoning: "Hm." }, "Hello ", "you"]]));
      })
      .chunk("end", after("tell"), (text, ctx) => ctx.setResult(text));
    const events = await eventsOf(run(it, "", { id: "e1" }), { threadId: "t1", runId: "r1" });
    const id = "e1:a1.1.1";
    const thought = `${id}:reasoning`;
    expect(events).toEqual([
      { type: "RUN_STARTED", threadId: "t1", runId: "r1", protocolVersion: "1.0", metadata: { executionId: "e1" } },
      { type: "STATE_SNAPSHOT", snapshot: { n: 0, replies: {} } },
      { type: "STEP_STARTED", stepName: "tell" },
      { type: "STATE_DELTA", delta: [{ op: "replace", path: "/n", value: 1 }] },
      { type: "REASONING_START", messageId: thought },
      { type: "REASONING_MESSAGE_START", messageId: thought, role: "reasoning" },
      { type: "REASONING_MESSAGE_CONTENT", messageId: thought, delta: "Hm." },
      { type: "TEXT_MESSAGE_START", messageId: id, role: "assistant" },
      { type: "TEXT_MESSAGE_CONTENT", messageId: id, delta: "Hello " },
      { type: "TEXT_MESSAGE_CONTENT", messageId: id, delta: "you" },
      { type: "REASONING_MESSAGE_END", messageId: thought },
      { type: "REASONING_END", messageId: thought },
      { type: "TEXT_MESSAGE_END", messageId: id },
      { type: "STEP_FINISHED", stepName: "tell" },
      { type: "STEP_STARTED", stepName: "end" },
      { type: "STEP_FINISHED", stepName: "end" },
      expect.objectContaining({ type: "RUN_FINISHED", result: "Hello you", outcome: { type: "success" } }),
    ]);
  });

  test("has steps of the same chunk beside each other, and one for all attempts", async () => {
    let attempts = 0;
    const it = flow(spec)
      .chunk("list", start, () => [1, 2])
      .chunk("item", each(after("list")), () => Promise.resolve(), twice)
      .chunk("again", start, () => ((attempts += 1) === 1 ? Promise.reject(new Error("no")) : 1), twice);
    const events = await eventsOf(run(it, ""));
    const begun = ofType(events, "STEP_STARTED").map((event) => (event as { stepName: string }).stepName);
    expect(begun.toSorted()).toEqual(["again", "item", expect.stringMatching(/^item \(a\d\)$/), "list"]);
    await clientOf(events);
  });

  test("that fails, or is cancelled, says so, without keys", async () => {
    const failing = flow(spec).chunk("tell", start, (_input, ctx) => ctx.text(scriptedModel([["Half ", overloaded]])));
    const { errors } = await clientOf(await eventsOf(run(failing, "")));
    expect(errors.join()).toContain("[secret]");
    const waiting = run(
      flow(spec).chunk("wait", start, () => new Promise(() => {})),
      "",
    );
    waiting.on("chunk:start", () => waiting.cancel("enough"));
    const events = await eventsOf(waiting);
    expect(events.at(-1)).toMatchObject({ type: "RUN_FINISHED", outcome: { type: "cancelled" } });
    await clientOf(events);
  });

  test("whose log has been dropped in part is an error that names where to go on", async () => {
    const many = flow(spec).chunk("put", start, (_input, ctx) => {
      for (let item = 0; item < 50; item += 1) ctx.putIntoStream(item);
    });
    const execution = run(many, "", { retention: { maxEntries: 10 } });
    await execution.result;
    expect((await eventsOf(execution)).at(-1)).toMatchObject({ type: "RUN_ERROR", code: "stream-gap" });
  });

  test("sums up what its models have used, each for itself", async () => {
    const it = flow(spec).chunk("tell", start, async (_input, ctx) => {
      await ctx.text(ask(tracking(), { prompt: "?", tools: trackOf(() => 1) }));
    });
    const last = (await eventsOf(run(it, ""))).at(-1);
    expect(last).toMatchObject({
      type: "RUN_FINISHED",
      usage: [{ model: "mock/m-1", inputTokens: 24, outputTokens: 14 }],
    });
  });
});

describe("a reply", () => {
  const noting = (texts: Parameters<typeof scriptedModel>[0]) => {
    const model = scriptedModel(texts);
    return flow(spec).chunk("note", start, async (_input, ctx) => void (await ctx.instant(Note, model)), twice);
  };

  test("is in the state while it is written, field by field", async () => {
    const events = await eventsOf(run(noting([reply]), ""));
    expect(deltasOf(events)).toEqual([
      { op: "add", path: "/replies/note", value: [{ title: "A " }] },
      { op: "replace", path: "/replies/note/0/title", value: "A long " },
      { op: "replace", path: "/replies/note/0/title", value: "A long title" },
      { op: "add", path: "/replies/note/0/tags", value: ["x"] },
    ]);
    const { state } = await clientOf(events);
    expect(state).toEqual({ n: 0, replies: { note: [{ title: "A long title", tags: ["x"] }] } });
  });

  test("can have another place, none, or be text; the flow's state can be chosen, too", async () => {
    const it = () => run(noting([reply]), "");
    expect((await clientOf(await eventsOf(it(), { replies: "written" }))).state).toMatchObject({
      written: { note: [{}] },
    });
    expect((await clientOf(await eventsOf(it(), { replies: false, state: () => ({ a: 1 }) }))).state).toEqual({ a: 1 });
    const { messages } = await clientOf(
      await eventsOf(it(), { field: ({ path }) => (path === "title" ? "text" : "none") }),
    );
    expect(shortOf(messages)).toEqual(["assistant A long title"]);
  });

  test("that is written again takes the place of the one before, whose void parts are gone", async () => {
    const it = noting([['{"title":"Old","tags":["a","b"', overloaded], ['{"title":"New","tags":["c"]}']]).chunk(
      "tag",
      Note.field("tags[*]"),
      (tag, ctx) => ctx.putIntoStream(`tag ${tag}`),
    );
    const { state, messages } = await clientOf(await eventsOf(run(it, "")));
    expect(state["replies"]).toEqual({ note: [{ title: "New", tags: ["c"] }] });
    expect(shortOf(messages)).toEqual(["withdrawn {}", "withdrawn {}", 'item {"value":"tag c"}']);
  });

  test("of each lane has a place of its own", async () => {
    const it = flow(spec)
      .chunk("list", start, () => ["a", "b"])
      .chunk("note", each(after("list")), (name, ctx) => ctx.instant(Note, [`{"title":"${name}"`, ',"tags":[]}']));
    const { state } = await clientOf(await eventsOf(run(it, "")));
    expect(state["replies"]).toEqual({
      note: [
        { title: "a", tags: [] },
        { title: "b", tags: [] },
      ],
    });
  });

  test.each([
    [["tags[2]"], [null, null, "z"]],
    [
      ["tags[0]", "tags[2]"],
      ["x", null, "z"],
    ],
  ])("of which only %j is shown has null in place of what is not", async (paths, tags) => {
    const events = await eventsOf(run(noting(['{"title":"A","tags":["x","y","z"]}']), ""), {
      field: ({ path }) => (paths.includes(path) ? "data" : "none"),
    });
    expect((await clientOf(events)).state["replies"]).toEqual({ note: [{ tags }] });
  });

  test("with a key that leads into prototypes leaves it out", async () => {
    const Loose = instant("loose", z.record(z.string(), z.number()));
    const it = flow(spec).chunk("read", start, (_input, ctx) => ctx.instant(Loose, ['{"__proto__":1,"a":2}']));
    const { state } = await clientOf(
      await eventsOf(run(it, ""), { field: ({ path }) => (path === "" ? "none" : "data") }),
    );
    expect(state["replies"]).toEqual({ loose: [{ a: 2 }] });
  });
});

describe("messages", () => {
  const user = { id: "u1", role: "user", content: "Hi" } as const;

  test("are texts, calls of tools with what they gave, and items as activities", async () => {
    const execution = run(asking(ask(tracking(), { prompt: "?", tools: trackOf(() => ({ status: "shipped" })) })), "");
    const { messages } = await clientOf(await eventsOf(execution));
    expect(shortOf(messages)).toEqual([
      'call track {"order":"A7"}',
      'tool {"status":"shipped"}',
      "assistant It is on its way",
    ]);
    const item = run(
      flow(spec).chunk("put", start, (_input, ctx) => ctx.putIntoStream({ percent: 50 })),
      "",
    );
    expect(shortOf((await clientOf(await eventsOf(item))).messages)).toEqual(['item {"percent":50}']);
  });

  test("of a tool that fails, or is ended, have a result that says so", async () => {
    const failing = trackOf(() => {
      throw new Error("Denied for sk-live-abcdef1234567890");
    });
    const denied = run(asking(ask(tracking(), { prompt: "?", tools: failing })), "");
    expect(shortOf((await clientOf(await eventsOf(denied))).messages)[1]).toBe("tool Denied for [secret]");
    const endless = run(asking(ask(tracking(), { prompt: "?", tools: trackOf(() => new Promise(() => {})) })), "");
    endless.on("tool:call_start", () => endless.cancel("enough"));
    expect(shortOf((await clientOf(await eventsOf(endless))).messages)[1]).toBe("tool The call was ended");
  });

  test("of an attempt that is tried again are gone; what the thread had before stays where it was", async () => {
    const texts = scriptedModel([[{ reasoning: "hm" }, "Half a te", overloaded], "A whole text"]);
    const it = flow(spec)
      .chunk("first", start, (_input, ctx) => ctx.text(scriptedModel(["First"])))
      .chunk("tell", after("first"), (_input, ctx) => ctx.text(texts), twice);
    const before = [user, { id: "old", role: "assistant", content: "Hello" } as const, { ...user, id: "u2" }];
    const { messages } = await clientOf(await eventsOf(run(it, ""), { messages: before }), { messages: before });
    expect(shortOf(messages)).toEqual([
      "user Hi",
      "assistant Hello",
      "user Hi",
      "assistant First",
      "reasoning ",
      "assistant A whole text",
    ]);
  });

  test("that are being written when their cause is taken back end, and are gone", async () => {
    await virtualTime(async ({ execute, delay }) => {
      const notes = scriptedModel([['{"title":"Old"', { afterMs: 5, ...overloaded }], '{"title":"New","tags":[]}'], {
        delay,
      });
      const texts = scriptedModel([["gone ", { afterMs: 10, text: "too" }], "kept"], { delay });
      const it = flow(spec)
        .chunk("note", start, async (_input, ctx) => void (await ctx.instant(Note, notes)), twice)
        .chunk("say", Note.field("title"), async (_title, ctx) => void (await ctx.text(texts)));
      const { messages } = await clientOf(await eventsOf(execute(it, "")));
      expect(shortOf(messages)).toEqual(["assistant kept"]);
    });
  });

  test("that go on while another is taken back are not begun anew", async () => {
    await virtualTime(async ({ execute, delay }) => {
      const piece = (afterMs: number, text: string) => ({ afterMs, text });
      const long = scriptedModel([[piece(1, "a "), piece(10, "b "), piece(10, "c")]], { delay });
      const short = scriptedModel([["gone", { afterMs: 3, ...overloaded }], [piece(2, "kept")]], { delay });
      const it = flow(spec)
        .chunk("long", start, (_input, ctx) => ctx.text(long))
        .chunk("short", start, (_input, ctx) => ctx.text(short), { retry: { attempts: 2, delay: 5, jitter: false } });
      const execution = execute(it, "");
      const events = await eventsOf(execution);
      expect(ofType(events, "TEXT_MESSAGE_START")).toHaveLength(3);
      expect(shortOf((await clientOf(events)).messages)).toEqual(["assistant a b c", "assistant kept"]);
      for (const entry of await logOf(execution)) {
        expect((await clientOf(await eventsOf(execution, { after: positionOf(entry) }))).errors).toEqual([]);
      }
    });
  });
});

describe("a question", () => {
  const it = () =>
    flow(spec)
      .chunk("say", start, (_input, ctx) => ctx.text(scriptedModel([["We", "ll."]])))
      .chunk("ask", after("say"), (_input, ctx) => {
        ctx.state.set("n", 1);
        ctx.interrupt(Approval, "May I?");
      })
      .chunk("send", Approval.answered, ({ approved }, ctx) => ctx.setResult(approved))
      .chunk("late", Approval.expired, () => "late");

  test("is the run's outcome, with what its answer is to be; the next run goes on from there", async () => {
    const { first, second } = await answered(run(it(), "", { id: "e1" }), { approved: true });
    const client = await clientOf(first);
    expect(client.interrupts).toEqual([
      {
        id: "e1:approval@a2",
        reason: "approval",
        message: "May I?",
        expiresAt: expect.stringMatching(/^\d{4}-/),
        responseSchema: expect.objectContaining({ type: "object", required: ["approved"] }),
        metadata: { name: "approval", chunk: "ask", payload: "May I?" },
      },
    ]);
    expect(second.map(({ type }) => type)).toEqual([
      "RUN_STARTED",
      "STATE_SNAPSHOT",
      "STEP_STARTED",
      "STEP_FINISHED",
      "RUN_FINISHED",
    ]);
    const after = await clientOf(second, client);
    expect(after.state).toMatchObject({ n: 1 });
    expect(shortOf(after.messages)).toEqual(["assistant Well."]);
    expect(second.at(-1)).toMatchObject({ result: true, outcome: { type: "success" } });
  });

  test("that was answered long ago is no end to who reads from the beginning", async () => {
    const execution = run(it(), "");
    await answered(execution, { approved: true });
    const events = await eventsOf(execution);
    expect(ofType(events, "RUN_FINISHED")).toHaveLength(1);
    await clientOf(events);
  });

  test("that somebody asks inline goes on in the next run, too", async () => {
    const inline = flow(spec)
      .chunk("ask", start, async (_input, ctx) => (await ctx.ask(Approval, "May I?")).approved)
      .chunk("end", after("ask"), (approved, ctx) => ctx.setResult(approved))
      .chunk("no", failed("ask"), () => "no");
    const { first, second } = await answered(run(inline, ""), { approved: false });
    await clientOf(second, await clientOf(first));
    expect(second.at(-1)).toMatchObject({ result: false });
  });

  test("a reader may begin behind any entry", async () => {
    const execution = run(it(), "");
    await answered(execution, { approved: true });
    for (const entry of await logOf(execution)) {
      const { errors } = await clientOf(await eventsOf(execution, { after: positionOf(entry) }));
      expect(errors).toEqual([]);
    }
  });
});
