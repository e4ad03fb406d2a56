import {
  FlowDefinitionError,
  after,
  any,
  compile,
  defineFlow,
  event,
  flow,
  instant,
  run,
  start,
  toMermaid,
} from "@sluice/core";
import { describe, expect, test } from "vitest";
import { z } from "zod";

const Ping = event("ping", z.number());
const Pong = event("pong", z.number());
const Reply = instant("reply", z.object({ category: z.string(), items: z.array(z.object({ name: z.string() })) }));
const spec = defineFlow({ name: "shop", input: z.number() });

/** A builder for what the types refuse: JavaScript users have no compiler. */
const loose = flow(spec) as unknown as {
  chunk: (name: string, trigger: unknown, run: () => unknown, options?: object) => typeof loose;
};
const problemsOf = (it: unknown): { code: string; where: string; what: string; mend: string }[] => {
  try {
    compile(it);
  } catch (error) {
    if (error instanceof FlowDefinitionError) return [...error.problems];
    throw error;
  }
  return [];
};

describe("S39 compile()", () => {
  test("tells all problems at once, each with code, place and mend", () => {
    const it = loose
      .chunk("read", start, () => 1)
      .chunk("draft", after("raed"), () => 1)
      .chunk("show", Reply.field("categry" as "category"), () => 1)
      .chunk("read", Ping, () => 1)
      .chunk("odd", "ping", () => 1)
      .chunk("slow", start, () => 1, { compensate: "undo" })
      .chunk("typo", start, () => 1, { nmae: "x" });
    expect(problemsOf(it)).toEqual(
      [
        { code: "chunk-unknown", where: "shop.draft", what: 'there is no chunk "raed"', mend: 'Did you mean "read"?' },
        {
          code: "path-unknown",
          where: "shop.show",
          what: 'the schema of "reply" has no "categry"',
          mend: 'Did you mean "category"?',
        },
        {
          code: "trigger-invalid",
          where: "shop.odd",
          what: "this is not a trigger",
          mend: expect.any(String) as string,
        },
        {
          code: "chunk-unknown",
          where: "shop.slow",
          what: 'there is no method "undo" to undo it with',
          mend: "Name a method of the class in `compensate`",
        },
        {
          code: "option-unknown",
          where: "shop.typo",
          what: '@chunk has no option "nmae"',
          mend: 'Did you mean "name"?',
        },
        { code: "name-taken", where: "shop.read", what: 'two chunks are called "read"', mend: "Rename one of them" },
        {
          code: "chunk-untriggered",
          where: "shop.draft",
          what: "nothing triggers this chunk",
          mend: expect.any(String) as string,
        },
      ].filter(({ code, where }) => !(code === "chunk-untriggered" && where === "shop.draft")),
    );
  });

  test("a flow in which no chunk starts is a problem", () => {
    expect(problemsOf(flow(spec).chunk("a", Ping, () => 1))).toMatchObject([{ code: "flow-empty", where: "shop" }]);
    expect(problemsOf(flow(spec).chunk("a", start, () => 1))).toEqual([]);
  });

  test("a trigger on an event that nothing emits is a problem, once emits are declared", () => {
    const silent = flow(spec)
      .chunk("a", start, () => 1, { emits: [Ping] })
      .chunk("b", Pong, () => 1)
      .chunk("c", Ping, () => 1);
    expect(problemsOf(silent)).toMatchObject([{ code: "event-never-emitted", where: "shop.b" }]);
    const accepting = flow({ ...spec, accepts: [Pong] })
      .chunk("a", start, () => 1, { emits: [Ping] })
      .chunk("b", Pong, () => 1);
    expect(problemsOf(accepting)).toEqual([]);
  });

  test("F20 an emitted event that nothing hears is a warning", () => {
    expect(compile(flow(spec).chunk("a", start, () => {}, { emits: [Ping] })).warnings).toMatchObject([
      { code: "event-unheard", where: "shop.a" },
    ]);
  });

  test("a loop of completions that no guard can leave is a warning; a guard answers it", () => {
    const loop = (options?: object) =>
      loose
        .chunk("a", start, () => 1)
        .chunk("b", any(after("a"), after("c")), () => 1, options)
        .chunk("c", after("b"), () => 1)
        .chunk("d", after("a"), () => 1);
    expect(
      compile(loop())
        .warnings.filter(({ code }) => code === "loop-endless")
        .map(({ where }) => where),
    ).toEqual(["shop.b", "shop.c"]);
    expect(compile(loop({ when: () => false })).warnings.filter(({ code }) => code === "loop-endless")).toEqual([]);
  });

  test("two leaves that can both give the result are a warning", () => {
    expect(
      compile(
        flow(spec)
          .chunk("a", start, () => 1)
          .chunk("b", start, () => 2),
      ).warnings,
    ).toMatchObject([{ code: "result-ambiguous" }]);
  });

  test("a chunk on a delta and on something else is a problem", () => {
    const it = loose
      .chunk("a", start, () => 1)
      .chunk("b", { plan: { on: "any", of: [Ping.plan, Reply.delta("category").plan] } }, () => 1);
    expect(problemsOf(it)).toMatchObject([{ code: "chunk-mixed", where: "shop.b" }]);
  });

  test("two events of one name with different schemas are a problem", () => {
    const it = flow(spec)
      .chunk("a", start, () => 1)
      .chunk("b", Ping, () => 1)
      .chunk("c", event("ping", z.string()), () => 1);
    expect(problemsOf(it)).toMatchObject([{ code: "name-taken", where: "shop.c" }]);
  });

  test("a state schema that does not accept {} is a problem", () => {
    expect(problemsOf(flow({ ...spec, state: z.object({ n: z.number() }) }).chunk("a", start, () => 1))).toMatchObject([
      { code: "state-schema", where: "shop" },
    ]);
  });

  test("run throws the same error, and starts nothing", () => {
    let ran = false;
    expect(() =>
      (run as unknown as (flow: unknown, input: unknown) => void)(
        loose.chunk("a", after("b"), () => (ran = true)),
        1,
      ),
    ).toThrow(FlowDefinitionError);
    expect(ran).toBe(false);
  });

  test("compiling a chain of thousands of chunks does not overflow the stack", () => {
    let it = loose.chunk("c0", start, () => 0);
    for (let i = 1; i < 5_000; i += 1) it = it.chunk(`c${i}`, after(`c${i - 1}`), () => i);
    expect(compile(it).chunks).toHaveLength(5_000);
  });

  test("toMermaid draws sources, chunks and guards", () => {
    const it = flow(spec)
      .chunk("a", start, () => 1, { emits: [Ping] })
      .chunk("b", Ping, () => 1, { when: (n) => n > 1 })
      .chunk("c", after("b"), () => 2);
    expect(toMermaid(compile(it))).toBe(
      [
        "flowchart LR",
        '  c0["a"]',
        '  c1["b"]',
        '  c2["c"]',
        '  s0(["start"])',
        "  s0 --> c0",
        '  s1(["ping"])',
        "  c0 --> s1",
        "  s1 -.->|when| c1",
        "  c1 --> c2",
      ].join("\n"),
    );
  });
});
