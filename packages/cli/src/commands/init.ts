import { cpSync, existsSync, mkdirSync, readFileSync, readdirSync, writeFileSync } from "node:fs";
import { basename, join, relative, resolve } from "node:path";
import { fileURLToPath } from "node:url";
import { Complaint, exitCodes } from "../complaint.ts";
import { paint } from "../terminal/paint.ts";

const template = fileURLToPath(new URL("../../template/", import.meta.url));
/** npm packs no `.gitignore`: it is kept under another name. */
const renamed: Readonly<Record<string, string>> = { gitignore: ".gitignore" };

/**
 * Writes a small project that runs: a flow, and what stands in for its model. Nothing that is there is overwritten.
 *
 * @param version of the packages that it is to have
 * @returns the exit code
 * @throws Complaint where a file is there already
 */
export function initCommand(folder: string, version: string, { json = false }: { readonly json?: boolean }): number {
  const target = resolve(folder);
  const files = readdirSync(template).map((file) => ({ file, as: renamed[file] ?? file }));
  const taken = files.filter(({ as }) => existsSync(join(target, as))).map(({ as }) => as);
  if (taken.length > 0) {
    throw new Complaint({
      what: `There is something already: ${taken.join(", ")}`,
      where: relative("", target) || ".",
      mend: "Give a folder that is empty, or not there yet",
      exitCode: exitCodes.usage,
    });
  }
  mkdirSync(target, { recursive: true });
  for (const { file, as } of files) {
    const text = readFileSync(join(template, file), "utf8");
    const isFilledIn = text.includes("NAME") || text.includes("VERSION");
    if (isFilledIn)
      writeFileSync(join(target, as), text.replaceAll("NAME", nameOf(target)).replaceAll("VERSION", `^${version}`));
    else cpSync(join(template, file), join(target, as));
  }
  const written = files.map(({ as }) => as);
  if (json) console.log(JSON.stringify({ folder: target, files: written }));
  else console.log(told(relative("", target), written).join("\n"));
  return exitCodes.ok;
}

function told(folder: string, files: readonly string[]): string[] {
  const runner = /^(pnpm|yarn|bun)/.exec(process.env["npm_config_user_agent"] ?? "")?.[1] ?? "npm";
  return [
    `${paint.good("✓")} ${paint.bold(folder || ".")} ${paint.dim(files.join(" "))}`,
    "",
    "  Now:",
    ...(folder === "" ? [] : [`  cd ${folder}`]),
    `  ${runner} install`,
    `  ${runner} start          ${paint.dim("runs the flow; it needs no key")}`,
    `  ${runner} run dev        ${paint.dim("serves it")}`,
  ];
}

/** A name that a package may have. */
function nameOf(target: string): string {
  return (
    basename(target)
      .toLowerCase()
      .replaceAll(/[^a-z0-9._-]+/g, "-")
      .replace(/^[._-]+|[-]+$/g, "") || "my-flow"
  );
}
