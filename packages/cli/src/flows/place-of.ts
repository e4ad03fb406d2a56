import { join, relative } from "node:path";
import { fileURLToPath } from "node:url";

/** Where Sluice's own packages lie: a stack may begin there. */
const packages = join(import.meta.dirname, "../../..");
const frame = /\(?((?:file:\/\/)?\/[^\s():?]+\.[mc]?[jt]sx?)(?:\?[^:\s]*)?:(\d+)/g;

/** The first place in the stack of an error that is in a file of the user's: `flows/letter.ts:12`, from the working folder. */
export function placeOf(error: unknown): string | undefined {
  const stack = error instanceof Error ? (error.stack ?? "") : "";
  for (const [, file = "", line] of stack.matchAll(frame)) {
    const path = file.startsWith("file:") ? fileURLToPath(file) : file;
    if (!path.includes("/node_modules/") && !path.startsWith(packages)) return `${relative("", path)}:${line}`;
  }
  return undefined;
}
