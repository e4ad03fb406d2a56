import { existsSync, readFileSync, readdirSync, statSync } from "node:fs";
import { join, relative } from "node:path";
import { Complaint, exitCodes } from "../complaint.ts";
import { type FlowFile, type FoundFlow, readFlowFile } from "./flow-file.ts";

/** A flow of a folder. */
export interface FolderFlow extends FoundFlow {
  readonly path: string;
}

/** What a folder has. */
export interface FlowFolder {
  /** By their names, each once. */
  readonly flows: readonly FolderFlow[];
  /** What stands in the way of others: files that cannot be loaded, flows that do not compile, names that are taken. */
  readonly troubles: readonly { readonly path: string; readonly error: unknown }[];
}

const code = /(?<!\.d|\.test|\.spec|\.config)\.[mc]?[jt]sx?$/;
const skipped = /^(\.|node_modules$|dist$|build$|coverage$)/;

/**
 * Looks for flows in all files of a folder and the folders in it. Only files that import Sluice are imported: others may do
 * something.
 *
 * @param path a folder, or one file
 * @throws Complaint where it is not there
 */
export async function readFlowFolder(path: string): Promise<FlowFolder> {
  if (!existsSync(path)) {
    throw new Complaint({
      what: `There is no folder ${path}`,
      mend: "Give the path of a folder with files that export flows, or of one file",
      exitCode: exitCodes.usage,
    });
  }
  const flows = new Map<string, FolderFlow>();
  const troubles: FlowFolder["troubles"][number][] = [];
  for (const file of statSync(path).isDirectory() ? filesIn(path) : [path]) {
    const found = await readFlowFile(file).catch((error: unknown): FlowFile => {
      troubles.push({ path: relative("", file), error });
      return { path: file, flows: [], broken: [] };
    });
    for (const { error } of found.broken) troubles.push({ path: found.path, error });
    for (const flow of found.flows) {
      const taken = flows.get(flow.name);
      if (taken === undefined) flows.set(flow.name, { ...flow, path: found.path });
      else if (taken.flow !== flow.flow)
        troubles.push({ path: found.path, error: nameTaken(flow.name, taken.path, found.path) });
    }
  }
  return { flows: [...flows.values()], troubles };
}

function filesIn(folder: string): string[] {
  return readdirSync(folder, { withFileTypes: true })
    .toSorted((one, other) => one.name.localeCompare(other.name))
    .flatMap((entry) => {
      const path = join(folder, entry.name);
      if (skipped.test(entry.name)) return [];
      if (entry.isDirectory()) return filesIn(path);
      return code.test(entry.name) && /["']@sluice\//.test(readFileSync(path, "utf8")) ? [path] : [];
    });
}

function nameTaken(name: string, taken: string, where: string): Complaint {
  return new Complaint({
    what: `There is a flow "${name}" in ${taken} already`,
    where,
    mend: "Name one of them otherwise",
  });
}
