import { readFileSync } from "node:fs";
import { Command, CommanderError } from "commander";
import { exitCodes } from "../complaint.ts";
import { paint } from "../terminal/paint.ts";
import { addExecutionCommands } from "./execution-commands.ts";
import { addFlowCommands } from "./flow-commands.ts";

/** Does what the arguments of the command line say; ends the process. */
export async function main(args: readonly string[]): Promise<never> {
  const debug = args.includes("--debug") || isSet(process.env["SLUICE_DEBUG"]);
  try {
    await program(debug).parseAsync(args, { from: "user" });
    return await end(exitCodes.ok);
  } catch (error) {
    if (error instanceof CommanderError) return end(error.exitCode === 0 ? exitCodes.ok : exitCodes.usage);
    const { exitCodeOf, failureLines } = await import("../failure.ts");
    console.error(failureLines(error, { debug }));
    return end(exitCodeOf(error));
  }
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
${paint.bold("Begin with:")}
  sluice init my-flow    a small project that runs
  sluice run flow.ts     run a flow, and look on
  sluice dev flows/      serve all flows of a folder

Exit codes: 0 done, 1 failed, 2 written wrongly, 3 waits for an answer, 130 Ctrl-C`,
    );
  addFlowCommands(root, end, { debug, version: version() });
  addExecutionCommands(root, end, debug);
  return root;
}

function end(exitCode: number): Promise<never> {
  return new Promise(() => {
    process.stdout.write("", () => process.stderr.write("", () => process.exit(exitCode)));
  });
}

function version(): string {
  const { version: number } = JSON.parse(readFileSync(new URL("../../package.json", import.meta.url), "utf8")) as {
    readonly version: string;
  };
  return number;
}

function isSet(value: string | undefined): boolean {
  return value !== undefined && value !== "" && value !== "0" && value !== "false";
}
