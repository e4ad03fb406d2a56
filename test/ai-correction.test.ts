import { type AskOptions, ask } from "@sluice/ai";
import { type InstantOptions, defineFlow, flow, instant, run, start } from "@sluice/core";
import { MockLanguageModelV4, convertArrayToReadableStream } from "ai/test";
import { describe, expect, test } from "vitest";
import { z } from "zod";

const schema = z
  .object({ from: z.number(), to: z.number(), tags: z.array(z.enum(["new", "old"])) })
  .refine(({ from, to }) => from < to, "from must be less than to");
const good = { from: 1, to: 2, tags: ["new"] };
const spec = defineFlow({ name: "asks", input: z.null(), result: z.any() });

/** A provider that writes these replies, one for each call. */
function writing(...replies: string[]): MockLanguageModelV4 {
  let calls = 0;
  return new MockLanguageModelV4({
    provider: "mock.chat",
    modelId: "m-1",
    async doStream() {
      const text = replies[calls] ?? "";
      calls += 1;
      return {
        stream: convertArrayToReadableStream([
          { type: "stream-start", warnings: [] },
          { type: "text-start", id: "t" },
          ...(text.match(/.{1,8}/gs) ?? []).map((delta) => ({ type: "text-delta" as const, id: "t", delta })),
          { type: "text-end", id: "t" },
          {
            type: "finish",
            finishReason: { unified: "stop", raw: undefined },
            usage: {
              inputTokens: { total: 1, noCache: 1, cacheRead: undefined, cacheWrite: undefined },
              outputTokens: { total: 1, text: 1, reasoning: undefined },
            },
          },
        ]),
      };
    },
  });
}

/** What the provider is given when the first reply did not fit. */
async function askedAgain(reply: string, options: AskOptions, how: InstantOptions = {}) {
  const model = writing(reply, JSON.stringify(good));
  const it = flow(spec).chunk(
    "read",
    start,
    (_in, ctx) => ctx.instant(instant("span", schema, how), ask(model, options)),
    { retry: { attempts: 2, delay: 0 } },
  );
  expect(await run(it, null).result).toEqual(good);
  return model.doStreamCalls.map(({ prompt }) => prompt);
}
const user = (text: string) => ({ role: "user", content: [{ type: "text", text }] });

describe("S34 the model is told what was wrong with its last reply", () => {
  test("behind the prompt, by path, with what it wrote", async () => {
    const wrong = JSON.stringify({ from: "one", to: 2, tags: ["new", "huge"] });
    const [first, second] = await askedAgain(wrong, { prompt: "From when to when?" });
    expect(first).toMatchObject([user("From when to when?")]);
    expect(second).toMatchObject([
      user(
        [
          "From when to when?",
          "",
          "Your last reply to this could not be used:",
          '- from: Invalid input: expected number, received string. You wrote "one"',
          '- tags[1]: Invalid option: expected one of "new"|"old", got "huge"',
          "Write the whole reply again, with this put right.",
        ].join("\n"),
      ),
    ]);
  });

  test("in a message behind the others, where an invalid field has aborted the generation", async () => {
    const messages = [
      { role: "user", content: "When?" },
      { role: "assistant", content: "What do you mean?" },
      { role: "user", content: "From when to when?" },
    ] as const;
    const [first, second] = await askedAgain('{"from":1,"to":"two","tags":[]}', { messages }, { onInvalid: "abort" });
    expect(first).toHaveLength(3);
    expect(second).toMatchObject([
      ...(first ?? []),
      user(
        [
          "Your last reply to this could not be used:",
          '- to: Invalid input: expected number, received string. You wrote "two"',
          "Write the whole reply again, with this put right.",
        ].join("\n"),
      ),
    ]);
  });

  test.each([
    ["of the whole", JSON.stringify({ ...good, from: 9 }), /^- the whole: from must be less than to, got .*$/m],
    ["that it broke off", '{"from":1,"to"', /^- the whole: .*was still open.*$/m],
    ["that there was no JSON", "I cannot help with that.", /^- the whole: .*no JSON.*$/m],
  ])("%s", async (_name, wrong, line) => {
    const [, second] = await askedAgain(wrong, { prompt: "When?" });
    expect(second).toMatchObject([{ content: [{ text: expect.stringMatching(line) as string }] }]);
  });

  test("long values are cut, and of many issues the first are told", async () => {
    const tags = ["x".repeat(5_000), ...Array.from({ length: 50 }, () => 7)];
    const [, second] = await askedAgain(JSON.stringify({ ...good, tags }), { prompt: "When?" });
    const text = JSON.stringify(second);
    expect(text.length).toBeLessThan(3_000);
    expect(text).toContain("- and 31 more of the kind");
  });
});
