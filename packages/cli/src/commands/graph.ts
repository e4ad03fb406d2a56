import { toMermaid } from "@sluice/core";
import { exitCodes, misused } from "../complaint.ts";
import { chosenFlow, readFlowFile } from "../flows/flow-file.ts";

/** How a graph is written. */
export interface GraphOptions {
  readonly flow?: string;
  readonly mermaid?: boolean;
  readonly svg?: boolean;
  readonly dot?: boolean;
  readonly json?: boolean;
}

/** Writes the graph of a flow to standard output. @returns the exit code */
export async function graphCommand(file: string, options: GraphOptions): Promise<number> {
  const { mermaid = false, svg = false, dot = false, json = false } = options;
  if ([mermaid, svg, dot, json].filter(Boolean).length > 1) {
    throw misused("A graph is written in one form at a time", "Choose one of --mermaid, --svg, --dot and --json");
  }
  const { graph } = chosenFlow(await readFlowFile(file), options.flow);
  const { toDot } = await import("../drawing/dot.ts");
  if (json) console.log(JSON.stringify(graph, undefined, 2));
  else if (dot) console.log(toDot(graph));
  else if (svg) {
    const { toSvg } = await import("../drawing/svg.ts");
    console.log(await toSvg(graph));
  } else if (mermaid) console.log(toMermaid(graph));
  else {
    const { outline } = await import("../drawing/outline.ts");
    console.log(outline(graph));
  }
  return exitCodes.ok;
}
