// Finds the Chromium that is installed, and prints its path.
import { accessSync, constants } from "node:fs";
import { delimiter, join } from "node:path";
import { fileURLToPath } from "node:url";

const names = ["chromium", "chromium-browser", "google-chrome", "google-chrome-stable", "chrome", "microsoft-edge"];

/**
 * The path of an installed Chromium, or of a browser made of it: what `CHROMIUM_PATH` names, else the first on `PATH`.
 *
 * @returns undefined when there is none
 * @throws Error when `CHROMIUM_PATH` names a file that cannot be run
 */
export function findChromium(env: Readonly<NodeJS.ProcessEnv> = process.env): string | undefined {
  const { CHROMIUM_PATH: named, PATH = "" } = env;
  if (named !== undefined && named !== "") {
    if (isExecutable(named)) return named;
    throw new Error(`CHROMIUM_PATH is ${named}, which is no program: give the path of a Chromium`);
  }
  const folders = PATH.split(delimiter).filter((folder) => folder !== "");
  return names.flatMap((name) => folders.map((folder) => join(folder, name))).find(isExecutable);
}

function isExecutable(file: string): boolean {
  try {
    accessSync(file, constants.X_OK);
    return true;
  } catch {
    return false; // the answer: it is not there, or not for us
  }
}

if (process.argv[1] === fileURLToPath(import.meta.url)) {
  const found = findChromium();
  console.log(found ?? "No Chromium was found");
  process.exitCode = found === undefined ? 1 : 0;
}
