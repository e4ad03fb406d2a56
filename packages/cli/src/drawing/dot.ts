import type { Graph, GraphExpression, GraphOperator, GraphSource } from "@sluice/core";

/** A graph in Graphviz' language: sources are rounded, chunks are boxes, joins and fan-outs hexagons, guarded triggers dashed. */
export function toDot(graph: Graph): string {
  return new Drawing(graph).text();
}

const colours = { chunk: "#e8f0fe", live: "#fef7e0", source: "#f1f3f4", operator: "#e6f4ea", line: "#5f6368" } as const;

class Drawing {
  readonly #graph: Graph;
  readonly #lines: string[] = [];
  readonly #sources = new Map<string, string>();
  #operators = 0;

  constructor(graph: Graph) {
    this.#graph = graph;
  }

  text(): string {
    const { flow, chunks } = this.#graph;
    for (const { name, live, description } of chunks) {
      const look = `shape=box style="rounded,filled" fillcolor="${live ? colours.live : colours.chunk}"`;
      const tip = description === undefined ? "" : ` tooltip=${quoted(description)}`;
      this.#lines.push(`${quoted(name)} [${look} label=${quoted(name)}${tip}]`);
    }
    for (const { name, triggers, emits } of chunks) {
      for (const { expression, guarded } of triggers) {
        this.#lead(expression, quoted(name), guarded ? ' [style=dashed label="when"]' : "");
      }
      for (const emitted of emits) this.#lines.push(`${quoted(name)} -> ${this.#source(emitted)}`);
    }
    const head = [
      `digraph ${quoted(flow)} {`,
      `  rankdir=LR nodesep=0.3 ranksep=0.5 bgcolor="transparent" tooltip=${quoted(flow)}`,
      `  node [fontname="Helvetica,Arial,sans-serif" fontsize=11 color="${colours.line}"]`,
      `  edge [fontname="Helvetica,Arial,sans-serif" fontsize=9 color="${colours.line}" arrowsize=0.7]`,
    ];
    return [...head, ...this.#lines.map((line) => `  ${line}`), "}"].join("\n");
  }

  /** Draws what leads to a node. */
  #lead(expression: GraphExpression, to: string, look = ""): void {
    if (!isOperator(expression)) {
      const gathers = expression.on === "gather";
      const from = gathers ? this.#operator("gather") : this.#from(expression);
      if (gathers) this.#lines.push(`${quoted(expression.chunk)} -> ${from}`);
      this.#lines.push(`${from} -> ${to}${look}`);
    } else if (expression.on === "any") {
      for (const part of expression.of) this.#lead(part, to, look);
    } else {
      const id = this.#operator(expression.on === "quorum" ? `quorum ${expression.n}` : expression.on);
      for (const part of expression.of) this.#lead(part, id);
      this.#lines.push(`${id} -> ${to}${look}`);
    }
  }

  #from(source: GraphSource): string {
    if (source.on === "after") return quoted(source.chunk);
    return this.#source("interrupt" in source ? `interrupt ${source.interrupt}` : source.label);
  }

  #source(label: string): string {
    const known = this.#sources.get(label);
    if (known !== undefined) return known;
    const id = quoted(`source: ${label}`);
    this.#sources.set(label, id);
    this.#lines.push(`${id} [shape=box style="rounded,filled" fillcolor="${colours.source}" label=${quoted(label)}]`);
    return id;
  }

  #operator(name: string): string {
    this.#operators += 1;
    const id = quoted(`operator: ${this.#operators}`);
    this.#lines.push(`${id} [shape=hexagon style=filled fillcolor="${colours.operator}" label=${quoted(name)}]`);
    return id;
  }
}

function isOperator(expression: GraphExpression): expression is GraphOperator {
  return "of" in expression;
}

/** A text in Graphviz' quotes. */
function quoted(text: string): string {
  return `"${text.replaceAll("\\", "\\\\").replaceAll('"', '\\"').replaceAll("\n", "\\n")}"`;
}
