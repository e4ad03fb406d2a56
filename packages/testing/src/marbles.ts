import { equals, iterableEquality } from "@jest/expect-utils";
import { TestScheduler } from "rxjs/testing";
import { excerpt } from "./excerpt.ts";

/** What an Observable did, and when. `N` is a value, `E` an error, `C` the end. */
export interface Message {
  /** Milliseconds since the clock began. */
  readonly frame: number;
  readonly notification:
    | { readonly kind: "N"; readonly value: unknown }
    | { readonly kind: "E"; readonly error: unknown }
    | { readonly kind: "C" };
}

/** What the letters of marbles stand for. */
export type MarbleValues = Readonly<Record<string, unknown>>;

/** RxJS' parser, in which a character is a millisecond, as in the run mode of its TestScheduler. */
class Parser extends TestScheduler {
  static override frameTimeFactor = 1;
}

/**
 * The messages that marbles stand for.
 *
 * @param error what `#` stands for
 * @see https://rxjs.dev/guide/testing/marble-testing
 */
export function parseMarbles(marbles: string, values?: MarbleValues, error?: unknown): Message[] {
  return Parser.parseMarbles(marbles, values, error, false, true) as Message[];
}

/** Whether both did the same at the same times. Asymmetric matchers in `expected` are asked. */
export function sameMessages(got: readonly Message[], expected: readonly Message[]): boolean {
  return got.length === expected.length && got.every((message, index) => sameMessage(message, expected[index]));
}

/** What was expected and what came, as marbles and as a table of the instants. */
export function compareMarbles(
  got: readonly Message[],
  expected: readonly Message[],
  { marbles, values }: { readonly marbles: string; readonly values: MarbleValues | undefined },
): string {
  const letters = lettersOf(marbles, values, [...expected, ...got]);
  const rows = pairs(got, expected).map(({ at, wanted, came }) => [
    `${at} ms`,
    wanted === undefined ? "–" : described(wanted, letters),
    came === undefined ? "–" : described(came, letters),
    wanted !== undefined && came !== undefined && sameMessage(came, wanted) ? "" : "✗",
  ]);
  return [
    `expected  ${marbles}`,
    `got       ${drawn(got, letters) ?? "(too close together for marbles: see the table)"}`,
    "",
    ...table([["at", "expected", "got", ""], ...rows]),
  ].join("\n");
}

function sameMessage(got: Message, expected: Message | undefined): boolean {
  return got.frame === expected?.frame && equals(got.notification, expected.notification, [iterableEquality]);
}

type Letters = (value: unknown) => string;

/** Names values: as the marbles do, by themselves where they are one character, or by a letter that is free. */
function lettersOf(marbles: string, values: MarbleValues | undefined, messages: readonly Message[]): Letters {
  const named: [letter: string, value: unknown][] = Object.entries(values ?? {});
  const free = "abcdefghijklmnopqrstuvwxyzABCDEFGHIJKLMNOPQRSTUVWXYZ"
    .split("")
    .filter((letter) => !marbles.includes(letter) && !named.some(([name]) => name === letter));
  const letter: Letters = (value) =>
    named.find(([, one]) => equals(value, one, [iterableEquality]))?.[0] ??
    (values === undefined && typeof value === "string" && /^\w$/.test(value) ? value : "?");
  for (const { notification } of messages) {
    if (notification.kind !== "N" || letter(notification.value) !== "?") continue;
    const next = free.shift();
    if (next !== undefined) named.push([next, notification.value]);
  }
  return letter;
}

/** Marbles for messages; undefined when they follow each other faster than marbles can say. */
function drawn(messages: readonly Message[], letters: Letters): string | undefined {
  const parts: string[] = [];
  let frame = 0;
  for (const [at, together] of byFrame(messages)) {
    if (at < frame) return undefined;
    if (at > frame) parts.push(`${at - frame}ms`);
    const marks = together.map(({ notification }) =>
      notification.kind === "N" ? letters(notification.value) : notification.kind === "C" ? "|" : "#",
    );
    parts.push(marks.length === 1 ? marks.join("") : `(${marks.join("")})`);
    frame = at + (marks.length === 1 ? 1 : marks.length + 2);
  }
  return parts.length === 0 ? "(nothing)" : parts.join(" ");
}

function described({ notification }: Message, letters: Letters): string {
  if (notification.kind === "C") return "| complete";
  if (notification.kind === "E") return `# ${excerpt(notification.error)}`;
  const letter = letters(notification.value);
  return letter === notification.value ? letter : `${letter} ${excerpt(notification.value)}`;
}

/** The nth message of an instant beside the nth of the same instant. */
function pairs(got: readonly Message[], expected: readonly Message[]) {
  const came = byFrame(got);
  const wanted = byFrame(expected);
  const instants = [...new Set([...wanted.keys(), ...came.keys()])].toSorted((a, b) => a - b);
  return instants.flatMap((at) => {
    const [here, there] = [wanted.get(at) ?? [], came.get(at) ?? []];
    const rows = here.length > there.length ? here : there;
    return rows.map((_, index) => ({ at, wanted: here[index], came: there[index] }));
  });
}

function byFrame(messages: readonly Message[]): Map<number, Message[]> {
  const instants = new Map<number, Message[]>();
  for (const message of messages) instants.set(message.frame, [...(instants.get(message.frame) ?? []), message]);
  return instants;
}

function table(rows: readonly (readonly string[])[]): string[] {
  const widths = (rows[0] ?? []).map((_, column) => Math.max(...rows.map((row) => row[column]?.length ?? 0)));
  return rows.map((row) =>
    row
      .map((cell, column) => cell.padEnd(widths[column] ?? 0))
      .join("  ")
      .trimEnd(),
  );
}
