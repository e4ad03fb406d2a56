import { gzipSync } from "node:zlib";
import { fileURLToPath } from "node:url";
import { rolldown } from "rolldown";

const root = fileURLToPath(new URL("..", import.meta.url));
/** What only Node has, or needs a polyfill in a browser or a worker. */
const nodeGlobals = ["process", "Buffer", "global", "setImmediate", "clearImmediate", "require", "__dirname"];
const mark = "__node_global__";

/** How something is bundled. */
export interface BundleOptions {
  /** Packages that are left out, with all their subpaths. @default none */
  readonly external?: readonly string[];
}

/** One minified ES module for browsers. Nothing is polyfilled in it. */
export interface Bundle {
  readonly code: string;
  /** What it imports still. */
  readonly imports: readonly string[];
  /** The globals of Node that it uses. */
  readonly nodeGlobals: readonly string[];
  /** Its size, minified and compressed with gzip, in KB of 1,000 bytes. */
  readonly gzipKb: number;
  /** The source files in it, the largest first, with their size before minifying, in bytes. */
  readonly modules: readonly { readonly file: string; readonly bytes: number }[];
}

/**
 * Bundles a source file of this checkout for the browser.
 *
 * @param entry its path, from the checkout's root
 * @throws Error when something is not found
 */
export async function bundleForBrowser(entry: string, { external = [] }: BundleOptions = {}): Promise<Bundle> {
  const bundle = await rolldown({
    input: entry,
    cwd: root,
    platform: "browser",
    tsconfig: "examples/tsconfig.json",
    external: external.map((name) => new RegExp(`^${name}(/|$)`)),
    // a define replaces free names only: a local variable called `process` stays
    transform: { define: Object.fromEntries(nodeGlobals.flatMap(marked)) },
    onLog: (level, { message }) => {
      if (level === "warn") throw new Error(message);
    },
  });
  await using _closed = bundle;
  const { output } = await bundle.generate({ format: "esm", minify: true, codeSplitting: false });
  const [chunk] = output;
  return {
    code: chunk.code,
    imports: [...chunk.imports, ...chunk.dynamicImports],
    nodeGlobals: nodeGlobals.filter((name) => new RegExp(`${mark}${name}\\b`).test(chunk.code)),
    gzipKb: gzipSync(chunk.code, { level: 9 }).length / 1000,
    modules: Object.entries(chunk.modules)
      .map(([file, { renderedLength: bytes }]) => ({ file: file.replace(root, ""), bytes }))
      .toSorted((a, b) => b.bytes - a.bytes),
  };
}

function marked(name: string): [string, string][] {
  return [name, `globalThis.${name}`].map((use) => [use, mark + name]);
}
