import { after, defineFlow, flow, instant, interrupt, start } from "@sluice/core";
import { expect, test } from "vitest";
import { z } from "zod";
import { isEnd, isWait, look, messages, send, serve } from "./served.ts";

const Report = instant("report", z.object({ title: z.string(), parts: z.array(z.object({ name: z.string() })) }));
const Approval = interrupt("approval", { ask: z.string(), answer: z.string() });
const spec = defineFlow({ name: "report", input: z.string(), stream: z.string(), result: z.string() });
const text = '{"title":"Rain","parts":[{"name":"north"},{"name":"south"}]}';
async function* tokens() {
  yield* text.match(/.{1,7}/gs) ?? [];
}
const report = flow(spec)
  .chunk("write", start, async (about, ctx) => {
    ctx.putIntoStream(about);
    const { title } = await ctx.instant(Report, tokens());
    return title;
  })
  .chunk("ask", after("write"), (title, ctx) => void ctx.interrupt(Approval, title))
  .chunk("end", Approval.answered, (answer, ctx) => ctx.setResult(answer));

/** A stream's address, of an execution that has ended. */
async function written(): Promise<string> {
  const { url } = await serve({ flows: [report] });
  const { body } = await send(`${url}/flows/report/executions`, { input: "weather" });
  const execution = `${url}/executions/${body.executionId}`;
  await messages(`${execution}/stream`, isWait);
  const [asked] = (await look(execution)).body.interrupts;
  await send(`${execution}/answers/${asked.id}`, { answer: "good" });
  await messages(`${execution}/stream`, isEnd);
  return `${execution}/stream`;
}

const typesOf = async (url: string) => (await messages(url, isEnd)).map(({ event }) => event);

test("a client that wants items only gets them and the end", async () => {
  expect(await typesOf(`${await written()}?items`)).toEqual(["stream:item", "flow:completed"]);
});

test("a client that wants types gets them and the end", async () => {
  expect(await typesOf(`${await written()}?types=chunk:complete,flow:start`)).toEqual([
    "flow:start",
    "chunk:complete",
    "chunk:complete",
    "chunk:complete",
    "flow:completed",
  ]);
});

test("a client that wants a field gets what tells of it, and the end", async () => {
  const all = await messages(`${await written()}?fields=report:parts[*].name`, isEnd);
  const complete = all.filter(({ event }) => event === "field:complete");
  expect(complete.map(({ data }) => [data["field"], data["value"]])).toEqual([
    ["parts[0].name", "north"],
    ["parts[1].name", "south"],
  ]);
  expect(all.at(-1)?.event).toBe("flow:completed");
  expect(new Set(all.map(({ data }) => data["field"]))).toEqual(new Set(["parts[0].name", "parts[1].name", undefined]));
});

test("a reply's name alone stands for all its fields and its end, and filters add up", async () => {
  const all = await messages(`${await written()}?fields=report&items`, isEnd);
  expect(all.filter(({ event }) => event === "field:complete").map(({ data }) => data["field"])).toEqual([
    "title",
    "parts[0].name",
    "parts[0]",
    "parts[1].name",
    "parts[1]",
    "parts",
  ]);
  expect(all.filter(({ event }) => event === "reply:complete")).toHaveLength(1);
  expect(all.filter(({ event }) => event === "stream:item")).toHaveLength(1);
});

test("a filtered stream that is had to its end is not sent again", async () => {
  const url = `${await written()}?items`;
  const last = (await messages(url, isEnd)).at(-1);
  const again = await fetch(url, { headers: { "last-event-id": last?.id ?? "" } });
  expect(again.status).toBe(204);
});

test("?from= begins at a position, ?after= behind it, and the last id that was had goes before both", async () => {
  const url = await written();
  const all = await messages(url, isEnd);
  const [first, second, third] = all.map(({ id }) => id);
  const begin = async (query: string, headers = {}) => (await messages(`${url}${query}`, isEnd, headers))[0]?.id;
  expect(await begin(`?from=${second}`)).toBe(second);
  expect(await begin(`?after=${second}`)).toBe(third);
  expect(await begin(`?from=${third}`, { "last-event-id": first })).toBe(second);
  expect(await begin(`?after=${first}`, { "last-event-id": second })).toBe(third);
});

test("a position or a path that cannot be read is refused with what is wrong with it", async () => {
  const url = await written();
  expect(await look(`${url}?from=there`)).toMatchObject({ status: 400, body: { code: "position-invalid" } });
  expect(await look(`${url}?fields=report:a[`)).toMatchObject({ status: 400, body: { code: "path-invalid" } });
});

test("a client that wants a field is told when what it was shown of it is void", async () => {
  const Note = instant("note", z.object({ "a,b": z.string(), rest: z.string() }));
  async function* cut() {
    yield '{"a,b":"first"';
    throw new Error("cut");
  }
  async function* whole() {
    yield '{"a,b":"second","rest":""}';
  }
  const again = flow(defineFlow({ name: "again", input: z.string(), stream: z.string(), result: z.string() })).chunk(
    "write",
    start,
    async (_, ctx) => {
      const { "a,b": value } = await ctx.instant(Note, ctx.attempt === 1 ? cut() : whole());
      return value;
    },
    { retry: { attempts: 2, delay: 1 } },
  );
  const { url } = await serve({ flows: [again] });
  const { body } = await send(`${url}/flows/again/executions`, { input: "" });
  const fields = encodeURIComponent('note:["a,b"]');
  const all = await messages(`${url}/executions/${body.executionId}/stream?fields=${fields}`, isEnd);
  const told = all.filter(({ event }) => event === "field:complete" || event === "chunk:reset");
  expect(told.map(({ event, data }) => data["value"] ?? event)).toEqual(["first", "chunk:reset", "second"]);
});

test("a client that wants items only is told when the stream stops", async () => {
  const brief = flow(defineFlow({ name: "brief", input: z.string(), stream: z.string() })).chunk(
    "put",
    start,
    (text, ctx) => {
      ctx.putIntoStream(text);
      ctx.stopStream();
    },
  );
  const { url } = await serve({ flows: [brief] });
  const { body } = await send(`${url}/flows/brief/executions`, { input: "one" });
  expect(await typesOf(`${url}/executions/${body.executionId}/stream?items`)).toEqual([
    "stream:item",
    "stream:stop",
    "flow:completed",
  ]);
});
