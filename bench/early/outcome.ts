import { afterTheReply } from "./after-the-reply.ts";
import { byDiffing } from "./by-diffing.ts";
import { onFields } from "./on-fields.ts";
import { type Played, play } from "./play.ts";
import { type Arrivals, type Pace, arrivalsOf, recordingOf } from "./recordings.ts";

/** Look-ups at the same time, where they are limited. */
export const few = 4;

/** What each way made of the recordings of one size at one pace; Sluice comes first. */
export interface Outcome {
  readonly pace: Pace;
  /** Steps of the review. */
  readonly size: number;
  readonly accepted: Arrivals;
  readonly rejected: Arrivals;
  /** All look-ups may work at the same time. */
  readonly unlimited: readonly Played[];
  /** Only `few`. */
  readonly limited: readonly Played[];
  /** The verdict is "reject". */
  readonly stopped: readonly Played[];
}

/** @throws Error when a way does not find what it should. */
export async function outcomeOf(pace: Pace, size: number): Promise<Outcome> {
  const [accept, reject] = [recordingOf(pace, "accept", size), recordingOf(pace, "reject", size)];
  return {
    pace,
    size,
    accepted: arrivalsOf(accept),
    rejected: arrivalsOf(reject),
    unlimited: await all(accept, size),
    limited: await all(accept, size, few),
    stopped: await all(reject, undefined),
  };
}

async function all(file: string, count: number | undefined, atOnce?: number): Promise<readonly Played[]> {
  const played: Played[] = [];
  for (const way of [onFields, byDiffing, afterTheReply]) played.push(await play(way, file, atOnce));
  for (const { name, found } of played) {
    const isRight = found?.length === count && JSON.stringify(found) === JSON.stringify(played[0]?.found);
    if (!isRight) throw new Error(`${name} finds ${JSON.stringify(found)} for ${file}: see bench/early`);
  }
  return played;
}
