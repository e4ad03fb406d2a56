import { execFile } from "node:child_process";
import {
  chmodSync,
  existsSync,
  mkdirSync,
  mkdtempSync,
  readFileSync,
  readdirSync,
  realpathSync,
  symlinkSync,
} from "node:fs";
import { tmpdir } from "node:os";
import { dirname, join } from "node:path";
import { fileURLToPath } from "node:url";
import { promisify } from "node:util";

const root = fileURLToPath(new URL("..", import.meta.url));
const execute = promisify(execFile);

interface Manifest {
  readonly name: string;
  readonly bin?: Readonly<Record<string, string>>;
  readonly dependencies?: Readonly<Record<string, string>>;
  readonly peerDependencies?: Readonly<Record<string, string>>;
}

/**
 * A folder in whose `node_modules` packages of ours lie as they would be published: built, packed, and unpacked. What they
 * need from others is linked to this workspace's.
 *
 * @param packages names of folders in `packages/`
 */
export async function packedFolder(packages: readonly string[]): Promise<string> {
  const folder = mkdtempSync(join(tmpdir(), "sluice-packed-"));
  const modules = join(folder, "node_modules");
  mkdirSync(join(modules, ".bin"), { recursive: true });
  const paths = packages.map((name) => join(root, "packages", name));
  await execute(process.execPath, [join(root, "node_modules/@typescript/native/bin/tsc"), "-b", ...paths]);
  const filters = packages.flatMap((name) => ["--filter", `./packages/${name}`]);
  await execute("npx", ["-y", "pnpm@12", "-r", ...filters, "pack", "--pack-destination", folder], { cwd: root });
  for (const tarball of readdirSync(folder).filter((file) => file.endsWith(".tgz"))) {
    const name = /^sluice-(.*)-\d/.exec(tarball)?.[1] ?? "";
    const target = join(modules, "@sluice", name);
    mkdirSync(target, { recursive: true });
    await execute("tar", ["-xzf", join(folder, tarball), "-C", target, "--strip-components=1"]);
    const { bin = {}, dependencies, peerDependencies } = manifestOf(target);
    for (const [command, file] of Object.entries(bin)) {
      chmodSync(join(target, file), 0o755); // as npm does
      symlinkSync(join(target, file), join(modules, ".bin", command));
    }
    for (const dependency of Object.keys({ ...dependencies, ...peerDependencies })) {
      if (!dependency.startsWith("@sluice/")) link(dependency, join(root, "packages", name), modules);
    }
  }
  link("@types/node", root, modules);
  symlinkSync(join(root, "node_modules/@typescript/native/bin/tsc"), join(modules, ".bin/tsc"));
  return folder;
}

function manifestOf(folder: string): Manifest {
  return JSON.parse(readFileSync(join(folder, "package.json"), "utf8")) as Manifest;
}

function link(dependency: string, from: string, modules: string): void {
  const target = join(modules, dependency);
  if (existsSync(target)) return;
  mkdirSync(dirname(target), { recursive: true });
  symlinkSync(realpathSync(join(from, "node_modules", dependency)), target);
}
