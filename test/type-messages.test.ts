// What people read when they make a mistake: one message, in both dialects, from TypeScript 7 and 6.
import { afterAll, describe, expect, test } from "vitest";
import { Compiler } from "./compiler.ts";

const compiler = new Compiler();
afterAll(() => compiler[Symbol.dispose]());

const head = `
import { type ContextOf, type Undo, after, all, defineFlow, each, event, gather, instant, rx, start } from "@sluice/core";
import { chunk, flow, on } from "@sluice/decorators";
import type { Observable } from "rxjs";
import { z } from "zod";
const Escalated = event("escalated", z.object({ reason: z.string() }));
const Triage = instant("triage", z.object({ category: z.string(), urgency: z.enum(["low", "high"]), tree: z.object({ kids: z.array(z.object({ name: z.string() })) }) }));
const spec = defineFlow({ name: "support", input: z.string() });
const other = defineFlow({ name: "other", input: z.number() });
type Ctx = ContextOf<typeof spec>;
@flow(other) class Other { @on(start) read(n: number, ctx: ContextOf<typeof other>) {} }
@flow(other) class Other2 { constructor(readonly n: number) {} @on(start) read(n: number, ctx: ContextOf<typeof other>) {} }
void [chunk, Other, Other2];
`;
const begin = "@on(start) read(input: string, ctx: Ctx) { return input.length; }";
/** Each mistake in a class of its own, on a line of its own; and what its message must say. */
const mistakes: readonly (readonly [mistake: string, members: string, sentences: readonly string[]])[] = [
  ["a class without a mistake", `${begin} @on(after("read")) hear(n: number) {}`, []],
  [
    "a wrong payload",
    `${begin} @on(Escalated) hear(payload: { reason: number }) {}`,
    ["the method does not accept the payload of its trigger"],
  ],
  [
    "an unknown method",
    `${begin} @on(after("raed")) hear(payload: unknown) {}`,
    ['there is no chunk \\"raed\\"', '"read"'],
  ],
  [
    "an unknown path",
    `${begin} @on(Triage.field("categry")) hear(value: unknown) {}`,
    ['"categry"', '"category"', '"urgency"'],
  ],
  [
    "an unknown deeper path",
    `${begin} @on(Triage.field("tree.kids[*].nam")) hear(value: unknown) {}`,
    ['"tree.kids[*].name"'],
  ],
  [
    "a delta of an enum",
    `${begin} @on(Triage.delta("urgency")) hear(text: string) {}`,
    ["is not text: only string fields have deltas"],
  ],
  [
    "a guard of another type",
    `${begin} @on(after("read"), { when: (text: string) => text === "" }) hear(n: number) {}`,
    ["the guard does not accept the payload of its trigger"],
  ],
  [
    "a gather of an unknown method",
    `${begin} @on(gather("raed")) hear(payload: unknown) {}`,
    ['there is no chunk \\"raed\\"', '"read"'],
  ],
  [
    "an each of what is no array",
    `${begin} @on(each(after("read"))) hear(payload: unknown) {}`,
    ["each() needs a payload that is an array", "number"],
  ],
  [
    "a wrong place of a tuple",
    `${begin} @on(all(Escalated, after("read"))) hear(pair: [{ reason: string }, string]) {}`,
    [
      "the method does not accept the payload of its trigger",
      "payload: [{ reason: string; }, number]",
      "parameter: [{ reason: string; }, string]",
    ],
  ],
  [
    "an unknown method inside a join",
    `${begin} @on(all(Escalated, after("raed"))) hear(pair: unknown) {}`,
    ['there is no chunk \\"raed\\"', '"read"'],
  ],
  [
    "a pipeline that takes something else",
    `${begin} @on(rx(after("read"), (text$: Observable<string>) => text$)) hear(text: string) {}`,
    ["the pipeline does not accept the payload", "payload: number", "pipeline: string"],
  ],
  [
    "a `by` that one payload lacks",
    `${begin} @on(all(Escalated, start), { by: "reason" }) hear(pair: unknown) {}`,
    ['not every payload has a text or number at \\"reason\\"'],
  ],
  [
    "a compensation that is not there",
    `${begin} @chunk({ compensate: "undo" }) @on(Escalated) hear(payload: unknown) {}`,
    ['compensate: there is no method \\"undo\\"', '"hear"', '"read"'],
  ],
  [
    "a compensation that takes something else",
    `${begin} @chunk({ compensate: "undo" }) @on(after("read")) hear(n: number) { return String(n); } undo(undo: Undo<number, number>) {}`,
    [
      "the compensation does not accept { input, output } of this chunk",
      "Undo<number, string>",
      "Undo<number, number>",
    ],
  ],
  [
    "a child of a class that is no flow",
    "@on(start) async read(input: string, ctx: Ctx) { await ctx.child(class { hear() {} }, 1); }",
    ["the flow of this class is not known: give one of its methods `ctx: ContextOf<typeof spec>`"],
  ],
  [
    "a child's input",
    "@on(start) async read(input: string, ctx: Ctx) { await ctx.child(Other, input); }",
    ["Argument of type 'string' is not assignable to parameter of type 'number'"],
  ],
  [
    "a child that needs create",
    "@on(start) async read(input: string, ctx: Ctx) { await ctx.child(Other2, 1, { bridge: false }); }",
    ["Property 'create' is missing in type '{ bridge: false; }'"],
  ],
  [
    "a static chunk",
    `${begin} @on(Escalated) static hear(payload: unknown) {}`,
    ["a chunk is a public method of an instance"],
  ],
  [
    "another flow's ctx",
    "@on(Escalated) hear(payload: unknown, ctx: ContextOf<typeof other>) {}",
    ["these methods take the ctx of another flow"],
  ],
  [
    "no ctx at all",
    "@on(Escalated) hear(payload: unknown) {}",
    ["the flow of this class is not known: give one of its methods `ctx: ContextOf<typeof spec>`"],
  ],
];
const firstLine = head.split("\n").length;
const source = `${head}${mistakes.map(([, members], index) => `@flow(spec) export class Flow${index} { ${members} }`).join("\n")}\n`;

describe.each([
  ["legacy", "TypeScript 7", true, "tsc"],
  ["standard", "TypeScript 7", false, "tsc"],
  ["legacy", "TypeScript 6", true, "tsc6"],
  ["standard", "TypeScript 6", false, "tsc6"],
] as const)("%s decorators, %s", (_dialect, _version, legacy, version) => {
  let messages: readonly string[] | undefined;
  const messagesOf = (line: number): readonly string[] => {
    messages ??= compiler.compile(source, legacy, version).errors.split(/\n(?=\S)/);
    return messages.filter((message) => message.includes(`source.ts(${line},`));
  };

  test.each(mistakes.map(([mistake, , sentences], index) => [mistake, firstLine + index, sentences] as const))(
    "%s",
    (_mistake, line, sentences) => {
      const found = messagesOf(line);
      expect(found).toHaveLength(sentences.length === 0 ? 0 : 1);
      for (const sentence of sentences) expect(found[0]).toContain(sentence);
    },
  );
});
