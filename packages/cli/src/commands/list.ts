import type { ExecutionStatus } from "@sluice/core";
import { exitCodes, misused } from "../complaint.ts";
import { type PlaceOptions, chosenPlace } from "../place/chosen-place.ts";
import { toldStatus } from "../terminal/status.ts";
import { ago, counted, oneLine } from "../terminal/shown.ts";
import { paint } from "../terminal/paint.ts";

/** What is listed. */
export interface ListOptions extends PlaceOptions {
  readonly flow?: string;
  /** Comma-separated. */
  readonly status?: string;
  readonly limit?: string;
  readonly json?: boolean;
}

const statuses: readonly ExecutionStatus[] = ["running", "waiting", "completed", "failed", "timeout", "cancelled"];

/** Lists executions, in the order of their beginning. @returns the exit code */
export async function listCommand({ flow, status, limit, json = false, ...where }: ListOptions): Promise<number> {
  const wanted = status?.split(",").map((one) => statusNamed(one));
  const most = limit === undefined ? 100 : Number(limit);
  if (!Number.isInteger(most) || most < 1)
    throw misused(`"${limit}" is no count`, "Give --limit a whole number from 1 on");
  const place = chosenPlace(where);
  try {
    const executions = await place.list({
      limit: most,
      ...(flow !== undefined && { flow }),
      ...(wanted && { status: wanted }),
    });
    if (json) console.log(JSON.stringify({ executions }));
    else if (executions.length === 0) console.log(paint.dim("no executions"));
    else {
      const ids = Math.max(...executions.map(({ executionId }) => executionId.length));
      const flows = Math.max(...executions.map((one) => one.flow.length));
      for (const { executionId, flow: name, status: is, startedAt, lastSeq } of executions) {
        const facts = [
          ...(startedAt === undefined ? [] : [ago(Date.now() - startedAt)]),
          ...(lastSeq === undefined ? [] : [counted(lastSeq, "entry", "entries")]),
        ];
        console.log(
          `${oneLine(executionId).padEnd(ids)}  ${oneLine(name).padEnd(flows)}  ${toldStatus(is, 11)}  ${paint.dim(facts.join(", "))}`.trimEnd(),
        );
      }
      if (executions.length === most) console.log(paint.dim(`the first ${most}: --limit for more`));
    }
    return exitCodes.ok;
  } finally {
    await place.close();
  }
}

function statusNamed(name: string): ExecutionStatus {
  const found = statuses.find((one) => one === name);
  if (found !== undefined) return found;
  throw misused(`There is no status "${name}"`, `Give one or several of ${statuses.join(",")}`);
}
