import type { Table } from "../table.ts";
import { earliestEnd } from "./earliest-end.ts";
import { type Outcome, few } from "./outcome.ts";
import type { Played } from "./play.ts";
import type { Arrivals } from "./recordings.ts";

/** The tables of RESULTS.md for one pace. */
export function tablesOf(outcomes: readonly Outcome[], pace: string): readonly Table[] {
  const recorded = `The toy model of the examples, ${pace}, recorded, and played in virtual time: the same on each machine.`;
  const ways =
    "Sluice starts a look-up when the field of its step is complete; by hand one starts when the next step or the summary follows; after the reply all start together, as in steps of LangGraph and Mastra.";
  return [
    endTable(outcomes, `Look-ups, ${pace}`, `${recorded} All look-ups may work at the same time. ${ways}`),
    endTable(
      outcomes,
      `Look-ups, ${few} at a time, ${pace}`,
      `${recorded} At most ${few} look-ups work at the same time.`,
      few,
    ),
    stopTable(
      outcomes,
      `Early stop, ${pace}`,
      `${recorded} The verdict, the first field, is "reject": nothing behind it is needed.`,
    ),
  ];
}

function endTable(outcomes: readonly Outcome[], title: string, note: string, atOnce?: number): Table {
  const rows = outcomes.flatMap(({ size, accepted, unlimited, limited }) =>
    (atOnce === undefined ? unlimited : limited).map((played) => [
      rowName(size, played),
      ms(played.modelEnd),
      ms(played.lookUps[0] ?? Number.NaN),
      ms(played.end),
      ms(earliestEnd(accepted, atOnce)),
      over(played, accepted, atOnce),
    ]),
  );
  return {
    title,
    note,
    headings: ["", "model ends", "first look-up", "all ends", "earliest possible", "over it"],
    rows,
  };
}

function stopTable(outcomes: readonly Outcome[], title: string, note: string): Table {
  const rows = outcomes.flatMap(({ size, rejected, stopped }) =>
    stopped.map((played) => [
      rowName(size, played),
      String(rejected.tokens),
      String(rejected.tokens - played.tokens),
      ms(played.end),
      ms(rejected.modelEnd - played.end),
    ]),
  );
  return { title, note, headings: ["", "tokens of the reply", "tokens saved", "ends", "time saved"], rows };
}

/** Headings and rows of the table in the README. */
export function summaryOf(outcomes: readonly Outcome[]): Pick<Table, "headings" | "rows"> {
  const rows = outcomes.flatMap(({ size, accepted, rejected, unlimited, limited, stopped }) =>
    unlimited.map((played, index) => [
      rowName(size, played),
      ms(played.modelEnd),
      ms(played.lookUps[0] ?? Number.NaN),
      ms(played.end),
      over(played, accepted),
      ms(limited[index]?.end ?? Number.NaN),
      saved(stopped[index] ?? played, rejected),
    ]),
  );
  const headings = [
    "",
    "model ends",
    "first look-up",
    "all ends",
    "over the earliest possible",
    `all ends, ${few} at a time`,
    "tokens saved on `reject`",
  ];
  return { headings, rows };
}

/** Milliseconds, with their unit. */
export function ms(time: number): string {
  return `${time.toLocaleString("en")} ms`;
}

function rowName(size: number, { name }: Played): string {
  return `${size} steps: ${name}`;
}

function over({ end }: Played, arrivals: Arrivals, atOnce?: number): string {
  return `${((end / earliestEnd(arrivals, atOnce) - 1) * 100).toFixed(1)} %`;
}

function saved({ tokens }: Played, reply: Arrivals): string {
  return `${reply.tokens - tokens} of ${reply.tokens}`;
}
