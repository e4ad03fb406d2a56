// The examples on models, as users run them: without a key on a stand-in or the toy model, with one on a provider.
import { describe, expect, test } from "vitest";
import { bread } from "../examples/stand-in/bread.ts";
import { letters } from "../examples/stand-in/letters.ts";
import { opinions } from "../examples/stand-in/opinions.ts";
import { type Line, type StandIn, standIn } from "../examples/stand-in/stand-in.ts";
import { runExample } from "../scripts/run-examples.ts";

const ways = [
  ["without a key", false],
  ["with a provider", true],
] as const;

/** What an example prints, without its note on what it runs on; that, and the provider as it was used. */
async function printed(file: string, isProvided: boolean, script: readonly Line[]) {
  const provider: StandIn = await standIn({ default: script });
  const env: Record<string, string> = isProvided ? { OPENAI_BASE_URL: provider.url } : {};
  const { status, stdout, stderr } = await runExample(file, [], { env });
  expect({ status, stderr }).toEqual({ status: 0, stderr: "" });
  const [note = "", ...lines] = stdout.split("\n");
  expect(note).toContain(isProvided ? `Runs on default at ${provider.url}.` : "For a real one set OPENAI_API_KEY");
  return { text: lines.join("\n"), lines, provider };
}

describe.each(ways)("%s", (_way, isProvided) => {
  test("research-and-write researches while the plan is written, and rewrites until the score is good", async () => {
    const { text, lines, provider } = await printed("research-and-write.ts", isProvided, bread);
    expect(lines.slice(1, 8)).toEqual([
      "research  What makes the gas in a dough?",
      "research  What keeps the gas in the dough?",
      "research  What ends the rising in the oven?",
      "plan      is complete",
      "review    round 1 has 5 of 10 points: Say what holds the gas, and where it comes from.",
      "review    round 2 has 7 of 10 points: All is said, and nothing can be seen: begin with a picture.",
      "review    round 3 has 9 of 10 points: Nothing to add.",
    ]);
    expect(text).toContain("\n\nLeave flour, water and yeast alone for an hour, and they double.");
    expect(text).toMatch(/research ┬ \[0\] .* early plan\.field\("questions\[\*\]"\)/);
    expect(text).toMatch(/3 chunks started while the model was writing: \d+ ms, not \d+ ms \(\d+ ms saved\)/);
    expect(provider.requests).toHaveLength(isProvided ? bread.length : 0);
  });

  test("router-with-fallback sends each kind to its models, and goes on to the next where one cannot answer", async () => {
    const sorted = (asked: string, category: string): Line[] => [
      { asked, writes: { category, summary: `about ${asked}` } },
      { asked, writes: `Dear writer on ${asked}, we see to it.` },
    ];
    const script = [...sorted("invoice", "billing"), ...sorted("headphones", "product")];
    const { lines } = await printed("router-with-fallback.ts", isProvided, script);
    const last = isProvided ? "openai/default" : "tiny-model/tickets-q8";
    const told = lines.filter((line) => line.startsWith(" ") && !/sorted|→/.test(line));
    expect(told).toEqual([
      "  billing is delicate, so the best model is to answer",
      '  The model "stand-in/best" answered with status 429: too many requests',
      "    so stand-in/cheaper is asked (rate-limit)",
      '  The model "stand-in/cheaper" answered with status 503: overloaded',
      `    so ${last} is asked (failure)`,
      "  product is simple, so a cheaper model will do",
      '  The model "stand-in/cheaper" answered with status 503: overloaded',
      `    so ${last} is asked (failure)`,
    ]);
    expect(lines.filter((line) => line.startsWith("  sorted: "))).toHaveLength(2);
    expect(lines.filter((line) => line.startsWith("  → "))).toEqual([
      expect.stringContaining("invoice"),
      expect.stringContaining("headphones"),
    ]);
  });

  test("stop-early ends the request, and what was not written by then is saved", async () => {
    const { text, provider } = await printed("stop-early.ts", isProvided, opinions);
    expect(text).toMatch(/the verdict: publish\n {2}the call has ended \(stop\): 51 tokens\n/);
    expect(text).toMatch(
      /the verdict: reject\n {2}the call has ended \(aborted\): \d+ tokens, an estimate\n {2}the reply is stopped by decide\n/,
    );
    expect(text).toMatch(/→ not published\n$/);
    const saved = /had written (\d+) of 57 tokens/.exec(text)?.[1];
    const seen = await provider.requests[1];
    expect(Number(saved ?? seen?.written)).toBeLessThan(30);
  });
});

test("budgeted says that a price is not known, and that the budget does not hold then", async () => {
  const provider = await standIn({ large: letters });
  const env = { OPENAI_BASE_URL: provider.url, OPENAI_MODEL: "small", OPENAI_LARGE_MODEL: "large" };
  const { status, stdout } = await runExample("budgeted.ts", [], { env });
  expect(status).toBe(0);
  expect(stdout).toContain("the price of openai/large is not known: it counts nothing");
  expect(stdout.match(/Yours, the shop$/gm)).toHaveLength(6);
});
