import { times } from "./quantity.ts";
import { type Comparison, type Section, ratio } from "./section.ts";

/** How a contestant is drawn: its shape, in a square of 2 by 2 around 0, and its colours on light and on dark ground. */
interface Marker {
  readonly name: string;
  readonly path: string;
  readonly light: string;
  readonly dark: string;
}

const circle = "M-1 0a1 1 0 1 0 2 0a1 1 0 1 0-2 0z";
const square = "M-.9-.9h1.8v1.8h-1.8z";
const diamond = "M0-1.25 1.25 0 0 1.25-1.25 0z";
const triangle = "M0-1.2 1.15.9h-2.3z";
const cross = "M-.9-.4h.5v-.5h.8v.5h.5v.8h-.5v.5h-.8v-.5h-.5z";

const ours: Marker = { name: "Sluice", path: circle, light: "#c2410c", dark: "#fb923c" };
const unit: Marker = { name: "RxJS by hand", path: diamond, light: "#be185d", dark: "#f472b6" };
const markers: readonly Marker[] = [
  ours,
  { name: "Sluice, pulled", path: triangle, light: "#c2410c", dark: "#fb923c" },
  { name: "async functions", path: cross, light: "#57606a", dark: "#9198a1" },
  unit,
  { name: "xstate", path: square, light: "#0969da", dark: "#58a6ff" },
  { name: "workflow-core", path: triangle, light: "#7c3aed", dark: "#c084fc" },
  { name: "Mastra", path: diamond, light: "#0f766e", dark: "#2dd4bf" },
  { name: "cycgraph", path: cross, light: "#854d0e", dark: "#eab308" },
  { name: "LangGraph", path: square, light: "#15803d", dark: "#4ade80" },
];

const width = 960;
const left = 320;
const right = 44;
const top = 118;
const rowHeight = 34;
const legendColumns = 5;
const radius = 5;

/** The comparisons that have a row in it, as an SVG: what each contestant costs as a multiple of Sluice, on a log scale. */
export function chart(sections: readonly Section[]): string {
  const rows = sections.flatMap(({ comparisons }) => comparisons).filter((row) => row.chart !== undefined);
  const factors = rows.flatMap(({ costs, ours }) => costs.map(({ name }) => ratio(costs, name, ours)));
  const from = Math.floor(Math.log10(Math.min(1, ...factors)));
  const to = Math.ceil(Math.log10(Math.max(10, ...factors)));
  const bottom = top + rows.length * rowHeight;
  const x = (factor: number): number =>
    round(left + ((Math.log10(factor) - from) / (to - from)) * (width - left - right));
  const decades = Array.from({ length: to - from + 1 }, (_, index) => from + index);
  return [
    `<svg xmlns="http://www.w3.org/2000/svg" viewBox="0 0 ${width} ${bottom + 48}" role="img" aria-labelledby="title">`,
    `<title id="title">What each contestant costs, as a multiple of what Sluice costs</title>`,
    `<style>${style()}</style>`,
    `<rect class="ground" width="${width}" height="${bottom + 48}" rx="8"/>`,
    `<text class="head" x="20" y="30">What it costs, × Sluice</text>`,
    `<text class="small" x="${width - 20}" y="30" text-anchor="end">log scale; less is to the left; hollow is extrapolated</text>`,
    ...markers.map(legend),
    ...decades.map((decade) => line(x(10 ** decade), bottom, decade)),
    ...rows.flatMap((row, index) => rowParts(row, top + (index + 0.5) * rowHeight, x)),
    "</svg>",
    "",
  ].join("\n");
}

function style(): string {
  const colours = (of: "light" | "dark"): string =>
    markers.map((marker, index) => `.m${index}{color:${marker[of]}}`).join("");
  const ground = (fill: string, text: string, rule: string): string =>
    `.ground{fill:${fill}}text{fill:${text}}.rule{stroke:${rule}}.one{stroke:${text}}`;
  return [
    "text{font:13px system-ui,sans-serif}.head{font-size:16px;font-weight:600}.small{font-size:12px}",
    ".rule,.one{stroke-width:1}.dot{fill:currentColor;stroke:currentColor;stroke-width:.3}.about{fill:none}",
    ground("#fff", "#1f2328", "#d1d9e0") + colours("light"),
    `@media(prefers-color-scheme:dark){${ground("#0d1117", "#e6edf3", "#30363d")}${colours("dark")}}`,
  ].join("");
}

function legend({ name }: Marker, index: number): string {
  const column = index % legendColumns;
  const x = 28 + column * ((width - 40) / legendColumns);
  const y = 58 + Math.floor(index / legendColumns) * 22;
  return `${dot(index, x, y, false, name)}<text class="small" x="${round(x + 12)}" y="${y + 4}">${escaped(name)}</text>`;
}

function line(x: number, bottom: number, decade: number): string {
  const label = decade < 0 ? (10 ** decade).toFixed(-decade) : (10 ** decade).toLocaleString("en");
  return (
    `<path class="${decade === 0 ? "one" : "rule"}" d="M${x} ${top - 8}V${bottom + 4}"/>` +
    `<text class="small" x="${x}" y="${bottom + 22}" text-anchor="middle">${label} ×</text>`
  );
}

function rowParts(
  { chart: label = "", costs, ours: sluice, unit: one }: Comparison,
  y: number,
  x: (factor: number) => number,
) {
  const oursLast = costs.toSorted((a, b) => Number(a.name === sluice) - Number(b.name === sluice)); // on top
  const dots = oursLast.map(({ name, estimated }) => {
    const factor = ratio(costs, name, sluice);
    const marker = name === sluice ? ours.name : name === one ? unit.name : name;
    const index = markers.findIndex((candidate) => candidate.name === marker);
    if (index < 0) throw new Error(`The chart has no marker for ${name}`);
    return dot(index, x(factor), y, estimated, `${label}: ${name}, ${times(factor)} × ${sluice}`);
  });
  return [
    `<path class="rule" d="M${left} ${y}H${width - right}"/>`,
    `<text x="${left - 14}" y="${y + 4}" text-anchor="end">${escaped(label)}</text>`,
    ...dots,
  ];
}

/** Its size is that of the shape's path, scaled; Sluice is larger than the others. */
function dot(index: number, x: number, y: number, estimated: boolean, title: string): string {
  const scale = index === 0 ? radius * 1.3 : radius;
  const shape = `<path class="dot${estimated ? " about" : ""}" d="${markers[index]?.path}"/>`;
  return `<g class="m${index}" transform="translate(${round(x)} ${y}) scale(${scale})"><title>${escaped(title)}</title>${shape}</g>`;
}

function round(number: number): number {
  return Math.round(number * 10) / 10;
}

function escaped(text: string): string {
  return text.replaceAll("&", "&amp;").replaceAll("<", "&lt;");
}
