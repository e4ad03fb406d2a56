import { type Command, Option } from "commander";
import { paint } from "../terminal/paint.ts";

/** Ends the process when all that was written is out. Flows may hold connections open: what is done is done. */
export type End = (exitCode: number) => Promise<never>;

/** A line of the examples in a command's help, and what there is to say of it. */
export type Example = readonly [line: string, note?: string];

/** What a command is called and does. */
export interface Description {
  readonly name: string;
  /** The heading under which it is listed. */
  readonly group: string;
  readonly summary: string;
  readonly examples: readonly Example[];
}

/** Adds a command with examples in its help; what is wrong with how it is written ends as an error, not the process. */
export function described(root: Command, { name, group, summary, examples }: Description): Command {
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

/** Where executions are kept. */
export function storeOption(): Option {
  return new Option("-s, --store <path>", "a SQLite file that keeps executions").env("SLUICE_STORE");
}

/** Where executions are served. */
export function serverOption(): Option {
  return new Option("--server <address>", "a server of @sluice/server; SLUICE_TOKEN is sent as its bearer token").env(
    "SLUICE_SERVER",
  );
}

/** The options of a command; of a store and a server, what was written counts before what the environment says. */
export function placed<T extends { readonly store?: string; readonly server?: string }>(
  options: T,
  command: Command,
): T {
  if (options.store === undefined || options.server === undefined) return options;
  const fromEnvironment = (["store", "server"] as const).filter((name) => command.getOptionValueSource(name) === "env");
  const dropped = fromEnvironment.length === 1 ? fromEnvironment[0] : undefined;
  return dropped === undefined ? options : { ...options, [dropped]: undefined };
}

/** For options that may be given again. */
export function collected(value: string, before: readonly string[] | undefined): readonly string[] {
  return [...(before ?? []), value];
}
