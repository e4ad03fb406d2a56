import { type FlowDefinitionError, type GraphWarning } from "@sluice/core";
import { exitCodes } from "../complaint.ts";
import { failureLines } from "../failure.ts";
import { readFlowFile } from "../flows/flow-file.ts";
import { paint } from "../terminal/paint.ts";
import { counted } from "../terminal/shown.ts";
import { chosenFlow } from "../flows/flow-file.ts";

/** What is said of each flow of a file. */
interface Checked {
  readonly flow: string;
  readonly hash?: string;
  readonly chunks?: number;
  readonly problems: FlowDefinitionError["problems"];
  readonly warnings: readonly GraphWarning[];
}

/** Compiles the flows of files, and tells all problems and warnings. @returns the exit code: 1 where there is a problem */
export async function checkCommand(
  files: readonly string[],
  { json = false, strict = false }: { readonly json?: boolean; readonly strict?: boolean },
): Promise<number> {
  const all: (Checked & { readonly file: string })[] = [];
  for (const file of files) {
    const found = await readFlowFile(file);
    if (found.flows.length + found.broken.length === 0) chosenFlow(found);
    const checked: Checked[] = [
      ...found.flows.map(({ name, graph }) => ({
        flow: name,
        hash: graph.hash,
        chunks: graph.chunks.length,
        problems: [],
        warnings: graph.warnings,
      })),
      ...found.broken.map(({ exportedAs, error }) => ({ flow: exportedAs, problems: error.problems, warnings: [] })),
    ];
    all.push(...checked.map((one) => ({ file: found.path, ...one })));
    if (!json) for (const { error } of found.broken) console.log(failureLines(error));
    if (!json) for (const one of checked) if (one.problems.length === 0) console.log(toldOf(one));
  }
  if (json) console.log(JSON.stringify({ flows: all }));
  const bad = all.some(({ problems, warnings }) => problems.length > 0 || (strict && warnings.length > 0));
  return bad ? exitCodes.failed : exitCodes.ok;
}

function toldOf({ flow, chunks = 0, hash, warnings }: Checked): string {
  const lines = warnings.flatMap(({ code, where, what, mend }) => [
    `${paint.warn("!")} ${where}: ${what} ${paint.dim(`[${code}]`)}`,
    `  ${paint.dim("mend")}   ${mend}`,
  ]);
  const sum = `${counted(chunks, "chunk")}${warnings.length > 0 ? `, ${counted(warnings.length, "warning")}` : ""}`;
  return [...lines, `${paint.good("✓")} ${paint.bold(flow)} ${paint.dim(`${sum}, ${hash}`)}`].join("\n");
}
