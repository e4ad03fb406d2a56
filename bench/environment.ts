import { existsSync, readFileSync } from "node:fs";
import { cpus } from "node:os";

/** What the numbers were taken on. */
export interface Environment {
  readonly node: string;
  readonly cpu: string;
  readonly cores: number;
  /** The day, `2031-05-17`. */
  readonly date: string;
  /** Each package and its version. */
  readonly versions: readonly (readonly [string, string])[];
}

/** The machine and the packages as they are installed. */
export function environment(): Environment {
  const { dependencies, optionalDependencies } = readJson("./package.json") as Record<string, Record<string, string>>;
  const optional = Object.keys(optionalDependencies ?? {}).filter((name) => existsSync(folderOf(name)));
  const peers = [...Object.keys(dependencies ?? {}), ...optional].map(
    (name) => [name, versionIn(`./node_modules/${name}`)] as const,
  );
  const processors = cpus();
  return {
    node: process.version,
    cpu: processors[0]?.model.trim() ?? "unknown",
    cores: processors.length,
    date: new Date().toISOString().slice(0, 10),
    versions: [["@sluice/core", versionIn("../packages/core")], ...peers],
  };
}

function folderOf(name: string): URL {
  return new URL(`./node_modules/${name}`, import.meta.url);
}

function versionIn(folder: string): string {
  return (readJson(`${folder}/package.json`) as { version: string }).version;
}

function readJson(path: string): unknown {
  return JSON.parse(readFileSync(new URL(path, import.meta.url), "utf8"));
}
