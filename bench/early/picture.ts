import { type Outcome, few } from "./outcome.ts";
import type { Played } from "./play.ts";
import { ms } from "./tables.ts";
import { lookUpMs } from "./way.ts";

const width = 960;
const left = 250;
const right = 110;
const top = 66;
const modelHeight = 12;
const lookUpHeight = 4;
const lookUpPitch = 6;
const gap = 22;

/** A row of the picture. */
interface Panel {
  readonly name: string;
  readonly note: string;
  readonly played: Played;
  /** When the model would have ended, had it not been stopped. @default it was not */
  readonly modelWouldEnd?: number;
}

type Scale = (ms: number) => number;

/** The ways side by side on one axis, as an SVG: what the model writes and the look-ups. */
export function picture(outcome: Outcome): string {
  const panels = panelsOf(outcome);
  const tops = panels.map(
    (_, index) => top + panels.slice(0, index).reduce((sum, one) => sum + heightOf(one) + gap, 0),
  );
  const bottom = top + panels.reduce((sum, one) => sum + heightOf(one) + gap, 0) - gap / 2;
  const latest = Math.max(...panels.map(({ played }) => played.end));
  const x: Scale = (time) => Math.round((left + (time / latest) * (width - left - right)) * 10) / 10;
  const ticks = Array.from({ length: Math.floor(latest / 500) + 1 }, (_, index) => index * 500);
  const title = `A reply with ${outcome.size} steps, and a look-up for each of them`;
  return [
    `<svg xmlns="http://www.w3.org/2000/svg" viewBox="0 0 ${width} ${bottom + 36}" role="img" aria-labelledby="title">`,
    `<title id="title">${title}: what ends when, if look-ups start on fields, on a diff, and after the reply</title>`,
    `<style>${style()}</style>`,
    `<rect class="ground" width="${width}" height="${bottom + 36}" rx="8"/>`,
    `<text class="head" x="20" y="30">${title}</text>`,
    ...legend(),
    ...ticks.map((tick) => tickParts(tick, x(tick), bottom)),
    ...panels.flatMap((panel, index) => panelParts(panel, tops[index] ?? 0, x)),
    "</svg>",
    "",
  ].join("\n");
}

function panelsOf({ unlimited, limited, stopped, rejected }: Outcome): readonly Panel[] {
  const [ours, diffing, after] = unlimited;
  const [lastLimited, ourStopped] = [limited.at(-1), stopped[0]];
  if (!ours || !diffing || !after || !lastLimited || !ourStopped) throw new Error("A way was not played");
  const kept = `${rejected.tokens - ourStopped.tokens} of ${rejected.tokens} tokens saved`;
  return [
    { name: ours.name, note: "a step starts its look-up", played: ours },
    { name: diffing.name, note: "partialOutputStream", played: diffing },
    { name: after.name, note: "all look-ups at once", played: after },
    { name: lastLimited.name, note: `${few} look-ups at a time`, played: lastLimited },
    { name: ourStopped.name, note: `"reject": ${kept}`, played: ourStopped, modelWouldEnd: rejected.modelEnd },
  ];
}

function heightOf({ played }: Panel): number {
  return Math.max(34, modelHeight + 4 + played.lookUps.length * lookUpPitch);
}

function panelParts({ name, note, played, modelWouldEnd }: Panel, y: number, x: Scale): readonly string[] {
  const bar = (kind: string, from: number, to: number, at: number, height: number): string =>
    `<rect class="${kind}" x="${x(from)}" y="${at}" width="${(x(to) - x(from)).toFixed(1)}" height="${height}" rx="2"/>`;
  const lookUps = played.lookUps.map((from, index) =>
    bar("look", from, from + lookUpMs, y + modelHeight + 4 + index * lookUpPitch, lookUpHeight),
  );
  const end = x(played.end);
  const foot = y + heightOf({ name, note, played });
  return [
    `<text class="name" x="20" y="${y + 11}">${name}</text>`,
    `<text class="small" x="20" y="${y + 29}">${note.replaceAll('"', "&quot;")}</text>`,
    ...(modelWouldEnd === undefined ? [] : [bar("not", played.modelEnd, modelWouldEnd, y, modelHeight)]),
    bar("model", 0, played.modelEnd, y, modelHeight),
    ...lookUps,
    `<path class="end" d="M${end} ${y - 4}V${foot}"/>`,
    `<text class="name" x="${end + 8}" y="${foot - 2}">${ms(played.end)}</text>`,
  ];
}

function legend(): readonly string[] {
  const items = [
    { kind: "model", text: "the model writes", at: 640 },
    { kind: "look", text: `a look-up of ${lookUpMs} ms`, at: 790 },
  ];
  return items.map(
    ({ kind, text, at }) =>
      `<rect class="${kind}" x="${at}" y="20" width="14" height="10" rx="2"/><text class="small" x="${at + 20}" y="30">${text}</text>`,
  );
}

function tickParts(time: number, x: number, bottom: number): string {
  return (
    `<path class="rule" d="M${x} ${top - 14}V${bottom + 2}"/>` +
    `<text class="small" x="${x}" y="${bottom + 20}" text-anchor="middle">${ms(time)}</text>`
  );
}

function style(): string {
  const colours = (ground: string, text: string, rule: string, model: string, look: string): string =>
    `.ground{fill:${ground}}text{fill:${text}}.rule{stroke:${rule}}.end{stroke:${text}}.model{fill:${model}}` +
    `.not{stroke:${model}}.look{fill:${look}}`;
  return [
    "text{font:13px system-ui,sans-serif}.head{font-size:16px;font-weight:600}.name{font-weight:600}.small{font-size:12px}",
    ".rule{stroke-width:1}.end{stroke-width:2}.not{fill:none;stroke-width:1;stroke-dasharray:3 3}",
    colours("#fff", "#1f2328", "#d1d9e0", "#8c959f", "#c2410c"),
    `@media(prefers-color-scheme:dark){${colours("#0d1117", "#e6edf3", "#30363d", "#6e7681", "#fb923c")}}`,
  ].join("");
}
