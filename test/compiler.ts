/* Compiles sources with the workspace's own TypeScripts. */
import { spawnSync } from "node:child_process";
import { mkdtempSync, rmSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import { fileURLToPath } from "node:url";

const root = fileURLToPath(new URL("..", import.meta.url));

/** What the compiler made of a source. */
export interface Compiled {
  readonly instantiations: number;
  /** The lines of its errors. */
  readonly errors: string;
}

/** A folder inside the workspace in which sources are compiled, as a user's would be. Dispose of it. */
export class Compiler implements Disposable {
  readonly #folder = mkdtempSync(join(root, "test/.compiled-"));

  /** @param compiler `tsc` is TypeScript 7, `tsc6` is 6 */
  compile(source: string, legacy: boolean, compiler: "tsc" | "tsc6" = "tsc"): Compiled {
    writeFileSync(join(this.#folder, "source.ts"), source);
    const compilerOptions = {
      noEmit: true,
      composite: false,
      incremental: false,
      declarationMap: false,
      noUnusedLocals: false,
      allowImportingTsExtensions: true,
      rootDir: "../..",
      experimentalDecorators: legacy,
      emitDecoratorMetadata: legacy,
    };
    const config = join(this.#folder, "tsconfig.json");
    writeFileSync(
      config,
      JSON.stringify({ extends: "../../tsconfig.base.json", compilerOptions, files: ["source.ts"] }),
    );
    const { stdout } = spawnSync(
      join(root, "node_modules/.bin", compiler),
      ["-p", config, "--extendedDiagnostics", "--pretty", "false"],
      { encoding: "utf8" },
    );
    const [errors = ""] = stdout.split(/^Files:/m);
    return { instantiations: Number(/Instantiations:\s+(\d+)/.exec(stdout)?.[1]), errors: errors.trim() };
  }

  [Symbol.dispose](): void {
    rmSync(this.#folder, { recursive: true, force: true });
  }
}
