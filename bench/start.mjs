// Installs the workspace and the peers where they are missing, then hands over to run.ts. Runs on the system's Node,
// before anything is installed, so it is plain JavaScript and needs only npm.
import { spawnSync } from "node:child_process";
import { existsSync, statSync } from "node:fs";
import { fileURLToPath } from "node:url";

const bench = fileURLToPath(new URL(".", import.meta.url));
const windows = process.platform === "win32";
const changed = (file) => (existsSync(bench + file) ? statSync(bench + file).mtimeMs : 0);

function succeed(command, args, shell = false) {
  const { status } = spawnSync(command, args, { cwd: bench, stdio: "inherit", shell });
  if (status !== 0) process.exit(status ?? 1);
}

succeed(process.execPath, ["../scripts/setup.mjs"]);
if (changed("node_modules/.package-lock.json") < changed("package-lock.json")) {
  console.error("Installing the peers (once, under a minute) …");
  succeed("npm", ["ci", "--loglevel=error"], windows);
}
// the workspace's Node has its place where the platform's package was installed; elsewhere this one has to do
const node = existsSync(`${bench}../node_modules/.bin/node`) ? `${bench}../node_modules/.bin/node` : process.execPath;
succeed(node, ["run.ts", ...process.argv.slice(2)]);
