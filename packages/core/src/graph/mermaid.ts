import { type Graph, type GraphExpression, type GraphSource, askedAs, isOperator } from "./graph.ts";

/** Draws a graph as a Mermaid flowchart: sources are rounded, chunks are boxes, joins and fan-outs are hexagons, guarded triggers are dotted. */
export function toMermaid(graph: Graph): string {
  const lines = ["flowchart LR"];
  const drawn = new Map<string, string>();
  let operators = 0;
  const ids = new Map(graph.chunks.map(({ name }, index) => [name, `c${index}`]));
  const node = (label: string): string => {
    const known = drawn.get(label);
    if (known !== undefined) return known;
    const id = `s${drawn.size}`;
    drawn.set(label, id);
    lines.push(`  ${id}([${quoted(label)}])`);
    return id;
  };
  for (const { name } of graph.chunks) lines.push(`  ${ids.get(name)}[${quoted(name)}]`);
  const operator = (name: string, arrow: string): string => {
    operators += 1;
    const id = `o${operators}`;
    lines.push(`  ${id}{{${quoted(name)}}}`, `  ${id}${arrow}`);
    return id;
  };
  /** Draws what leads to an expression; `arrow` leads on from there. */
  const draw = (expression: GraphExpression, arrow: string): void => {
    if (!isOperator(expression)) {
      if (expression.on !== "gather") lines.push(`  ${from(expression, ids, node)}${arrow}`);
      else lines.push(`  ${ids.get(expression.chunk)} --> ${operator("gather", arrow)}`);
    } else if (expression.on === "any") {
      for (const part of expression.of) draw(part, arrow);
    } else {
      const id = operator(expression.on === "quorum" ? `quorum ${expression.n}` : expression.on, arrow);
      for (const part of expression.of) draw(part, ` --> ${id}`);
    }
  };
  for (const chunk of graph.chunks) {
    const to = ids.get(chunk.name);
    for (const { expression, guarded } of chunk.triggers) {
      draw(expression, ` ${guarded ? "-.->|when|" : "-->"} ${to}`);
    }
    for (const emitted of chunk.emits) lines.push(`  ${to} --> ${node(emitted)}`);
  }
  return lines.join("\n");
}

function from(source: GraphSource, chunks: ReadonlyMap<string, string>, node: (label: string) => string): string {
  if ("interrupt" in source) return node(askedAs(source.interrupt));
  return (source.on === "after" && chunks.get(source.chunk)) || node(source.label);
}

/** Mermaid reads quotes as HTML entities inside a quoted label. */
function quoted(label: string): string {
  return `"${label.replaceAll("&", "&amp;").replaceAll('"', "&quot;").replaceAll("<", "&lt;").replaceAll(">", "&gt;")}"`;
}
