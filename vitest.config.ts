import { availableParallelism } from "node:os";
import ts from "typescript";
import { defineConfig, type Plugin } from "vitest/config";

/** Vite 8 (oxc) lowers legacy decorators only. TypeScript lowers the standard ones for it. */
const standardDecorators: Plugin = {
  name: "standard-decorators",
  enforce: "pre",
  transform: {
    filter: { id: /\.ts$/, code: "@" },
    handler(code, id) {
      const { outputText, sourceMapText } = ts.transpileModule(code, {
        fileName: id,
        compilerOptions: { target: ts.ScriptTarget.ES2022, module: ts.ModuleKind.ESNext, sourceMap: true },
      });
      return { code: outputText, map: sourceMapText ?? null };
    },
  },
};

const dialects = "test/dialects/*.test.ts";

export default defineConfig({
  test: {
    maxConcurrency: 2, // what is concurrent are processes
    maxWorkers: Math.max(2, availableParallelism() - 1),
    projects: [
      { test: { name: "legacy", include: ["test/*.test.ts", "test/laws/*.test.ts", dialects], testTimeout: 180_000 } },
      { plugins: [standardDecorators], test: { name: "standard", include: [dialects] } },
      { test: { name: "browser", include: ["test/browser/*.test.ts"], testTimeout: 180_000 } },
    ],
  },
});
