import type { Bar } from "./bar.ts";
import { earliestEnd } from "./early/earliest-end.ts";
import { type Outcome, few, outcomeOf } from "./early/outcome.ts";
import { picture } from "./early/picture.ts";
import { type Pace, paces, sizes } from "./early/recordings.ts";
import { summaryOf, tablesOf } from "./early/tables.ts";
import type { Section } from "./section.ts";
import { table } from "./table.ts";

/** How the paces are told of. */
const paceNames: Record<Pace, string> = {
  "80-per-second": "slowed to 80 tokens a second",
  "own-pace": "as fast as it goes",
};
/** The pace and the size that are shown in the README. */
const shown = { pace: "80-per-second", size: 12 };

/**
 * What it is worth to start look-ups while the model writes. Recorded tokens in virtual time: nothing is measured, and the
 * figures are the same on each machine.
 */
export async function early(): Promise<Section> {
  const outcomes: Outcome[] = [];
  for (const pace of paces) for (const size of sizes) outcomes.push(await outcomeOf(pace, size));
  const of = (wanted: string): Outcome[] => outcomes.filter(({ pace }) => pace === wanted);
  const { headings, rows } = summaryOf(of(shown.pace));
  const drawn = of(shown.pace).find(({ size }) => size === shown.size);
  if (drawn === undefined) throw new Error(`There is no recording of ${shown.size} steps`);
  return {
    title: "Early work",
    comparisons: [],
    growth: [],
    tables: paces.flatMap((pace) => tablesOf(of(pace), paceNames[pace])),
    bars: paces.flatMap((pace) => [undefined, few].map((atOnce) => barOf(of(pace), paceNames[pace], atOnce))),
    pages: [
      { file: "README.md", part: "early work", text: table(headings, rows) },
      { file: "docs/early-work.svg", text: picture(drawn) },
    ],
  };
}

/** That Sluice ends at most 5 % after the earliest possible end, at its worst. */
function barOf(outcomes: readonly Outcome[], pace: string, atOnce: number | undefined): Bar {
  const worst = outcomes.map(({ accepted, unlimited, limited }) => {
    const [ours] = atOnce === undefined ? unlimited : limited;
    return (ours?.end ?? Number.NaN) / earliestEnd(accepted, atOnce);
  });
  const limit = atOnce === undefined ? "" : `, ${atOnce} look-ups at a time`;
  return {
    what: `Early work, ${pace}${limit}: end, × the earliest possible`,
    value: Math.max(...worst),
    is: "at most",
    limit: 1.05,
    kind: "bar",
  };
}
