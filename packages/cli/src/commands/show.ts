import { exitCodes } from "../complaint.ts";
import { type PlaceOptions, chosenPlace } from "../place/chosen-place.ts";
import type { Details, Place } from "../place/place.ts";
import { Expenses } from "../terminal/expenses.ts";
import { paint } from "../terminal/paint.ts";
import { ago, counted, full, oneLine } from "../terminal/shown.ts";
import { toldStatus } from "../terminal/status.ts";

/** Shows one execution: how it is, its state, what it asks, what is under way, what it has come to. @returns the exit code */
export async function showCommand(
  executionId: string,
  { json = false, ...where }: PlaceOptions & { readonly json?: boolean },
): Promise<number> {
  const place = chosenPlace(where);
  try {
    const details = await place.show(executionId);
    if (json) console.log(JSON.stringify(details));
    else {
      const expenses = new Expenses();
      for await (const entry of place.entries(executionId)) expenses.take(entry);
      console.log(detailLines(details, place, String(expenses)).join("\n"));
    }
    return exitCodes.ok;
  } finally {
    await place.close();
  }
}

/** What is known of an execution, as lines. */
export function detailLines(details: Details, place: Pick<Place, "option">, note = ""): string[] {
  const {
    executionId,
    flow = "",
    status,
    startedAt,
    lastSeq,
    forkedFrom,
    state,
    interrupts,
    position = [],
    error,
  } = details;
  const facts = [
    ...(startedAt === undefined ? [] : [`began ${ago(Date.now() - startedAt)}`]),
    ...(lastSeq === undefined ? [] : [counted(lastSeq, "entry", "entries")]),
    ...(forkedFrom === undefined ? [] : [`forked from ${forkedFrom.executionId} at ${forkedFrom.seq}`]),
    ...(note === "" ? [] : [note]),
  ];
  return [
    [paint.bold(flow), executionId, toldStatus(status)].filter((part) => part !== "").join("  "),
    paint.dim(`  ${facts.join(" · ")}`),
    ...section("state", isEmpty(state) ? [] : full(state).split("\n")),
    ...section(
      "under way",
      position.map(({ chunk, lane, attempts, is }) => {
        const which = is === "running" ? `attempt ${attempts}` : "waits for its turn";
        return `${chunk}  ${paint.dim(`${lane}  ${which}`)}`;
      }),
    ),
    ...section(
      "asks",
      interrupts.flatMap(({ id, payload, chunk }) => [
        `${paint.asks(id)}  ${paint.dim(`by ${chunk}`)}`,
        ...full(payload).split("\n"),
        paint.dim(`sluice answer ${executionId} '{…}' --question ${id} ${place.option}`),
      ]),
    ),
    ...("result" in details ? section("result", full(details.result).split("\n")) : []),
    ...(error === undefined
      ? []
      : section("error", [oneLine(error.what ?? error.message), ...(error.mend === undefined ? [] : [error.mend])])),
  ];
}

function section(title: string, lines: readonly string[]): string[] {
  return lines.length === 0 ? [] : [`  ${paint.bold(title)}`, ...lines.map((line) => `    ${line}`)];
}

function isEmpty(state: unknown): boolean {
  return state === undefined || state === null || Object.keys(state).length === 0;
}
