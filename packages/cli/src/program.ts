import { readFileSync } from "node:fs";
import { dirname } from "node:path";
import { Command, CommanderError, Option } from "commander";
import { exitCodes } from "./complaint.ts";
import { workOn } from "./loader/loader.ts";
import { paint } from "./terminal/paint.ts";

/** Reads the command line and does what it says; ends the process. */
export async function main(argv: readonly string[]): Promise<never> {
  const debug = argv.includes("--debug") || isSet(process.env["SLUICE_DEBUG"]);
  try {
    await program(debug).parseAsync(argv);
    return await end(exitCodes.ok);
  } catch (error) {
    if (error instanceof CommanderError) return end(error.exitCode === 0 ? exitCodes.ok : exitCodes.usage);
    const { exitCodeOf, failureLines } = await import("./failure.ts");
    console.error(failureLines(error, { debug }));
    return end(exitCodeOf(error));
  }
}

/** Flows may hold connections open: what is done is done. All that was written gets out first. */
function end(exitCode: number): Promise<never> {
  return new Promise(() => {
    process.stdout.write("", () => process.stderr.write("", () => process.exit(exitCode)));
  });
}

function program(debug: boolean): Command {
  const root = new Command("sluice")
    .description("Runs, serves, checks and draws flows, and looks at their executions.")
    .version(version(), "-v, --version", "print the version")
    .helpOption("-h, --help", "print help")
    .helpCommand("help [command]", "print help for a command")
    .configureHelp({ styleTitle: (text) => paint.bold(text), showGlobalOptions: true })
    .option("--debug", "errors with their stacks (also: SLUICE_DEBUG=1)")
    .showHelpAfterError("(--help shows how it is written)")
    .exitOverride()
    .addHelpText(
      "after",
      `
Begin with:
  sluice init my-flow             a small project that runs
  sluice run flow.ts              run a flow, and look on
  sluice dev flows/               serve all flows of a folder

Exit codes: 0 done, 1 failed, 2 written wrongly, 3 waits for an answer, 130 Ctrl-C`,
    );

  command(root, "Flows:", "run <file>", "run a flow, and look on", [
    ['sluice run flow.ts --input \'{"name":"Ada"}\''],
    ["sluice run flow.ts --input ticket.json --watch"],
    ["cat ticket.json | sluice run flow.ts --input - --json | jq .result"],
    ["sluice run flow.ts --store executions.db", "kept: sluice list --store executions.db"],
    ["sluice run flow.ts --resume ID --store executions.db", "go on with a stored one"],
  ])
    .argument("<file>", "a file that exports a flow")
    .option("-i, --input <value>", "the flow's input: JSON, the path of a file, or - for standard input")
    .option("-f, --flow <name>", "which flow, where the file exports several")
    .addOption(storeOption())
    .option("--id <id>", "the id of the new execution")
    .option("--resume <id>", "go on with a stored execution instead")
    .option("--accept-changes", "go on though the flow has been wired differently since")
    .option("-a, --answer <name=value>", "answer a question beforehand; may be given again", collected, [])
    .option("-w, --watch", "run again when the code changes")
    .option("--json", "print one JSON document: status, result, state, costs")
    .option("--entries", "print the log: every entry as a line of JSON")
    .action(async (file: string, options: RunArgs) => {
      workOn(dirname(file));
      const how = { ...options, debug };
      if (options.watch === true) {
        const { watchCommand } = await import("./commands/watch.ts");
        return end(await watchCommand(file, how));
      }
      const { runCommand } = await import("./commands/run.ts");
      return end(await runCommand(file, how));
    });

  command(root, "Flows:", "check <files...>", "compile flows: all problems, and warnings", [
    ["sluice check flow.ts"],
    ["sluice check flows/*.ts --strict", "for CI: warnings fail, too"],
  ])
    .argument("<files...>", "files that export flows")
    .option("--strict", "warnings are problems")
    .option("--json", "print one JSON document")
    .action(async (files: readonly string[], options: { readonly json?: boolean; readonly strict?: boolean }) => {
      workOn(dirname(files[0] ?? "."));
      const { checkCommand } = await import("./commands/check.ts");
      return end(await checkCommand(files, options));
    });

  command(root, "Flows:", "graph <file>", "draw a flow", [
    ["sluice graph flow.ts"],
    ["sluice graph flow.ts --svg > flow.svg"],
    ["sluice graph flow.ts --mermaid", "for Markdown"],
  ])
    .argument("<file>", "a file that exports a flow")
    .option("-f, --flow <name>", "which flow, where the file exports several")
    .option("--mermaid", "as a Mermaid flowchart")
    .option("--svg", "as a picture")
    .option("--dot", "in Graphviz' language")
    .option("--json", "as it is: the compiled graph")
    .action(async (file: string, options: Readonly<Record<string, never>>) => {
      workOn(dirname(file));
      const { graphCommand } = await import("./commands/graph.ts");
      return end(await graphCommand(file, options));
    });

  return root;
}

/** A command with its examples; what is wrong with it ends as an error, not the process. */
function command(root: Command, group: string, usage: string, summary: string, examples: readonly Example[]): Command {
  const [name = ""] = usage.split(" ");
  const width = Math.max(...examples.map(([line]) => line.length));
  const lines = examples.map(
    ([line, note]) => `  ${note === undefined ? line : `${line.padEnd(width)}   ${paint.dim(note)}`}`,
  );
  return root
    .command(name)
    .summary(summary)
    .description(`${summary[0]?.toUpperCase()}${summary.slice(1)}.`)
    .helpGroup(group)
    .exitOverride()
    .addHelpText("after", `\n${paint.bold("Examples:")}\n${lines.join("\n")}`);
}

type Example = readonly [line: string, note?: string];

interface RunArgs {
  readonly watch?: boolean;
}

function storeOption(): Option {
  return new Option("-s, --store <path>", "a SQLite file that keeps executions").env("SLUICE_STORE");
}

function collected(value: string, before: readonly string[]): readonly string[] {
  return [...before, value];
}

function version(): string {
  const { version: number } = JSON.parse(readFileSync(new URL("../package.json", import.meta.url), "utf8")) as {
    readonly version: string;
  };
  return number;
}

function isSet(value: string | undefined): boolean {
  return value !== undefined && value !== "" && value !== "0" && value !== "false";
}
