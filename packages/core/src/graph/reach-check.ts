import type { DefinitionProblem } from "./definition-problem.ts";
import { type GraphChunk, type GraphExpression, type GraphSource, isOperator } from "./graph.ts";

/**
 * Reports chunks that can never run, because each of their triggers waits for something that never comes: a join whose
 * part waits for the join's own chunk, chunks that wait for each other.
 */
export function checkReach(
  flow: string,
  chunks: readonly GraphChunk[],
  report: (problem: DefinitionProblem) => void,
): void {
  const waiting = new Set(chunks.filter(({ triggers }) => triggers.length > 0));
  const reached = new Set<string>();
  const comes = (source: GraphSource): boolean => {
    if (source.on === "start") return true;
    if ("chunk" in source && source.chunk !== undefined) return reached.has(source.chunk);
    return source.on === "event" || reached.size > 0; // events may come from outside, or from any chunk
  };
  const fires = (expression: GraphExpression): boolean => {
    if (!isOperator(expression)) return comes(expression);
    const parts = expression.of.filter(fires).length;
    if (expression.on === "all" || expression.on === "latest") return parts === expression.of.length;
    return parts >= (expression.n ?? 1);
  };
  for (let found = true; found;) {
    found = false;
    for (const chunk of waiting) {
      if (!chunk.triggers.some(({ expression }) => fires(expression))) continue;
      waiting.delete(chunk);
      reached.add(chunk.name);
      found = true;
    }
  }
  for (const { name, triggers } of waiting) {
    const [first] = triggers;
    const missing = first === undefined ? [] : missingOf(first.expression, fires);
    report({
      code: "join-never-fills",
      where: `${flow}.${name}`,
      what: `this chunk can never run: it waits for ${missing.join(" and ")}, which ${missing.length === 1 ? "waits" : "wait"} for it`,
      mend: "Let it wait for something that comes before it",
    });
  }
}

/** What keeps an expression from firing. */
function missingOf(expression: GraphExpression, fires: (part: GraphExpression) => boolean): readonly string[] {
  if (!isOperator(expression)) return [expression.label];
  return expression.of.filter((part) => !fires(part)).flatMap((part) => missingOf(part, fires));
}
