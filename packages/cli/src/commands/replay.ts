import { setTimeout } from "node:timers/promises";
import type { Entry, Replay } from "@sluice/core";
import { exitCodes, misused } from "../complaint.ts";
import { type PlaceOptions, chosenPlace } from "../place/chosen-place.ts";
import type { Place } from "../place/place.ts";
import { isDrawable } from "../terminal/paint.ts";
import { type Screen, entryScreen, liveScreen, plainScreen } from "../terminal/screen.ts";
import { detailLines } from "./show.ts";

/** How a stored execution is played. */
export interface ReplayCommandOptions extends PlaceOptions {
  /** Number of an entry: only that moment. */
  readonly at?: string;
  readonly speed?: string;
  readonly json?: boolean;
}

/** No pause is longer, in milliseconds, however long somebody has thought. */
const longestPauseMs = 3_000;

/** Plays what is stored of an execution at the pace at which it happened, or shows one moment of it. Nothing is run. @returns the exit code */
export async function replayCommand(executionId: string, options: ReplayCommandOptions): Promise<number> {
  const { at, speed: given = "1", json = false, ...where } = options;
  const speed = given === "max" ? Number.POSITIVE_INFINITY : Number(given);
  if (!(speed > 0)) throw misused(`"${given}" is no speed`, "Give --speed a number such as 10, or max");
  const seq = at === undefined ? undefined : Number(at);
  if (seq !== undefined && !Number.isInteger(seq))
    throw misused(`"${at}" is no number of an entry`, "Give --at a whole number");
  const place = chosenPlace(where);
  try {
    if (seq !== undefined) tellMoment(await place.moment(executionId, seq), place, json);
    else await play(place, executionId, json ? Number.POSITIVE_INFINITY : speed, json);
    return exitCodes.ok;
  } finally {
    await place.close();
  }
}

function tellMoment({ entries, items: _items, ...moment }: Replay, place: Place, json: boolean): void {
  const entry = entries.at(-1);
  if (json) return console.log(JSON.stringify({ ...moment, entry }));
  const begun = entries[0];
  const flow = begun?.type === "flow:start" ? begun.flow : "";
  const { seq, at, ...details } = moment;
  const note = `at entry ${seq}, ${entry?.type ?? ""}, ${new Date(at).toISOString()}`;
  console.log(detailLines({ ...details, flow }, place, note).join("\n"));
}

async function play(place: Place, executionId: string, speed: number, json: boolean): Promise<void> {
  let before: Entry | undefined;
  let since = Date.now();
  const now = (): number => (before?.at ?? 0) + (Number.isFinite(speed) ? (Date.now() - since) * speed : 0);
  let screen: Screen | undefined;
  for await (const entry of place.entries(executionId)) {
    screen ??= json ? entryScreen() : isDrawable() ? liveScreen({ now }) : plainScreen();
    const pauseMs = before === undefined ? 0 : Math.min((entry.at - before.at) / speed, longestPauseMs);
    if (pauseMs >= 1) await setTimeout(pauseMs);
    [before, since] = [entry, Date.now()];
    screen.take(entry);
  }
  screen?.close();
}
