import { styleText } from "node:util";

/** Colours, as far as the terminal has them and nobody has said NO_COLOR. */
export const paint = {
  dim: (text: string): string => styleText("dim", text),
  bold: (text: string): string => styleText("bold", text),
  good: (text: string): string => styleText("green", text),
  bad: (text: string): string => styleText("red", text),
  busy: (text: string): string => styleText("cyan", text),
  asks: (text: string): string => styleText("magenta", text),
  warn: (text: string): string => styleText("yellow", text),
} as const;

/** Whether standard output is a terminal that can be drawn on: no pipe, no CI, no NO_COLOR. */
export function isDrawable(env: Readonly<NodeJS.ProcessEnv> = process.env): boolean {
  const isSet = (name: string): boolean => env[name] !== undefined && env[name] !== "" && env[name] !== "false";
  return process.stdout.isTTY && !isSet("CI") && !isSet("NO_COLOR") && env["TERM"] !== "dumb";
}

/** Whether somebody is at the terminal who can be asked. */
export function isAttended(): boolean {
  return process.stdin.isTTY && process.stdout.isTTY;
}
