// Holds the tables of docs/architecture.md and docs/errors.md against the code, and the code against the house rules.
import { existsSync, readFileSync, readdirSync } from "node:fs";
import { dirname, join, relative, resolve, sep } from "node:path";
import { fileURLToPath, pathToFileURL } from "node:url";
import ts from "typescript";

/** Longest source file, in lines. */
const maxLines = 400;
/** File names that hide what is in them. */
const nameless = ["types", "util", "utils", "helper", "helpers", "common", "misc", "shared"];

/** A row of the table of rooms: a folder, its files, and what its files may import. */
interface Room {
  readonly name: string;
  readonly files: readonly string[];
  /** Rooms by name, packages by their import name. */
  readonly imports: readonly string[];
}

/**
 * Everything in a checkout that breaks the house rules, one line each.
 *
 * @param root the checkout's folder
 */
export function checkHouse(root: string): string[] {
  const rooms = readRooms(root);
  const files = sourceFiles(root);
  const graph = new Map(files.map((file) => [file, importsOf(join(root, file))]));
  return [
    ...files.flatMap((file) => checkFile(root, file)),
    ...checkRooms(rooms, files),
    ...[...graph].flatMap(([file, imports]) => checkImports(root, file, imports, rooms)),
    ...cycles(root, graph),
    ...checkErrors(root),
    ...checkSnippets(root),
  ];
}

function readRooms(root: string): Room[] {
  return tableRows(join(root, "docs/architecture.md"), "room").map(([name = "", files = "", imports = ""]) => ({
    name: coded(name)[0] ?? "",
    files: coded(files),
    imports: coded(imports),
  }));
}

/** The rows of the first table whose first heading is `heading`. */
function tableRows(file: string, heading: string): string[][] {
  if (!existsSync(file)) return [];
  const lines = readFileSync(file, "utf8").split("\n");
  const cells = (line: string): string[] =>
    line
      .split("|")
      .slice(1, -1)
      .map((cell) => cell.trim());
  const begin = lines.findIndex((line) => line.startsWith("|") && cells(line)[0] === heading);
  if (begin < 0) return [];
  const rows = lines.slice(begin + 2);
  const end = rows.findIndex((line) => !line.startsWith("|"));
  return rows.slice(0, end < 0 ? rows.length : end).map(cells);
}

/** What stands in backquotes. */
function coded(cell: string): string[] {
  return [...cell.matchAll(/`([^`]+)`/g)].map(([, text = ""]) => text);
}

function sourceFiles(root: string): string[] {
  const packages = join(root, "packages");
  if (!existsSync(packages)) return [];
  return readdirSync(packages).flatMap((name) => {
    const source = join(packages, name, "src");
    if (!existsSync(source)) return [];
    const entries = readdirSync(source, { recursive: true }) as string[];
    return entries
      .filter((file) => file.endsWith(".ts"))
      .map((file) => relative(root, join(source, file)).split(sep).join("/"))
      .sort();
  });
}

/** The room of a file: `core/run` for `packages/core/src/run/shell.ts`, `core` for `packages/core/src/index.ts`. */
function roomOf(file: string): string {
  const [, name = "", , ...inside] = file.split("/");
  return inside.length > 1 ? `${name}/${inside[0]}` : name;
}

function checkFile(root: string, file: string): string[] {
  const lines = readFileSync(join(root, file), "utf8").trimEnd().split("\n").length;
  const name = file.slice(file.lastIndexOf("/") + 1, -3);
  return [
    ...(lines > maxLines ? [`${file} has ${lines} lines; ${maxLines} are the most: ask what noun it hides`] : []),
    ...(nameless.includes(name) ? [`${file} is called "${name}", which tells nothing: name it after its noun`] : []),
  ];
}

function checkRooms(rooms: readonly Room[], files: readonly string[]): string[] {
  const listed = new Set(rooms.flatMap(({ name, files: inside }) => inside.map((file) => `${name}/${file}`)));
  const there = new Map(files.map((file) => [`${roomOf(file)}/${file.slice(file.lastIndexOf("/") + 1, -3)}`, file]));
  return [
    ...[...there]
      .filter(([key]) => !listed.has(key))
      .map(([, file]) => `${file} is not in the table of docs/architecture.md`),
    ...[...listed]
      .filter((key) => !there.has(key))
      .map((key) => `docs/architecture.md lists ${key}, which is not there`),
  ];
}

function importsOf(file: string): string[] {
  return ts.preProcessFile(readFileSync(file, "utf8"), true, false).importedFiles.map(({ fileName }) => fileName);
}

function checkImports(root: string, file: string, imports: readonly string[], rooms: readonly Room[]): string[] {
  const room = roomOf(file);
  const allowed = rooms.find(({ name }) => name === room)?.imports ?? [];
  return imports.flatMap((imported) => {
    if (!imported.startsWith(".")) {
      const pack = imported
        .split("/")
        .slice(0, imported.startsWith("@") ? 2 : 1)
        .join("/");
      return allowed.includes(pack)
        ? []
        : [`${file} imports ${imported}, which docs/architecture.md does not allow in ${room}`];
    }
    const target = roomOf(targetOf(root, file, imported));
    const fits = target === room || allowed.includes(target);
    return fits ? [] : [`${file} imports from ${target}, which docs/architecture.md does not allow in ${room}`];
  });
}

function targetOf(root: string, file: string, imported: string): string {
  return relative(root, resolve(root, dirname(file), imported))
    .split(sep)
    .join("/");
}

function cycles(root: string, graph: ReadonlyMap<string, readonly string[]>): string[] {
  const done = new Set<string>();
  const found: string[] = [];
  const visit = (file: string, above: readonly string[]): void => {
    if (above.includes(file))
      found.push(`a cycle of imports: ${[...above.slice(above.indexOf(file)), file].join(" → ")}`);
    if (done.has(file) || above.includes(file)) return;
    for (const imported of graph.get(file) ?? []) {
      if (imported.startsWith(".")) visit(targetOf(root, file, imported), [...above, file]);
    }
    done.add(file);
  };
  for (const file of graph.keys()) visit(file, []);
  return found;
}

/** Both lists of codes, in the code and in docs/errors.md, name the same. */
function checkErrors(root: string): string[] {
  const lists = [
    ["packages/core/src/error/error-code.ts", "errorCodes", "code"],
    ["packages/core/src/graph/definition-problem.ts", "problemCodes", "problem"],
  ] as const;
  return lists.flatMap(([file, name, heading]) => {
    if (!existsSync(join(root, file))) return [];
    const inCode = textsIn(join(root, file), name);
    const inDocs = tableRows(join(root, "docs/errors.md"), heading).flatMap(([cell = ""]) => coded(cell));
    return [
      ...inCode
        .filter((code) => !inDocs.includes(code))
        .map((code) => `docs/errors.md does not list "${code}" of ${name}`),
      ...inDocs
        .filter((code) => !inCode.includes(code))
        .map((code) => `docs/errors.md lists "${code}", which ${name} does not have`),
    ];
  });
}

/** Each TypeScript snippet of the README and the guides names its example, and stands in it word for word. */
function checkSnippets(root: string): string[] {
  const docs = existsSync(join(root, "docs")) ? (readdirSync(join(root, "docs"), { recursive: true }) as string[]) : [];
  const pages = ["README.md", ...docs.filter((file) => file.endsWith(".md")).map((file) => `docs/${file}`)];
  return pages.flatMap((page) => {
    if (!existsSync(join(root, page))) return [];
    const text = readFileSync(join(root, page), "utf8");
    return [...text.matchAll(/(?:<!-- (\S+) -->\n)?```ts\n(.*?)```/gs)].flatMap(([, source, snippet = ""]) => {
      const [first = ""] = snippet.split("\n");
      if (source === undefined)
        return [`${page}: the snippet "${first}" does not name its example: <!-- examples/… -->`];
      if (!existsSync(join(root, source))) return [`${page}: the example ${source} is not there`];
      return readFileSync(join(root, source), "utf8").includes(snippet)
        ? []
        : [`${page}: the snippet "${first}" is not in ${source}`];
    });
  });
}

/** The texts of an exported list. */
function textsIn(file: string, name: string): string[] {
  const source = ts.createSourceFile(file, readFileSync(file, "utf8"), ts.ScriptTarget.ES2022);
  const texts: string[] = [];
  const visit = (node: ts.Node): void => {
    if (ts.isVariableDeclaration(node) && ts.isIdentifier(node.name) && node.name.text === name && node.initializer) {
      const literal = ts.isAsExpression(node.initializer) ? node.initializer.expression : node.initializer;
      if (ts.isArrayLiteralExpression(literal)) {
        for (const element of literal.elements) if (ts.isStringLiteral(element)) texts.push(element.text);
      }
    }
    ts.forEachChild(node, visit);
  };
  visit(source);
  return texts;
}

if (import.meta.url === pathToFileURL(process.argv[1] ?? "").href) {
  const problems = checkHouse(fileURLToPath(new URL("..", import.meta.url)));
  for (const problem of problems) console.error(problem);
  console.log(problems.length === 0 ? "The house is in order" : `${problems.length} things to mend`);
  process.exitCode = problems.length === 0 ? 0 : 1;
}
