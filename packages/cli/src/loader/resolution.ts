import { existsSync, statSync } from "node:fs";
import { extname } from "node:path";
import { fileURLToPath, pathToFileURL } from "node:url";
import { configFor } from "./project-config.ts";

/** An address, with what Node knows of it. */
export interface Found {
  readonly url: string;
  readonly format?: string | null | undefined;
  /** It is a file of the project's own, which may change while the command runs. */
  readonly isOwn?: boolean;
}

/** Finds the address of an import as Node does, or throws. */
export type Find = (specifier: string, parentUrl?: string) => Found;

/** Where imports are looked for. */
export interface Origin {
  /** The project that is worked on: any file address in its folder. */
  readonly project: string;
  /** The command itself. */
  readonly command: string;
}

/** What flows may import without having it installed: the command's own copies serve. */
const provided = /^(@sluice\/(core|decorators|server|sqlite)|zod|rxjs|reflect-metadata)(\/|$)/;
/** Flows are known by identity, so there is one core in a process, whoever asks for it. */
const shared = /^@sluice\/core(\/|$)/;
const written: Readonly<Record<string, readonly string[]>> = {
  ".js": [".ts", ".tsx"],
  ".jsx": [".tsx"],
  ".mjs": [".mts"],
  ".cjs": [".cts"],
};
const endings = [".ts", ".tsx", ".mts", ".cts", ".js", ".mjs", "/index.ts", "/index.tsx", "/index.js"];

/**
 * The address of an import: as Node finds it, and besides as TypeScript's users write it (without an ending, with `.js` for
 * a `.ts`, by the `paths` of a tsconfig).
 *
 * @throws Error as Node does, when it is nowhere
 */
export function addressOf(specifier: string, parentUrl: string | undefined, find: Find, origin: Origin): Found {
  if (shared.test(specifier)) return found(() => find(specifier, origin.project)) ?? find(specifier, origin.command);
  const mapped = byPaths(specifier, parentUrl);
  if (mapped !== undefined) return mapped;
  try {
    const file = find(specifier, parentUrl);
    return isPath(specifier) ? { ...file, isOwn: true } : file;
  } catch (error) {
    const other = provided.test(specifier)
      ? found(() => find(specifier, origin.command))
      : isPath(specifier)
        ? fileAt(new URL(specifier, parentUrl).href)
        : undefined;
    if (other !== undefined) return other;
    throw error;
  }
}

/** Whether it names a file, not a package. */
function isPath(specifier: string): boolean {
  return /^(\.{0,2}\/|file:)/.test(specifier);
}

function byPaths(specifier: string, parentUrl: string | undefined): Found | undefined {
  const isOwn = parentUrl?.startsWith("file:") === true && !parentUrl.includes("/node_modules/");
  if (!isOwn || isPath(specifier) || specifier.startsWith("node:")) return undefined;
  for (const path of configFor(fileURLToPath(parentUrl)).pathsOf(specifier)) {
    const file = fileAt(pathToFileURL(path).href);
    if (file !== undefined) return file;
  }
  return undefined;
}

/** A file that is there, for an address that leaves its ending open or names that of its JavaScript. */
function fileAt(address: string): Found | undefined {
  const path = fileURLToPath(address);
  const ending = extname(path);
  const candidates = [
    path,
    ...(written[ending] ?? []).map((other) => path.slice(0, -ending.length) + other),
    ...endings.map((other) => path + other),
  ];
  const file = candidates.find((one) => existsSync(one) && statSync(one).isFile());
  return file === undefined ? undefined : { url: pathToFileURL(file).href, isOwn: true };
}

function found(find: () => Found): Found | undefined {
  try {
    return find();
  } catch {
    return undefined; // it is not there: the next place is asked
  }
}
