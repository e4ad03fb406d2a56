// The house check, on small houses of its own.
import { mkdirSync, mkdtempSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { dirname, join } from "node:path";
import { fileURLToPath } from "node:url";
import { afterAll, describe, expect, test } from "vitest";
import { checkHouse } from "../scripts/check-house.ts";

const folders: string[] = [];
afterAll(() => {
  for (const folder of folders) rmSync(folder, { recursive: true });
});

const table = (...rows: string[]): string => ["| room | files | may import |", "|---|---|---|", ...rows, ""].join("\n");
const good: Record<string, string> = {
  "docs/architecture.md": table("| `core` | `index` | `core/low` |", "| `core/low` | `noun` | `rxjs` |"),
  "packages/core/src/index.ts": 'export { a } from "./low/noun.ts";\n',
  "packages/core/src/low/noun.ts": 'import "rxjs/operators";\nexport const a = 1;\n',
};

/** A house with these files, over those of a good one. */
function house(files: Readonly<Record<string, string>>): string[] {
  const root = mkdtempSync(join(tmpdir(), "sluice-house-"));
  folders.push(root);
  for (const [file, text] of Object.entries({ ...good, ...files })) {
    mkdirSync(dirname(join(root, file)), { recursive: true });
    writeFileSync(join(root, file), text);
  }
  return checkHouse(root);
}

describe("check-house", () => {
  test("this house is in order", () => {
    expect(checkHouse(fileURLToPath(new URL("..", import.meta.url)))).toEqual([]);
  });

  test("a house in order has nothing to mend", () => {
    expect(house({})).toEqual([]);
  });

  test.each([
    ["a file over 400 lines", { "packages/core/src/low/noun.ts": "\n".repeat(400) + "x" }, /noun\.ts has 401 lines/],
    ["a file that is not in the table", { "packages/core/src/low/other.ts": "" }, /other\.ts is not in the table/],
    [
      "a row for a file that is gone",
      { "docs/architecture.md": table("| `core` | `index` | `core/low` |", "| `core/low` | `noun` `gone` | `rxjs` |") },
      /lists core\/low\/gone, which is not there/,
    ],
    [
      "an import against the river",
      { "packages/core/src/low/noun.ts": 'import "../index.ts";' },
      /imports from core, which .* does not allow in core\/low/,
    ],
    [
      "a type import against the river",
      { "packages/core/src/low/noun.ts": 'import type { a } from "../index.ts";' },
      /imports from core/,
    ],
    ["a package that is not allowed", { "packages/core/src/low/noun.ts": 'import "node:fs";' }, /imports node:fs/],
    [
      "a cycle",
      { "packages/core/src/low/noun.ts": 'import "./noun.ts";' },
      /a cycle of imports: .*noun\.ts → .*noun\.ts/,
    ],
    ["a file without a name", { "packages/core/src/low/utils.ts": "" }, /utils\.ts is called "utils"/],
    [
      "an error code that the docs lack",
      { "packages/core/src/error/error-code.ts": 'export const errorCodes = ["a-b"] as const;' },
      /docs\/errors\.md does not list "a-b"/,
    ],
    [
      "a snippet that no example has",
      { "README.md": "<!-- packages/core/src/index.ts -->\n```ts\nconst gone = 1;\n```\n" },
      /the snippet "const gone = 1;" is not in/,
    ],
    ["a snippet without its example", { "README.md": "```ts\nconst a = 1;\n```\n" }, /does not name its example/],
  ])("%s is told", (_name, files, message) => {
    expect(house(files as Record<string, string>).join("\n")).toMatch(message);
  });
});
