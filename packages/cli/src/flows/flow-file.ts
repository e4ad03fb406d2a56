import { existsSync, statSync } from "node:fs";
import { dirname, relative, resolve } from "node:path";
import {
  type FlowDefinitionError,
  type FlowSchemas,
  type Graph,
  type KnownFlow,
  type Runnable,
  SluiceError,
  compile,
  schemasOf,
} from "@sluice/core";
import { Complaint, exitCodes } from "../complaint.ts";
import { importFile } from "../loader/loader.ts";
import { unloadable } from "./unloadable.ts";

/** A flow that a file exports. */
export interface FoundFlow extends KnownFlow {
  /** As its spec calls it. */
  readonly name: string;
  /** As the file exports it. */
  readonly exportedAs: string;
  readonly graph: Graph;
  readonly schemas: FlowSchemas;
}

/** What a file exports. */
export interface FlowFile {
  /** As it is shown: from the working folder. */
  readonly path: string;
  readonly flows: readonly FoundFlow[];
  /** The flows that do not compile. */
  readonly broken: readonly { readonly exportedAs: string; readonly error: FlowDefinitionError }[];
}

/**
 * Imports a file and looks for flows in what it exports: a class with `@flow`, a builder, `{ flow, create }`
 * for a class whose constructor needs something, or a list of those. Nothing is run but the file itself.
 *
 * @throws Complaint where it is not there or cannot be imported
 */
export async function readFlowFile(path: string): Promise<FlowFile> {
  const full = resolve(path);
  const shown = relative("", full);
  if (!existsSync(full)) {
    const what = `There is no file ${shown}`;
    throw new Complaint({ what, mend: "Give the path of a file that exports a flow", exitCode: exitCodes.usage });
  }
  if (statSync(full).isDirectory()) {
    const what = `${shown || "."} is a folder`;
    throw new Complaint({
      what,
      mend: "Give one of its files, or serve all of it with `sluice dev`",
      exitCode: exitCodes.usage,
    });
  }
  let exported: Readonly<Record<string, unknown>>;
  try {
    exported = await importFile(full);
  } catch (error) {
    throw unloadable(error, shown, dirname(full));
  }
  const flows: FoundFlow[] = [];
  const broken: FlowFile["broken"][number][] = [];
  for (const [exportedAs, value] of Object.entries(exported)) {
    for (const one of Array.isArray(value) ? (value as readonly unknown[]) : [value]) {
      const found = flowIn(one, exportedAs);
      if (found === undefined) continue;
      if ("error" in found) broken.push(found);
      else flows.push(found);
    }
  }
  return { path: shown, flows: withoutTwins(flows), broken };
}

/**
 * The flow that is meant.
 *
 * @param wanted its name, as its spec or its file has it
 * @throws Complaint where there is none, or several and none is named; FlowDefinitionError where it does not compile
 */
export function chosenFlow({ path, flows, broken }: FlowFile, wanted?: string): FoundFlow {
  const named = flows.filter(
    ({ name, exportedAs }) => wanted === undefined || name === wanted || exportedAs === wanted,
  );
  const chosen =
    named.find(({ exportedAs }) => exportedAs === "default") ?? (named.length === 1 ? named[0] : undefined);
  if (chosen !== undefined) return chosen;
  const [trouble] = broken;
  if (trouble !== undefined && named.length === 0) throw trouble.error;
  const names = flows.map(({ name }) => name).join(", ");
  if (flows.length === 0) {
    throw new Complaint({
      what: "The file exports no flow",
      where: path,
      mend: "Export it: export class … with @flow(spec) on it, export const … = flow(spec).chunk(…), or export default { flow, create }",
    });
  }
  throw new Complaint({
    what: wanted === undefined ? `The file exports ${flows.length} flows` : `The file exports no flow "${wanted}"`,
    where: path,
    mend: `Name one of them: --flow ${names.replaceAll(", ", " | ")}`,
    exitCode: exitCodes.usage,
  });
}

type Found = FoundFlow | FlowFile["broken"][number];

function flowIn(value: unknown, exportedAs: string): Found | undefined {
  if (value === null || (typeof value !== "object" && typeof value !== "function")) return undefined;
  const isKnown = typeof value === "object" && "flow" in value && !("~flow" in value);
  const { flow, create } = isKnown ? (value as KnownFlow) : { flow: value as Runnable, create: undefined };
  try {
    const graph = compile(flow);
    return { flow, create, name: graph.flow, exportedAs, graph, schemas: schemasOf(flow) };
  } catch (error) {
    if (!(error instanceof SluiceError)) throw error;
    if (error.code === "flow-undefined") return undefined;
    return { exportedAs, error: error as FlowDefinitionError };
  }
}

/** A flow that is exported twice is one: the export that says how it is made counts, then the default one. */
function withoutTwins(flows: readonly FoundFlow[]): readonly FoundFlow[] {
  const byFlow = new Map<unknown, FoundFlow>();
  for (const one of flows) {
    const known = byFlow.get(one.flow);
    const isBetter =
      known === undefined || (known.create === undefined && (one.create ?? one.exportedAs === "default"));
    if (isBetter) byFlow.set(one.flow, one);
  }
  return [...byFlow.values()];
}
