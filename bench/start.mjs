// Installs the workspace and the peers where they are missing, then hands over to run.ts. Runs on the system's Node,
// before anything is installed, so it is plain JavaScript and needs only npm.
import { spawnSync } from "node:child_process";
import { existsSync, realpathSync, statSync } from "node:fs";
import { delimiter, dirname } from "node:path";
import { fileURLToPath } from "node:url";

const bench = fileURLToPath(new URL(".", import.meta.url));
const windows = process.platform === "win32";
const changed = (file) => (existsSync(bench + file) ? statSync(bench + file).mtimeMs : 0);

function succeed(command, args, { shell = false, env = process.env } = {}) {
  const { status } = spawnSync(command, args, { cwd: bench, stdio: "inherit", shell, env });
  if (status !== 0) process.exit(status ?? 1);
}

succeed(process.execPath, ["../scripts/setup.mjs"]);
// the workspace's Node has its place where the platform's package was installed; elsewhere this one has to do
const own = `${bench}../node_modules/.bin/node`;
const node = existsSync(own) ? realpathSync(own) : process.execPath;
if (changed("node_modules/.package-lock.json") < changed("package-lock.json")) {
  console.error("Installing the peers (once, a minute or two) …");
  // what is compiled is compiled for the Node that will load it, whose package has its headers
  const env = { ...process.env, PATH: `${dirname(node)}${delimiter}${process.env.PATH}` };
  const headers = dirname(dirname(node));
  if (existsSync(`${headers}/include/node/node.h`)) env.npm_config_nodedir = headers;
  succeed("npm", ["ci", "--loglevel=error"], { shell: windows, env });
}
succeed(node, ["run.ts", ...process.argv.slice(2)]);
