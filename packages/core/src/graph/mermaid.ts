import type { Graph, GraphSource } from "./graph.ts";

/** Draws a graph as a Mermaid flowchart: sources are rounded, chunks are boxes, guarded triggers are dotted. */
export function toMermaid(graph: Graph): string {
  const lines = ["flowchart LR"];
  const drawn = new Map<string, string>();
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
  for (const chunk of graph.chunks) {
    const to = ids.get(chunk.name);
    for (const { sources, guarded } of chunk.triggers) {
      for (const source of sources) lines.push(`  ${from(source, ids, node)} ${guarded ? "-.->|when|" : "-->"} ${to}`);
    }
    for (const emitted of chunk.emits) lines.push(`  ${to} --> ${node(emitted)}`);
  }
  return lines.join("\n");
}

function from(source: GraphSource, chunks: ReadonlyMap<string, string>, node: (label: string) => string): string {
  return (source.on === "after" && chunks.get(source.chunk)) || node(source.label);
}

/** Mermaid reads quotes as HTML entities inside a quoted label. */
function quoted(label: string): string {
  return `"${label.replaceAll("&", "&amp;").replaceAll('"', "&quot;").replaceAll("<", "&lt;").replaceAll(">", "&gt;")}"`;
}
