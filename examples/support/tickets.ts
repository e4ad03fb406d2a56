import { fstatSync, readFileSync, readdirSync, statSync } from "node:fs";
import { basename, join } from "node:path";
import { fileURLToPath } from "node:url";

export interface TicketText {
  readonly id: string;
  readonly text: string;
}

/** The tickets to read: of the paths given, of standard input (`-`, or piped in), else those of `examples/tickets`. */
export function readTickets(paths: readonly string[]): readonly TicketText[] {
  const given = paths.length === 0 && isPiped() ? ["-"] : paths;
  if (given.length === 0) return readPath(fileURLToPath(new URL("../tickets", import.meta.url)));
  return given.flatMap((path) => (path === "-" ? [{ id: "stdin", text: readFileSync(0, "utf8") }] : readPath(path)));
}

function readPath(path: string): readonly TicketText[] {
  const stat = statSync(path, { throwIfNoEntry: false });
  if (stat === undefined)
    throw new Error(`There is no file or folder ${path}. Give the path of a text file, or of a folder of them`);
  const files = stat.isDirectory()
    ? readdirSync(path)
        .filter((name) => name.endsWith(".txt"))
        .sort()
    : [];
  if (stat.isDirectory() && files.length === 0)
    throw new Error(`The folder ${path} has no ticket in it. Put .txt files there`);
  const all = stat.isDirectory() ? files.map((name) => join(path, name)) : [path];
  return all.map((file) => ({ id: basename(file, ".txt"), text: readFileSync(file, "utf8") }));
}

/** Whether somebody pipes a text in, or redirects a file. */
function isPiped(): boolean {
  const stat = fstatSync(0, { throwIfNoEntry: false } as never);
  return stat !== undefined && (stat.isFIFO() || stat.isFile());
}
