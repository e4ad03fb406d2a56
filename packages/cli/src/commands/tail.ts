import { exitCodes, misused } from "../complaint.ts";
import { type PlaceOptions, chosenPlace } from "../place/chosen-place.ts";
import { entryScreen, plainScreen } from "../terminal/screen.ts";

/** How a log is followed. */
export interface TailOptions extends PlaceOptions {
  readonly after?: string;
  /** Set to false by `--no-follow`. */
  readonly follow?: boolean;
  readonly json?: boolean;
}

/** Prints the log of an execution, and what comes, until it ends. @returns the exit code */
export async function tailCommand(
  executionId: string,
  { after, follow = true, json = false, ...where }: TailOptions,
): Promise<number> {
  const from = after === undefined ? 0 : Number(after);
  if (!Number.isInteger(from) || from < 0)
    throw misused(`"${after}" is no number of an entry`, "Give --after a whole number");
  const place = chosenPlace(where);
  const screen = json ? entryScreen() : plainScreen();
  try {
    const { lastSeq = from } = await place.show(executionId); // an unknown one is told at once
    if (from > lastSeq) throw misused(`There is no entry ${from} yet`, `Give --after a number up to ${lastSeq}`);
    for await (const entry of place.entries(executionId, { after: from, follow })) screen.take(entry);
    return exitCodes.ok;
  } finally {
    await place.close();
  }
}
