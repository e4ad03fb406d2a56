import { describe, expect, test } from "vitest";
import { z } from "zod";
import * as mini from "zod/mini";
import { formatPath, matchesPath, parsePath } from "../packages/core/src/schema/field-path.ts";
import { findPlace, shapeOf } from "../packages/core/src/schema/shape.ts";

const Tree = z.object({
  name: z.string(),
  get kids() {
    return z.array(Tree);
  },
});
const MiniTree = mini.object({
  name: mini.string(),
  get kids() {
    return mini.optional(mini.array(MiniTree));
  },
});
const Everything = z.object({
  title: z.string(),
  level: z.enum(["low", "high"]),
  wrapped: z.object({ a: z.string().optional() }).readonly().nullable().default(null).optional(),
  date: z.string().transform((text) => new Date(text)),
  prepared: z.preprocess((value) => value, z.object({ x: z.number() })),
  items: z.array(z.object({ name: z.string() })),
  grid: z.array(z.array(z.number())),
  tuple: z.tuple([z.string(), z.object({ n: z.number() })], z.boolean()),
  scores: z.record(z.string(), z.object({ n: z.number() })),
  ratings: z.record(z.enum(["taste", "look"]), z.number()),
  disc: z.array(
    z.discriminatedUnion("kind", [
      z.object({ kind: z.literal("a"), n: z.number() }),
      z.object({ kind: z.literal("b"), n: z.string(), only: z.string() }),
    ]),
  ),
  both: z.intersection(z.object({ left: z.string() }), z.object({ right: z.number() })),
  lazy: z.lazy(() => z.object({ x: z.string() })),
  tree: Tree,
  open: z.object({ known: z.string() }).catchall(z.object({ more: z.string() })),
  loose: z.looseObject({ known: z.string() }),
  anything: z.any(),
  "a.b": z.object({ "c[d]": z.string() }),
});

describe("the grammar of paths", () => {
  test.each([
    ["", []],
    ["a", [{ kind: "key", name: "a" }]],
    [
      "a.b",
      [
        { kind: "key", name: "a" },
        { kind: "key", name: "b" },
      ],
    ],
    ["items[*].name", [{ kind: "key", name: "items" }, { kind: "any-index" }, { kind: "key", name: "name" }]],
    [
      "[0][12]",
      [
        { kind: "index", position: 0 },
        { kind: "index", position: 12 },
      ],
    ],
    ["scores.*", [{ kind: "key", name: "scores" }, { kind: "any-key" }]],
    [
      String.raw`["a.b"]["c[\"d\"]"].e`,
      [
        { kind: "key", name: "a.b" },
        { kind: "key", name: 'c["d"]' },
        { kind: "key", name: "e" },
      ],
    ],
    [`["*"]`, [{ kind: "key", name: "*" }]],
  ])("%j is read, and written the same", (path, segments) => {
    expect(parsePath(path)).toEqual(segments);
    expect(formatPath(parsePath(path))).toBe(path);
  });

  test.each([
    ".a",
    "a.",
    "a..b",
    "a[",
    "a[]",
    "a[-1]",
    "a[01]",
    "a[x]",
    "a[1.5]",
    "a[0]b",
    'a["b',
    `a['b']`,
    'a"b',
    "a]",
    `["\\x"]`,
    "a.[0]",
  ])("%j cannot be read", (path) => {
    expect(() => parsePath(path)).toThrow(/cannot be read: .* at position \d+\. Write it like/);
  });

  test.each([
    [
      "items[*].name",
      ["items[0].name", "items[12].name"],
      ["items[0]", "items[x].name", "items[0].names", "items[0].name.x", "item[0].name", 'items["0"].name'],
    ],
    ["items[0]", ["items[0]"], ["items[1]", "items[0].a", "items"]],
    [
      "scores.*",
      ["scores.bob", 'scores["a.b"]', String.raw`scores["\"]"]`],
      ["scores", "scores.bob.n", "scores[0]", 'scores["a.b"].n', "scoresx"],
    ],
    ["*.n", ["a.n", '["x.y"].n'], ["n", "a.b.n", "a[0].n", "a.nn"]],
    ["[*][*]", ["[0][1]"], ["[0]", "[0][1][2]", '["0"][1]']],
    [`["plain"].a`, ["plain.a"], ['["plain"].a']],
    ["", [""], ["a"]],
  ])("%j matches concrete paths", (pattern, right, wrong) => {
    const matches = matchesPath(pattern);
    expect(right.filter((path) => !matches(path))).toEqual([]);
    expect(wrong.filter(matches)).toEqual([]);
  });
});

describe("the places of a schema", () => {
  test.each([
    "title",
    "level",
    "wrapped.a",
    "date",
    "prepared.x",
    "items[*].name",
    "items[3].name",
    "grid[*][*]",
    "tuple[0]",
    "tuple[1].n",
    "tuple[9]",
    "tuple[*]",
    "scores.*.n",
    "scores.bob.n",
    "ratings.taste",
    "disc[*].kind",
    "disc[0].only",
    "both.left",
    "both.right",
    "lazy.x",
    "tree.kids[*].kids[*].name",
    "open.known",
    "open.other.more",
    "open.*.more",
    "loose.known",
    "anything",
    `["a.b"]["c[d]"]`,
    "",
  ])("%j is one", (path) => {
    expect(findPlace(Everything, path).place).toBeDefined();
  });

  test.each([
    ["titel", "titel", "title"],
    ["tree.kids[*].nam", "tree.kids[*].nam", "tree.kids[*].name"],
    ["items[*].nmae.x", "items[*].nmae", "items[*].name"],
    ["items.name", "items.name", undefined],
    ["scores[*]", "scores[*]", "scores.*"],
    ["ratings.smell", "ratings.smell", undefined],
    ["disc[*].onyl", "disc[*].onyl", "disc[*].only"],
    ["loose.unknown", "loose.unknown", "loose.known"],
    ["anything.x", "anything.x", undefined],
    ["title.x", "title.x", undefined],
    ["items.*", "items.*", "items[*]"],
    ["constructor", "constructor", undefined],
    ["__proto__", "__proto__", undefined],
  ])("%j is none, and is reported at its first wrong segment", (path, wrong, nearest) => {
    expect(findPlace(Everything, path)).toMatchObject({ place: undefined, wrong, nearest });
  });

  test("a wrong segment comes with what would be right in its stead", () => {
    expect(findPlace(Everything, "disc[*].x").right).toEqual(["disc[*].kind", "disc[*].n", "disc[*].only"]);
    expect(findPlace(Everything, `["a.b"].c`).right).toEqual([`["a.b"]["c[d]"]`]);
    expect(findPlace(Everything, "tuple.x").right).toEqual(["tuple[*]"]);
    expect(findPlace(z.record(z.string(), z.string()), "[0]").right).toEqual(["*"]);
  });

  test("recursive schemas have finitely many places, in zod and zod/mini", () => {
    for (const schema of [Tree, MiniTree]) {
      const root = shapeOf(schema);
      expect(root.key("kids")?.index(0)?.key("kids")?.index(1)).toBe(root);
    }
  });

  test("a schema that is only itself has no places, and ends", () => {
    const knot: z.ZodType = z.lazy(() => z.union([knot, knot]));
    expect(shapeOf(knot).key("x")).toBeUndefined();
  });

  test.each([
    ["object", Everything],
    ["object", z.record(z.string(), z.number())],
    ["object", z.discriminatedUnion("t", [z.object({ t: z.literal(1) }), z.object({ t: z.literal(2) })])],
    ["object", z.object({}).transform(() => 1)],
    ["array", z.array(z.string()).min(1).readonly()],
    ["array", mini.tuple([mini.string()])],
    ["any", z.union([z.array(z.string()), z.object({})])],
    ["any", z.object({}).nullable()],
    ["any", z.string()],
    ["any", z.unknown()],
    ["any", z.preprocess((value) => value, z.object({}))],
  ])("the root is %s", (kind, schema) => {
    expect(shapeOf(schema).rootKind).toBe(kind);
  });

  test("only free text has deltas", () => {
    const text = (schema: z.core.$ZodType) => shapeOf(schema).isText;
    expect(
      [
        z.string(),
        z.email(),
        z.string().transform(Number),
        z.templateLiteral(["a", z.number()]),
        z.string().nullish(),
      ].map(text),
    ).not.toContain(false);
    expect(
      [
        z.enum(["a"]),
        z.literal("a"),
        z.number(),
        z.string().transform(Number).pipe(z.number()).optional(),
        z.unknown(),
      ].map(text),
    ).toEqual([false, false, false, true, false]);
  });

  test("a member of a union is ruled out by another literal", () => {
    const place = shapeOf(Everything).key("disc")?.index(0);
    expect(place?.key("n")?.schemas).toHaveLength(2);
    expect(place?.narrowed("kind", "b").key("n")?.schemas).toHaveLength(1);
    expect(place?.narrowed("kind", "b").key("n")?.isText).toBe(true);
    expect(place?.narrowed("kind", "b")).toBe(place?.narrowed("kind", "b"));
    expect(place?.narrowed("kind", "c")).toBe(place);
  });
});
