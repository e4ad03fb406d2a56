import { dirname } from "node:path";
import type { Command } from "commander";
import { workOn } from "../loader/loader.ts";
import { type End, collected, described, storeOption } from "./described.ts";

const group = "Flows:";

/** The commands that are about flows: files with code. What they need is imported when they are called. */
export function addFlowCommands(root: Command, end: End, debug: boolean): void {
  described(root, {
    name: "run",
    group,
    summary: "run a flow, and look on",
    examples: [
      [`sluice run flow.ts --input '{"name":"Ada"}'`],
      ["sluice run flow.ts --input note.json --watch", "again with each change"],
      ["cat note.json | sluice run flow.ts --input - --json | jq .result"],
      ["sluice run flow.ts --store executions.db", "kept, and found again"],
      ["sluice run flow.ts --resume ID --store executions.db", "go on with a stored one"],
    ],
  })
    .argument("<file>", "a file that exports a flow")
    .option("-i, --input <value>", "the flow's input: JSON, the path of a file, or - for standard input")
    .option("-f, --flow <name>", "which flow, where the file exports several")
    .addOption(storeOption())
    .option("--id <id>", "the id of the new execution")
    .option("--resume <id>", "go on with a stored execution instead")
    .option("--accept-changes", "go on though the flow has been wired differently since")
    .option("-a, --answer <name=value>", "answer a question beforehand; may be given again", collected)
    .option("-w, --watch", "run again when the code changes")
    .option("--json", "print one JSON document: status, result, state, costs")
    .option("--entries", "print the log: every entry as a line of JSON")
    .action(async (file: string, options: { readonly watch?: boolean }) => {
      workOn(dirname(file));
      const how = { ...options, debug };
      if (options.watch === true) {
        const { watchCommand } = await import("../commands/watch.ts");
        return end(await watchCommand(file, how));
      }
      const { runCommand } = await import("../commands/run.ts");
      return end(await runCommand(file, how));
    });

  described(root, {
    name: "dev",
    group,
    summary: "serve all flows of a folder on this machine, and take changes as they come",
    examples: [
      ["sluice dev flows/", "http://127.0.0.1:3000"],
      ["sluice dev flow.ts --port 4000 --store executions.db", "what was under way goes on"],
    ],
  })
    .argument("[folder]", "a folder with files that export flows, or one file", ".")
    .option("-p, --port <number>", "0 is any that is free (default: 3000, or the next free one)")
    .addOption(storeOption())
    .option("--no-log", "do not tell of each request")
    .option("--json", "print what happens as lines of JSON")
    .action(async (folder: string, options: object) => {
      workOn(/\.[mc]?[jt]sx?$/.test(folder) ? dirname(folder) : folder);
      const { devCommand } = await import("../commands/dev.ts");
      return end(await devCommand(folder, { ...options, debug }));
    });

  described(root, {
    name: "check",
    group,
    summary: "compile flows: all problems, and warnings",
    examples: [["sluice check flow.ts"], ["sluice check flows/*.ts --strict", "for CI: warnings fail, too"]],
  })
    .argument("<files...>", "files that export flows")
    .option("--strict", "warnings are problems")
    .option("--json", "print one JSON document")
    .action(async (files: readonly string[], options: object) => {
      workOn(dirname(files[0] ?? "."));
      const { checkCommand } = await import("../commands/check.ts");
      return end(await checkCommand(files, options));
    });

  described(root, {
    name: "graph",
    group,
    summary: "draw a flow",
    examples: [
      ["sluice graph flow.ts", "what triggers what"],
      ["sluice graph flow.ts --svg > flow.svg"],
      ["sluice graph flow.ts --mermaid", "for Markdown"],
    ],
  })
    .argument("<file>", "a file that exports a flow")
    .option("-f, --flow <name>", "which flow, where the file exports several")
    .option("--mermaid", "as a Mermaid flowchart")
    .option("--svg", "as a picture")
    .option("--dot", "in Graphviz' language")
    .option("--json", "as it is: the compiled graph")
    .action(async (file: string, options: object) => {
      workOn(dirname(file));
      const { graphCommand } = await import("../commands/graph.ts");
      return end(await graphCommand(file, options));
    });
}
