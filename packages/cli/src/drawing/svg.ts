import { instance } from "@viz-js/viz";
import type { Graph } from "@sluice/core";
import { toDot } from "./dot.ts";

/** Draws a graph as SVG, laid out by Graphviz, which runs here as WebAssembly. */
export async function toSvg(graph: Graph): Promise<string> {
  const viz = await instance();
  return viz.renderString(toDot(graph), { format: "svg" }).trimEnd();
}
