import type { DefinitionProblem } from "./definition-problem.ts";
import {
  type GraphChunk,
  type GraphExpression,
  type GraphSource,
  type GraphWarning,
  askedAs,
  isOperator,
  sourcesOf,
} from "./graph.ts";
import { checkReach } from "./reach-check.ts";

type Report = (problem: DefinitionProblem) => void;

/** Checks how the chunks hang together. Problems are reported; warnings are returned. */
export function checkWiring(
  flow: string,
  chunks: readonly GraphChunk[],
  accepts: readonly string[],
  report: Report,
): GraphWarning[] {
  checkNames(flow, chunks, report);
  checkTriggered(flow, chunks, accepts, report);
  checkReach(flow, chunks, report);
  checkEmitted(flow, chunks, accepts, report);
  return [...unheard(flow, chunks), ...endlessLoops(flow, chunks), ...ambiguousResult(flow, chunks)];
}

function checkNames(flow: string, chunks: readonly GraphChunk[], report: Report): void {
  const seen = new Set<string>();
  for (const { name } of chunks) {
    if (seen.has(name)) {
      report({
        code: "name-taken",
        where: `${flow}.${name}`,
        what: `two chunks are called "${name}"`,
        mend: "Rename one of them",
      });
    }
    seen.add(name);
  }
}

function checkTriggered(flow: string, chunks: readonly GraphChunk[], accepts: readonly string[], report: Report): void {
  for (const { name, triggers } of chunks) {
    const where = `${flow}.${name}`;
    const live = new Set(sourcesOfAll(triggers).map(isLive));
    if (live.size > 1) {
      report({
        code: "chunk-mixed",
        where,
        what: "this chunk listens to delta or opened, and to something else",
        mend: "Make two chunks: one on delta or opened may only put items into the stream",
      });
    }
  }
  const sources = chunks.flatMap(({ triggers }) => sourcesOfAll(triggers));
  const begins = ({ on, label }: GraphSource): boolean => on === "start" || (on === "event" && accepts.includes(label));
  if (!sources.some(begins)) {
    const mend = "Give one chunk @on(start), or @on of an event that the flow accepts";
    report({ code: "flow-empty", where: flow, what: "no chunk starts", mend });
  }
}

/** Only where every chunk declares its `emits` is it known that nobody emits an event. */
function checkEmitted(flow: string, chunks: readonly GraphChunk[], accepts: readonly string[], report: Report): void {
  const emitted = new Set([...accepts, ...chunks.flatMap(({ emits }) => emits)]);
  if (!chunks.some(({ emits }) => emits.length > 0)) return;
  for (const { name, triggers } of chunks) {
    for (const source of sourcesOfAll(triggers)) {
      if (source.on !== "event" || emitted.has(source.event)) continue;
      const what = `nothing emits "${source.event}"`;
      const mend = "List it in the `emits` of the chunk that emits it, or in the spec's `accepts`";
      report({ code: "event-never-emitted", where: `${flow}.${name}`, what, mend });
    }
  }
}

function unheard(flow: string, chunks: readonly GraphChunk[]): GraphWarning[] {
  const sources = chunks.flatMap(({ triggers }) => sourcesOfAll(triggers));
  const heard = new Set(
    sources.flatMap((source) => {
      if ("interrupt" in source) return [askedAs(source.interrupt)];
      return source.on === "event" ? [source.event] : [];
    }),
  );
  return chunks.flatMap(({ name, emits }) =>
    emits
      .filter((event) => !heard.has(event))
      .map((event) => ({
        code: "event-unheard",
        where: `${flow}.${name}`,
        what: `nothing hears "${event}"`,
        mend: "Give a chunk @on of it, or leave it to those who read the log",
      })),
  );
}

/** Loops that only completions drive, and no guard can leave. Loops by event are the chunk's own decision. */
function endlessLoops(flow: string, chunks: readonly GraphChunk[]): GraphWarning[] {
  const before = new Map(
    chunks.map(({ name, triggers }) => [
      name,
      triggers.flatMap((one) => (one.guarded ? [] : followed(one.expression))),
    ]),
  );
  const after = new Map<string, string[]>(chunks.map(({ name }) => [name, []]));
  for (const [name, followedNames] of before) for (const one of followedNames) after.get(one)?.push(name);
  const looping = peel(peel(new Set(before.keys()), before, after), after, before);
  return [...looping].map((name) => ({
    code: "loop-endless",
    where: `${flow}.${name}`,
    what: "this chunk triggers itself again and again, and no guard ends it",
    mend: "Give a trigger of the loop a `when`, or loop by an event that is not always emitted",
  }));
}

/**
 * Takes away, one after the other, the names that nothing left leads to; what is left lies on a loop, or behind one.
 *
 * @see A. B. Kahn, "Topological sorting of large networks", 1962
 */
function peel(
  names: ReadonlySet<string>,
  before: ReadonlyMap<string, readonly string[]>,
  after: ReadonlyMap<string, readonly string[]>,
): Set<string> {
  const left = new Set(names);
  const open = (name: string): number => (before.get(name) ?? []).filter((one) => left.has(one)).length;
  const counts = new Map([...left].map((name) => [name, open(name)]));
  const free = [...left].filter((name) => counts.get(name) === 0);
  for (let name = free.pop(); name !== undefined; name = free.pop()) {
    left.delete(name);
    for (const next of after.get(name) ?? []) {
      const count = (counts.get(next) ?? 0) - 1;
      counts.set(next, count);
      if (count === 0 && left.has(next)) free.push(next);
    }
  }
  return left;
}

function ambiguousResult(flow: string, chunks: readonly GraphChunk[]): GraphWarning[] {
  const leaves = chunks.filter(
    ({ leaf, live, triggers }) =>
      leaf && !live && sourcesOfAll(triggers).some(({ on }) => on !== "field" && on !== "invalid"),
  );
  if (leaves.length < 2) return [];
  const names = leaves.map(({ name }) => name);
  return [
    {
      code: "result-ambiguous",
      where: flow,
      what: `what ${names.join(" or ")} returns last is the result, unless one calls ctx.setResult`,
      mend: "Call ctx.setResult in one of them, or return nothing from the others",
    },
  ];
}

const isLive = ({ on }: GraphSource): boolean => on === "delta" || on === "opened";
const sourcesOfAll = (triggers: GraphChunk["triggers"]): GraphSource[] =>
  triggers.flatMap(({ expression }) => [...sourcesOf(expression)]);
/** The chunks whose completion alone makes an expression fire. */
const followed = (expression: GraphExpression): readonly string[] => {
  if (!isOperator(expression)) return expression.on === "after" ? [expression.chunk] : [];
  return expression.on === "any" || expression.on === "each" ? expression.of.flatMap(followed) : [];
};
