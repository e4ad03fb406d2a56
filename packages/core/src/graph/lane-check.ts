import type { DefinitionProblem } from "./definition-problem.ts";
import { type GraphExpression, type GraphOperator, isJoin, isOperator, sourcesOf } from "./graph.ts";
import { type ScopedChunk, type Scopes, isGatherable } from "./scope.ts";

type Report = (problem: DefinitionProblem) => void;

/**
 * Finds the fan-out that each gathered chunk is gathered in.
 *
 * Reports `gather-outside` and `gather-ambiguous`, and joins of what never happens in one lane.
 */
export function checkLanes(
  flow: string,
  chunks: readonly ScopedChunk[],
  scopes: Scopes,
  report: Report,
): ReadonlyMap<string, string> {
  const fans = new Map<string, string>();
  for (const { name, triggers } of chunks) {
    const where = `${flow}.${name}`;
    for (const { expression, by } of triggers) {
      if (by === undefined) for (const join of joinsOf(expression)) checkJoin(join, scopes, name, where, report);
      for (const source of sourcesOf(expression)) {
        if (source.on !== "gather" || fans.has(source.chunk)) continue;
        const fan = gatheredIn(source.chunk, scopes, where, report);
        if (fan !== undefined) fans.set(source.chunk, fan);
      }
    }
  }
  return fans;
}

function gatheredIn(chunk: string, scopes: Scopes, where: string, report: Report): string | undefined {
  const nearest = scopes.nearest(chunk).filter(isGatherable);
  const [fan] = nearest;
  if (nearest.length === 1) return fan;
  if (fan === undefined) {
    const bases = [...new Set(scopes.of(chunk).map(({ base }) => base))].filter((base) => base !== "/");
    const why =
      bases.length === 0 ? "" : `: whether one lies above ${bases.join(" and ")} cannot be told from the graph`;
    const mend =
      bases.length === 0
        ? `Gather a chunk that each(…) or field("…[*]") leads to`
        : `Gather a chunk that each(…), field("…[*]") or after(…) lead to, or list events in the \`emits\` of their chunks`;
    report({ code: "gather-outside", where, what: `gather("${chunk}") has no fan-out above "${chunk}"${why}`, mend });
  } else {
    const what = `gather("${chunk}") has several fan-outs above "${chunk}": ${nearest.join(" and ")}`;
    report({ code: "gather-ambiguous", where, what, mend: "Make a chunk for each of them, and gather those" });
  }
  return undefined;
}

function joinsOf(expression: GraphExpression): readonly GraphOperator[] {
  if (!isOperator(expression)) return [];
  return [...(isJoin(expression) ? [expression] : []), ...expression.of.flatMap(joinsOf)];
}

/** A part that nothing leads to is another problem. */
function checkJoin(join: GraphOperator, scopes: Scopes, chunk: string, where: string, report: Report): void {
  if (scopes.where(join, chunk).length > 0 || join.of.some((part) => scopes.where(part, chunk).length === 0)) return;
  const places = join.of.map((part) => `${part.label} in ${placeOf(part, scopes, chunk)}`);
  report({
    code: "join-across-lanes",
    where,
    what: `${join.label} can never fill, for its parts fire in different lanes: ${places.join(", ")}`,
    mend: "Gather first, take the item's value along in what its chunk returns, or correlate with `by`",
  });
}

function placeOf(part: GraphExpression, scopes: Scopes, chunk: string): string {
  const [scope] = scopes.where(part, chunk);
  const fan = scope?.fans.at(-1);
  return fan === undefined ? "no fan-out" : `the lanes of ${fan}`;
}
