// What the types cost the compiler, in instantiations, over what the imports alone cost: a count that is the same on
// every machine.
import { afterAll, describe, expect, test } from "vitest";
import { Compiler } from "./compiler.ts";

const compiler = new Compiler();
afterAll(() => compiler[Symbol.dispose]());

const head = `
import { type ContextOf, after, any, defineFlow, event, instant, start } from "@sluice/core";
import { chunk, flow, on } from "@sluice/decorators";
import { z } from "zod";
const Ping = event("ping", z.object({ n: z.number() }));
`;

function flowOf(chunks: number): string {
  const kinds = [
    (i: number) => `@on(Ping) c${i}(p: { n: number }, ctx: Ctx) { ctx.putIntoStream("x"); return p.n; }`,
    (i: number) =>
      `@chunk({ emits: [Ping] }) @on(after("c${i - 1}")) c${i}(n: number, ctx: Ctx) { ctx.emit(Ping, { n }); return n; }`,
    (i: number) =>
      `@on(Reply.field("steps[*]"), { when: (s) => s !== "" }) c${i}(s: string, _ctx: Ctx) { return s.length; }`,
    (i: number) => `@on(any(Ping, after("c${i - 1}"))) c${i}(p: { n: number } | number) { return typeof p; }`,
    (i: number) => `@on(Reply.delta("summary")) c${i}(t: string, ctx: Ctx) { ctx.putIntoStream(t); }`,
  ];
  const methods = Array.from({ length: chunks }, (_, i) => kinds[i % kinds.length]?.(i)).join("\n");
  return `${head}
const Reply = instant("reply", z.object({ summary: z.string(), steps: z.array(z.string()) }));
const spec = defineFlow({ name: "f", input: z.string(), stream: z.string(), result: z.number() });
type Ctx = ContextOf<typeof spec>;
@flow(spec) export class F { @on(start) begin(_i: string, _ctx: Ctx) { return 1; }
${methods}
}`;
}

function joinsOf(chunks: number): string {
  const kinds = [
    (i: number) => `@on(each(Pages)) c${i}(page: string, ctx: Ctx) { ctx.putIntoStream(page); return page.length; }`,
    (i: number) => `@on(gather("c${i - 1}")) c${i}(lengths: number[]) { return lengths; }`,
    (i: number) =>
      `@on(all(Ping, after("c${i - 1}")), { timeout: 9 }) c${i}([p, all]: [{ n: number }, number[]], _ctx: Ctx) { return p.n + all.length; }`,
    (i: number) =>
      `@on(latest(after("c${i - 1}"), gather("c${i - 3}"))) c${i}([n, all]: [number, number[]]) { return n + all.length; }`,
    (i: number) => `@on(race(Ping, after("c${i - 1}"))) c${i}(_p: { n: number } | number) { return "x"; }`,
    (i: number) =>
      `@on(quorum(2, Ping, after("c${i - 1}"), gather("c${i - 5}"))) c${i}({ values }: { values: ({ n: number } | string | number[])[] }) { return values.length; }`,
    (i: number) =>
      `@chunk({ compensate: "undo" }) @on(rx(Ping, (ping$) => ping$.pipe(toArray()))) async c${i}(pings: { n: number }[]) { return pings; }`,
    (i: number) =>
      `@on(each(after("c${i - 1}"))) c${i}({ n }: { n: number }, ctx: Ctx) { return ctx.child(F, String(n)); }`,
    (i: number) => `@on(gather("c${i - 1}")) c${i}(results: number[]) { return results; }`,
    (i: number) => `@on(changed("sum")) c${i}({ from, to }: Change<number>, _ctx: Ctx) { return to - from; }`,
  ];
  const methods = Array.from({ length: chunks }, (_, i) => kinds[i % kinds.length]?.(i)).join("\n");
  return `${head}
import { type Change, type Undo, all, changed, each, gather, latest, quorum, race, rx } from "@sluice/core";
import { toArray } from "rxjs";
const Pages = event("pages", z.array(z.string()));
const state = z.object({ sum: z.number().default(0) });
const spec = defineFlow({ name: "f", input: z.string(), state, stream: z.string(), result: z.number() });
type Ctx = ContextOf<typeof spec>;
void [any, instant];
@flow(spec) export class F { @on(start) begin(_i: string, _ctx: Ctx) { return 1; }
undo(_undo: Undo<{ n: number }[], { n: number }[]>) {}
${methods}
}`;
}

function pathsOf(count: number): string {
  const fields = Array.from({ length: 8 }, (_, i) => `f${i}: z.string()`).join(", ");
  const level = (depth: number): string =>
    depth === 0 ? `z.object({ ${fields} })` : `z.object({ ${fields}, deep: z.array(${level(depth - 1)}) })`;
  const paths = Array.from({ length: count }, (_, i) => `${"deep[*].".repeat(i % 5)}f${i % 8}`);
  const uses = paths.flatMap((path, i) => [
    `export const a${i} = Reply.field("${path}");`,
    `export const b${i} = Reply.delta("${path}");`,
  ]);
  return `${head} const Reply = instant("reply", ${level(4)});\nvoid [start, after, any, flow, on, chunk, defineFlow, null as unknown as ContextOf<never>];\n${uses.join("\n")}`;
}

describe.each([
  ["legacy", true],
  ["standard", false],
])("%s decorators", (_name, legacy) => {
  const cost = (source: string): number => {
    const { instantiations, errors } = compiler.compile(source, legacy);
    expect(errors).toBe("");
    return instantiations - compiler.compile(head, legacy).instantiations;
  };

  test("a class of 30 chunks with all kinds of triggers costs under 50,000 instantiations", () => {
    const instantiations = cost(flowOf(30));
    expect(instantiations).toBeGreaterThan(5_000);
    expect(instantiations).toBeLessThan(50_000);
  });

  test("a class of 30 chunks with joins, fan-outs, pipelines and children costs under 50,000 instantiations", () => {
    const instantiations = cost(joinsOf(30));
    expect(instantiations).toBeGreaterThan(5_000);
    expect(instantiations).toBeLessThan(50_000);
  });

  test("80 paths in a schema of five levels cost under 22,000 instantiations", () => {
    const instantiations = cost(pathsOf(40));
    expect(instantiations).toBeGreaterThan(5_000);
    expect(instantiations).toBeLessThan(22_000);
  });
});
