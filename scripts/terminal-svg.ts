// Draws what a command has left on a terminal. docs/support-triage.svg is made so, on Linux:
//   script -qec "stty rows 50 cols 230; npx ts-node examples/support-triage.ts examples/tickets/01-invoice.txt" /dev/null \
//     | npx ts-node scripts/terminal-svg.ts "npm start" > docs/support-triage.svg
// docs/cli-run.svg, of a command in the middle, in packages/cli/template:
//   script -qec "stty rows 40 cols 100; timeout -s KILL 3.3 npx sluice run flow.ts --input note.json" /dev/null \
//     | npx ts-node ../../../scripts/terminal-svg.ts "sluice run flow.ts --input note.json" > ../../../docs/cli-run.svg
import { readFileSync } from "node:fs";
import { fileURLToPath } from "node:url";

const widest = 122;
const lineHeight = 19;
const colours: readonly (readonly [part: RegExp, attributes: string])[] = [
  [/▸[\w,\s]+$|\searly\s/g, 'fill="#e5c07b"'],
  [/✓/g, 'fill="#7bc96f"'],
  [/[⠋-⠿▌]/g, 'fill="#56b6c2"'],
  [/▒+/g, 'fill="#52c4a3"'],
  [/█+/g, 'fill="#4f9cf5"'],
  [/\d+\schunks\sstarted.*/g, 'fill="#ffffff" font-weight="bold"'],
];

/** The lines that stand on a terminal after it was sent `text`: as much of a terminal as log-update needs. */
export function terminalLines(text: string): string[] {
  const lines: string[] = [""];
  let row = 0;
  let column = 0;
  // oxlint-disable-next-line no-control-regex -- control sequences are what is read
  for (const [part, digits = "", command] of text.matchAll(/\u001b\[\??(\d*)([A-Za-z])|\r|\n|[^\u001b\r\n]+/g)) {
    if (command === "A") row = Math.max(0, row - Number(digits || 1));
    else if (command === "B") lines[(row += Number(digits || 1))] ??= "";
    else if (command === "G" || part === "\r") column = 0;
    else if (command === "K") lines[row] = digits === "2" ? "" : (lines[row] ?? "").slice(0, column);
    else if (part === "\n") lines[(row += 1)] ??= "";
    else if (command === undefined) {
      const line = (lines[row] ?? "").padEnd(column);
      lines[row] = line.slice(0, column) + part + line.slice(column + part.length);
      column += part.length;
    }
  }
  return lines.map((line) => line.trimEnd());
}

/** A picture of a terminal, as SVG. Lines that are too long are cut. */
export function terminalSvg(title: string, lines: readonly string[]): string {
  const height = 34 + lines.length * lineHeight;
  const texts = lines.map((line, row) =>
    line === "" ? "" : `<text x="20" y="${34 + row * lineHeight}">${coloured(cut(line))}</text>\n`,
  );
  return `<svg xmlns="http://www.w3.org/2000/svg" width="1030" height="${height}" viewBox="0 0 1030 ${height}" role="img">
<title>${title}</title>
<rect width="100%" height="100%" rx="8" fill="#16191f"/>
<g font-family="ui-monospace, SFMono-Regular, Menlo, Consolas, 'DejaVu Sans Mono', monospace" font-size="13.5" fill="#c8ccd4">
${texts.join("")}</g>
</svg>
`;
}

function cut(line: string): string {
  return line.length > widest ? `${line.slice(0, widest - 1)}…` : line;
}

function coloured(line: string): string {
  const escaped = line.replaceAll("&", "&amp;").replaceAll("<", "&lt;");
  return colours.reduce(
    (text, [part, attributes]) => text.replace(part, (found) => `<tspan ${attributes}>${found}</tspan>`),
    escaped.replaceAll(" ", "\u00a0"), // SVG would join spaces
  );
}

if (process.argv[1] === fileURLToPath(import.meta.url)) {
  const lines = terminalLines(readFileSync(0, "utf8"));
  while (lines.at(-1) === "") lines.pop();
  process.stdout.write(terminalSvg(`A terminal: ${process.argv[2] ?? ""}`, [`$ ${process.argv[2] ?? ""}`, ...lines]));
}
