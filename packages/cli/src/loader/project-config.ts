import { dirname } from "node:path";
import { type TsConfigResult, createPathsMatcher, getTsconfig } from "get-tsconfig";

/** What a project's tsconfig says of how its files are compiled and found. */
export interface ProjectConfig {
  /** `experimentalDecorators`. Without a tsconfig: standard decorators, as TypeScript does. */
  readonly legacyDecorators: boolean;
  /** `emitDecoratorMetadata`. */
  readonly decoratorMetadata: boolean;
  /** `useDefineForClassFields`; where it says nothing, by its target. */
  readonly defineFields: boolean;
  /** How JSX becomes calls, where a project says so. */
  readonly jsx: { readonly runtime: "automatic" | "classic"; readonly importSource?: string } | undefined;
  /** Paths that an import may mean by the project's `paths`. */
  readonly pathsOf: (specifier: string) => readonly string[];
}

const oldTargets = ["es3", "es5", "es6", "es2015", "es2016", "es2017", "es2018", "es2019", "es2020", "es2021"];
const files = new Map<string, unknown>();
const byFolder = new Map<string, ProjectConfig>();

/**
 * The tsconfig that is nearest to a file, with what it extends.
 *
 * @throws Error when it cannot be read
 */
export function configFor(path: string): ProjectConfig {
  const folder = dirname(path);
  const known = byFolder.get(folder) ?? configOf(getTsconfig(folder, "tsconfig.json", files));
  byFolder.set(folder, known);
  return known;
}

/** They are read again: something may have been changed. */
export function forgetConfigs(): void {
  files.clear();
  byFolder.clear();
}

function configOf(found: TsConfigResult | null): ProjectConfig {
  const options = found?.config.compilerOptions ?? {};
  const { jsx, jsxImportSource } = options;
  const runtime = jsx === "react" ? "classic" : "automatic";
  return {
    legacyDecorators: options.experimentalDecorators === true,
    decoratorMetadata: options.emitDecoratorMetadata === true,
    defineFields: options.useDefineForClassFields ?? !oldTargets.includes(options.target?.toLowerCase() ?? ""),
    jsx:
      jsx === undefined
        ? undefined
        : { runtime, ...(jsxImportSource !== undefined && { importSource: jsxImportSource }) },
    pathsOf: (found !== null && createPathsMatcher(found)) || (() => []),
  };
}
