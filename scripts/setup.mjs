// Installs the workspace when node_modules is missing or older than the lockfile. Runs on the system's Node,
// before anything is installed, so it is plain JavaScript and needs only npm.
import { spawnSync } from "node:child_process";
import { existsSync, statSync } from "node:fs";
import { fileURLToPath } from "node:url";

const root = fileURLToPath(new URL("..", import.meta.url));
const changed = (file) => (existsSync(root + file) ? statSync(root + file).mtimeMs : 0);
const installed = changed("node_modules/.modules.yaml");
const wanted = Math.max(...["pnpm-lock.yaml", "pnpm-workspace.yaml"].map(changed));

if (installed === 0 || installed < wanted) {
  console.error("Installing what is missing (once, under a minute) …");
  const { status } = spawnSync("npx", ["-y", "pnpm@12", "install", "--frozen-lockfile", "--reporter=append-only"], {
    cwd: root,
    stdio: ["ignore", "ignore", "inherit"],
    shell: process.platform === "win32",
  });
  if (status !== 0) {
    console.error("The installation failed. See the message above; to try it by hand: npx -y pnpm@12 install");
    process.exit(1);
  }
}
