import { type Options, transformSync } from "@swc/core";
import type { ProjectConfig } from "./project-config.ts";

/**
 * TypeScript as JavaScript, with a source map in it. Types are left out, not checked. Decorators are those of the project:
 * legacy ones where its tsconfig has `experimentalDecorators` (with `design:` metadata where it has that, too), standard
 * ones everywhere else.
 *
 * @param path absolute, of the file
 * @throws Error with the place of what is no TypeScript
 */
export function compileSource(path: string, source: string, config: ProjectConfig): string {
  return transformSync(source, optionsFor(path, config)).code;
}

function optionsFor(path: string, { legacyDecorators, decoratorMetadata, defineFields, jsx }: ProjectConfig): Options {
  return {
    filename: path,
    sourceFileName: path,
    sourceMaps: "inline",
    inlineSourcesContent: false,
    configFile: false,
    swcrc: false,
    isModule: true,
    module: { type: path.endsWith(".cts") ? "commonjs" : "es6" },
    jsc: {
      target: "es2022",
      parser: { syntax: "typescript", decorators: true, tsx: path.endsWith(".tsx") },
      keepClassNames: true,
      transform: {
        useDefineForClassFields: defineFields,
        ...(jsx !== undefined && { react: jsx }),
        ...(legacyDecorators
          ? { legacyDecorator: true, decoratorMetadata }
          : { legacyDecorator: false, decoratorVersion: "2023-11" as never }), // newer than the types of swc
      },
    },
  };
}
