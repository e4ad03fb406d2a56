import { readFileSync } from "node:fs";
import { registerHooks } from "node:module";
import { fileURLToPath, pathToFileURL } from "node:url";
import { join, resolve, sep } from "node:path";
import { compileSource } from "./compiler.ts";
import { configFor, forgetConfigs } from "./project-config.ts";
import { type Find, addressOf } from "./resolution.ts";

const typed = /\.[mc]?tsx?$/;
/** Tells the versions of a file apart: a module is loaded once an address. */
const version = "sluice-version";

const packages = join(import.meta.dirname, "../../..", sep);
let project = pathToFileURL(join(process.cwd(), "sluice.ts")).href;
let generation = 0;
const loaded = new Set<string>();

/** From here on `import` takes TypeScript, and there is one `@sluice/core` in the process: the project's, where it has one. */
export function installLoader(): void {
  process.setSourceMapsEnabled(true);
  registerHooks({
    resolve(specifier, context, next) {
      const { parentURL } = context;
      const find: Find = (wanted, from = parentURL) => next(wanted, { ...context, parentURL: from });
      const { isOwn = false, ...found } = addressOf(specifier, parentURL, find, { project, command: import.meta.url });
      const of = isOwn ? versionOf(parentURL) : undefined;
      return { ...found, url: of === undefined ? found.url : versioned(found.url, of), shortCircuit: true };
    },
    load(url, context, next) {
      if (!url.startsWith("file:")) return next(url, context);
      const { pathname } = new URL(url);
      if (!pathname.includes("/node_modules/")) loaded.add(fileURLToPath(new URL(pathname, "file:")));
      if (!typed.test(pathname)) return next(url, context);
      const path = fileURLToPath(new URL(pathname, "file:"));
      if (isStrippable(path)) return next(url, context);
      const source = compileSource(path, readFileSync(path, "utf8"), configFor(path));
      return { format: path.endsWith(".cts") ? "commonjs" : "module", source, shortCircuit: true };
    },
  });
}

/** In the workspace Sluice itself is TypeScript, without decorators: Node takes the types out of that, and keeps what came of it. */
function isStrippable(path: string): boolean {
  return (
    Boolean(process.features.typescript) &&
    path.startsWith(packages) &&
    /^[a-z]+[\\/]src[\\/]/.test(path.slice(packages.length))
  );
}

/** Says which project is worked on: before anything of Sluice is imported. @param path of a file or a folder in it */
export function workOn(path: string): void {
  project = pathToFileURL(join(resolve(path), "sluice.ts")).href;
}

/** From here on files are imported as they are now: not as they were when they were last imported. */
export function loadAnew(): void {
  generation += 1;
  loaded.clear();
  forgetConfigs();
}

/** Imports a file, and whatever it imports by path, once until `loadAnew`. */
export async function importFile(path: string): Promise<Readonly<Record<string, unknown>>> {
  const url = pathToFileURL(resolve(path)).href;
  return (await import(generation === 0 ? url : versioned(url, String(generation)))) as Readonly<
    Record<string, unknown>
  >;
}

/** The files that were loaded, those of packages left aside: whose change makes a difference. */
export function loadedFiles(): readonly string[] {
  return [...loaded];
}

function versionOf(url: string | undefined): string | undefined {
  if (url?.startsWith("file:") !== true) return undefined;
  return new URL(url).searchParams.get(version) ?? undefined;
}

function versioned(url: string, of: string): string {
  if (!url.startsWith("file:") || url.includes("/node_modules/")) return url;
  const address = new URL(url);
  address.searchParams.set(version, of);
  return address.href;
}
