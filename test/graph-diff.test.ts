import {
  FlowDefinitionError,
  type Graph,
  after,
  all,
  any,
  compile,
  defineFlow,
  diffGraphs,
  event,
  flow,
  interrupt,
  recordFlow,
  start,
} from "@sluice/core";
import fc from "fast-check";
import { describe, expect, test } from "vitest";
import { z } from "zod";

const Ping = event("ping", z.object({ id: z.string(), key: z.string() }));
const Pong = event("pong", z.object({ id: z.string(), key: z.string() }));
const Approval = interrupt("approval", { ask: z.string(), answer: z.boolean() });
const events = { ping: Ping, pong: Pong };
const known = {
  start,
  ping: Ping,
  pong: Pong,
  any: any(Ping, Pong),
  all: all(Ping, Pong),
  draft: after("draft"),
  review: after("review"),
  answered: Approval.answered,
};

/** A trigger as data; `when` is code, so it is there or not. */
interface Triggering {
  readonly on: keyof typeof known;
  readonly when?: boolean;
  readonly once?: boolean;
  readonly by?: string;
  readonly timeout?: number;
}
/** A flow as data, so that chance can edit it. */
interface Plan {
  readonly flow: string;
  readonly accepts: readonly (keyof typeof events)[];
  readonly chunks: readonly { readonly name: string; readonly triggers: readonly Triggering[] }[];
}

function graphOf({ flow, accepts, chunks }: Plan): Graph {
  const it = {};
  recordFlow(it, {
    spec: defineFlow({ name: flow, input: z.string(), accepts: accepts.map((name) => events[name]) }),
    chunks: chunks.map(({ name, triggers }) => ({
      key: name,
      triggers: triggers.map(({ on, when, ...options }) => ({
        plan: known[on].plan,
        options: { ...options, ...(when === true && { when: () => true }) },
      })),
      options: { emits: [Ping, Pong, Approval] },
      run: () => 1,
    })),
    create: undefined,
  });
  return compile(it);
}

const letters: Plan = {
  flow: "letters",
  accepts: ["ping"],
  chunks: [
    { name: "draft", triggers: [{ on: "start" }] },
    { name: "review", triggers: [{ on: "draft" }] },
    { name: "send", triggers: [{ on: "review" }, { on: "all", by: "id", timeout: 100 }] },
  ],
};
const [draft, review, send] = letters.chunks as [Plan["chunks"][0], Plan["chunks"][0], Plan["chunks"][0]];

/** What is told of the letters when they became this. */
const told = (edit: Partial<Plan>) => diffGraphs(graphOf(letters), graphOf({ ...letters, ...edit }));
const toldOfSend = (...triggers: Triggering[]) => told({ chunks: [draft, review, { name: "send", triggers }] });

describe("S30 the differences of two graphs", () => {
  test("there is none where the hashes are equal, whatever else of the flow has changed", () => {
    const spec = defineFlow({ name: "one", input: z.string() });
    const one = compile(flow(spec).chunk("read", start, () => 1));
    const other = compile(flow(spec).chunk("read", start, () => 2, { concurrency: 2, description: "reads" }));
    expect(other).not.toEqual(one);
    expect(diffGraphs(one, other)).toEqual([]);
  });

  test("chunks that are gone or new are named", () => {
    const chunks = [
      draft,
      { name: "check", triggers: draft.triggers },
      { ...send, triggers: [{ on: "draft" } as const] },
    ];
    expect(told({ chunks }).slice(0, 2)).toEqual(['chunk "review" is gone', 'chunk "check" is new']);
  });

  test("a trigger that has become another one is told with both", () => {
    expect(toldOfSend({ on: "answered" }, { on: "all", by: "id", timeout: 100 })).toEqual([
      'chunk "send": its trigger after("review") became approval.answered',
    ]);
  });

  test("triggers that are gone or new are told of their chunk", () => {
    const [first] = send.triggers as [Triggering];
    expect(toldOfSend(first)).toEqual(['chunk "send": its trigger all(ping, pong) with by "id", timeout 100 is gone']);
    expect(toldOfSend({ on: "pong" }, ...send.triggers)).toEqual(['chunk "send": its trigger pong is new']);
  });

  test("a trigger whose options have changed is not taken for another one", () => {
    const [first] = send.triggers as [Triggering];
    expect(toldOfSend({ on: "all", by: "key", once: true, when: true }, first)).toEqual([
      'chunk "send": its trigger all(ping, pong) with by "id", timeout 100 became all(ping, pong) with when, once, by "key"',
    ]);
  });

  test("another order of chunks or triggers is told, of those that stand elsewhere", () => {
    expect(told({ chunks: [draft, send, review] })).toEqual([
      "the order of the chunks review, send became send, review",
    ]);
    expect(toldOfSend(...send.triggers.toReversed())).toEqual([
      'chunk "send": the order of its triggers after("review"), all(ping, pong) with by "id", timeout 100 became all(ping, pong) with by "id", timeout 100, after("review")',
    ]);
  });

  test("another name of the flow and other events from outside are told", () => {
    expect(told({ flow: "mail", accepts: ["pong"] })).toEqual([
      'the flow "letters" became "mail"',
      'the event "ping" is accepted no longer',
      'the event "pong" is accepted now',
    ]);
    const both = graphOf({ ...letters, accepts: ["ping", "pong"] });
    expect(diffGraphs(both, graphOf({ ...letters, accepts: ["pong", "ping"] }))).toEqual([
      "the order of the accepted events ping, pong became pong, ping",
    ]);
  });

  test("where a hash covers something else, the first place that is not the same is told", () => {
    const graph = graphOf(letters);
    const stored = JSON.parse(JSON.stringify({ ...graph, hash: "of another version" })) as Graph;
    expect(diffGraphs(stored, graph)).toEqual([
      `the hash "of another version" became "${graph.hash}", and nothing else of the graph: another version made it`,
    ]);
    const [first, ...others] = stored.chunks as [Graph["chunks"][0]];
    expect(diffGraphs({ ...stored, chunks: [{ ...first, concurrency: 4 }, ...others] }, graph)).toEqual([
      "the graph is another one at chunks[0].concurrency",
    ]);
  });
});

const on = fc.constantFrom(...(Object.keys(known) as (keyof typeof known)[]));
const option: fc.Arbitrary<Partial<Triggering>> = fc.oneof(
  fc.record({ when: fc.boolean() }),
  fc.record({ once: fc.boolean() }),
  fc.record({ by: fc.constantFrom("id", "key") }),
  fc.record({ timeout: fc.constantFrom(100, 200) }),
);
const triggering: fc.Arbitrary<Triggering> = fc.tuple(on, option).map(([on, options]) => ({ on, ...options }));
const name = fc.constantFrom("draft", "review", "send", "check");
const place = fc.nat(3);
const inChunk =
  (of: number, change: (triggers: readonly Triggering[]) => readonly Triggering[]) =>
  (plan: Plan): Plan => ({
    ...plan,
    chunks: plan.chunks.map((one, index) => (index === of ? { ...one, triggers: change(one.triggers) } : one)),
  });
/** One thing is done to a plan. */
const edit: fc.Arbitrary<(plan: Plan) => Plan> = fc.oneof(
  fc.constantFrom("letters", "mail").map((flow) => (plan: Plan) => ({ ...plan, flow })),
  fc
    .uniqueArray(fc.constantFrom("ping" as const, "pong" as const))
    .map((accepts) => (plan: Plan) => ({ ...plan, accepts })),
  place.map((at) => (plan: Plan) => ({ ...plan, chunks: plan.chunks.toSpliced(at, 1) })),
  fc
    .record({ name, triggers: fc.array(triggering, { minLength: 1, maxLength: 3 }), at: place, instead: fc.nat(1) })
    .map(({ at, instead, ...chunk }) => (plan: Plan) => ({
      ...plan,
      chunks: plan.chunks.toSpliced(at, instead, chunk),
    })),
  fc.record({ at: place, to: place }).map(({ at, to }) => (plan: Plan) => {
    const rest = plan.chunks.toSpliced(at, 1);
    return { ...plan, chunks: rest.toSpliced(to, 0, ...plan.chunks.slice(at, at + 1)) };
  }),
  fc
    .record({ at: place, of: place, triggering, instead: fc.nat(1) })
    .map(({ at, of, triggering, instead }) => inChunk(of, (triggers) => triggers.toSpliced(at, instead, triggering))),
  fc
    .record({ at: place, of: place, option })
    .map(({ at, of, option }) =>
      inChunk(of, (triggers) => triggers.map((one, index) => (index === at ? { ...one, ...option } : one))),
    ),
);
const edits = fc.array(edit, { maxLength: 5 });

/** The graph of a plan that is sound. */
function soundGraph(plan: Plan): Graph | undefined {
  try {
    return graphOf(plan);
  } catch (error) {
    if (error instanceof FlowDefinitionError) return undefined;
    throw error;
  }
}

describe("S30 whatever is edited", () => {
  test("there are differences if the hash has changed, and only then, the same ones each time", () => {
    let changed = 0;
    fc.assert(
      fc.property(edits, fc.array(edit, { minLength: 1, maxLength: 2 }), (first, then) => {
        const apply = (plan: Plan, how: typeof first): Plan => how.reduce((one, change) => change(one), plan);
        const plan = apply(letters, first);
        const [stored, present] = [soundGraph(plan), soundGraph(apply(plan, then))];
        fc.pre(stored !== undefined && present !== undefined);
        const differences = diffGraphs(stored, present);
        expect(differences.length > 0).toBe(stored.hash !== present.hash);
        expect(differences.join()).not.toContain("the graph is another one");
        expect(diffGraphs(JSON.parse(JSON.stringify(stored)) as Graph, present)).toEqual(differences);
        changed += differences.length > 0 ? 1 : 0;
      }),
      { numRuns: 500 },
    );
    expect(changed).toBeGreaterThan(200);
  });
});
